#include "daemon/bus.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/bus_internal.h"
#include "daemon/bus_io.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"

#include <cjson/cJSON.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_TIMEOUT_MS = 2000,
	RECONNECT_WAIT_MS = 250,
	RECONNECT_JITTER_MS = 100,
	WRITE_DEADLINE_MS = 2000,
	PING_INTERVAL_MS = 5000,
	FIRST_CONNECT_PAUSE_MS = 250,
	SWEEP_MS = 250,
	RESEND_MS = 2000, /* an acknowledgement that takes longer is asked for again */
	SUBSCRIPTIONS_MAX = 32,
	DELIVER_MAX_BYTES = 64 * 1024, /* a control or presence message is small */
	INBOX_MAX = 96,
	ACKS_MAX = 64, /* handed to the loop at once */
	DEAD_MAX = 256,
	DEAD_MAX_BYTES = 1024 * 1024,
};

/* A message on its way out; shared by the queue and, for stored ones, the table. */
struct outgoing {
	struct list node;
	natsMsg *msg;
	size_t bytes;
	bool queued; /* guarded by the queue's lock */
	atomic_int refs;
};

struct stored {
	struct list in_flight;
	struct outgoing *out; /* NULL: free slot */
	uint32_t generation;
	uint64_t deadline_ms;
	uint64_t sent_ms;
	bus_stored_cb *done;
	void *ctx;
};

struct subscription {
	struct bus *bus;
	char *subject;
	bus_message_cb *received;
	void *ctx;
	natsSubscription *sub;
};

/*
 * Messages to destroy.  nats.c frees them on a thread of its own, which is
 * woken for each that comes alone: so they go together, one thread's at a time.
 */
struct dead {
	natsMsg *msgs[DEAD_MAX];
	size_t count, bytes;
};

struct bus {
	struct loop *loop;
	struct bus_settings settings;
	natsOptions *options;
	_Atomic(natsConnection *) nc;
	atomic_bool connected;
	atomic_bool stopping;
	pthread_t thread;
	struct bus_io *io;
	pthread_mutex_t lock;
	pthread_cond_t arrived; /* connected became true; with lock */
	struct list queue;
	atomic_size_t bytes; /* of all struct outgoing alive */
	struct stored *stored; /* BUS_STORED_MAX; the loop's thread only */
	uint32_t *free_slots; /* a stack of free slots' numbers */
	size_t free_count;
	size_t slots_touched; /* slots below this were used at least once */
	size_t stored_count;
	struct list in_flight; /* the slots in use, oldest first */
	struct loop_timer *sweep;
	bool sweeping; /* an idle bus sleeps */
	struct loop_timer *wake_thread; /* once a turn of the loop, not once a message */
	natsSubscription *ack_sub;
	struct dead sent; /* the loop's */
	struct dead heard; /* the thread's */
	pthread_mutex_t subs_lock; /* two threads subscribe: each subject once */
	struct subscription subs[SUBSCRIPTIONS_MAX];
	size_t sub_count;
	bool subscribed; /* all of subs, and who comes later subscribes at once */
};

static metric_value published, publish_failed, received_dropped, stored_ok, stored_refused, stored_timeout, in_flight,
    connects;

/* ---- the bus' own thread: the only one that reads and writes NATS' socket ---- */

static void
bury(struct dead *d)
{
	for (size_t i = 0; i < d->count; i++)
		natsMsg_Destroy(d->msgs[i]);
	d->count = d->bytes = 0;
}

static void
destroy_later(struct dead *d, natsMsg *msg)
{
	d->msgs[d->count++] = msg;
	d->bytes += (size_t)natsMsg_GetDataLength(msg);
	if (d->count == DEAD_MAX || d->bytes >= DEAD_MAX_BYTES)
		bury(d);
}

static void
outgoing_unref(struct bus *b, struct outgoing *o, struct dead *d)
{
	if (atomic_fetch_sub(&o->refs, 1) != 1)
		return;
	atomic_fetch_sub(&b->bytes, o->bytes);
	destroy_later(d, o->msg);
	free(o);
}

