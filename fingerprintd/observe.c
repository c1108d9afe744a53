#include "fingerprintd/observe.h"

#include "base/clock.h"
#include "base/rand.h"
#include "daemon/daemon.h"
#include "wire/event.h"

#include <stdio.h>
#include <string.h>

enum { LABEL_MAX = 32 };

static const char service_name[] = "fingerprintd";

/* ---- events ---- */

static struct event *
begin(struct daemon *d, const char *action, const char *id, const char *suffix)
{
	char event[EVENT_ID_MAX];

	snprintf(event, sizeof(event), "%.60s-%s", id, suffix);
	return event_create(service_name, daemon_site(d), action, event, clock_wall_ms());
}

static void
emit(struct daemon *d, struct event *e)
{
	events_emit(daemon_events(d), &e);
}

static void
os_guess(struct daemon *d, const struct flow_info *info, const struct flow_target *target)
{
	struct event *e = begin(d, "os-guess", info->id, "os");
	const struct os_guess *guess = &target->os;
	char text[OS_TEXT_MAX];

	event_flow(e, info);
	event_text(e, "honeyspam.os.signature", os_observation_format(target->syn, text));
	if (guess->label != NULL) {
		event_text(e, "honeyspam.os.label", guess->label);
		event_bool(e, "honeyspam.os.tool", guess->tool);
		event_bool(e, "honeyspam.os.generic", guess->generic);
		event_bool(e, "honeyspam.os.fuzzy", guess->fuzzy);
		if (guess->distance >= 0)
			event_number(e, "honeyspam.os.distance", (uint64_t)guess->distance);
	}
	emit(d, e);
}

void
observe_flow_opened(void *ctx, const struct flow_info *info, const struct flow_target *target)
{
	struct event *e = begin(ctx, "flow-open", info->id, "open");

	event_flow(e, info);
	event_text(e, "honeyspam.flow.service", target->service);
	event_text(e, "honeyspam.flow.boot", daemon_boot_id(ctx));
	emit(ctx, e);
	if (target->syn != NULL)
		os_guess(ctx, info, target);
}

void
observe_flow_ended(void *ctx, const struct flow_end *end)
{
	struct event *e = begin(ctx, "flow-close", end->info->id, "close");

	event_flow(e, end->info);
	event_text(e, "honeyspam.flow.service", end->service);
	event_text(e, "honeyspam.flow.boot", daemon_boot_id(ctx));
	event_number(e, "honeyspam.flow.bytes_in", end->bytes_in);
	event_number(e, "honeyspam.flow.bytes_out", end->bytes_out);
	event_number(e, "honeyspam.flow.duration_ms", end->duration_ms);
	event_text(e, "honeyspam.flow.reason", end->reason);
	emit(ctx, e);
}

void
observe_probe(void *ctx, const struct probe_report *r)
{
	static const char *const paths[PROBE_KINDS] = {
		[PROBE_SYN] = "honeyspam.probe.syn",
		[PROBE_TCP] = "honeyspam.probe.tcp",
		[PROBE_UDP] = "honeyspam.probe.udp",
		[PROBE_PING] = "honeyspam.probe.ping",
		[PROBE_ARP] = "honeyspam.probe.arp",
	};
	uint64_t total = 0;
	char id[ULID_TEXT_MAX];
	struct event *e = begin(ctx, "probe", ulid_new(clock_wall_ms(), id), "probe");

	event_addr(e, "source.ip", &r->source);
	event_addr(e, "destination.ip", &r->destination);
	for (size_t i = 0; i < PROBE_KINDS; i++) {
		total += r->counts[i];
		event_number(e, paths[i], r->counts[i]);
	}
	event_number(e, "honeyspam.probe.count", total);
	event_number(e, "honeyspam.probe.duration_ms", PROBES_WINDOW_MS);
	for (size_t i = 0; i < r->port_count; i++)
		event_append_number(e, "honeyspam.probe.ports", r->ports[i], PROBES_PORTS_MAX);
	if (r->ports_truncated)
		event_bool(e, "honeyspam.probe.ports_truncated", true);
	emit(ctx, e);
}

void
observe_overflow(void *ctx, uint64_t packets)
{
	char id[ULID_TEXT_MAX];
	struct event *e = begin(ctx, "overload", ulid_new(clock_wall_ms(), id), "overload");

	event_text(e, "honeyspam.overload.what", "probe-sources");
	event_number(e, "honeyspam.overload.lost", packets);
	emit(ctx, e);
}

