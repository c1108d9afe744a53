/*
 * fingerprintd - the gateway's process: settings, the decoys and their reload,
 * and the way in that was chosen (attachment.h).  Flows are flow.c's.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/daemon.h"
#include "daemon/replicas.h"
#include "fingerprintd/attachment.h"
#include "fingerprintd/decoys.h"
#include "fingerprintd/describe.h"
#include "fingerprintd/flow.h"
#include "fingerprintd/observe.h"
#include "fingerprintd/os_files.h"
#include "fingerprintd/personalities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICK_MS = 10, /* the stack's timers while there are flows */
	IDLE_TICK_MS = 250, /* and while there are none */
	SWEEP_MS = 100,
	METRICS_MS = 1000,
};

#define DEFAULT_DIR "/usr/share/honeyspam/personalities"

static const char *attachment_name, *decoys_file, *personalities_dir, *networks, *fallback, *signatures_files,
    *described;
static long flows_max;
static bool check_only;
struct attachment_settings attachment_settings;

static const struct setting settings[] = {
	{ "attachment", SETTING_TEXT, &attachment_name, "raw", 0, 0, "",
	    "How decoys are reached: raw (addresses on a wire) or service (kernel sockets behind a balancer)." },
	{ "interface", SETTING_TEXT, &attachment_settings.interface, "", 0, 0, "",
	    "raw: interface on whose wire the decoys are." },
	{ "decoys.file", SETTING_TEXT, &decoys_file, NULL, 0, 0, "",
	    "JSON file of addresses, personalities and ports; read again on SIGHUP and when it changes." },
	{ "personalities.dir", SETTING_TEXT, &personalities_dir, DEFAULT_DIR, 0, 0, "",
	    "Directories of personalities (*.json), separated by commas; read again on SIGHUP." },
	{ "os-signatures.files", SETTING_TEXT, &signatures_files,
	    "/usr/share/honeyspam/os-signatures.fp,/etc/p0f/p0f.fp", 0, 0, "",
	    "Files of signatures of SYNs in p0f's syntax, separated by commas; read again on SIGHUP." },
	{ "traps.networks", SETTING_TEXT, &networks, "127.0.0.0/8", 0, 0, "",
	    "Networks in which traps may be dialled, separated by commas." },
	{ "traps.fallback", SETTING_TEXT, &fallback, "", 0, 0, "",
	    "Traps while no presence is heard: service=host:port, separated by commas." },
	{ "mac.shared", SETTING_BOOL, &attachment_settings.mac_shared, "false", 0, 0, "",
	    "raw: all decoys have the interface's own MAC address (where foreign ones are not delivered)." },
	{ "flows.max", SETTING_NUMBER, &flows_max, "16384", 1, 1048576, "", "Established flows at once." },
	{ "half-open.max", SETTING_NUMBER, &attachment_settings.half_open_max, "4096", 1, 1048576, "",
	    "raw: handshakes at once that have a table entry; beyond, SYNs are answered statelessly." },
	{ "listen.address", SETTING_TEXT, &attachment_settings.listen_address, "0.0.0.0", 0, 0, "",
	    "service: address on which the decoys' ports are listened on." },
	{ "listen.port-offset", SETTING_NUMBER, &attachment_settings.listen_port_offset, "0", 0, 65535, "",
	    "service: added to each port, as an ordinary user may not listen below 1024." },
	{ "listen.proxy", SETTING_TEXT, &attachment_settings.listen_proxy, "off", 0, 0, "",
	    "service: required when the balancer sends a PROXY header (v1 or v2) with the client's address, or off." },
	{ "listen.networks", SETTING_TEXT, &attachment_settings.listen_networks, "0.0.0.0/0,::/0", 0, 0, "",
	    "service: who may connect, networks separated by commas; with listen.proxy=required, the balancers." },
	{ "check-personality", SETTING_TEXT, &described, "", 0, 0, "",
	    "Only say in words what the personality of that name does, and exit." },
	{ "check", SETTING_BOOL, &check_only, "false", 0, 0, "",
	    "Only read the decoys and personalities, say what is wrong, and exit." },
};
enum { SETTINGS_COUNT = sizeof(settings) / sizeof(settings[0]) };

static struct {
	struct daemon *daemon;
	const struct attachment *attached;
	struct flows *flows;
	struct replicas *replicas;
	struct personalities *personalities;
	struct decoys *decoys; /* NULL: what the attachment needs is missing, and we wait for people */
	struct os_signatures *signatures;
	struct loop_timer *tick;
	uint64_t sweep_ms; /* when it is next due */
	uint64_t metrics_ms;
	bool fast; /* the tick is TICK_MS */
	bool draining;
} self;

/* ---- time ---- */

static void
set_tick(bool fast)
{
	if (self.fast == fast)
		return;
	self.fast = fast;
	loop_timer_every(self.tick, fast ? TICK_MS : IDLE_TICK_MS);
}

