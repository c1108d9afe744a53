#include "daemon/daemon.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "daemon/self_test.h"
#include "daemon/watch.h"
#include "wire/subject.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <errno.h>
#include <event2/event.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FLUSH_MS = 5000, GOODBYE_MS = 5000, PASSWORD_MAX = 256, PATH_SIZE = 4096 };

struct daemon {
	const struct daemon_service *service;
	struct loop *loop;
	struct bus *bus;
	struct events *events;
	struct presence *presence;
	struct admin *admin;
	struct event *signals[3];
	struct loop_timer *drain_timer;
	struct watch *watch; /* NULL: nothing is watched */
	struct site_key key;
	char instance[64];
	char started[CLOCK_TEXT_MAX];
	bool draining;
	bool goodbye; /* was said: what is left has GOODBYE_MS */
	bool drained; /* the service is idle */
};

static const char *site, *instance, *nats_url, *nats_user, *nats_password_file, *admin_listen, *data_dir,
    *site_key_file, *log_least, *nats_ca_file, *nats_cert_file, *nats_key_file, *test_http, *test_flow, *test_say;
static long drain_seconds, spool_bytes, test_seconds;
static bool self_test;

static const struct setting common_settings[] = {
	{ "site", SETTING_TEXT, &site, "lab", 0, 0, "", "Name of this site: one token of every subject." },
	{ "instance", SETTING_TEXT, &instance, "", 0, 0, "", "Name of this replica; the host's name when empty." },
	{ "nats.url", SETTING_TEXT, &nats_url, "nats://127.0.0.1:4222", 0, 0, "", "Where NATS is." },
	{ "nats.user", SETTING_TEXT, &nats_user, "", 0, 0, "", "User at NATS; none when empty." },
	{ "nats.password-file", SETTING_TEXT, &nats_password_file, "", 0, 0, "",
	    "File that holds the user's password." },
	{ "nats.ca-file", SETTING_TEXT, &nats_ca_file, "", 0, 0, "",
	    "TLS: certificates of who may have signed the server's. Without it tls:// trusts the system's." },
	{ "nats.cert-file", SETTING_TEXT, &nats_cert_file, "", 0, 0, "", "TLS: certificate to show to the server." },
	{ "nats.key-file", SETTING_TEXT, &nats_key_file, "", 0, 0, "", "TLS: private key of nats.cert-file." },
	{ "admin.listen", SETTING_TEXT, &admin_listen, NULL, 0, 0, "",
	    "Address and port of /livez, /readyz, /metrics and /v1/stats." },
	{ "data.dir", SETTING_TEXT, &data_dir, NULL, 0, 0, "",
	    "Directory of this process' own files: spool and state." },
	{ "site-key.file", SETTING_TEXT, &site_key_file, "", 0, 0, "", "File that holds the site key in hexadecimal." },
	{ "log.level", SETTING_TEXT, &log_least, "info", 0, 0, "",
	    "Least level that is logged: debug, info, warn, error." },
	{ "drain.seconds", SETTING_NUMBER, &drain_seconds, "30", 0, 3600, "seconds",
	    "How long sessions may go on after SIGTERM." },
	{ "spool.bytes", SETTING_NUMBER, &spool_bytes, "67108864", 1048576, 1099511627776, "bytes",
	    "Most that waits on disk while NATS is away." },
	{ "self-test", SETTING_BOOL, &self_test, "false", 0, 0, "",
	    "Only try NATS and what the other self-test settings name, say what came of it, and exit." },
	{ "self-test.http", SETTING_TEXT, &test_http, "", 0, 0, "",
	    "Self-test: an address like http://host:9104/readyz whose answer must be 200." },
	{ "self-test.flow", SETTING_TEXT, &test_flow, "", 0, 0, "",
	    "Self-test: host:port of a trap that must answer a flow; the flow is recorded as one from 192.0.2.1." },
	{ "self-test.say", SETTING_TEXT, &test_say, "", 0, 0, "",
	    "Self-test: what the flow says first, with \\r and \\n written so." },
	{ "self-test.seconds", SETTING_NUMBER, &test_seconds, "10", 1, 3600, "seconds",
	    "Self-test: how long each is tried." },
};

