#include "daemon/events.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "daemon/bus.h"
#include "daemon/bus_internal.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"
#include "daemon/spool.h"
#include "wire/event.h"
#include "wire/subject.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The loop gives events to the bus.  What the bus can't take, or got no
 * acknowledgement for, takes the detour: one thread puts it into the spool and
 * publishes from there, in batches.  Order is kept: as long as the detour holds
 * anything new events go behind it, and when one of those with the bus has
 * failed the new ones wait until it is known of all.
 */
enum {
	FLYING_MAX = 2048, /* with the bus; more wait their turn */
	BATCH_MAX = 256,
	ACK_WAIT_MS = 3000,
	IDLE_WAIT_MS = 250,
	INBOX_MAX = 128,
};

/* bytes are in memory and in the spool alike: subject NUL id NUL json. */
struct item {
	struct list node;
	struct events *events;
	void (*safe)(void *ctx); /* or NULL */
	void *ctx;
	size_t len;
	char bytes[];
};

struct events {
	struct loop *loop;
	struct bus *bus;
	const char *service;
	const char *site;
	const char *instance;
	struct spool *spool;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct loop_timer *send_soon; /* once a turn of the loop, not once an event */
	struct list queue; /* handed in; guarded by lock, as is all up to stopping */
	size_t queue_bytes; /* of queue and detour */
	struct list detour;
	bool detouring; /* detour or spool hold something */
	bool stopping;
	struct list sent; /* with the bus, or failed there; the loop's thread only */
	size_t flying; /* of sent: those that the bus has not answered for */
	bool failing; /* one of sent has failed */
	bool held; /* queue waits for sent */
	natsSubscription *ack_sub;
	unsigned batch; /* acknowledgements of an older batch are ignored */
	size_t unacked; /* of the current batch */
	bool acked[BATCH_MAX];
	uint64_t overload_told; /* losses already said in an overload event */
};

static metric_value emitted, stored, spooled, lost;

static void
on_event_ack(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *ctx)
{
	struct events *e = ctx;
	const char *tail = natsMsg_GetSubject(msg) + strlen(bus_inbox_prefix(e->bus));
	unsigned batch, index;
	uint64_t sequence;

	(void)nc;
	(void)sub;
	pthread_mutex_lock(&e->lock);
	if (sscanf(tail, ".e.%u.%u", &batch, &index) == 2 && batch == e->batch && index < BATCH_MAX &&
	    !e->acked[index] && bus_ack_parse(msg, &sequence) == BUS_ACK_STORED) {
		e->acked[index] = true;
		if (--e->unacked == 0)
			pthread_cond_signal(&e->wake);
	}
	pthread_mutex_unlock(&e->lock);
	natsMsg_Destroy(msg);
}

static bool
subscribe_acks(struct events *e)
{
	char subject[INBOX_MAX];

	if (e->ack_sub != NULL)
		return true;
	snprintf(subject, sizeof(subject), "%s.e.*.*", bus_inbox_prefix(e->bus));
	return natsConnection_Subscribe(&e->ack_sub, bus_connection(e->bus), subject, on_event_ack, e) == NATS_OK;
}

/* "subject NUL id NUL json" as a message; a record that isn't is dropped (an older program's torn write). */
static bool
publish_record(struct events *e, const char *record, size_t len, unsigned index)
{
	const char *id = memchr(record, '\0', len);
	const char *json = id == NULL ? NULL : memchr(id + 1, '\0', len - (size_t)(id + 1 - record));
	char reply[INBOX_MAX];
	natsMsg *msg = NULL;

	if (json == NULL)
		return false;
	json++;
	snprintf(reply, sizeof(reply), "%s.e.%u.%u", bus_inbox_prefix(e->bus), e->batch, index);
	if (natsMsg_Create(&msg, record, reply, json, (int)(len - (size_t)(json - record))) != NATS_OK)
		return false;
	natsMsgHeader_Set(msg, "Nats-Msg-Id", id + 1);
	bool ok = natsConnection_PublishMsg(bus_connection(e->bus), msg) == NATS_OK;
	natsMsg_Destroy(msg);
	return ok;
}

