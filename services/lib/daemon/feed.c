#include "daemon/feed.h"

#include "base/mem.h"
#include "daemon/bus.h"

#include <nats/nats.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

/*
 * The server's consumer is thrown away and made anew from last + 1 whenever
 * anything is unclear: a gap in its own sequence, an error, a lost connection.
 * That is what makes "in order, none passed over" simple.
 */
enum {
	REQUEST_MS = 3000,
	PAUSE_MS = 250, /* between attempts while NATS is away */
	ACK_WAIT_NS_PER_S = 1000000000,
	ACK_WAIT_S = 60,
	ACK_PENDING_MAX = 100000,
	INACTIVE_S = 600, /* until the server forgets a reader that is gone */
	LONG_INACTIVE_S = 90 * 24 * 3600, /* ... with long_absence */
};

struct feed {
	struct bus *bus;
	char *stream, *subject, *consumer;
	bool headers_only, long_absence;
	jsCtx *js;
	natsSubscription *sub;
	uint64_t last; /* stream sequence given to the reader */
	uint64_t consumer_last; /* consumer sequence of that delivery */
};

static const char *
get_header(const struct feed_message *m, const char *name)
{
	const char *value = NULL;

	return natsMsgHeader_Get(m->native, name, &value) == NATS_OK ? value : NULL;
}

static void
pause_ms(uint64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000) };

	nanosleep(&ts, NULL);
}

struct feed *
feed_new(struct bus *b, const struct feed_settings *s, uint64_t last)
{
	struct feed *f = xcalloc(1, sizeof(*f));

	f->bus = b;
	f->stream = xstrdup(s->stream);
	f->subject = xstrdup(s->subject);
	f->consumer = xstrdup(s->consumer);
	f->headers_only = s->headers_only;
	f->long_absence = s->long_absence;
	f->last = last;
	return f;
}

static void
close_consumer(struct feed *f)
{
	natsSubscription_Destroy(f->sub);
	f->sub = NULL;
}

void
feed_free(struct feed **fp)
{
	struct feed *f = *fp;

	if (f == NULL)
		return;
	close_consumer(f);
	jsCtx_Destroy(f->js);
	free(f->stream);
	free(f->subject);
	free(f->consumer);
	free(f);
	*fp = NULL;
}

static natsStatus
make_consumer(struct feed *f, uint64_t *waiting)
{
	jsConsumerConfig config;
	jsConsumerInfo *info = NULL;
	jsErrCode code = 0;

	jsConsumerConfig_Init(&config);
	config.Durable = f->consumer;
	config.DeliverPolicy = js_DeliverByStartSequence;
	config.OptStartSeq = f->last + 1;
	config.AckPolicy = js_AckAll;
	config.AckWait = (int64_t)ACK_WAIT_S * ACK_WAIT_NS_PER_S;
	config.MaxAckPending = ACK_PENDING_MAX;
	config.FilterSubject = f->subject;
	config.HeadersOnly = f->headers_only;
	config.InactiveThreshold = (int64_t)(f->long_absence ? LONG_INACTIVE_S : INACTIVE_S) * ACK_WAIT_NS_PER_S;
	js_DeleteConsumer(f->js, f->stream, f->consumer, NULL, &code);
	natsStatus status = js_AddConsumer(&info, f->js, f->stream, &config, NULL, &code);

	if (status == NATS_OK)
		*waiting = info->NumPending;
	jsConsumerInfo_Destroy(info);
	f->consumer_last = 0;
	return status;
}

/* A fresh consumer from last + 1; false: not now. */
static bool
open_consumer(struct feed *f, uint64_t *waiting)
{
	jsOptions js_options;
	jsSubOptions options;
	jsErrCode code = 0;

	if (f->js == NULL) {
		jsOptions_Init(&js_options);
		js_options.Wait = REQUEST_MS;
		if (natsConnection_JetStream(&f->js, bus_connection(f->bus), &js_options) != NATS_OK)
			return false;
	}
	if (make_consumer(f, waiting) != NATS_OK)
		return false;
	jsSubOptions_Init(&options);
	options.Stream = f->stream;
	options.Consumer = f->consumer;
	options.Config.HeadersOnly = f->headers_only; /* nats.c compares it with what the consumer has */
	return js_PullSubscribe(&f->sub, f->js, f->subject, f->consumer, NULL, &options, &code) == NATS_OK;
}