static void
enqueue(struct bus *b, struct outgoing *o)
{
	pthread_mutex_lock(&b->lock);
	if (!o->queued) {
		o->queued = true;
		atomic_fetch_add(&o->refs, 1);
		list_append(&b->queue, &o->node);
	}
	pthread_mutex_unlock(&b->lock);
	loop_timer_soon(b->wake_thread);
}

static void
wake_thread(void *ctx)
{
	struct bus *b = ctx;

	bus_io_wake(b->io);
}

static struct outgoing *
dequeue(struct bus *b)
{
	struct outgoing *o = NULL;

	pthread_mutex_lock(&b->lock);
	if (!list_empty(&b->queue)) {
		o = LIST_OWNER(b->queue.next, struct outgoing, node);
		list_remove(&o->node);
		o->queued = false;
	}
	pthread_mutex_unlock(&b->lock);
	return o;
}

/* A stored message that can't go now stays in the table and is sent again after the reconnect. */
static void
write_one(struct bus *b, struct outgoing *o)
{
	natsConnection *nc = atomic_load(&b->nc);

	if (!atomic_load(&b->connected) || natsConnection_PublishMsg(nc, o->msg) != NATS_OK)
		metric_add(&publish_failed, 1);
	else
		metric_add(&published, 1);
	outgoing_unref(b, o, &b->heard);
}

static void
set_connected(struct bus *b)
{
	pthread_mutex_lock(&b->lock);
	atomic_store(&b->connected, true);
	pthread_cond_broadcast(&b->arrived);
	pthread_mutex_unlock(&b->lock);
	metric_add(&connects, 1);
}

static void on_message(natsConnection *nc, natsSubscription *sub, natsMsg *msg, void *ctx);
static void resend_all(void *ctx);

static void
subscribe(natsConnection *nc, struct subscription *s)
{
	if (natsConnection_Subscribe(&s->sub, nc, s->subject, on_message, s) != NATS_OK)
		log_error("msg=\"can't subscribe\" subject=%s", s->subject);
}

static void
subscribe_all(struct bus *b, natsConnection *nc)
{
	char subject[INBOX_MAX];

	snprintf(subject, sizeof(subject), "%s.s.*.*", b->settings.inbox_prefix);
	if (natsConnection_SubscribeSync(&b->ack_sub, nc, subject) != NATS_OK)
		log_error("msg=\"acknowledgements can't be subscribed to\" subject=%s", subject);
	pthread_mutex_lock(&b->subs_lock);
	for (size_t i = 0; i < b->sub_count; i++)
		subscribe(nc, &b->subs[i]);
	b->subscribed = true;
	pthread_mutex_unlock(&b->subs_lock);
}

/* The first connection is ours to try: nats.c 3.4.1 can spin in its own retry (#706). */
static void
connect_first(struct bus *b)
{
	struct timespec pause = { .tv_nsec = FIRST_CONNECT_PAUSE_MS * 1000000L };
	natsConnection *nc = NULL;
	bool said = false;

	while (!atomic_load(&b->stopping)) {
		natsStatus status = natsConnection_Connect(&nc, b->options);

		if (status == NATS_OK)
			break;
		if (!said)
			log_warn("msg=\"NATS can't be reached yet, trying on\" url=%s error=\"%s\"", b->settings.url,
			    natsStatus_GetText(status));
		said = true;
		nanosleep(&pause, NULL);
	}
	if (nc == NULL)
		return;
	atomic_store(&b->nc, nc);
	subscribe_all(b, nc);
	set_connected(b);
	log_info("msg=\"connected to NATS\" url=%s", b->settings.url);
	loop_call(b->loop, resend_all, b);
}

/* While the socket is full messages wait here, not in nats.c. */
static void
write_queued(struct bus *b)
{
	struct outgoing *o;

	while (natsConnection_Buffered(b->nc) < BUS_IO_FULL_BYTES && (o = dequeue(b)) != NULL)
		write_one(b, o);
}