static void
hurry(void)
{
	set_tick(true);
}

static void
sweep(uint64_t now_ms)
{
	const struct attachment *a = self.attached;

	flows_sweep(self.flows, now_ms);
	if (a->sweep != NULL)
		a->sweep(now_ms);
	if (a->busy == NULL || !a->busy())
		set_tick(false);
	if (self.draining && flows_count(self.flows) == 0)
		daemon_drained(self.daemon);
	if (now_ms < self.metrics_ms)
		return;
	self.metrics_ms = now_ms + METRICS_MS;
	observe_counts(flows_count(self.flows), decoys_count(self.decoys));
	if (a->measure != NULL)
		a->measure();
}

static void
tick(void *ctx)
{
	uint64_t now_us = clock_us();

	(void)ctx;
	if (self.attached->advance != NULL)
		self.attached->advance(now_us);
	if (now_us / 1000 < self.sweep_ms)
		return;
	self.sweep_ms = now_us / 1000 + SWEEP_MS;
	sweep(now_us / 1000);
}

/* ---- decoys ---- */

struct loaded {
	struct personalities *personalities;
	struct decoys *decoys;
};

static bool
load(struct loaded *out, struct json_error *error)
{
	memset(out, 0, sizeof(*out));
	out->personalities = personalities_open(personalities_dir, error);
	if (out->personalities != NULL)
		out->decoys = decoys_load(decoys_file, out->personalities, error);
	if (out->decoys == NULL)
		personalities_free(&out->personalities);
	return out->decoys != NULL;
}

/* False: nothing has changed, and now is still the caller's. */
static bool
adopt(const struct loaded *now, struct json_error *error)
{
	char why[ATTACHMENT_ERROR_MAX];

	if (!self.attached->adopt(now->decoys, self.decoys, why)) {
		snprintf(error->text, sizeof(error->text), "%s", why);
		return false;
	}
	decoys_free(&self.decoys);
	personalities_free(&self.personalities);
	self.decoys = now->decoys;
	self.personalities = now->personalities;
	log_info("msg=\"decoys loaded\" file=%s addresses=%zu ports=%zu personalities=%zu", decoys_file,
	    decoys_count(self.decoys), decoys_port_count(self.decoys), personalities_count(self.personalities));
	return true;
}

static void
forget(struct loaded *l)
{
	decoys_free(&l->decoys);
	personalities_free(&l->personalities);
}

/* Flows have copies of their labels. */
static void
read_signatures(void)
{
	os_signatures_free(&self.signatures);
	self.signatures = os_files_load(signatures_files);
}

static void
reload(struct daemon *d)
{
	struct json_error error;
	struct loaded now;

	(void)d;
	if (self.decoys == NULL) {
		log_warn("msg=\"not attached: a restart is needed, not a reload\"");
		return;
	}
	read_signatures();
	if (!load(&now, &error)) {
		log_error("msg=\"%s; the old decoys stay\"", error.text);
	} else if (!adopt(&now, &error)) {
		log_error("msg=\"%s; the old decoys stay\"", error.text);
		forget(&now);
	}
}

/* ---- the process ---- */

static const struct attachment *
chosen_attachment(void)
{
	static const struct attachment *const all[] = { &attachment_raw, &attachment_service };

	for (size_t i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		if (strcmp(all[i]->name, attachment_name) == 0)
			return all[i];
	}
	log_fatal("msg=\"attachment must be raw or service\" value=\"%s\"", attachment_name);
}

static void
guess(struct flow_target *target)
{
	os_signatures_match(self.signatures, target->syn, &target->os);
}

static void
make_flows(void)
{
	struct daemon *d = self.daemon;
	struct flows_ops ops = { .opened = observe_flow_opened, .ended = observe_flow_ended, .ctx = d };

	self.replicas = replicas_new(daemon_loop(d), daemon_bus(d), daemon_site(d), "webtrap,proxytrap,relaytrap",
	    networks, fallback);
	struct flows_settings s = { daemon_loop(d), self.replicas, daemon_site(d), (size_t)flows_max };

	self.flows = flows_new(&s, &ops);
}

/* Waits for ever, not ready, when only people can help: a crash loop would tell them less. */
static void
start(struct daemon *d)
{
	struct json_error error;
	struct loaded now;

	self.daemon = d;
	self.attached = chosen_attachment();
	admin_ready(daemon_admin(d), "decoys", false);
	if (!load(&now, &error))
		log_fatal("msg=\"%s\"", error.text);
	read_signatures();
	daemon_watch(d, decoys_file);
	make_flows();
	struct attachment_world world = { d, self.flows, guess, hurry, (size_t)flows_max };

	self.tick = loop_timer_new(daemon_loop(d), tick, NULL);
	if (!self.attached->start(&world)) {
		forget(&now);
		return;
	}
	if (!adopt(&now, &error))
		log_fatal("msg=\"%s\"", error.text);
	observe_register_counts();
	loop_timer_every(self.tick, IDLE_TICK_MS);
	admin_ready(daemon_admin(d), "decoys", true);
}

