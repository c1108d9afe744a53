/*
 * api - the admin API and the dashboard, from a read model of the streams; and
 * `api --setup`, which makes the streams and ends.
 */
#include "api/api.h"
#include "api/fleet.h"
#include "api/http.h"
#include "api/intake.h"
#include "api/model.h"
#include "api/raw_mail.h"
#include "api/setup.h"
#include "api/tokens.h"
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/daemon.h"

#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { TOKENS_LOOK_MS = 2000 };

static struct http_settings http_settings;
static const char *db_path, *token_file, *operator_token_file;
static long keep_events, keep_messages, keep_sources, events_bytes, mail_bytes, replicas, setup_seconds;
static bool setup;

static const struct setting settings[] = {
	{ "setup", SETTING_BOOL, &setup, "false", 0, 0, "", "Make the streams and buckets, then exit." },
	{ "listen.address", SETTING_TEXT, &http_settings.address, "127.0.0.1:8025", 0, 0, "",
	    "Address and port of the API and the dashboard." },
	{ "listen.threads", SETTING_NUMBER, &http_settings.threads, "8", 2, 64, "",
	    "Threads that serve all connections." },
	{ "listen.connections", SETTING_NUMBER, &http_settings.connections, "512", 16, 16384, "",
	    "Most connections at once." },
	{ "listen.per-client", SETTING_NUMBER, &http_settings.per_client, "64", 1, 16384, "",
	    "Most connections of one address; raise it behind a reverse proxy." },
	{ "token.file", SETTING_TEXT, &token_file, "", 0, 0, "", "File that holds the token that may read." },
	{ "operator-token.file", SETTING_TEXT, &operator_token_file, "", 0, 0, "",
	    "File that holds the operator's token; none when empty." },
	{ "db.path", SETTING_TEXT, &db_path, "", 0, 0, "",
	    "File of the read model; api.sqlite in data.dir when empty." },
	{ "keep.events", SETTING_NUMBER, &keep_events, "200000", 1, 100000000, "",
	    "Events that the read model keeps." },
	{ "keep.messages", SETTING_NUMBER, &keep_messages, "100000", 1, 100000000, "",
	    "Messages that the read model keeps." },
	{ "keep.sources", SETTING_NUMBER, &keep_sources, "100000", 1, 100000000, "",
	    "Sources that the read model keeps." },
	{ "events.bytes", SETTING_NUMBER, &events_bytes, "1073741824", 1048576, 1125899906842624, "bytes",
	    "Size of stream EVENTS; when full its oldest are discarded (setup)." },
	{ "mail.bytes", SETTING_NUMBER, &mail_bytes, "2147483648", 1048576, 1125899906842624, "bytes",
	    "Size of stream MAIL; when full new mail gets 452 (setup)." },
	{ "stream.replicas", SETTING_NUMBER, &replicas, "1", 1, 5, "",
	    "Copies of each stream in a NATS cluster (setup)." },
	{ "setup.seconds", SETTING_NUMBER, &setup_seconds, "20", 1, 3600, "seconds", "How long setup waits for NATS." },
};

static struct {
	struct api api;
	struct daemon *daemon;
	struct fleet *fleet;
	struct intake *intake;
	struct http *http;
	struct loop_timer *tokens_timer;
	pthread_t setup_thread;
	atomic_bool stopping;
	int status; /* of setup */
} self;

/* ---- setup ---- */

static void *
setup_main(void *ctx)
{
	const struct setup_settings s = {
		.events_bytes = events_bytes,
		.mail_bytes = mail_bytes,
		.replicas = replicas,
		.wait_ms = (uint64_t)setup_seconds * 1000,
	};
	char error[1024] = "";

	(void)ctx;
	self.status =
	    setup_run(daemon_bus(self.daemon), &s, &self.stopping, error, sizeof(error)) ? EXIT_SUCCESS : EXIT_FAILURE;
	if (self.status != EXIT_SUCCESS)
		log_error("msg=\"setup failed: %s\"", error);
	else
		log_info("msg=\"setup is done: every stream is there\"");
	kill(getpid(), SIGTERM); /* the ordinary end */
	return NULL;
}

