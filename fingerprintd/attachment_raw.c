/*
 * attachment_raw - the decoys' addresses held on a wire: frames from the
 * interface go to the gateway, its answers go back, and who calls whom.
 * Packets are gateway.c's, flows flow.c's.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "fingerprintd/attachment.h"
#include "fingerprintd/checks.h"
#include "fingerprintd/delay_line.h"
#include "fingerprintd/flow_source_raw.h"
#include "fingerprintd/gateway.h"
#include "fingerprintd/host.h"
#include "fingerprintd/netio.h"
#include "fingerprintd/observe.h"
#include "fingerprintd/probes.h"

static struct {
	struct attachment_world world;
	struct netio *net;
	struct gateway *gateway;
	struct probes *probes;
	uint64_t gateway_us; /* the last time that the gateway was given */
	struct delay_line *delayed; /* frames of decoys that seem to be far away */
	struct loop_timer *delay;
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
		self.world.guess(&known);
	return flow_source_raw_open(self.world.flows, f, &known);
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
	if (busy())
		self.world.hurry();
}

/* ---- what main.c asks for ---- */

static void
make_cores(void)
{
	static const struct gateway_ops gateway_ops = {
		.send = send_frame,
		.probe = note_probe,
		.opened = open_flow,
		.data = flow_source_raw_data,
		.eof = flow_source_raw_eof,
		.writable = flow_source_raw_writable,
		.closed = flow_source_raw_closed,
	};
	struct probes_ops probes_ops = {
		.report = observe_probe,
		.overflow = observe_overflow,
		.ctx = self.world.daemon,
	};
	struct stack_settings stack = {
		.flows_max = self.world.flows_max,
		.half_open_max = (size_t)attachment_settings.half_open_max,
	};

	self.probes = probes_new(&probes_ops, clock_ms());
	self.gateway = gateway_new(&gateway_ops, &stack, clock_us());
	self.delayed = delay_line_new(clock_us());
	self.delay = loop_timer_new(daemon_loop(self.world.daemon), send_due, NULL);
}

static bool
start(const struct attachment_world *w)
{
	static const struct netio_ops ops = { .frame = frame_arrived, .turn = turn_ended };
	const char *interface = attachment_settings.interface;
	char error[NETIO_ERROR_MAX];
	bool forbidden;

	self.world = *w;
	make_cores();
	observe_register_metrics();
	if (interface[0] == '\0')
		log_fatal("msg=\"interface is required: the one on whose wire the decoys are\"");
	self.net = netio_open(daemon_loop(w->daemon), interface, &ops, &forbidden, error);
	if (self.net == NULL && !forbidden)
		log_fatal("msg=\"%s\"", error);
	if (self.net == NULL) {
		log_error("msg=\"%s\"", error);
		return false;
	}
	if (checks_forwards(interface))
		log_warn("msg=\"IPv4 forwarding is on: the kernel may answer for decoys too; turn it off\" "
			 "setting=net.ipv4.conf.%s.forwarding",
		    interface);
	return true;
}

static void
drop_host(void *ctx, struct host *h)
{
	(void)ctx;
	stack_drop_host(gateway_stack(self.gateway), &h->stack);
}

/* Addresses that stay keep their host, and so their flows. */
static bool
adopt(struct decoys *now, struct decoys *before, char error[ATTACHMENT_ERROR_MAX])
{
	uint8_t mac[PACKET_ETH_ADDR];
	struct host_world world = {
		.key = daemon_site_key(self.world.daemon),
		.shared_mac = attachment_settings.mac_shared ? mac : NULL,
		.now_us = clock_us(),
		.wall_ms = clock_wall_ms(),
	};

	if (!checks_addresses(now, error))
		return false;
	netio_mac(self.net, mac);
	hosts_adopt(&world, now, before, drop_host, NULL);
	gateway_set_decoys(self.gateway, now);
	gateway_announce(self.gateway, forward(clock_us()));
	return true;
}

static void
advance(uint64_t now_us)
{
	gateway_advance(self.gateway, forward(now_us));
}

static void
sweep(uint64_t now_ms)
{
	probes_tick(self.probes, now_ms);
}

static void
measure(void)
{
	observe_metrics(self.gateway, stack_counters(gateway_stack(self.gateway)), netio_counters(self.net));
}

static void
drain(void)
{
	stack_drain(gateway_stack(self.gateway), true);
}

static void
stop(struct decoys *decoys)
{
	probes_flush(self.probes);
	loop_timer_free(&self.delay);
	delay_line_free(&self.delayed);
	gateway_free(&self.gateway);
	netio_close(&self.net);
	probes_free(&self.probes);
	if (decoys != NULL)
		hosts_free(decoys);
}

const struct attachment attachment_raw = {
	.name = "raw",
	.start = start,
	.adopt = adopt,
	.advance = advance,
	.busy = busy,
	.sweep = sweep,
	.measure = measure,
	.drain = drain,
	.stop = stop,
};