static void take_acks(struct bus *b);

static void *
thread_main(void *ctx)
{
	struct bus *b = ctx;

	connect_first(b);
	while (!atomic_load(&b->stopping)) {
		write_queued(b);
		bus_io_turn(b->io, b->nc);
		take_acks(b);
	}
	return NULL;
}

/* ---- nats.c's threads ---- */

static void
on_disconnected(natsConnection *nc, void *ctx)
{
	struct bus *b = ctx;

	(void)nc;
	if (atomic_exchange(&b->connected, false) && !atomic_load(&b->stopping))
		log_warn("msg=\"lost NATS, reconnecting\" url=%s", b->settings.url);
}

static void
on_reconnected(natsConnection *nc, void *ctx)
{
	struct bus *b = ctx;

	(void)nc;
	set_connected(b);
	log_info("msg=\"reconnected to NATS\" url=%s", b->settings.url);
	loop_call(b->loop, resend_all, b);
}

/* Permission violations and slow consumers arrive here. */
static void
on_error(natsConnection *nc, natsSubscription *sub, natsStatus status, void *ctx)
{
	const char *text = NULL;

	(void)ctx;
	natsConnection_GetLastError(nc, &text);
	log_error("msg=\"NATS reports an error\" error=\"%s\" detail=\"%s\" subject=\"%s\"", natsStatus_GetText(status),
	    text == NULL ? "" : text, sub == NULL ? "" : natsSubscription_GetSubject(sub));
}

struct delivered {
	const struct subscription *sub;
	char *subject;
	char *reply; /* NULL: none */
	void *data;
	size_t len;
};

static void
deliver(void *ctx)
{
	struct delivered *d = ctx;

	d->sub->received(d->sub->ctx, d->subject, d->reply, d->data, d->len);
	free(d->subject);
	free(d->reply);
	free(d->data);
	free(d);
}

static void
drop_delivered(struct delivered *d)
{
	free(d->subject);
	free(d->reply);
	free(d->data);
	free(d);
	metric_add(&received_dropped, 1);
}

static void
on_message(natsConnection *nc, natsSubscription *nsub, natsMsg *msg, void *ctx)
{
	struct subscription *s = ctx;
	size_t len = (size_t)natsMsg_GetDataLength(msg);

	(void)nc;
	(void)nsub;
	if (len > DELIVER_MAX_BYTES) {
		metric_add(&received_dropped, 1);
	} else {
		struct delivered *d = xcalloc(1, sizeof(*d));

		d->sub = s;
		d->subject = xstrdup(natsMsg_GetSubject(msg));
		d->reply = natsMsg_GetReply(msg) == NULL ? NULL : xstrdup(natsMsg_GetReply(msg));
		d->data = xmemdup(len == 0 ? "" : natsMsg_GetData(msg), len);
		d->len = len;
		if (!loop_call(s->bus->loop, deliver, d))
			drop_delivered(d);
	}
	natsMsg_Destroy(msg);
}

enum bus_ack
bus_ack_parse(natsMsg *answer, uint64_t *sequence)
{
	enum bus_ack result = BUS_ACK_REFUSED;

	if (natsMsg_IsNoResponders(answer))
		return BUS_ACK_LATER;
	cJSON *json = cJSON_ParseWithLength(natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer));
	const cJSON *seq = cJSON_GetObjectItemCaseSensitive(json, "seq");

	if (cJSON_GetObjectItemCaseSensitive(json, "error") == NULL && cJSON_IsNumber(seq) && seq->valuedouble >= 1) {
		*sequence = (uint64_t)seq->valuedouble;
		result = BUS_ACK_STORED;
	}
	cJSON_Delete(json);
	return result;
}

struct ack {
	uint32_t slot, generation;
	enum bus_ack result;
	uint64_t sequence;
};

struct acks {
	struct bus *bus;
	size_t count;
	struct ack list[ACKS_MAX];
};

