/* logship - drains the streams into files: one thread a sink, each with its own place in its stream. */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "daemon/feed.h"
#include "logship/purge.h"
#include "logship/sink.h"

#include <pthread.h>
#include <stdatomic.h>
#include <time.h>

enum {
	BATCH_MAX = 128,
	WAIT_MS = 500,
	PURGE_EVERY_MS = 60 * 1000,
	RETRY_MS = 1000, /* a sink that refuses is tried again */
};

struct worker {
	const struct sink_ops *ops;
	const char *path;
	struct daemon *daemon;
	struct sink *sink;
	pthread_t thread;
	bool running;
	bool stuck; /* put() refused: what follows in the batch must come again */
	metric_value stored, behind, errors;
	uint64_t purged_ms; /* when the stream was last looked at */
};

static const char *jsonl_path, *maildir_path;
static long mail_keep;
static atomic_bool stopping;

static struct worker workers[] = {
	{ .ops = &sink_jsonl },
	{ .ops = &sink_maildir },
};
enum { WORKERS = sizeof(workers) / sizeof(workers[0]) };

static const struct setting settings[] = {
	{ "jsonl.path", SETTING_TEXT, &jsonl_path, "", 0, 0, "",
	    "File that gets the events, one JSON object a line; empty: none." },
	{ "maildir.path", SETTING_TEXT, &maildir_path, "", 0, 0, "", "Maildir that gets the mails; empty: none." },
	{ "mail.keep", SETTING_NUMBER, &mail_keep, "604800", 1, 315360000, "seconds",
	    "How long a mail stays in the stream after every sink has it." },
};

static void
pause_ms(long ms)
{
	struct timespec ts = { .tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000 };

	nanosleep(&ts, NULL);
}

static void
put_one(void *ctx, const struct feed_message *m)
{
	struct worker *w = ctx;

	if (w->stuck)
		return;
	if (w->ops->put(w->sink, m))
		metric_add(&w->stored, 1);
	else
		w->stuck = true;
}

/* A feed from what is kept for good: whatever came after it comes again. */
static struct feed *
open_feed(const struct worker *w)
{
	const struct feed_settings s = { .stream = w->ops->stream,
		.subject = w->ops->subject,
		.consumer = w->ops->name,
		.long_absence = true };

	return feed_new(daemon_bus(w->daemon), &s, w->ops->last(w->sink));
}

static bool
reopen_sink(struct worker *w)
{
	char error[512];

	w->ops->close(&w->sink);
	w->sink = w->ops->open(w->path, daemon_bus(w->daemon), error, sizeof(error));
	if (w->sink == NULL)
		log_warn("msg=\"a sink can't be opened, trying on\" sink=%s error=\"%s\"", w->ops->name, error);
	return w->sink != NULL;
}

/* Starts again from the sink's own state after it refused. */
static void
recover(struct worker *w, struct feed **feed)
{
	metric_add(&w->errors, 1);
	admin_ready(daemon_admin(w->daemon), w->ops->name, false);
	feed_free(feed);
	do {
		pause_ms(RETRY_MS);
	} while (!reopen_sink(w) && !atomic_load(&stopping));
	if (w->sink != NULL)
		*feed = open_feed(w);
	w->stuck = false;
}

/* One mail sink today: what it has committed is what every sink has. */
static void
purge_now_and_then(struct worker *w)
{
	uint64_t now = clock_ms();

	if (w->ops != &sink_maildir || now - w->purged_ms < PURGE_EVERY_MS)
		return;
	w->purged_ms = now;
	uint64_t count =
	    purge_mail(daemon_bus(w->daemon), w->ops->last(w->sink), (uint64_t)mail_keep * 1000, clock_wall_ms());

	if (count > 0)
		log_info("msg=\"purged mail that is kept elsewhere and old\" messages=%llu", (unsigned long long)count);
}

static void *
worker_main(void *ctx)
{
	struct worker *w = ctx;
	struct feed *feed = open_feed(w);

	while (!atomic_load(&stopping) && feed != NULL) {
		uint64_t behind = 0;

		feed_next(feed, BATCH_MAX, WAIT_MS, put_one, w, &behind);
		metric_set(&w->behind, behind);
		if (w->stuck || !w->ops->commit(w->sink)) {
			recover(w, &feed);
			continue;
		}
		purge_now_and_then(w);
		admin_ready(daemon_admin(w->daemon), w->ops->name, feed_open(feed));
	}
	feed_free(&feed);
	w->ops->close(&w->sink);
	return NULL;
}

static void
start_worker(struct worker *w, const char *path, struct daemon *d)
{
	char error[512];

	if (path[0] == '\0')
		return;
	w->path = path;
	w->daemon = d;
	w->sink = w->ops->open(path, daemon_bus(d), error, sizeof(error));
	if (w->sink == NULL)
		log_fatal("msg=\"%s\"", error);
	admin_ready(daemon_admin(d), w->ops->name, false);
	w->running = pthread_create(&w->thread, NULL, worker_main, w) == 0;
	if (!w->running)
		log_fatal("msg=\"no thread for a sink\" sink=%s", w->ops->name);
}

static void
start(struct daemon *d)
{
	metrics_register("sink_stored_total", "sink=\"jsonl\"", METRIC_COUNTER, "Messages a sink took.",
	    &workers[0].stored);
	metrics_register("sink_stored_total", "sink=\"maildir\"", METRIC_COUNTER, "Messages a sink took.",
	    &workers[1].stored);
	metrics_register("sink_behind", "sink=\"jsonl\"", METRIC_GAUGE, "Messages that wait for a sink.",
	    &workers[0].behind);
	metrics_register("sink_behind", "sink=\"maildir\"", METRIC_GAUGE, "Messages that wait for a sink.",
	    &workers[1].behind);
	metrics_register("sink_errors_total", "sink=\"jsonl\"", METRIC_COUNTER, "Times a sink refused.",
	    &workers[0].errors);
	metrics_register("sink_errors_total", "sink=\"maildir\"", METRIC_COUNTER, "Times a sink refused.",
	    &workers[1].errors);
	start_worker(&workers[0], jsonl_path, d);
	start_worker(&workers[1], maildir_path, d);
	if (!workers[0].running && !workers[1].running)
		log_warn("msg=\"no sink is set: nothing is shipped (jsonl.path, maildir.path)\"");
}

static void
drain(struct daemon *d)
{
	atomic_store(&stopping, true);
	for (size_t i = 0; i < WORKERS; i++) {
		if (workers[i].running)
			pthread_join(workers[i].thread, NULL);
	}
	daemon_drained(d);
}

static void
stop(struct daemon *d)
{
	(void)d;
}

int
main(int argc, char **argv)
{
	static const struct daemon_service service = {
		.name = "logship",
		.purpose = "drains events and mail into files",
		.settings = settings,
		.setting_count = sizeof(settings) / sizeof(settings[0]),
		.start = start,
		.drain = drain,
		.stop = stop,
	};

	return daemon_main(&service, argc, argv);
}
