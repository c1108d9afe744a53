#include "api/intake.h"

#include "api/model.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/admin.h"
#include "daemon/bus.h"
#include "daemon/feed.h"
#include "daemon/metrics.h"
#include "wire/mail_commit.h"

#include <nats/nats.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	BATCH_MAX = 256,
	WAIT_MS = 500,
	PAUSE_MS = 500, /* between attempts */
	LOOK_EVERY_MS = 5000, /* at an idle stream: is it still the same one? */
	REQUEST_MS = 3000,
	LIFE_TEXT_MAX = 32,
	CONSUMER_MAX = 96,
};

struct reader;

struct stream_kind {
	const char *stream, *subject, *ready;
	bool headers_only;
	void (*add)(struct reader *r, const struct feed_message *m);
};

struct reader {
	const struct stream_kind *kind;
	struct intake *intake;
	pthread_t thread;
	char life[LIFE_TEXT_MAX]; /* when the stream was made: another one has other sequences */
	char consumer[CONSUMER_MAX];
	uint64_t last; /* sequence taken last */
	bool in_batch;
	uint64_t looked_ms;
	metric_value taken, behind;
	atomic_bool following;
};

static void add_event(struct reader *r, const struct feed_message *m);
static void add_message(struct reader *r, const struct feed_message *m);

enum { EVENTS, MAIL, READERS };

static const struct stream_kind kinds[READERS] = {
	[EVENTS] = { "EVENTS", "hs.*.event.>", "events", false, add_event },
	[MAIL] = { "MAIL", "hs.*.mail.commit", "messages", true, add_message },
};

struct intake {
	struct bus *bus;
	struct admin *admin;
	struct model *model;
	atomic_bool stopping;
	struct reader readers[READERS];
};

static void
pause_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

/* ---- one message ---- */

/* The stream discards its oldest events when it is full: those that we never saw are counted. */
static void
add_event(struct reader *r, const struct feed_message *m)
{
	if (r->last > 0 && m->sequence > r->last + 1)
		model_count(r->intake->model, "events_missed", m->sequence - r->last - 1);
	model_add_event(r->intake->model, m->data, m->len, m->stored_wall_ms);
}

static const char *
commit_header(const void *ctx, const char *name)
{
	const struct feed_message *m = ctx;

	return m->header(m, name);
}

static void
add_message(struct reader *r, const struct feed_message *m)
{
	struct mail_commit commit;
	const char *error;

	if (mail_commit_parse(commit_header, m, &commit, &error)) {
		model_add_message(r->intake->model, &commit, m->sequence, m->stored_wall_ms);
	} else {
		model_count(r->intake->model, "messages_malformed", 1);
		log_debug("msg=\"a commit can't be read\" sequence=%llu error=\"%s\"", (unsigned long long)m->sequence,
		    error);
	}
}

/* The batch begins with its first message, so that nobody waits for the lock while we wait for NATS. */
static void
take(void *ctx, const struct feed_message *m)
{
	struct reader *r = ctx;

	if (!r->in_batch)
		model_begin(r->intake->model);
	r->in_batch = true;
	r->kind->add(r, m);
	r->last = m->sequence;
}

/* ---- the stream ---- */

static bool
ask_life(struct bus *b, const char *stream, char out[LIFE_TEXT_MAX])
{
	jsOptions options;
	jsCtx *js = NULL;
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;

	if (!bus_connected(b))
		return false;
	jsOptions_Init(&options);
	options.Wait = REQUEST_MS;
	bool ok = natsConnection_JetStream(&js, bus_connection(b), &options) == NATS_OK &&
	    js_GetStreamInfo(&info, js, stream, NULL, &code) == NATS_OK;

	if (ok)
		snprintf(out, LIFE_TEXT_MAX, "%lld", (long long)info->Created);
	jsStreamInfo_Destroy(info);
	jsCtx_Destroy(js);
	return ok;
}

static void
set_following(struct reader *r, bool following)
{
	atomic_store(&r->following, following);
	admin_ready(r->intake->admin, r->kind->ready, following);
}

