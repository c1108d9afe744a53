/* worker_internal - one worker's state, shared by worker.c (what comes in), admit.c (what is taken on), deliver.c. */
#ifndef COURIER_WORKER_INTERNAL_H
#define COURIER_WORKER_INTERNAL_H

#include "courier/intake.h"
#include "courier/message.h"
#include "courier/store.h"
#include "courier/worker.h"

#include <pthread.h>

struct worker {
	struct daemon *daemon;
	const struct worker_settings *settings;
	void (*ended)(void *ctx);
	void *ctx;
	pthread_t thread;
	atomic_bool stopping; /* take nothing new */
	atomic_bool aborting; /* break off everything */
	atomic_uint told; /* events that are safe; counted by the loop's thread */
	unsigned telling; /* events handed in */
	struct intake *intake;
	struct bus *bus;
	uint64_t alive_ms; /* when the stream last heard that we are at work */
	char value[STORE_VALUE_MAX];
};

/* What is known of the mail at hand. */
struct task {
	struct relay_mail mail;
	uint64_t stored_wall_ms;
	char *data; /* NULL until it is fetched; malloc'd */
	size_t len;
	struct message message; /* of data */
	struct job job;
	uint64_t revision; /* of the job's record */
};

enum admit_result {
	ADMIT_JOB, /* task->job is on record: waiting, or refused */
	ADMIT_REFUSED, /* task->job is refused, and there was no room for a record */
	ADMIT_NONE, /* no probe; *why is a word for the metrics */
	ADMIT_LATER, /* something is away */
};

/* Decides about a mail that has no job yet; fetches it when that takes its text. */
enum admit_result admit(struct worker *w, struct task *t, const char **why);
/* Fetches the mail unless it is there. */
enum intake_fetch task_fetch(struct worker *w, struct task *t);
/* One attempt: JOB_WAITING becomes what came of it, and is recorded. False: the record is another's or away; ask later.
 */
bool deliver(struct worker *w, struct task *t);
/* Says to the stream, now and then, that we are at work. False: break off. */
bool worker_alive(struct worker *w);

#endif
