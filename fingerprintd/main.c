/*
 * fingerprintd - the gateway's process: settings, the interface, the decoys and
 * their reload, and who calls whom.  Packets are gateway.c's, flows flow.c's.
 */
#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/daemon.h"
#include "daemon/replicas.h"
#include "fingerprintd/checks.h"
#include "fingerprintd/decoys.h"
#include "fingerprintd/delay_line.h"
#include "fingerprintd/describe.h"
#include "fingerprintd/flow.h"
#include "fingerprintd/gateway.h"
#include "fingerprintd/host.h"
#include "fingerprintd/netio.h"
#include "fingerprintd/observe.h"
#include "fingerprintd/os_files.h"
#include "fingerprintd/personalities.h"
#include "fingerprintd/probes.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	TICK_MS = 10, /* the stack's timers while there are flows */
	IDLE_TICK_MS = 100, /* and while there are none */
	SWEEP_MS = 100,
	METRICS_MS = 1000,
};

#define DEFAULT_DIR "/usr/share/honeyspam/personalities"

static const char *interface, *decoys_file, *personalities_dir, *networks, *fallback, *signatures_files, *described;
static long flows_max, half_open_max;
static bool mac_shared, check_only;

static const struct setting settings[] = {
	{ "interface", SETTING_TEXT, &interface, "", 0, 0, "", "Interface on whose wire the decoys are." },
	{ "decoys.file", SETTING_TEXT, &decoys_file, NULL, 0, 0, "",
	    "JSON file of addresses, personalities and ports; read again on SIGHUP." },
	{ "personalities.dir", SETTING_TEXT, &personalities_dir, DEFAULT_DIR, 0, 0, "",
	    "Directories of personalities (*.json), separated by commas; read again on SIGHUP." },
	{ "os-signatures.files", SETTING_TEXT, &signatures_files,
	    "/usr/share/honeyspam/os-signatures.fp,/etc/p0f/p0f.fp", 0, 0, "",
	    "Files of signatures of SYNs in p0f's syntax, separated by commas; read again on SIGHUP." },
	{ "traps.networks", SETTING_TEXT, &networks, "127.0.0.0/8", 0, 0, "",
	    "Networks in which traps may be dialled, separated by commas." },
	{ "traps.fallback", SETTING_TEXT, &fallback, "", 0, 0, "",
	    "Traps while no presence is heard: service=host:port, separated by commas." },
	{ "mac.shared", SETTING_BOOL, &mac_shared, "false", 0, 0, "",
	    "All decoys have the interface's own MAC address (where foreign ones are not delivered)." },
	{ "flows.max", SETTING_NUMBER, &flows_max, "16384", 1, 1048576, "", "Established flows at once." },
	{ "half-open.max", SETTING_NUMBER, &half_open_max, "4096", 1, 1048576, "",
	    "Handshakes at once that have a table entry; beyond, SYNs are answered statelessly." },
	{ "check-personality", SETTING_TEXT, &described, "", 0, 0, "",
	    "Only say in words what the personality of that name does, and exit." },
	{ "check", SETTING_BOOL, &check_only, "false", 0, 0, "",
	    "Only read the decoys and personalities, say what is wrong, and exit." },
};
enum { SETTINGS_COUNT = sizeof(settings) / sizeof(settings[0]) };

static struct {
	struct daemon *daemon;
	struct netio *net;
	struct gateway *gateway;
	struct flows *flows;
	struct probes *probes;
	struct replicas *replicas;
	struct personalities *personalities;
	uint64_t gateway_us; /* the last time that the gateway was given */
	struct decoys *decoys;
	struct os_signatures *signatures;
	struct loop_timer *tick;
	struct delay_line *delayed; /* frames of decoys that seem to be far away */
	struct loop_timer *delay;
	uint64_t sweep_ms; /* when it is next due */
	uint64_t metrics_ms;
	bool fast; /* the tick is TICK_MS */
	bool draining;
} self;

/* ---- what the cores ask for ---- */

static void
send_now(void *ctx, const void *frame, size_t len)
{
	(void)ctx;
	netio_send(self.net, frame, len);
}

static void
send_due(void *ctx)
{
	(void)ctx;
	delay_line_advance(self.delayed, clock_us(), send_now, NULL);
	if (!delay_line_empty(self.delayed))
		loop_timer_once(self.delay, 1);
}

static void
send_frame(void *ctx, const void *frame, size_t len, uint64_t delay_us)
{
	if (delay_us == 0) {
		send_now(ctx, frame, len);
		return;
	}
	bool first = delay_line_empty(self.delayed);

	if (delay_line_add(self.delayed, frame, len, clock_us() + delay_us) && first)
		loop_timer_once(self.delay, 1);
}

static void
note_probe(void *ctx, enum probe_kind kind, const struct addr *source, const struct addr *destination, uint16_t port)
{
	(void)ctx;
	probes_note(self.probes, kind, source, destination, port);
}

static bool
open_flow(void *ctx, struct stack_flow *f, const struct flow_target *target)
{
	struct flow_target known = *target;

	(void)ctx;
	if (known.syn != NULL)
		os_signatures_match(self.signatures, known.syn, &known.os);
	return flows_open(self.flows, f, &known);
}

/* The gateway's time never goes back, though a frame may be older than the last tick. */
static uint64_t
forward(uint64_t at_us)
{
	if (at_us > self.gateway_us)
		self.gateway_us = at_us;
	return self.gateway_us;
}

static void
frame_arrived(void *ctx, const uint8_t *frame, size_t len, uint64_t age_us)
{
	(void)ctx;
	gateway_input(self.gateway, frame, len, forward(clock_us() - age_us));
}

