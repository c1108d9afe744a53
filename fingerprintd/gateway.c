#include "fingerprintd/gateway.h"

#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"
#include "fingerprintd/arp.h"
#include "fingerprintd/fragments.h"
#include "fingerprintd/hops.h"
#include "fingerprintd/host.h"
#include "fingerprintd/icmp.h"
#include "fingerprintd/os_observe.h"
#include "fingerprintd/udp.h"
#include "wire/packet_icmp.h"
#include "wire/packet_ip.h"
#include "wire/packet_tcp.h"
#include "wire/packet_udp.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum {
	FRAME_MAX = PACKET_ETH_HEADER + 65535,
	EXPIRED_PER_SECOND = 200,
	ANNOUNCE_ROUNDS = 2,
	ANNOUNCE_PAUSE_US = 2000000, /* between rounds: ANNOUNCE_INTERVAL of RFC 5227 1.1 */
	ANNOUNCE_AT_ONCE = 256, /* all 65,536 within a minute, though nothing goes on */
};

struct gateway {
	struct gateway_ops ops;
	struct stack *stack;
	struct fragments *fragments;
	const struct decoys *decoys; /* borrowed; NULL until set */
	struct gateway_counters counters;
	unsigned announce_rounds; /* that are left */
	size_t announced; /* decoys, in this round */
	uint64_t announce_us; /* not before */
	uint8_t in[FRAME_MAX]; /* a packet as it is beyond the routers before its decoy */
	uint8_t out[FRAME_MAX]; /* the reply being written */
};

/* A packet on its way through. */
struct passage {
	struct host *host;
	struct packet_eth eth;
	struct packet_ip ip;
	const uint8_t *packet; /* the whole IP packet */
	size_t len;
	uint64_t now_us;
};

static_assert((int)PACKET_ETH_ADDR <= (int)STACK_LINK_BYTES, "a MAC address fits into the stack's link bytes");

const char *
gateway_drop_name(enum gateway_drop why)
{
	static const char *const names[] = {
#define X(id, name) [id] = name,
		GATEWAY_DROPS(X)
#undef X
	};

	return names[why];
}

static void
drop(struct gateway *g, enum gateway_drop why)
{
	g->counters.dropped[why]++;
}

/* ---- out ---- */

/* The way back is the MAC that the packet came from: a real machine on the same wire doesn't ask again either. */
static void
begin_frame(struct gateway *g, struct writer *w, const struct host *h, const uint8_t *peer_mac)
{
	struct packet_eth eth = { .type = PACKET_ETH_IP4 };

	memcpy(eth.destination, peer_mac, sizeof(eth.destination));
	memcpy(eth.source, h->mac, sizeof(eth.source));
	writer_init(w, g->out, sizeof(g->out));
	packet_eth_format(w, &eth);
}

static void
send_arp(struct gateway *g, const struct writer *w)
{
	if (!w->failed)
		g->ops.send(g->ops.ctx, g->out, writer_len(w), 0);
}

/* Some of the announcements that are due. */
static void
announce(struct gateway *g, uint64_t now_us)
{
	size_t count = g->decoys == NULL ? 0 : decoys_count(g->decoys);
	struct writer w;

	if (g->announce_rounds == 0 || now_us < g->announce_us)
		return;
	for (size_t i = 0; i < ANNOUNCE_AT_ONCE && g->announced < count; i++) {
		writer_init(&w, g->out, sizeof(g->out));
		arp_announcement(decoys_at(g->decoys, g->announced++)->host, &w);
		send_arp(g, &w);
	}
	if (g->announced < count)
		return;
	g->announced = 0;
	g->announce_rounds--;
	g->announce_us = now_us + ANNOUNCE_PAUSE_US;
}

/* A decoy's packet, on its way over the routers before it. */
static void
send_frame(struct gateway *g, const struct writer *w, const struct host *h)
{
	const struct decoy_group *group = h->group;

	if (w->failed || !hops_lower_ttl(g->out + PACKET_ETH_HEADER, (uint8_t)group->hop_count))
		return;
	g->ops.send(g->ops.ctx, g->out, writer_len(w), hops_delay_us(group, group->hop_count));
}