/* The answer's subject is the inbox and ".s.<slot>.<generation>". */
static bool
ack_parse(const struct bus *b, natsMsg *msg, struct ack *a)
{
	const char *tail = natsMsg_GetSubject(msg) + strlen(b->settings.inbox_prefix) + strlen(".s.");
	char *dot, *end;

	a->slot = (uint32_t)strtoul(tail, &dot, 10);
	if (*dot != '.')
		return false;
	a->generation = (uint32_t)strtoul(dot + 1, &end, 10);
	a->result = bus_ack_parse(msg, &a->sequence);
	return *end == '\0';
}

static void settle(void *ctx);

/* Answers lost in a full loop queue are as lost on the network: they are asked for again. */
static void
hand_over_acks(struct bus *b, const struct acks *acks)
{
	struct acks *copy = xmemdup(acks, sizeof(*acks));

	if (!loop_call(b->loop, settle, copy))
		free(copy);
}

static void
take_acks(struct bus *b)
{
	struct acks acks = { .bus = b };
	natsMsg *msg;

	while (natsSubscription_NextMsg(&msg, b->ack_sub, 0) == NATS_OK) {
		if (ack_parse(b, msg, &acks.list[acks.count]))
			acks.count++;
		destroy_later(&b->heard, msg);
		if (acks.count == ACKS_MAX) {
			hand_over_acks(b, &acks);
			acks.count = 0;
		}
	}
	if (acks.count > 0)
		hand_over_acks(b, &acks);
}

/* ---- the loop's side ---- */

static void
finish_slot(struct bus *b, uint32_t slot, bool ok, uint64_t sequence)
{
	struct stored *s = &b->stored[slot];
	bus_stored_cb *done = s->done;
	void *ctx = s->ctx;

	outgoing_unref(b, s->out, &b->sent);
	list_remove(&s->in_flight);
	s->out = NULL;
	s->generation++;
	b->free_slots[b->free_count++] = slot;
	metric_set(&in_flight, --b->stored_count);
	done(ctx, ok, sequence);
}

static void
settle_one(struct bus *b, const struct ack *a)
{
	if (a->slot >= BUS_STORED_MAX || b->stored[a->slot].out == NULL ||
	    b->stored[a->slot].generation != a->generation)
		return; /* settled already: the answer to a second sending */
	if (a->result == BUS_ACK_LATER)
		return; /* the sweep sends it again */
	metric_add(a->result == BUS_ACK_STORED ? &stored_ok : &stored_refused, 1);
	finish_slot(b, a->slot, a->result == BUS_ACK_STORED, a->sequence);
}

static void
settle(void *ctx)
{
	struct acks *acks = ctx;

	for (size_t i = 0; i < acks->count; i++)
		settle_one(acks->bus, &acks->list[i]);
	free(acks);
}

/* In the order of the first time: a stream's reader may rely on it. */
static void
resend_all(void *ctx)
{
	struct bus *b = ctx;
	uint64_t now = clock_ms();

	for (struct list *node = b->in_flight.next; node != &b->in_flight; node = node->next) {
		struct stored *s = LIST_OWNER(node, struct stored, in_flight);

		s->sent_ms = now;
		enqueue(b, s->out);
	}
}

static void
sweep_stored(void *ctx)
{
	struct bus *b = ctx;
	uint64_t now = clock_ms();
	struct list *node = b->in_flight.next;

	while (node != &b->in_flight) {
		struct stored *s = LIST_OWNER(node, struct stored, in_flight);

		node = node->next;
		if (now >= s->deadline_ms) {
			metric_add(&stored_timeout, 1);
			finish_slot(b, (uint32_t)(s - b->stored), false, 0);
		} else if (now - s->sent_ms >= RESEND_MS && atomic_load(&b->connected)) {
			s->sent_ms = now;
			enqueue(b, s->out);
		}
	}
	if (b->stored_count == 0) {
		loop_timer_stop(b->sweep);
		b->sweeping = false;
	}
}

