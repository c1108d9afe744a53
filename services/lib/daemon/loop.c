#include "daemon/loop.h"

#include "base/log.h"
#include "base/mem.h"

#include <event2/event.h>
#include <event2/thread.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

struct call {
	void (*run)(void *ctx);
	void *ctx;
};

struct loop {
	struct event_base *base;
	struct event *wake;
	int wake_fd;
	pthread_mutex_t lock;
	struct call *calls; /* ring of LOOP_CALLS_MAX, pages touched as it fills */
	size_t first, count;
};

struct loop_timer {
	struct event *ev;
	void (*fire)(void *ctx);
	void *ctx;
};

struct loop_fd {
	struct event *ev;
	void (*ready)(void *ctx, unsigned io);
	void *ctx;
};

static bool
take_call(struct loop *l, struct call *out)
{
	bool some;

	pthread_mutex_lock(&l->lock);
	some = l->count > 0;
	if (some) {
		*out = l->calls[l->first];
		l->first = (l->first + 1) % LOOP_CALLS_MAX;
		l->count--;
	}
	pthread_mutex_unlock(&l->lock);
	return some;
}

/* At most what waited when we woke: calls that queue calls don't starve the sockets. */
static void
run_calls(evutil_socket_t fd, short what, void *ctx)
{
	struct loop *l = ctx;
	struct call c;
	uint64_t n;

	(void)what;
	if (read(fd, &n, sizeof(n)) != (ssize_t)sizeof(n))
		return;
	for (size_t i = 0; i < LOOP_CALLS_MAX && take_call(l, &c); i++)
		c.run(c.ctx);
}

struct loop *
loop_new(void)
{
	struct loop *l = xcalloc(1, sizeof(*l));

	evthread_use_pthreads();
	l->base = event_base_new();
	l->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (l->base == NULL || l->wake_fd < 0)
		log_fatal("msg=\"no event loop: %m\"");
	pthread_mutex_init(&l->lock, NULL);
	l->calls = calloc(LOOP_CALLS_MAX, sizeof(*l->calls));
	if (l->calls == NULL)
		log_fatal("msg=\"out of memory\"");
	l->wake = event_new(l->base, l->wake_fd, EV_READ | EV_PERSIST, run_calls, l);
	event_add(l->wake, NULL);
	return l;
}

void
loop_free(struct loop **lp)
{
	struct loop *l = *lp;

	if (l == NULL)
		return;
	event_free(l->wake);
	event_base_free(l->base);
	close(l->wake_fd);
	free(l->calls);
	free(l);
	*lp = NULL;
}

void
loop_run(struct loop *l)
{
	event_base_dispatch(l->base);
}

void
loop_stop(struct loop *l)
{
	event_base_loopbreak(l->base);
}

struct event_base *
loop_base(struct loop *l)
{
	return l->base;
}

bool
loop_call(struct loop *l, void (*call)(void *ctx), void *ctx)
{
	static const uint64_t one = 1;
	bool room, first;

	pthread_mutex_lock(&l->lock);
	room = l->count < LOOP_CALLS_MAX;
	first = l->count == 0;
	if (room)
		l->calls[(l->first + l->count++) % LOOP_CALLS_MAX] = (struct call){ call, ctx };
	pthread_mutex_unlock(&l->lock);
	if (room && first && write(l->wake_fd, &one, sizeof(one)) < 0)
		return true; /* the counter is full, so the loop is awake anyway */
	return room;
}

static struct timeval
timeval_ms(uint64_t ms)
{
	return (struct timeval){ .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };
}

static void
timer_fired(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_timer *t = ctx;

	(void)fd;
	(void)what;
	t->fire(t->ctx);
}

struct loop_timer *
loop_timer_new(struct loop *l, void (*fire)(void *ctx), void *ctx)
{
	struct loop_timer *t = xcalloc(1, sizeof(*t));

	t->fire = fire;
	t->ctx = ctx;
	t->ev = event_new(l->base, -1, 0, timer_fired, t);
	if (t->ev == NULL)
		log_fatal("msg=\"out of memory\"");
	return t;
}

static void
timer_arm(struct loop_timer *t, uint64_t ms, short flags)
{
	struct timeval tv = timeval_ms(ms);

	event_del(t->ev);
	event_assign(t->ev, event_get_base(t->ev), -1, flags, timer_fired, t);
	event_add(t->ev, &tv);
}

void
loop_timer_once(struct loop_timer *t, uint64_t after_ms)
{
	timer_arm(t, after_ms, 0);
}

void
loop_timer_every(struct loop_timer *t, uint64_t every_ms)
{
	timer_arm(t, every_ms, EV_PERSIST);
}

void
loop_timer_soon(struct loop_timer *t)
{
	event_active(t->ev, EV_TIMEOUT, 0);
}

void
loop_timer_stop(struct loop_timer *t)
{
	event_del(t->ev);
}

void
loop_timer_free(struct loop_timer **tp)
{
	if (*tp == NULL)
		return;
	event_free((*tp)->ev);
	free(*tp);
	*tp = NULL;
}

static void
fd_ready(evutil_socket_t fd, short what, void *ctx)
{
	struct loop_fd *f = ctx;

	(void)fd;
	f->ready(f->ctx, (what & EV_READ ? (unsigned)LOOP_READ : 0) | (what & EV_WRITE ? (unsigned)LOOP_WRITE : 0));
}

struct loop_fd *
loop_fd_new(struct loop *l, int fd, unsigned io, void (*ready)(void *ctx, unsigned io), void *ctx)
{
	struct loop_fd *f = xcalloc(1, sizeof(*f));
	short what = (short)(EV_PERSIST | (io & LOOP_READ ? EV_READ : 0) | (io & LOOP_WRITE ? EV_WRITE : 0));

	f->ready = ready;
	f->ctx = ctx;
	f->ev = event_new(l->base, fd, what, fd_ready, f);
	if (f->ev == NULL || event_add(f->ev, NULL) != 0)
		log_fatal("msg=\"a descriptor can't be watched\" fd=%d", fd);
	return f;
}

void
loop_fd_free(struct loop_fd **fp)
{
	if (*fp == NULL)
		return;
	event_free((*fp)->ev);
	free(*fp);
	*fp = NULL;
}