/* Runs when the drain time is over, and at once when all is done. */
static void
finish(void *ctx)
{
	struct daemon *d = ctx;

	if (!d->drained && !d->goodbye && d->service->goodbye != NULL) {
		d->goodbye = true;
		d->service->goodbye(d);
		if (!d->drained)
			loop_timer_once(d->drain_timer, GOODBYE_MS);
		return;
	}
	d->service->stop(d);
	loop_stop(d->loop);
}

void
daemon_drained(struct daemon *d)
{
	if (!d->draining)
		return;
	d->drained = true;
	loop_timer_once(d->drain_timer, 0); /* after what was written in this turn went out */
}

static void
begin_drain(struct daemon *d)
{
	if (d->draining)
		return;
	d->draining = true;
	log_info("msg=\"draining\" seconds=%ld", drain_seconds);
	admin_ready(d->admin, "draining", false);
	presence_draining(d->presence);
	loop_timer_once(d->drain_timer, (uint64_t)drain_seconds * 1000);
	d->service->drain(d);
}

static void
on_signal(evutil_socket_t signal_number, short what, void *ctx)
{
	struct daemon *d = ctx;

	(void)what;
	if (signal_number != SIGHUP) {
		begin_drain(d);
	} else if (d->service->reload != NULL) {
		d->service->reload(d);
	}
}

static void
on_file_changed(void *ctx)
{
	struct daemon *d = ctx;

	log_info("msg=\"a watched file changed: reading again\"");
	d->service->reload(d);
}

void
daemon_watch(struct daemon *d, const char *path)
{
	assert(d->watch == NULL && d->service->reload != NULL);
	d->watch = watch_new(d->loop, path, on_file_changed, d);
}

static void
watch_signals(struct daemon *d)
{
	static const int numbers[] = { SIGTERM, SIGINT, SIGHUP };

	for (size_t i = 0; i < 3; i++) {
		d->signals[i] = evsignal_new(loop_base(d->loop), numbers[i], on_signal, d);
		evsignal_add(d->signals[i], NULL);
	}
	signal(SIGPIPE, SIG_IGN);
}

static bool
nats_ready(void *ctx)
{
	struct daemon *d = ctx;

	return bus_connected(d->bus);
}

/* ---- the NATS service verbs (ADR-32), so that `nats micro` lists every process ---- */

static cJSON *
srv_body(const struct daemon *d, const char *verb)
{
	cJSON *json = cJSON_CreateObject();
	char type[64];

	snprintf(type, sizeof(type), "io.nats.micro.v1.%s_response", verb);
	cJSON_AddStringToObject(json, "type", type);
	cJSON_AddStringToObject(json, "name", d->service->name);
	cJSON_AddStringToObject(json, "id", presence_boot(d->presence));
	cJSON_AddStringToObject(json, "version", HS_VERSION);
	cJSON *metadata = cJSON_AddObjectToObject(json, "metadata");
	cJSON_AddStringToObject(metadata, "site", site);
	cJSON_AddStringToObject(metadata, "instance", d->instance);
	if (strcmp(verb, "info") == 0)
		cJSON_AddStringToObject(json, "description", d->service->purpose);
	if (strcmp(verb, "stats") == 0)
		cJSON_AddStringToObject(json, "started", d->started);
	if (strcmp(verb, "ping") != 0)
		cJSON_AddArrayToObject(json, "endpoints");
	return json;
}

static void
on_srv(void *ctx, const char *subject, const char *reply, const void *data, size_t len)
{
	static const char *const verbs[] = { "PING", "ping", "INFO", "info", "STATS", "stats" };
	struct daemon *d = ctx;

	(void)data;
	(void)len;
	for (size_t i = 0; reply != NULL && i < sizeof(verbs) / sizeof(verbs[0]); i += 2) {
		if (strncmp(subject + 5, verbs[i], strlen(verbs[i])) != 0)
			continue;
		cJSON *json = srv_body(d, verbs[i + 1]);
		char *text = cJSON_PrintUnformatted(json);

		if (text != NULL)
			bus_publish(d->bus, reply, text, strlen(text));
		free(text);
		cJSON_Delete(json);
	}
}