static void
set_tick(bool fast)
{
	if (self.fast == fast)
		return;
	self.fast = fast;
	loop_timer_every(self.tick, fast ? TICK_MS : IDLE_TICK_MS);
}

static bool
busy(void)
{
	const struct stack_counters *c = stack_counters(gateway_stack(self.gateway));

	return c->flows > 0 || c->half_open > 0;
}

static void
turn_ended(void *ctx)
{
	(void)ctx;
	if (!self.fast && busy())
		set_tick(true);
}

static void
sweep(uint64_t now_ms)
{
	flows_sweep(self.flows, now_ms);
	probes_tick(self.probes, now_ms);
	if (!busy())
		set_tick(false);
	if (self.draining && flows_count(self.flows) == 0)
		daemon_drained(self.daemon);
	if (now_ms < self.metrics_ms)
		return;
	self.metrics_ms = now_ms + METRICS_MS;
	observe_metrics(self.gateway, stack_counters(gateway_stack(self.gateway)), netio_counters(self.net),
	    flows_count(self.flows), decoys_count(self.decoys));
}

static void
tick(void *ctx)
{
	uint64_t now_us = clock_us();

	(void)ctx;
	gateway_advance(self.gateway, forward(now_us));
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

static void
drop_host(void *ctx, struct host *h)
{
	(void)ctx;
	stack_drop_host(gateway_stack(self.gateway), &h->stack);
}

/* Addresses that stay keep their host, and so their flows. */
static void
adopt(const struct loaded *now)
{
	uint8_t mac[PACKET_ETH_ADDR];
	struct host_world world = {
		.key = daemon_site_key(self.daemon),
		.shared_mac = mac_shared ? mac : NULL,
		.now_us = clock_us(),
		.wall_ms = clock_wall_ms(),
	};

	netio_mac(self.net, mac);
	hosts_adopt(&world, now->decoys, self.decoys, drop_host, NULL);
	gateway_set_decoys(self.gateway, now->decoys);
	decoys_free(&self.decoys);
	personalities_free(&self.personalities);
	self.decoys = now->decoys;
	self.personalities = now->personalities;
	log_info("msg=\"decoys loaded\" file=%s addresses=%zu ports=%zu personalities=%zu", decoys_file,
	    decoys_count(self.decoys), decoys_port_count(self.decoys), personalities_count(self.personalities));
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
	read_signatures();
	if (!load(&now, &error)) {
		log_error("msg=\"%s; the old decoys stay\"", error.text);
	} else if (!checks_addresses(now.decoys, error.text)) {
		log_error("msg=\"%s; the old decoys stay\"", error.text);
		forget(&now);
	} else {
		adopt(&now);
	}
}

/* ---- the process ---- */

static void
open_interface(void)
{
	static const struct netio_ops ops = { .frame = frame_arrived, .turn = turn_ended };
	char error[NETIO_ERROR_MAX];

	if (interface[0] == '\0')
		log_fatal("msg=\"interface is required: the one on whose wire the decoys are\"");
	self.net = netio_open(daemon_loop(self.daemon), interface, &ops, error);
	if (self.net == NULL)
		log_fatal("msg=\"%s\"", error);
	if (checks_forwards(interface))
		log_warn("msg=\"IPv4 forwarding is on: the kernel may answer for decoys too; turn it off\" "
			 "setting=net.ipv4.conf.%s.forwarding",
		    interface);
}

static void
make_cores(void)
{
	static const struct gateway_ops gateway_ops = {
		.send = send_frame,
		.probe = note_probe,
		.opened = open_flow,
		.data = flows_data,
		.eof = flows_eof,
		.writable = flows_writable,
		.closed = flows_closed,
	};
	struct daemon *d = self.daemon;
	struct flows_ops flows_ops = { .opened = observe_flow_opened, .ended = observe_flow_ended, .ctx = d };
	struct probes_ops probes_ops = { .report = observe_probe, .overflow = observe_overflow, .ctx = d };
	struct stack_settings stack = { .flows_max = (size_t)flows_max, .half_open_max = (size_t)half_open_max };

	self.replicas = replicas_new(daemon_loop(d), daemon_bus(d), daemon_site(d), networks, fallback);
	struct flows_settings flows = { daemon_loop(d), self.replicas, daemon_site(d), (size_t)flows_max };

	self.flows = flows_new(&flows, &flows_ops);
	self.probes = probes_new(&probes_ops, clock_ms());
	self.gateway = gateway_new(&gateway_ops, &stack, clock_us());
}

static void
start(struct daemon *d)
{
	struct json_error error;
	struct loaded now;

	self.daemon = d;
	if (!load(&now, &error) || !checks_addresses(now.decoys, error.text))
		log_fatal("msg=\"%s\"", error.text);
	read_signatures();
	make_cores();
	open_interface();
	adopt(&now);
	observe_register_metrics();
	self.tick = loop_timer_new(daemon_loop(d), tick, NULL);
	self.delayed = delay_line_new(clock_us());
	self.delay = loop_timer_new(daemon_loop(d), send_due, NULL);
	loop_timer_every(self.tick, IDLE_TICK_MS);
	admin_ready(daemon_admin(d), "decoys", true);
}

static void
drain(struct daemon *d)
{
	(void)d;
	self.draining = true;
	stack_drain(gateway_stack(self.gateway), true);
}

static void
stop(struct daemon *d)
{
	(void)d;
	flows_reset_all(self.flows);
	probes_flush(self.probes);
	loop_timer_free(&self.tick);
	loop_timer_free(&self.delay);
	delay_line_free(&self.delayed);
	gateway_free(&self.gateway);
	netio_close(&self.net);
	flows_free(&self.flows);
	probes_free(&self.probes);
	replicas_free(&self.replicas);
	hosts_free(self.decoys);
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
