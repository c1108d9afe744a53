#include "api/fleet.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/bus.h"
#include "daemon/loop.h"
#include "daemon/replicas.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

enum { REFRESH_MS = 500 };

struct fleet {
	struct bus *bus;
	struct replicas *replicas;
	struct loop_timer *refresh;
	pthread_mutex_t lock; /* guards the picture */
	struct replica_view views[REPLICAS_MAX];
	size_t count;
	uint64_t taken_ms;
	uint64_t heard_since_ms; /* 0: NATS is away */
};

/* A replica is not a stranger, but one that was taken over may say anything: what leaves here is UTF-8. */
static void
copy_text(char *out, size_t size, const char *text)
{
	str_escape(out, size, text, strlen(text));
}

static void
add_replica(void *ctx, const struct replica *r)
{
	struct fleet *f = ctx;
	struct replica_view *v = &f->views[f->count++];

	copy_text(v->service, sizeof(v->service), r->service);
	copy_text(v->instance, sizeof(v->instance), r->instance);
	copy_text(v->boot, sizeof(v->boot), r->boot);
	copy_text(v->version, sizeof(v->version), r->version);
	v->at = r->at;
	v->sessions = r->sessions;
	v->capacity = r->capacity;
	v->draining = r->draining;
	v->seen_ago_ms = f->taken_ms - r->seen_ms;
}

static int
by_name(const void *left, const void *right)
{
	const struct replica_view *a = left, *b = right;
	int order = strcmp(a->service, b->service);

	return order != 0 ? order : strcmp(a->instance, b->instance);
}

static void
take_picture(void *ctx)
{
	struct fleet *f = ctx;

	pthread_mutex_lock(&f->lock);
	f->count = 0;
	f->taken_ms = clock_ms();
	if (!bus_connected(f->bus))
		f->heard_since_ms = 0;
	else if (f->heard_since_ms == 0)
		f->heard_since_ms = f->taken_ms;
	replicas_each(f->replicas, add_replica, f);
	qsort(f->views, f->count, sizeof(f->views[0]), by_name);
	pthread_mutex_unlock(&f->lock);
}

struct fleet *
fleet_new(struct loop *l, struct bus *b, const char *site)
{
	struct fleet *f = xcalloc(1, sizeof(*f));

	pthread_mutex_init(&f->lock, NULL);
	f->bus = b;
	f->replicas = replicas_new(l, b, site, "*", "", ""); /* dials nobody */
	f->refresh = loop_timer_new(l, take_picture, f);
	loop_timer_every(f->refresh, REFRESH_MS);
	return f;
}

void
fleet_free(struct fleet **fp)
{
	struct fleet *f = *fp;

	if (f == NULL)
		return;
	loop_timer_free(&f->refresh);
	replicas_free(&f->replicas);
	pthread_mutex_destroy(&f->lock);
	free(f);
	*fp = NULL;
}

bool
fleet_known(struct fleet *f)
{
	pthread_mutex_lock(&f->lock);
	bool known = f->heard_since_ms != 0 && clock_ms() - f->heard_since_ms >= REPLICA_LOST_MS;

	pthread_mutex_unlock(&f->lock);
	return known;
}

size_t
fleet_view(struct fleet *f, struct replica_view *out, size_t max)
{
	pthread_mutex_lock(&f->lock);
	size_t count = f->count < max ? f->count : max;
	uint64_t since = clock_ms() - f->taken_ms;

	for (size_t i = 0; i < count; i++) {
		out[i] = f->views[i];
		out[i].seen_ago_ms += since;
	}
	pthread_mutex_unlock(&f->lock);
	return count;
}