static void
answer_srv(struct daemon *d)
{
	static const char *const verbs[] = { "PING", "INFO", "STATS" };
	char subject[SUBJECT_MAX];

	for (size_t i = 0; i < 3; i++) {
		snprintf(subject, sizeof(subject), "$SRV.%s", verbs[i]);
		bus_subscribe(d->bus, subject, on_srv, d);
		snprintf(subject, sizeof(subject), "$SRV.%s.%s", verbs[i], d->service->name);
		bus_subscribe(d->bus, subject, on_srv, d);
		snprintf(subject, sizeof(subject), "$SRV.%s.%s.%s", verbs[i], d->service->name,
		    presence_boot(d->presence));
		bus_subscribe(d->bus, subject, on_srv, d);
	}
}

/* ---- start ---- */

static void
load_common(struct daemon *d)
{
	enum log_level least;

	if (!log_level_parse(log_least, &least))
		log_fatal("msg=\"log.level must be debug, info, warn, error or fatal\" value=\"%s\"", log_least);
	log_init(d->service->name, least);
	if (instance[0] == '\0') {
		if (gethostname(d->instance, sizeof(d->instance) - 1) != 0)
			log_fatal("msg=\"the host has no name: give instance\" error=\"%m\"");
		for (char *p = d->instance; *p != '\0'; p++)
			*p = *p == '.' ? '-' : *p;
	} else {
		str_copy(d->instance, sizeof(d->instance), instance);
	}
	if (!subject_token_valid(site) || !subject_token_valid(d->instance))
		log_fatal("msg=\"site and instance must be letters, digits, hyphens or underscores, 63 at most\" "
			  "site=\"%s\" instance=\"%s\"",
		    site, d->instance);
	if (mkdir(data_dir, 0750) != 0 && errno != EEXIST)
		log_fatal("msg=\"data.dir can't be made\" dir=%s error=\"%m\"", data_dir);
}

static void
load_key(struct daemon *d)
{
	char error[512];

	if (!d->service->needs_site_key && site_key_file[0] == '\0')
		return;
	if (site_key_file[0] == '\0')
		log_fatal("msg=\"site-key.file is required: make one with: openssl rand -hex 32\"");
	if (!site_key_load(site_key_file, &d->key, error, sizeof(error)))
		log_fatal("msg=\"%s\"", error);
}

static void
read_password(char out[PASSWORD_MAX])
{
	FILE *f;

	out[0] = '\0';
	if (nats_password_file[0] == '\0')
		return;
	f = fopen(nats_password_file, "re");
	if (f == NULL)
		log_fatal("msg=\"nats.password-file can't be opened\" file=%s error=\"%m\"", nats_password_file);
	if (fgets(out, PASSWORD_MAX, f) == NULL)
		log_fatal("msg=\"nats.password-file is empty\" file=%s", nats_password_file);
	out[strcspn(out, "\r\n")] = '\0';
	fclose(f);
}

/* What bus_settings points to, while a connection is made. */
struct nats_identity {
	char password[PASSWORD_MAX], name[192], inbox[96];
};

static struct bus_settings
nats_settings(const struct daemon *d, struct nats_identity *who)
{
	read_password(who->password);
	snprintf(who->name, sizeof(who->name), "%s %s", d->service->name, d->instance);
	snprintf(who->inbox, sizeof(who->inbox), "_INBOX_%s.%08x", d->service->name, rand_u32());
	return (struct bus_settings){ .url = nats_url,
		.user = nats_user,
		.password = who->password,
		.name = who->name,
		.inbox_prefix = who->inbox,
		.ca_file = nats_ca_file,
		.cert_file = nats_cert_file,
		.key_file = nats_key_file };
}