/* Counts, and sends when there is something to send. */
static void
conclude(struct gateway *g, enum answer a, const struct writer *w, const struct host *h, uint64_t *sent)
{
	static const enum gateway_drop reasons[] = {
		[ANSWER_NONE] = GATEWAY_UNANSWERED,
		[ANSWER_MALFORMED] = GATEWAY_MALFORMED,
		[ANSWER_BAD_CHECKSUM] = GATEWAY_BAD_CHECKSUM,
		[ANSWER_LIMITED] = GATEWAY_LIMITED,
	};

	if (a != ANSWER_SEND) {
		drop(g, reasons[a]);
		return;
	}
	++*sent;
	send_frame(g, w, h);
}

/* ---- in ---- */

static struct host *
find_host(const struct gateway *g, const struct addr *a)
{
	const struct decoy *d = g->decoys == NULL ? NULL : decoys_find(g->decoys, a);

	return d == NULL ? NULL : d->host;
}

/* Promiscuous capture shows us requests that no card of the decoy would have seen. */
static bool
reaches(const struct host *h, const uint8_t destination[PACKET_ETH_ADDR])
{
	return memcmp(destination, h->mac, PACKET_ETH_ADDR) == 0;
}

static void
arp_frame(struct gateway *g, const struct packet_eth *eth, struct reader *r)
{
	struct packet_arp a;
	struct writer w;
	struct host *h;

	if (!packet_arp_parse(r, &a)) {
		drop(g, GATEWAY_MALFORMED);
	} else if ((h = find_host(g, &a.target)) == NULL) {
		drop(g, GATEWAY_NOT_OURS);
	} else if (!packet_eth_is_broadcast(eth->destination) && !reaches(h, eth->destination)) {
		drop(g, GATEWAY_WRONG_MAC);
	} else if (!arp_request_sane(&a)) {
		drop(g, a.operation == PACKET_ARP_REQUEST ? GATEWAY_BAD_SOURCE : GATEWAY_UNANSWERED);
	} else {
		g->ops.probe(g->ops.ctx, PROBE_ARP, &a.sender, &a.target, 0);
		writer_init(&w, g->out, sizeof(g->out));
		arp_reply(h, &a, &w);
		g->counters.arp_replies++;
		send_arp(g, &w);
	}
}

static void
icmp_packet(struct gateway *g, const struct passage *p)
{
	const uint8_t *message = p->packet + p->ip.header_len;
	struct writer w;

	if (p->len > p->ip.header_len && message[0] == PACKET_ICMP_ECHO)
		g->ops.probe(g->ops.ctx, PROBE_PING, &p->ip.source, &p->ip.destination, 0);
	begin_frame(g, &w, p->host, p->eth.source);
	enum answer a = icmp_input(p->host, &p->ip, message, p->len - p->ip.header_len, p->now_us, &w);
	conclude(g, a, &w, p->host, &g->counters.echo_replies);
}

static void
udp_packet(struct gateway *g, const struct passage *p)
{
	struct packet_udp udp;
	struct writer w;

	begin_frame(g, &w, p->host, p->eth.source);
	enum answer a = udp_input(p->host, &p->ip, p->packet, p->len, p->now_us, &udp, &w);

	if (a != ANSWER_MALFORMED && a != ANSWER_BAD_CHECKSUM)
		g->ops.probe(g->ops.ctx, PROBE_UDP, &p->ip.source, &p->ip.destination, udp.destination);
	conclude(g, a, &w, p->host, &g->counters.unreachables);
}

static void
transport(struct gateway *g, const struct passage *p)
{
	uint8_t link[STACK_LINK_BYTES] = { 0 };

	switch (p->ip.protocol) {
	case PACKET_IP_ICMP:
		icmp_packet(g, p);
		break;
	case PACKET_IP_UDP:
		udp_packet(g, p);
		break;
	case PACKET_IP_TCP:
		memcpy(link, p->eth.source, PACKET_ETH_ADDR);
		stack_input(g->stack, &p->host->stack, link, p->packet, p->len, p->now_us);
		break;
	default:
		drop(g, GATEWAY_UNANSWERED);
	}
}

