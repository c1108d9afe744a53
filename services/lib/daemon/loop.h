/*
 * loop - the event loop and what may be asked of it: timers, descriptors, and
 * calls handed over from other threads.  All callbacks run on the loop's thread.
 */
#ifndef DAEMON_LOOP_H
#define DAEMON_LOOP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct event_base;
struct loop;
struct loop_timer;
struct loop_fd;

enum loop_io { LOOP_READ = 1, LOOP_WRITE = 2 };

struct loop *loop_new(void);
void loop_free(struct loop **lp);
void loop_run(struct loop *l);
void loop_stop(struct loop *l);
struct event_base *loop_base(struct loop *l); /* for seams that need libevent itself */

/* A timer that is not armed; fires once per arming, or again and again when every_ms was given. */
struct loop_timer *loop_timer_new(struct loop *l, void (*fire)(void *ctx), void *ctx);
void loop_timer_once(struct loop_timer *t, uint64_t after_ms);
void loop_timer_every(struct loop_timer *t, uint64_t every_ms);
/* Fires once, after the callbacks that are due now, however often it is asked for until then. From any thread. */
void loop_timer_soon(struct loop_timer *t);
void loop_timer_stop(struct loop_timer *t);
void loop_timer_free(struct loop_timer **tp);

/* Level-triggered; io is a set of enum loop_io. The descriptor stays the caller's. */
struct loop_fd *loop_fd_new(struct loop *l, int fd, unsigned io, void (*ready)(void *ctx, unsigned io), void *ctx);
void loop_fd_free(struct loop_fd **fp);

/*
 * From any thread: run call(ctx) on the loop's thread soon, in order. Bounded:
 * false when LOOP_CALLS_MAX are waiting.
 */
enum { LOOP_CALLS_MAX = 65536 };
bool loop_call(struct loop *l, void (*call)(void *ctx), void *ctx);

#endif