static int
run_self_test(const struct daemon *d)
{
	struct nats_identity who;
	struct self_test t = { nats_settings(d, &who), site, test_http, test_flow, test_say, test_seconds };
	bool good = self_test_run(&t);

	explicit_bzero(&who, sizeof(who));
	return good ? EXIT_SUCCESS : EXIT_FAILURE;
}

static void
start_bus(struct daemon *d)
{
	struct nats_identity who;
	struct bus_settings s = nats_settings(d, &who);
	char spool_dir[PATH_SIZE];

	d->bus = bus_new(d->loop, &s);
	explicit_bzero(&who, sizeof(who));
	snprintf(spool_dir, sizeof(spool_dir), "%s/spool", data_dir);
	d->events = events_new(d->loop, d->bus, d->service->name, site, d->instance, spool_dir, (uint64_t)spool_bytes);
}

/* Thousands of flows are normal here: take what the hard limit gives. */
static void
raise_descriptor_limit(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
		limit.rlim_cur = limit.rlim_max;
		setrlimit(RLIMIT_NOFILE, &limit);
	}
}

static void
start_all(struct daemon *d)
{
	d->loop = loop_new();
	watch_signals(d);
	d->admin = admin_new(d->loop, admin_listen, d->service->name, d->instance);
	start_bus(d);
	admin_ask(d->admin, "nats", nats_ready, d);
	d->presence = presence_new(d->loop, d->bus, site, d->service->name, d->instance, d->service->presence, d);
	answer_srv(d);
	d->drain_timer = loop_timer_new(d->loop, finish, d);
	d->service->start(d);
}

/* The threads of NATS and events run by now and keep their rights; the loop has not seen a peer yet. */
void
daemon_confine(enum sandbox kind)
{
#ifdef HS_INSTRUMENTED
	kind = SANDBOX_NONE;
#endif
	if (!sandbox_enter(kind))
		log_fatal("msg=\"the kernel does not take the sandbox (seccomp, Landlock)\" error=\"%m\"");
}

static void
stop_all(struct daemon *d)
{
	watch_free(&d->watch);
	presence_free(&d->presence);
	events_free(&d->events);
	bus_free(&d->bus, FLUSH_MS);
	admin_free(&d->admin);
}

int
daemon_main(const struct daemon_service *service, int argc, char **argv)
{
	static struct daemon d;
	const struct setting *tables[] = { service->settings, common_settings };
	const size_t counts[] = { service->setting_count, sizeof(common_settings) / sizeof(common_settings[0]) };

	log_init(service->name, LOG_LEVEL_INFO);
	settings_load(service->name, service->purpose, tables, counts, 2, argc, argv);
	d.service = service;
	clock_rfc3339(clock_wall_ms(), d.started);
	load_common(&d);
	if (self_test)
		return run_self_test(&d);
	load_key(&d);
	raise_descriptor_limit();
	start_all(&d);
	daemon_confine(service->sandbox);
	log_info("msg=\"started\" version=" HS_VERSION " site=%s instance=%s", site, d.instance);
	loop_run(d.loop);
	stop_all(&d);
	log_info("msg=\"stopped\"");
	return 0;
}

struct loop *
daemon_loop(struct daemon *d)
{
	return d->loop;
}

struct bus *
daemon_bus(struct daemon *d)
{
	return d->bus;
}

struct events *
daemon_events(struct daemon *d)
{
	return d->events;
}

struct admin *
daemon_admin(struct daemon *d)
{
	return d->admin;
}

const char *
daemon_site(const struct daemon *d)
{
	(void)d;
	return site;
}

const char *
daemon_instance(const struct daemon *d)
{
	return d->instance;
}

const char *
daemon_data_dir(const struct daemon *d)
{
	(void)d;
	return data_dir;
}

const char *
daemon_boot_id(const struct daemon *d)
{
	return presence_boot(d->presence);
}

const struct site_key *
daemon_site_key(const struct daemon *d)
{
	return &d->key;
}