static void
deadline_after(struct timespec *ts, long ms)
{
	clock_gettime(CLOCK_REALTIME, ts);
	ts->tv_nsec += ms % 1000 * 1000000L;
	ts->tv_sec += ms / 1000 + ts->tv_nsec / 1000000000L;
	ts->tv_nsec %= 1000000000L;
}

struct batch {
	struct events *events;
	unsigned count;
};

static void
begin_batch(struct events *e, size_t expected)
{
	pthread_mutex_lock(&e->lock);
	e->batch++;
	e->unacked = expected;
	memset(e->acked, 0, sizeof(e->acked));
	pthread_mutex_unlock(&e->lock);
}

/* How many of the batch were not acknowledged in time. */
static size_t
end_batch(struct events *e)
{
	struct timespec until;
	size_t left;

	deadline_after(&until, ACK_WAIT_MS);
	pthread_mutex_lock(&e->lock);
	while (e->unacked > 0 && bus_connected(e->bus) && pthread_cond_timedwait(&e->wake, &e->lock, &until) == 0)
		;
	left = e->unacked;
	e->batch++;
	pthread_mutex_unlock(&e->lock);
	return left;
}

static bool
online(struct events *e)
{
	return bus_connected(e->bus) && subscribe_acks(e);
}

static void
count_record(void *ctx, const void *data, size_t len)
{
	size_t *count = ctx;

	(void)data;
	(void)len;
	(*count)++;
}

static void
publish_spooled(void *ctx, const void *data, size_t len)
{
	struct batch *b = ctx;

	publish_record(b->events, data, len, b->count++);
}

/* False: NATS did not take them all; they stay and are sent again (the stream drops doubles by id). */
static bool
replay_spool(struct events *e)
{
	struct batch b = { e, 0 };
	size_t count = 0;

	spool_peek(e->spool, BATCH_MAX, count_record, &count);
	begin_batch(e, count);
	spool_peek(e->spool, BATCH_MAX, publish_spooled, &b);
	if (end_batch(e) > 0)
		return false;
	metric_add(&stored, count);
	spool_drop(e->spool, count);
	return true;
}

static void
spool_item(struct events *e, const struct item *i)
{
	uint64_t dropped = 0;

	if (spool_append(e->spool, i->bytes, i->len, &dropped))
		metric_add(&spooled, 1);
	else
		dropped++;
	metric_add(&lost, dropped);
}

static struct item *
take(struct events *e, struct list *from)
{
	struct item *i = NULL;

	pthread_mutex_lock(&e->lock);
	if (!list_empty(from)) {
		i = LIST_OWNER(from->next, struct item, node);
		list_remove(&i->node);
		e->queue_bytes -= i->len;
	}
	pthread_mutex_unlock(&e->lock);
	return i;
}

/* This thread may wait for room among the loop's calls; the loop makes it as it runs. */
static void
tell_safe(struct events *e, const struct item *i)
{
	const struct timespec pause = { .tv_nsec = 1000000 };

	while (i->safe != NULL && !loop_call(e->loop, i->safe, i->ctx))
		nanosleep(&pause, NULL);
}

static void
spool_waiting(struct events *e)
{
	struct item *i;

	while ((i = take(e, &e->detour)) != NULL) {
		spool_item(e, i);
		tell_safe(e, i);
		free(i);
	}
}

/* Waits for work; false when it is time to stop and nothing is left to spool. */
static bool
wait_for_work(struct events *e)
{
	struct timespec until;
	bool go_on;

	deadline_after(&until, IDLE_WAIT_MS);
	pthread_mutex_lock(&e->lock);
	/* An idle process sleeps until there is something: only a filled spool makes it look around. */
	while (list_empty(&e->detour) && !e->stopping) {
		e->detouring = !spool_empty(e->spool);
		if (!e->detouring)
			pthread_cond_wait(&e->wake, &e->lock);
		else if (pthread_cond_timedwait(&e->wake, &e->lock, &until) != 0)
			break;
	}
	go_on = !e->stopping || !list_empty(&e->detour);
	pthread_mutex_unlock(&e->lock);
	return go_on;
}