static void
drain(struct daemon *d)
{
	self.draining = true;
	self.attached->drain();
	if (self.decoys == NULL)
		daemon_drained(d);
}

static void
stop(struct daemon *d)
{
	(void)d;
	flows_reset_all(self.flows);
	self.attached->stop(self.decoys);
	loop_timer_free(&self.tick);
	flows_free(&self.flows);
	replicas_free(&self.replicas);
	decoys_free(&self.decoys);
	personalities_free(&self.personalities);
	os_signatures_free(&self.signatures);
}

static void
presence(void *ctx, struct presence_state *out)
{
	(void)ctx;
	out->sessions = self.flows == NULL ? 0 : flows_count(self.flows);
	out->capacity = (size_t)flows_max;
}

/* ---- --check ---- */

static bool
is_ours(const char *arg)
{
	for (size_t i = 0; i < SETTINGS_COUNT; i++) {
		size_t len = strlen(settings[i].name);

		if (strncmp(arg, "--", 2) == 0 && strncmp(arg + 2, settings[i].name, len) == 0 &&
		    (arg[2 + len] == '\0' || arg[2 + len] == '='))
			return true;
	}
	return false;
}

/* What the files say needs neither NATS nor the interface: the other settings are left out. */
static int
check(int argc, char **argv)
{
	const struct setting *tables[] = { settings };
	const size_t counts[] = { SETTINGS_COUNT };
	char **ours = xcalloc((size_t)argc + 1, sizeof(*ours));
	struct json_error error;
	struct loaded now;
	int n = 0;

	for (char **arg = argv; *arg != NULL; arg++) {
		if (arg == argv || is_ours(*arg))
			ours[n++] = *arg;
	}
	settings_load("fingerprintd", "check of decoys and personalities", tables, counts, 1, n, ours);
	free(ours);
	if (!load(&now, &error)) {
		fprintf(stderr, "%s\n", error.text);
		return 1;
	}
	printf("%s: %zu addresses, %zu ports, %zu personalities: good\n", decoys_file, decoys_count(now.decoys),
	    decoys_port_count(now.decoys), personalities_count(now.personalities));
	forget(&now);
	return 0;
}

/* ---- --check-personality ---- */

/* The name, from "--check-personality NAME" or "...=NAME"; NULL: not asked for. */
static const char *
wants_description(char **argv)
{
	static const char flag[] = "--check-personality";
	size_t len = sizeof(flag) - 1;

	for (; *argv != NULL; argv++) {
		if (strncmp(*argv, flag, len) == 0 && (*argv)[len] == '=')
			return *argv + len + 1;
		if (strcmp(*argv, flag) == 0)
			return argv[1] != NULL ? argv[1] : "";
	}
	return NULL;
}

static int
check_personality(const char *name, char **argv)
{
	static const char flag[] = "--personalities.dir=";
	static const struct setting only = { "personalities.dir", SETTING_TEXT, &personalities_dir, DEFAULT_DIR, 0, 0,
		"", "" };
	const struct setting *tables[] = { &only };
	const size_t counts[] = { 1 };
	char *ours[2] = { argv[0], NULL };
	struct json_error error;
	int n = 1;

	for (; *argv != NULL; argv++) {
		if (strncmp(*argv, flag, sizeof(flag) - 1) == 0) {
			ours[1] = *argv;
			n = 2;
		}
	}
	settings_load("fingerprintd", "says what a personality does", tables, counts, 1, n, ours);
	struct personalities *all = personalities_open(personalities_dir, &error);
	const struct personality *p = all == NULL ? NULL : personalities_get(all, name, &error);

	if (p != NULL)
		describe(p, stdout);
	else
		fprintf(stderr, "%s\n", error.text);
	personalities_free(&all);
	return p == NULL ? 1 : 0;
}

static bool
wants_check(char **argv)
{
	for (; *argv != NULL; argv++) {
		if (strcmp(*argv, "--check") == 0 || strcmp(*argv, "--check=true") == 0)
			return true;
	}
	return false;
}

int
main(int argc, char **argv)
{
	static const struct daemon_service service = {
		.name = "fingerprintd",
		.purpose = "holds decoy addresses and forwards their TCP flows to traps",
		.settings = settings,
		.setting_count = SETTINGS_COUNT,
		.needs_site_key = true,
		.sandbox = SANDBOX_NO_PROGRAMS,
		.start = start,
		.reload = reload,
		.drain = drain,
		.stop = stop,
		.presence = presence,
	};

	const char *name = wants_description(argv);

	if (name != NULL)
		return check_personality(name, argv);
	if (wants_check(argv))
		return check(argc, argv);
	return daemon_main(&service, argc, argv);
}