/* NULL: the stream is not there now, and there was a pause. */
static struct feed *
open_feed(struct reader *r)
{
	const struct feed_settings s = {
		.stream = r->kind->stream,
		.subject = r->kind->subject,
		.consumer = r->consumer,
		.headers_only = r->kind->headers_only,
	};

	if (!bus_wait(r->intake->bus, PAUSE_MS))
		return NULL;
	if (!ask_life(r->intake->bus, r->kind->stream, r->life)) {
		pause_ms(PAUSE_MS);
		return NULL;
	}
	r->looked_ms = clock_ms();
	r->last = model_position(r->intake->model, r->kind->stream, r->life);
	log_info("msg=\"reading a stream\" stream=%s from=%llu", r->kind->stream, (unsigned long long)r->last + 1);
	return feed_new(r->intake->bus, &s, r->last);
}

/* False: it is another one now. When NATS doesn't say we stay. */
static bool
same_stream(struct reader *r)
{
	char life[LIFE_TEXT_MAX];

	if (clock_ms() - r->looked_ms < LOOK_EVERY_MS)
		return true;
	r->looked_ms = clock_ms();
	return !ask_life(r->intake->bus, r->kind->stream, life) || strcmp(life, r->life) == 0;
}

/* One batch; false: start again from what the model keeps. */
static bool
read_batch(struct reader *r, struct feed *feed)
{
	uint64_t behind = 0;
	size_t n = feed_next(feed, BATCH_MAX, WAIT_MS, take, r, &behind);

	if (r->in_batch && !model_commit(r->intake->model, r->kind->stream, r->life, r->last)) {
		r->in_batch = false;
		pause_ms(PAUSE_MS);
		return false;
	}
	r->in_batch = false;
	metric_add(&r->taken, n);
	metric_set(&r->behind, behind);
	set_following(r, feed_open(feed));
	return n > 0 || same_stream(r);
}

static void *
reader_main(void *ctx)
{
	struct reader *r = ctx;
	struct feed *feed = NULL;

	while (!atomic_load(&r->intake->stopping)) {
		if (feed == NULL && (feed = open_feed(r)) == NULL) {
			set_following(r, false);
		} else if (!read_batch(r, feed)) {
			set_following(r, false);
			feed_free(&feed);
		}
	}
	feed_free(&feed);
	return NULL;
}

/* ---- all of them ---- */

static void
start_reader(struct intake *i, size_t n, const char *instance)
{
	struct reader *r = &i->readers[n];

	r->kind = &kinds[n];
	r->intake = i;
	snprintf(r->consumer, sizeof(r->consumer), "api-%s", instance);
	admin_ready(i->admin, r->kind->ready, false);
	if (pthread_create(&r->thread, NULL, reader_main, r) != 0)
		log_fatal("msg=\"no thread for a stream\" stream=%s", r->kind->stream);
}

struct intake *
intake_new(struct bus *b, struct admin *admin, struct model *m, const char *instance)
{
	struct intake *i = xcalloc(1, sizeof(*i));

	i->bus = b;
	i->admin = admin;
	i->model = m;
	metrics_register("stream_taken_total", "stream=\"EVENTS\"", METRIC_COUNTER, "Messages read from a stream.",
	    &i->readers[EVENTS].taken);
	metrics_register("stream_taken_total", "stream=\"MAIL\"", METRIC_COUNTER, "Messages read from a stream.",
	    &i->readers[MAIL].taken);
	metrics_register("stream_behind", "stream=\"EVENTS\"", METRIC_GAUGE, "Messages that wait in a stream.",
	    &i->readers[EVENTS].behind);
	metrics_register("stream_behind", "stream=\"MAIL\"", METRIC_GAUGE, "Messages that wait in a stream.",
	    &i->readers[MAIL].behind);
	for (size_t n = 0; n < READERS; n++)
		start_reader(i, n, instance);
	return i;
}

/* The struct itself stays: /metrics reads its numbers until the process ends. */
void
intake_free(struct intake **ip)
{
	struct intake *i = *ip;

	if (i == NULL)
		return;
	atomic_store(&i->stopping, true);
	for (size_t n = 0; n < READERS; n++)
		pthread_join(i->readers[n].thread, NULL);
	*ip = NULL;
}

struct api_behind
intake_behind(const struct intake *i)
{
	return (struct api_behind){
		.known = atomic_load(&i->readers[EVENTS].following) && atomic_load(&i->readers[MAIL].following),
		.events = atomic_load(&i->readers[EVENTS].behind),
		.messages = atomic_load(&i->readers[MAIL].behind),
	};
}