static void
replay(struct events *e)
{
	while (!spool_empty(e->spool) && online(e) && replay_spool(e))
		spool_waiting(e);
}

static void *
events_main(void *ctx)
{
	struct events *e = ctx;

	while (wait_for_work(e)) {
		spool_waiting(e);
		replay(e);
		loop_timer_soon(e->send_soon); /* what the spool dropped is told there */
	}
	replay(e);
	return NULL;
}

/* ---- the loop's side ---- */

static void
take_detour(struct events *e, struct item *i)
{
	pthread_mutex_lock(&e->lock);
	e->queue_bytes += i->len;
	e->detouring = true;
	list_append(&e->detour, &i->node);
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
}

static void
detour_all(struct events *e, struct list *from)
{
	while (!list_empty(from)) {
		struct item *i = LIST_OWNER(from->next, struct item, node);

		list_remove(&i->node);
		take_detour(e, i);
	}
}

static void
on_sent(void *ctx, bool ok, uint64_t sequence)
{
	struct item *i = ctx;
	struct events *e = i->events;

	(void)sequence;
	e->flying--;
	if (ok) {
		metric_add(&stored, 1);
		if (i->safe != NULL)
			i->safe(i->ctx);
		list_remove(&i->node);
		free(i);
	} else {
		e->failing = true;
	}
	if (e->failing && e->flying == 0) {
		detour_all(e, &e->sent);
		e->failing = false;
	}
	if (e->held)
		loop_timer_soon(e->send_soon);
}

static bool
send_item(struct events *e, struct item *i)
{
	const char *id = i->bytes + strlen(i->bytes) + 1, *json = id + strlen(id) + 1;
	const struct bus_header header = { "Nats-Msg-Id", id };
	size_t len = i->len - (size_t)(json - i->bytes);

	if (!bus_connected(e->bus) ||
	    !bus_publish_stored(e->bus, i->bytes, &header, 1, json, len, ACK_WAIT_MS, on_sent, i))
		return false;
	list_append(&e->sent, &i->node);
	e->flying++;
	return true;
}

static bool
detouring(struct events *e)
{
	bool is;

	pthread_mutex_lock(&e->lock);
	is = e->detouring;
	pthread_mutex_unlock(&e->lock);
	return is;
}

static bool
may_send(const struct events *e)
{
	return e->flying == 0 || (e->flying < FLYING_MAX && !e->failing && bus_connected(e->bus));
}

static void tell_overload(struct events *e);

static void
send_waiting(void *ctx)
{
	struct events *e = ctx;
	struct item *i;

	tell_overload(e);
	while (may_send(e) && (i = take(e, &e->queue)) != NULL) {
		if (detouring(e) || !send_item(e, i))
			take_detour(e, i);
	}
	e->held = !may_send(e);
}

/* ---- handing in, from any thread ---- */

static bool
enqueue(struct events *e, struct item *i)
{
	bool room;

	pthread_mutex_lock(&e->lock);
	room = e->queue_bytes + i->len <= EVENTS_QUEUE_MAX_BYTES;
	if (room) {
		e->queue_bytes += i->len;
		list_append(&e->queue, &i->node);
	}
	pthread_mutex_unlock(&e->lock);
	if (!room) {
		metric_add(&lost, 1);
		free(i);
	}
	loop_timer_soon(e->send_soon);
	return room;
}