static struct outgoing *
outgoing_new(struct bus *b, const char *subject, const char *reply, const void *data, size_t len)
{
	struct outgoing *o;

	if (atomic_load(&b->bytes) + len > BUS_QUEUE_MAX_BYTES)
		return NULL;
	o = xcalloc(1, sizeof(*o));
	list_init(&o->node);
	o->bytes = len + sizeof(*o);
	o->refs = 1;
	if (natsMsg_Create(&o->msg, subject, reply, data, (int)len) != NATS_OK) {
		free(o);
		return NULL;
	}
	atomic_fetch_add(&b->bytes, o->bytes);
	return o;
}

bool
bus_publish(struct bus *b, const char *subject, const void *data, size_t len)
{
	struct outgoing *o;

	if (!atomic_load(&b->connected) || (o = outgoing_new(b, subject, NULL, data, len)) == NULL)
		return false;
	enqueue(b, o);
	outgoing_unref(b, o, &b->sent);
	return true;
}

static bool
take_slot(struct bus *b, uint32_t *slot)
{
	if (b->free_count > 0)
		*slot = b->free_slots[--b->free_count];
	else if (b->slots_touched < BUS_STORED_MAX)
		*slot = (uint32_t)b->slots_touched++;
	else
		return false;
	return true;
}

bool
bus_publish_stored(struct bus *b, const char *subject, const struct bus_header *headers, size_t header_count,
    const void *data, size_t len, uint64_t timeout_ms, bus_stored_cb *done, void *ctx)
{
	char reply[INBOX_MAX];
	uint32_t slot;

	if (!take_slot(b, &slot))
		return false;
	struct stored *s = &b->stored[slot];

	snprintf(reply, sizeof(reply), "%s.s.%u.%u", b->settings.inbox_prefix, slot, s->generation);
	s->out = outgoing_new(b, subject, reply, data, len);
	if (s->out == NULL) {
		b->free_slots[b->free_count++] = slot;
		return false;
	}
	for (size_t i = 0; i < header_count; i++)
		natsMsgHeader_Set(s->out->msg, headers[i].name, headers[i].value);
	s->done = done;
	s->ctx = ctx;
	s->sent_ms = clock_ms();
	s->deadline_ms = s->sent_ms + timeout_ms;
	list_append(&b->in_flight, &s->in_flight);
	if (!b->sweeping)
		loop_timer_every(b->sweep, SWEEP_MS);
	b->sweeping = true;
	metric_set(&in_flight, ++b->stored_count);
	if (atomic_load(&b->connected))
		enqueue(b, s->out);
	return true;
}

void
bus_subscribe(struct bus *b, const char *subject, bus_message_cb *received, void *ctx)
{
	if (b->sub_count == SUBSCRIPTIONS_MAX)
		log_fatal("msg=\"too many subscriptions\" subject=%s", subject);
	pthread_mutex_lock(&b->subs_lock);
	struct subscription *s = &b->subs[b->sub_count++];

	*s = (struct subscription){ .bus = b, .subject = xstrdup(subject), .received = received, .ctx = ctx };
	if (b->subscribed)
		subscribe(atomic_load(&b->nc), s);
	pthread_mutex_unlock(&b->subs_lock);
}

static bool
given(const char *text)
{
	return text != NULL && text[0] != '\0';
}

/* A certificate that can't be read is for people to put right: start again when it is. */
static void
set_tls(natsOptions *o, const struct bus_settings *s)
{
	if (!given(s->ca_file) && !given(s->cert_file) && strncmp(s->url, "tls://", 6) != 0)
		return;
	if (natsOptions_SetSecure(o, true) != NATS_OK)
		log_fatal("msg=\"this build of nats.c has no TLS\"");
	if (given(s->ca_file) && natsOptions_LoadCATrustedCertificates(o, s->ca_file) != NATS_OK)
		log_fatal("msg=\"nats.ca-file can't be read as certificates\" file=%s", s->ca_file);
	if (given(s->cert_file) != given(s->key_file))
		log_fatal("msg=\"nats.cert-file and nats.key-file go together\"");
	if (given(s->cert_file) && natsOptions_LoadCertificatesChain(o, s->cert_file, s->key_file) != NATS_OK)
		log_fatal("msg=\"nats.cert-file and nats.key-file can't be read as a certificate and its key\" "
			  "cert=%s key=%s",
		    s->cert_file, s->key_file);
}

