/*
 * daemon - the skeleton of every process: settings, log, loop, bus, events,
 * presence, admin port, $SRV verbs, SIGHUP (reload) and SIGTERM (drain).
 * A service is a table of what it does at each of these moments.
 */
#ifndef DAEMON_DAEMON_H
#define DAEMON_DAEMON_H

#include "daemon/admin.h"
#include "daemon/bus.h"
#include "daemon/events.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"
#include "daemon/presence.h"
#include "daemon/sandbox.h"
#include "daemon/settings.h"
#include "wire/identity.h"

struct daemon;

struct daemon_service {
	const char *name; /* "relaytrap" */
	const char *purpose; /* for --help */
	const struct setting *settings;
	size_t setting_count;
	bool needs_site_key;
	enum sandbox sandbox; /* the loop's thread enters it when start has returned */
	/* Everything is up; start serving. Exits with log_fatal() when it can't. */
	void (*start)(struct daemon *d);
	/* SIGHUP; may be NULL. */
	void (*reload)(struct daemon *d);
	/* SIGTERM: take nothing new. Call daemon_drained() when idle; the skeleton waits drain.seconds at most. */
	void (*drain)(struct daemon *d);
	/* The drain time is over and sessions are left: end them, call daemon_drained() when they have; may be NULL. */
	void (*goodbye)(struct daemon *d);
	/* All is done, or nothing more is waited for: free. */
	void (*stop)(struct daemon *d);
	/* For presence; may be NULL. */
	void (*presence)(void *ctx, struct presence_state *out);
};

/* Returns the process' exit status. */
int daemon_main(const struct daemon_service *service, int argc, char **argv);

struct loop *daemon_loop(struct daemon *d);
struct bus *daemon_bus(struct daemon *d);
struct events *daemon_events(struct daemon *d);
struct admin *daemon_admin(struct daemon *d);
const char *daemon_site(const struct daemon *d);
const char *daemon_instance(const struct daemon *d);
const char *daemon_data_dir(const struct daemon *d);
const char *daemon_boot_id(const struct daemon *d);
const struct site_key *daemon_site_key(const struct daemon *d);
void daemon_drained(struct daemon *d);
/* For a thread of the service's own: enters the sandbox or ends the process; builds that are measured go without. */
void daemon_confine(enum sandbox kind);
/* Reload when this file changes too, not only on SIGHUP; once a process. */
void daemon_watch(struct daemon *d, const char *path);

#endif