/* An answer to such a source would go to nobody, to everybody, or round in a circle between two decoys. */
static bool
source_sane(const struct gateway *g, const struct passage *p)
{
	uint32_t v4 = addr_v4(&p->ip.source);

	return v4 >> 24 != 0 && v4 >> 24 != 127 && v4 >> 28 < 0xe && !packet_eth_is_group(p->eth.source) &&
	    find_host(g, &p->ip.source) == NULL;
}

static void
fragment(struct gateway *g, struct passage *p)
{
	struct reader r;

	switch (fragments_input(g->fragments, &p->ip, p->packet + p->ip.header_len, p->len - p->ip.header_len,
	    p->now_us, &p->packet, &p->len)) {
	case FRAGMENTS_MORE:
		break;
	case FRAGMENTS_REFUSED:
		drop(g, GATEWAY_FRAGMENT);
		break;
	case FRAGMENTS_WHOLE:
		g->counters.reassembled++;
		reader_init(&r, p->packet, p->len);
		if (packet_ip_parse(&r, &p->ip))
			transport(g, p);
		break;
	}
}

/* The router at which the packet's time ended says so. */
static void
expire(struct gateway *g, const struct passage *p)
{
	const struct decoy_group *group = p->host->group;
	struct writer w;

	if (!bucket_take(&p->host->errors, EXPIRED_PER_SECOND, EXPIRED_PER_SECOND, p->now_us)) {
		drop(g, GATEWAY_LIMITED);
		return;
	}
	g->counters.expired++;
	begin_frame(g, &w, p->host, p->eth.source);
	hops_expired(group, &p->ip, p->packet, p->len, host_icmp_id(p->host), &w);
	if (!w.failed)
		g->ops.send(g->ops.ctx, g->out, writer_len(&w), hops_delay_us(group, p->ip.ttl));
}

/* Over the routers before the decoy; false: it didn't come so far. */
static bool
cross(struct gateway *g, struct passage *p)
{
	size_t hops = p->host->group->hop_count;

	if (hops == 0)
		return true;
	memcpy(g->in, p->packet, p->len);
	if (!hops_lower_ttl(g->in, (uint8_t)hops)) {
		expire(g, p);
		return false;
	}
	p->packet = g->in;
	p->ip.ttl = (uint8_t)(p->ip.ttl - hops);
	return true;
}

static void
ip_frame(struct gateway *g, struct passage *p, struct reader *r)
{
	p->packet = r->at;
	if (!packet_ip_parse(r, &p->ip)) {
		drop(g, GATEWAY_MALFORMED);
		return;
	}
	p->len = p->ip.header_len + reader_left(r);
	p->host = find_host(g, &p->ip.destination);
	if (p->host == NULL)
		drop(g, GATEWAY_NOT_OURS);
	else if (!reaches(p->host, p->eth.destination))
		drop(g, GATEWAY_WRONG_MAC);
	else if (!p->ip.checksum_ok)
		drop(g, GATEWAY_BAD_CHECKSUM);
	else if (!source_sane(g, p))
		drop(g, GATEWAY_BAD_SOURCE);
	else if (!cross(g, p))
		return;
	else if (packet_ip_is_fragment(&p->ip))
		fragment(g, p);
	else
		transport(g, p);
}

void
gateway_input(struct gateway *g, const void *frame, size_t len, uint64_t now_us)
{
	struct passage p = { .now_us = now_us };
	struct reader r;

	g->counters.frames++;
	if (len > FRAME_MAX) {
		drop(g, GATEWAY_TOO_LONG);
		return;
	}
	reader_init(&r, frame, len);
	if (!packet_eth_parse(&r, &p.eth))
		drop(g, GATEWAY_MALFORMED);
	else if (p.eth.type == PACKET_ETH_ARP)
		arp_frame(g, &p.eth, &r);
	else if (p.eth.type == PACKET_ETH_IP4)
		ip_frame(g, &p, &r);
	else
		drop(g, GATEWAY_UNANSWERED);
}

/* ---- the stack's side ---- */

static void
stack_send(void *ctx, struct stack_host *host, const uint8_t link[STACK_LINK_BYTES], const void *packet, size_t len)
{
	struct gateway *g = ctx;
	struct writer w;

	begin_frame(g, &w, host->ctx, link);
	writer_bytes(&w, packet, len);
	send_frame(g, &w, host->ctx);
}