/* ---- metrics ---- */

#define STACK_METRICS(X)                                                                                               \
	X(segments_in, METRIC_COUNTER, "TCP segments taken")                                                           \
	X(segments_out, METRIC_COUNTER, "TCP segments sent")                                                           \
	X(bad_checksum, METRIC_COUNTER, "TCP segments dropped for their checksum")                                     \
	X(malformed, METRIC_COUNTER, "TCP segments that could not be read")                                            \
	X(retransmitted, METRIC_COUNTER, "TCP segments sent again")                                                    \
	X(out_of_order, METRIC_COUNTER, "TCP segments that came early")                                                \
	X(duplicates, METRIC_COUNTER, "TCP segments that came again")                                                  \
	X(blind_resets, METRIC_COUNTER, "Resets and SYNs refused by RFC 9293 checks")                                  \
	X(cookies_sent, METRIC_COUNTER, "SYNs answered statelessly")                                                   \
	X(cookies_ok, METRIC_COUNTER, "SYN cookies that came back")                                                    \
	X(cookies_bad, METRIC_COUNTER, "ACKs that were no cookie of ours")                                             \
	X(flows_refused, METRIC_COUNTER, "Flows that found the table full")                                            \
	X(flows, METRIC_GAUGE, "TCP flows now")                                                                        \
	X(half_open, METRIC_GAUGE, "Half-open TCP flows now")

#define NET_METRICS(X)                                                                                                 \
	X(received, "Frames captured")                                                                                 \
	X(dropped, "Frames that found the capture ring full")                                                          \
	X(cut, "Frames longer than the capture takes")                                                                 \
	X(sent, "Frames sent")                                                                                         \
	X(send_failed, "Frames that the interface didn't take")

#define GATEWAY_METRICS(X)                                                                                             \
	X(frames, "Frames looked at")                                                                                  \
	X(arp_replies, "ARP requests answered")                                                                        \
	X(echo_replies, "Echo requests answered")                                                                      \
	X(unreachables, "Port unreachables sent")                                                                      \
	X(reassembled, "Packets put together from fragments")

#define X(name, ...) static metric_value stack_##name;
STACK_METRICS(X)
#undef X
#define X(name, help) static metric_value net_##name;
NET_METRICS(X)
#undef X
#define X(name, help) static metric_value gateway_##name;
GATEWAY_METRICS(X)
#undef X
static metric_value dropped[GATEWAY_DROP_KINDS];
static metric_value flow_count, decoy_count;

void
observe_register_metrics(void)
{
	static char labels[GATEWAY_DROP_KINDS][LABEL_MAX];

#define X(name, type, help) metrics_register("tcp_" #name, NULL, type, help, &stack_##name);
	STACK_METRICS(X)
#undef X
#define X(name, help) metrics_register("net_" #name "_total", NULL, METRIC_COUNTER, help, &net_##name);
	NET_METRICS(X)
#undef X
#define X(name, help) metrics_register("gateway_" #name "_total", NULL, METRIC_COUNTER, help, &gateway_##name);
	GATEWAY_METRICS(X)
#undef X
	for (size_t i = 0; i < GATEWAY_DROP_KINDS; i++) {
		snprintf(labels[i], LABEL_MAX, "reason=\"%s\"", gateway_drop_name((enum gateway_drop)i));
		metrics_register("packets_dropped_total", labels[i], METRIC_COUNTER, "Packets without an answer",
		    &dropped[i]);
	}
}

void
observe_metrics(const struct gateway *g, const struct stack_counters *s, const struct netio_counters *n)
{
	const struct gateway_counters *c = gateway_counters(g);

#define X(name, ...) metric_set(&stack_##name, s->name);
	STACK_METRICS(X)
#undef X
#define X(name, help) metric_set(&net_##name, n->name);
	NET_METRICS(X)
#undef X
#define X(name, help) metric_set(&gateway_##name, c->name);
	GATEWAY_METRICS(X)
#undef X
	for (size_t i = 0; i < GATEWAY_DROP_KINDS; i++)
		metric_set(&dropped[i], c->dropped[i]);
}

void
observe_register_counts(void)
{
	metrics_register("flows", NULL, METRIC_GAUGE, "Flows to traps now", &flow_count);
	metrics_register("decoys", NULL, METRIC_GAUGE, "Addresses in the decoys' file", &decoy_count);
}

void
observe_counts(size_t flows, size_t decoys)
{
	metric_set(&flow_count, flows);
	metric_set(&decoy_count, decoys);
}