static natsOptions *
make_options(struct bus *b)
{
	const struct bus_settings *s = &b->settings;
	natsOptions *o = NULL;

	if (natsOptions_Create(&o) != NATS_OK)
		log_fatal("msg=\"out of memory\"");
	if (natsOptions_SetURL(o, s->url) != NATS_OK)
		log_fatal("msg=\"nats.url must look like nats://host:4222\" value=\"%s\"", s->url);
	if (s->user[0] != '\0')
		natsOptions_SetUserInfo(o, s->user, s->password);
	set_tls(o, s);
	natsOptions_SetName(o, s->name);
	natsOptions_SetTimeout(o, CONNECT_TIMEOUT_MS);
	natsOptions_SetMaxReconnect(o, -1);
	natsOptions_SetReconnectWait(o, RECONNECT_WAIT_MS);
	natsOptions_SetReconnectJitter(o, RECONNECT_JITTER_MS, RECONNECT_JITTER_MS);
	natsOptions_SetPingInterval(o, PING_INTERVAL_MS);
	natsOptions_SetWriteDeadline(o, WRITE_DEADLINE_MS);
	natsOptions_SetReconnectBufSize(o, 0);
	natsOptions_SetCustomInboxPrefix(o, s->inbox_prefix);
	natsOptions_SetErrorHandler(o, on_error, b);
	natsOptions_SetDisconnectedCB(o, on_disconnected, b);
	natsOptions_SetReconnectedCB(o, on_reconnected, b);
	return o;
}

static void
register_metrics(void)
{
	metrics_register("nats_published_total", NULL, METRIC_COUNTER, "Messages written to NATS.", &published);
	metrics_register("nats_publish_errors_total", NULL, METRIC_COUNTER, "Writes that NATS did not take.",
	    &publish_failed);
	metrics_register("nats_received_dropped_total", NULL, METRIC_COUNTER, "Messages dropped before the loop.",
	    &received_dropped);
	metrics_register("nats_stored_total", "result=\"ok\"", METRIC_COUNTER, "Stream publishes by result.",
	    &stored_ok);
	metrics_register("nats_stored_total", "result=\"refused\"", METRIC_COUNTER, "Stream publishes by result.",
	    &stored_refused);
	metrics_register("nats_stored_total", "result=\"timeout\"", METRIC_COUNTER, "Stream publishes by result.",
	    &stored_timeout);
	metrics_register("nats_stored_in_flight", NULL, METRIC_GAUGE, "Stream publishes that wait for an answer.",
	    &in_flight);
	metrics_register("nats_connects_total", NULL, METRIC_COUNTER, "Connections made to NATS.", &connects);
}

static struct bus_settings
copy_settings(const struct bus_settings *s)
{
	return (struct bus_settings){ .url = xstrdup(s->url),
		.user = xstrdup(s->user),
		.password = xstrdup(s->password),
		.name = xstrdup(s->name),
		.inbox_prefix = xstrdup(s->inbox_prefix),
		.ca_file = given(s->ca_file) ? xstrdup(s->ca_file) : NULL,
		.cert_file = given(s->cert_file) ? xstrdup(s->cert_file) : NULL,
		.key_file = given(s->key_file) ? xstrdup(s->key_file) : NULL };
}