static enum stack_port
stack_port(void *ctx, struct stack_host *host, uint16_t port)
{
	const struct host *h = host->ctx;

	(void)ctx;
	if (decoy_port_find(h->group, port) != NULL)
		return STACK_OPEN;
	return h->group->closed == DECOY_DROP ? STACK_FILTERED : STACK_CLOSED;
}

/* The stack saw the SYN behind the routers before the decoy: on the wire its TTL was higher. False: no SYN is known. */
static bool
syn_on_wire(const struct host *h, const struct stack_flow *f, struct os_observation *out)
{
	const struct os_observation *seen = stack_flow_syn(f);

	if (seen == NULL)
		return false;
	*out = *seen;
	out->ttl = (uint8_t)(out->ttl + h->group->hop_count);
	return true;
}

static bool
stack_opened(void *ctx, struct stack_flow *f)
{
	struct gateway *g = ctx;
	const struct host *h = stack_flow_host(f)->ctx;
	const struct decoy_port *port = decoy_port_find(h->group, stack_flow_destination(f)->port);

	if (port == NULL)
		return false; /* a reload took the port away during the handshake */
	struct os_observation syn;
	struct flow_target target = {
		.service = decoy_service_name(port->service),
		.look = port->look,
		.personality = h->group->personality->name,
		.syn = syn_on_wire(h, f, &syn) ? &syn : NULL,
	};

	return g->ops.opened(g->ops.ctx, f, &target);
}

static void
stack_data(void *ctx, struct stack_flow *f)
{
	((struct gateway *)ctx)->ops.data(f);
}

static void
stack_eof(void *ctx, struct stack_flow *f)
{
	((struct gateway *)ctx)->ops.eof(f);
}

static void
stack_writable(void *ctx, struct stack_flow *f)
{
	((struct gateway *)ctx)->ops.writable(f);
}

static void
stack_closed(void *ctx, struct stack_flow *f, enum stack_end why)
{
	((struct gateway *)ctx)->ops.closed(f, why);
}

static void
stack_probe(void *ctx, struct stack_host *host, const struct endpoint *from, uint16_t port, uint8_t tcp_flags)
{
	struct gateway *g = ctx;
	bool syn = (tcp_flags & (PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_RST | PACKET_TCP_FIN)) == PACKET_TCP_SYN;

	g->ops.probe(g->ops.ctx, syn ? PROBE_SYN : PROBE_TCP, &from->addr, &host->address, port);
}

/* ---- the whole ---- */

struct gateway *
gateway_new(const struct gateway_ops *ops, const struct stack_settings *s, uint64_t now_us)
{
	struct gateway *g = xcalloc(1, sizeof(*g));
	struct stack_ops stack_ops = {
		.send = stack_send,
		.port = stack_port,
		.opened = stack_opened,
		.data = stack_data,
		.eof = stack_eof,
		.writable = stack_writable,
		.closed = stack_closed,
		.probe = stack_probe,
		.ctx = g,
	};

	g->ops = *ops;
	g->stack = stack_new(s, &stack_ops, now_us);
	g->fragments = fragments_new();
	return g;
}

void
gateway_free(struct gateway **gp)
{
	struct gateway *g = *gp;

	if (g == NULL)
		return;
	stack_free(&g->stack);
	fragments_free(&g->fragments);
	free(g);
	*gp = NULL;
}

void
gateway_set_decoys(struct gateway *g, const struct decoys *d)
{
	g->decoys = d;
	g->announced = 0;
}

void
gateway_announce(struct gateway *g, uint64_t now_us)
{
	g->announce_rounds = ANNOUNCE_ROUNDS;
	g->announced = 0;
	g->announce_us = now_us;
}

void
gateway_advance(struct gateway *g, uint64_t now_us)
{
	stack_advance(g->stack, now_us);
	announce(g, now_us);
}

struct stack *
gateway_stack(struct gateway *g)
{
	return g->stack;
}

const struct gateway_counters *
gateway_counters(const struct gateway *g)
{
	return &g->counters;
}