/* Returns when it is open, when NATS has not come, or after a pause: there is no such stream yet. */
static void
try_to_open(struct feed *f, uint64_t wait_ms, uint64_t *waiting)
{
	uint64_t pause = wait_ms < PAUSE_MS ? wait_ms : PAUSE_MS;

	if (!bus_wait(f->bus, pause) || open_consumer(f, waiting))
		return;
	close_consumer(f);
	pause_ms(pause);
}

bool
feed_open(const struct feed *f)
{
	return f->sub != NULL;
}

struct delivery {
	uint64_t stream, consumer, pending;
	int64_t timestamp_ns;
};

static bool
read_metadata(natsMsg *msg, struct delivery *out)
{
	jsMsgMetaData *meta = NULL;

	if (natsMsg_GetMetaData(&meta, msg) != NATS_OK)
		return false;
	out->stream = meta->Sequence.Stream;
	out->consumer = meta->Sequence.Consumer;
	out->pending = meta->NumPending;
	out->timestamp_ns = meta->Timestamp;
	jsMsgMetaData_Destroy(meta);
	return true;
}

static void
give(struct feed *f, natsMsg *msg, const struct delivery *d, void (*each)(void *, const struct feed_message *),
    void *ctx)
{
	struct feed_message m = {
		.sequence = d->stream,
		.stored_wall_ms = (uint64_t)(d->timestamp_ns / 1000000),
		.subject = natsMsg_GetSubject(msg),
		.data = natsMsg_GetData(msg),
		.len = (size_t)natsMsg_GetDataLength(msg),
		.header = get_header,
		.native = msg,
	};

	f->last = d->stream;
	each(ctx, &m);
}

/* Gives what is in order; false: a gap, the rest is thrown away and asked for again. */
static bool
take_list(struct feed *f, natsMsgList *list, size_t *count, uint64_t *behind,
    void (*each)(void *, const struct feed_message *), void *ctx)
{
	for (int i = 0; i < list->Count; i++) {
		struct delivery d;

		if (!read_metadata(list->Msgs[i], &d) || d.consumer != f->consumer_last + 1)
			return false;
		f->consumer_last = d.consumer;
		*behind = d.pending;
		if (i == list->Count - 1)
			natsMsg_Ack(list->Msgs[i],
			    NULL); /* AckAll: how far delivery went; the reader's own state is the truth */
		if (d.stream <= f->last)
			continue;
		give(f, list->Msgs[i], &d, each, ctx);
		(*count)++;
	}
	return true;
}

size_t
feed_next(struct feed *f, size_t max, uint64_t wait_ms, void (*each)(void *ctx, const struct feed_message *m),
    void *ctx, uint64_t *behind)
{
	natsMsgList list = { NULL, 0 };
	jsErrCode code = 0;
	size_t count = 0;
	uint64_t unasked, *waiting = behind != NULL ? behind : &unasked;

	*waiting = 0;
	if (f->sub == NULL) {
		try_to_open(f, wait_ms, waiting);
		return 0;
	}
	natsStatus status = natsSubscription_Fetch(&list, f->sub, (int)max, (int64_t)wait_ms, &code);
	bool clear = status == NATS_OK || status == NATS_TIMEOUT;

	if (status == NATS_OK)
		clear = take_list(f, &list, &count, waiting, each, ctx);
	natsMsgList_Destroy(&list);
	if (!clear || !bus_connected(f->bus))
		close_consumer(f);
	return count;
}

void *
feed_get(struct bus *b, const char *stream, uint64_t sequence, size_t *len, bool *gone)
{
	jsOptions options;
	jsCtx *js = NULL;
	natsMsg *msg = NULL;
	jsErrCode code = 0;
	void *body = NULL;

	*gone = false;
	if (!bus_connected(b))
		return NULL;
	jsOptions_Init(&options);
	options.Wait = REQUEST_MS;
	if (natsConnection_JetStream(&js, bus_connection(b), &options) != NATS_OK)
		return NULL;
	natsStatus status = js_GetMsg(&msg, js, stream, sequence, NULL, &code);

	if (status == NATS_OK) {
		*len = (size_t)natsMsg_GetDataLength(msg);
		body = xmemdup(*len == 0 ? "" : natsMsg_GetData(msg), *len);
	} else {
		*gone = status == NATS_NOT_FOUND || code == JSNoMessageFoundErr;
	}
	natsMsg_Destroy(msg);
	jsCtx_Destroy(js);
	return body;
}