struct bus *
bus_new(struct loop *l, const struct bus_settings *s)
{
	struct bus *b = xcalloc(1, sizeof(*b));
	pthread_condattr_t monotonic;

	b->loop = l;
	b->settings = copy_settings(s);
	pthread_mutex_init(&b->lock, NULL);
	pthread_mutex_init(&b->subs_lock, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&b->arrived, &monotonic);
	pthread_condattr_destroy(&monotonic);
	list_init(&b->queue);
	list_init(&b->in_flight);
	b->stored = calloc(BUS_STORED_MAX, sizeof(*b->stored));
	b->free_slots = calloc(BUS_STORED_MAX, sizeof(*b->free_slots));
	if (b->stored == NULL || b->free_slots == NULL)
		log_fatal("msg=\"out of memory\"");
	b->options = make_options(b);
	b->io = bus_io_new(b->options);
	b->sweep = loop_timer_new(l, sweep_stored, b);
	b->wake_thread = loop_timer_new(l, wake_thread, b);
	register_metrics();
	if (pthread_create(&b->thread, NULL, thread_main, b) != 0)
		log_fatal("msg=\"no thread for the bus\"");
	return b;
}

static void
wait_for_queue(struct bus *b, uint64_t flush_ms)
{
	struct timespec pause = { .tv_nsec = 2000000 };
	uint64_t end = clock_ms() + flush_ms;
	bool empty = false;

	while (!empty && clock_ms() < end && atomic_load(&b->connected)) {
		pthread_mutex_lock(&b->lock);
		empty = list_empty(&b->queue);
		pthread_mutex_unlock(&b->lock);
		if (!empty)
			nanosleep(&pause, NULL);
	}
	natsConnection *nc = atomic_load(&b->nc);
	if (nc != NULL && atomic_load(&b->connected))
		natsConnection_FlushTimeout(nc, (int64_t)flush_ms + 1);
}

void
bus_free(struct bus **bp, uint64_t flush_ms)
{
	struct bus *b = *bp;

	if (b == NULL)
		return;
	bus_io_wake(b->io); /* the loop has ended */
	wait_for_queue(b, flush_ms);
	atomic_store(&b->stopping, true);
	bus_io_wake(b->io);
	pthread_join(b->thread, NULL);
	bury(&b->sent);
	bury(&b->heard);
	natsSubscription_Destroy(b->ack_sub);
	for (size_t i = 0; i < b->sub_count; i++) {
		natsSubscription_Destroy(b->subs[i].sub);
		free(b->subs[i].subject);
	}
	natsConnection_Destroy(atomic_load(&b->nc));
	natsOptions_Destroy(b->options);
	bus_io_free(&b->io);
	loop_timer_free(&b->sweep);
	loop_timer_free(&b->wake_thread);
	/* What is left belongs to callers that are gone: the process ends now. */
	*bp = NULL;
}

bool
bus_try(const struct bus_settings *s, char *error, size_t error_size)
{
	struct bus b = { .settings = *s, .stopping = true };
	natsOptions *options = make_options(&b);
	natsConnection *nc = NULL;
	natsStatus status = natsConnection_Connect(&nc, options);

	if (status == NATS_OK)
		status = natsConnection_FlushTimeout(nc, CONNECT_TIMEOUT_MS);
	if (status != NATS_OK)
		snprintf(error, error_size, "%s", natsStatus_GetText(status));
	natsConnection_Destroy(nc);
	natsOptions_Destroy(options);
	return status == NATS_OK;
}

bool
bus_connected(const struct bus *b)
{
	return atomic_load(&b->connected);
}

bool
bus_wait(struct bus *b, uint64_t ms)
{
	uint64_t end_ms = clock_ms() + ms;
	struct timespec end = { .tv_sec = (time_t)(end_ms / 1000), .tv_nsec = (long)(end_ms % 1000 * 1000000) };

	pthread_mutex_lock(&b->lock);
	while (!atomic_load(&b->connected) && pthread_cond_timedwait(&b->arrived, &b->lock, &end) == 0)
		;
	pthread_mutex_unlock(&b->lock);
	return bus_connected(b);
}

natsConnection *
bus_connection(struct bus *b)
{
	return atomic_load(&b->nc);
}

const char *
bus_inbox_prefix(const struct bus *b)
{
	return b->settings.inbox_prefix;
}