static struct item *
make_item(const struct events *e, struct event *ev)
{
	char subject[SUBJECT_MAX];
	size_t json_len;
	const char *json = event_format(ev, &json_len);

	if (json == NULL)
		return NULL;
	subject_event(subject, e->site, e->service, event_action(ev));
	size_t subject_len = strlen(subject) + 1, id_len = strlen(event_id(ev)) + 1;
	struct item *i = xcalloc(1, sizeof(*i) + subject_len + id_len + json_len);

	list_init(&i->node);
	i->len = subject_len + id_len + json_len;
	memcpy(i->bytes, subject, subject_len);
	memcpy(i->bytes + subject_len, event_id(ev), id_len);
	memcpy(i->bytes + subject_len + id_len, json, json_len);
	return i;
}

bool
events_emit_then(struct events *e, struct event **eventp, void (*safe)(void *ctx), void *ctx)
{
	event_text(*eventp, "service.node.name", e->instance);
	struct item *i = make_item(e, *eventp);

	metric_add(&emitted, 1);
	event_destroy(eventp);
	if (i == NULL) {
		metric_add(&lost, 1);
		return false;
	}
	i->events = e;
	i->safe = safe;
	i->ctx = ctx;
	return enqueue(e, i);
}

void
events_emit(struct events *e, struct event **eventp)
{
	events_emit_then(e, eventp, NULL, NULL);
}

/* Loss is said in the product too: one event for all that was lost since the last one. */
static void
tell_overload(struct events *e)
{
	uint64_t now_lost = atomic_load(&lost);
	char id[EVENT_ID_MAX], ulid[ULID_TEXT_MAX];

	if (now_lost == e->overload_told)
		return;
	uint64_t wall = clock_wall_ms();
	snprintf(id, sizeof(id), "%s-overload", ulid_new(wall, ulid));
	struct event *ev = event_create(e->service, e->site, "overload", id, wall);
	event_text(ev, "honeyspam.overload.what", "events");
	event_number(ev, "honeyspam.overload.lost", now_lost - e->overload_told);
	e->overload_told = now_lost;
	events_emit(e, &ev);
}

struct events *
events_new(struct loop *l, struct bus *bus, const char *service, const char *site, const char *instance,
    const char *spool_dir, uint64_t spool_max_bytes)
{
	struct events *e = xcalloc(1, sizeof(*e));
	char error[512];

	e->loop = l;
	e->bus = bus;
	e->service = service;
	e->site = site;
	e->instance = instance;
	e->spool = spool_open(spool_dir, spool_max_bytes, error, sizeof(error));
	if (e->spool == NULL)
		log_fatal("msg=\"%s\"", error);
	pthread_mutex_init(&e->lock, NULL);
	pthread_cond_init(&e->wake, NULL);
	list_init(&e->queue);
	list_init(&e->detour);
	list_init(&e->sent);
	e->detouring = !spool_empty(e->spool);
	e->send_soon = loop_timer_new(l, send_waiting, e);
	metrics_register("events_total", NULL, METRIC_COUNTER, "Events handed in.", &emitted);
	metrics_register("events_stored_total", NULL, METRIC_COUNTER, "Events that the stream acknowledged.", &stored);
	metrics_register("events_spooled_total", NULL, METRIC_COUNTER, "Events that went through the spool.", &spooled);
	metrics_register("events_lost_total", NULL, METRIC_COUNTER, "Events lost to full queues or spool.", &lost);
	if (pthread_create(&e->thread, NULL, events_main, e) != 0)
		log_fatal("msg=\"no thread for events\"");
	return e;
}

void
events_free(struct events **ep)
{
	struct events *e = *ep;

	if (e == NULL)
		return;
	/* The loop has ended and hears no acknowledgement any more: the stream drops what it has already. */
	detour_all(e, &e->sent);
	detour_all(e, &e->queue);
	pthread_mutex_lock(&e->lock);
	e->stopping = true;
	pthread_cond_signal(&e->wake);
	pthread_mutex_unlock(&e->lock);
	pthread_join(e->thread, NULL);
	loop_timer_free(&e->send_soon);
	natsSubscription_Destroy(e->ack_sub);
	spool_close(&e->spool);
	free(e);
	*ep = NULL;
}