static void
setup_start(void)
{
	if (pthread_create(&self.setup_thread, NULL, setup_main, NULL) != 0)
		log_fatal("msg=\"no thread for setup\"");
}

/* ---- serving ---- */

static size_t
op_replicas(void *ctx, struct replica_view *out, size_t max)
{
	(void)ctx;
	return fleet_view(self.fleet, out, max);
}

static bool
op_replicas_known(void *ctx)
{
	(void)ctx;
	return fleet_known(self.fleet);
}

static enum raw_result
op_raw_open(void *ctx, const struct raw_mail *mail, struct reply_stream *out)
{
	(void)ctx;
	return raw_mail_open(daemon_bus(self.daemon), mail, out);
}

static struct api_behind
op_behind(void *ctx)
{
	(void)ctx;
	return intake_behind(self.intake);
}

static uint64_t
op_now(void *ctx)
{
	(void)ctx;
	return clock_wall_ms();
}

static const struct api_ops ops = {
	.replicas = op_replicas,
	.replicas_known = op_replicas_known,
	.raw_open = op_raw_open,
	.behind = op_behind,
	.now_ms = op_now,
};

static void
look_at_tokens(void *ctx)
{
	tokens_reload(ctx);
}

static void
open_model(struct daemon *d)
{
	char path[4096], error[1024];
	struct model_settings s = {
		.path = db_path,
		.events_max = (uint64_t)keep_events,
		.messages_max = (uint64_t)keep_messages,
		.sources_max = (uint64_t)keep_sources,
	};

	snprintf(path, sizeof(path), "%s/api.sqlite", daemon_data_dir(d));
	if (db_path[0] == '\0')
		s.path = path;
	self.api.model = model_new(&s, error, sizeof(error));
	if (self.api.model == NULL)
		log_fatal("msg=\"%s\"", error);
}

static void
open_tokens(struct daemon *d)
{
	char error[1024];

	if (token_file[0] == '\0')
		log_fatal("msg=\"token.file is required: make one with: openssl rand -hex 32\"");
	self.api.tokens = tokens_new(token_file, operator_token_file, error, sizeof(error));
	if (self.api.tokens == NULL)
		log_fatal("msg=\"%s\"", error);
	self.tokens_timer = loop_timer_new(daemon_loop(d), look_at_tokens, self.api.tokens);
	loop_timer_every(self.tokens_timer, TOKENS_LOOK_MS);
}

static void
start(struct daemon *d)
{
	self.daemon = d;
	if (setup) {
		setup_start();
		return;
	}
	self.api.ops = &ops;
	open_tokens(d);
	open_model(d);
	self.fleet = fleet_new(daemon_loop(d), daemon_bus(d), daemon_site(d));
	self.intake = intake_new(daemon_bus(d), daemon_admin(d), self.api.model, daemon_instance(d));
	self.http = http_new(&http_settings, &self.api);
}

static void
reload(struct daemon *d)
{
	(void)d;
	if (self.api.tokens != NULL)
		tokens_reload(self.api.tokens);
}

static void
drain(struct daemon *d)
{
	atomic_store(&self.stopping, true);
	daemon_drained(d);
}

/* In this order nobody asks what is gone: first those who ask, then what they ask. */
static void
stop(struct daemon *d)
{
	(void)d;
	if (setup) {
		pthread_join(self.setup_thread, NULL);
		return;
	}
	http_free(&self.http);
	struct intake *intake = self.intake;

	intake_free(&intake);
	loop_timer_free(&self.tokens_timer);
	fleet_free(&self.fleet);
	model_free(&self.api.model);
	tokens_free(&self.api.tokens);
}

int
main(int argc, char **argv)
{
	static const struct daemon_service service = {
		.name = "api",
		.purpose = "answers for what the parts saw: admin API and dashboard",
		.settings = settings,
		.setting_count = sizeof(settings) / sizeof(settings[0]),
		.start = start,
		.reload = reload,
		.drain = drain,
		.stop = stop,
	};
	int status = daemon_main(&service, argc, argv);

	return status != EXIT_SUCCESS ? status : self.status;
}
