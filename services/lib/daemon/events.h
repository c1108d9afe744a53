/*
 * events - where a service hands its observations in.  They go to JetStream in
 * order; while NATS is away they wait in a bounded spool on disk (spool.h) and
 * survive a restart.  The loop never waits for disk or network: the spool has
 * a thread of its own.
 */
#ifndef DAEMON_EVENTS_H
#define DAEMON_EVENTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct event;
struct events;
struct loop;

enum { EVENTS_QUEUE_MAX_BYTES = 8 * 1024 * 1024 };

struct events *events_new(struct loop *l, struct bus *bus, const char *service, const char *site, const char *instance,
    const char *spool_dir, uint64_t spool_max_bytes);
/* Publishes or spools what is queued, then stops and frees. */
void events_free(struct events **ep);
/* Takes ownership and sets the pointer to NULL; an event that finds the queue full is dropped and counted. */
void events_emit(struct events *e, struct event **eventp);
/*
 * The same; safe(ctx) then runs once on the loop's thread, when the end of this
 * process can't lose the event any more: the stream or the spool has it. While
 * NATS dies under a batch that takes seconds. False: dropped, safe never runs.
 */
bool events_emit_then(struct events *e, struct event **eventp, void (*safe)(void *ctx), void *ctx);

#endif
