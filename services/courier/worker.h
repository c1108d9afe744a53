/*
 * worker - one thread that takes relay-mail events one by one, decides with the
 * pure modules what becomes of each, and does it: record, send, record, tell.
 * It may block; the loop only serves health and takes the events it emits.
 */
#ifndef COURIER_WORKER_H
#define COURIER_WORKER_H

#include "courier/deny.h"
#include "courier/job.h"
#include "courier/quota.h"

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

struct daemon;
struct worker;

struct worker_settings {
	bool enabled; /* false: decide and tell, but send nothing */
	struct probe_limits limits;
	uint64_t age_max_ms; /* an older mail is no test any more: its sender has left */
	struct quota_limits quotas;
	struct job_policy retry;
	struct deny deny;
	uint64_t deliver_ms; /* for one attempt, with all hosts */
	const char *dns_servers;
	const char *helo; /* "": the name that the decoy greeted with */
	const char *smarthost; /* "host:port"; "": direct to the MX */
	const char *smarthost_user, *smarthost_password;
	bool smarthost_tls; /* required and verified */
};

/* ended(ctx) runs on the loop's thread when the thread is over. Settings live longer than the worker. */
struct worker *worker_start(struct daemon *d, const struct worker_settings *s, void (*ended)(void *ctx), void *ctx);
/* Finishes what may have reached a server; breaks off what certainly has not. */
void worker_stop(struct worker *w);
/* Breaks off whatever it is, and waits for the thread's end. */
void worker_join(struct worker *w);
void worker_register_metrics(void);

#endif
