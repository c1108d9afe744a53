/*
 * gateway_fuzz - the whole way of a frame, from Ethernet to the flow.  An input
 * is a series of steps: time passes, a raw frame, or a TCP segment whose
 * numbers are relative to what the peer would send next, with a right checksum,
 * so that the fuzzer gets past the checks to the connection behind them.
 *
 * The gateway lives on, because to make its tables costs ten times what an
 * input does; the decoy's host is new for each, and an hour has passed.
 */
#include "base/reader.h"
#include "base/writer.h"
#include "fingerprintd/gateway.h"
#include "fingerprintd/personalities.h"
#include "fingerprintd/host.h"
#include "wire/packet_checksum.h"
#include "wire/packet_ip.h"
#include "wire/packet_tcp.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FRAME_MAX = 4096, IP_AT = PACKET_ETH_HEADER, TCP_AT = IP_AT + PACKET_IP_HEADER };
enum step { STEP_TIME, STEP_RAW, STEP_SEGMENT, STEPS };

static const uint8_t decoy_mac[6] = { 2, 0, 0, 0, 0, 0x10 };
static const uint8_t peer_mac[6] = { 2, 0, 0, 0, 0, 0x99 };
static struct gateway *gateway;
static struct decoys *decoys;
static uint32_t peer_next, peer_ack; /* what the peer would send next, and acknowledge */
static uint64_t now_us = 1000000;

static void
on_send(void *ctx, const void *frame, size_t len, uint64_t delay_us)
{
	struct packet_tcp tcp;
	struct packet_ip ip;
	struct reader r;

	(void)ctx;
	(void)delay_us;
	reader_init(&r, frame, len);
	reader_bytes(&r, PACKET_ETH_HEADER);
	if (!packet_ip_parse(&r, &ip) || ip.protocol != PACKET_IP_TCP)
		return;
	if (packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, r.at, reader_left(&r)) != 0 ||
	    !packet_tcp_parse(&r, &tcp))
		abort();
	peer_ack = tcp.seq + (uint32_t)reader_left(&r) + !!(tcp.flags & (PACKET_TCP_SYN | PACKET_TCP_FIN));
}

static void
on_probe(void *ctx, enum probe_kind kind, const struct addr *source, const struct addr *destination, uint16_t port)
{
	(void)ctx;
	(void)kind;
	(void)source;
	(void)destination;
	(void)port;
}

static bool
on_opened(void *ctx, struct stack_flow *f, const struct flow_target *target)
{
	(void)ctx;
	(void)target;
	stack_write(f, "220 ready\r\n", 11);
	return true;
}

/* An echo that sometimes takes nothing, sometimes resets. */
static void
on_data(struct stack_flow *f)
{
	size_t len;
	const uint8_t *bytes = stack_peek(f, &len);

	if (len > 0 && bytes[0] == 'R') {
		stack_reset(f);
	} else if (len > 0 && bytes[0] != 'K') {
		size_t n = stack_write(f, bytes, len);

		stack_consume(f, n);
	}
}

static void
on_eof(struct stack_flow *f)
{
	stack_shutdown(f);
}

static void
on_closed(struct stack_flow *f, enum stack_end why)
{
	(void)f;
	(void)why;
}

static struct personalities *
load_personalities(void)
{
	static struct personalities *p;
	struct json_error e;

	if (p == NULL)
		p = personalities_open(PERSONALITIES, &e);
	if (p == NULL)
		abort();
	return p;
}

static void
make_gateway(void)
{
	static const char text[] =
	    "{\"version\":1,\"decoys\":[{\"addresses\":[\"203.0.113.10\"],\"personality\":\"linux-6\",\"closed\":"
	    "\"reset\","
	    "\"ports\":[{\"port\":25,\"proto\":\"tcp\",\"service\":\"relaytrap\",\"look\":\"postfix\"}]}]}";
	static const struct gateway_ops ops = { .send = on_send,
		.probe = on_probe,
		.opened = on_opened,
		.data = on_data,
		.eof = on_eof,
		.writable = on_data,
		.closed = on_closed };
	static const struct stack_settings settings = { 2, 2 };
	struct json_error e;

	decoys = decoys_parse("d.json", text, sizeof(text) - 1, load_personalities(), &e);
	if (decoys == NULL)
		abort();
	gateway = gateway_new(&ops, &settings, now_us);
	gateway_set_decoys(gateway, decoys);
}

static void
begin(void)
{
	static const struct site_key key = { .bytes = "0123456789abcdef", .len = 16 };
	struct host_world w = { .key = &key, .shared_mac = decoy_mac, .wall_ms = 1700000000000 };

	if (gateway == NULL)
		make_gateway();
	now_us += 3600ULL * 1000000;
	gateway_advance(gateway, now_us);
	w.now_us = now_us;
	hosts_adopt(&w, decoys, NULL, NULL, NULL);
	peer_next = peer_ack = 0;
}

static void
end(void)
{
	stack_drop_host(gateway_stack(gateway), &decoys_at(decoys, 0)->host->stack);
	hosts_free(decoys);
}

static void
ethernet(struct writer *w, uint8_t *frame, uint16_t type)
{
	struct packet_eth eth = { .type = type };

	memcpy(eth.destination, decoy_mac, sizeof(decoy_mac));
	memcpy(eth.source, peer_mac, sizeof(peer_mac));
	writer_init(w, frame, FRAME_MAX);
	packet_eth_format(w, &eth);
}

static void
raw_frame(struct reader *r)
{
	uint8_t frame[FRAME_MAX];
	struct writer w;

	ethernet(&w, frame, reader_u8(r) & 1 ? PACKET_ETH_ARP : PACKET_ETH_IP4);
	size_t len = reader_u8(r);
	if (len > reader_left(r))
		len = reader_left(r);
	writer_bytes(&w, reader_bytes(r, len), len);
	gateway_input(gateway, frame, writer_len(&w), now_us);
}

static void
segment(struct reader *r)
{
	struct packet_ip ip = { .ttl = 64, .protocol = PACKET_IP_TCP };
	struct packet_tcp tcp = { .destination = 25 };
	uint8_t frame[FRAME_MAX];
	struct writer w;

	tcp.source = (uint16_t)(1000 + (reader_u8(r) & 3));
	tcp.flags = reader_u8(r);
	tcp.seq = peer_next + reader_u16(r) - 0x8000U;
	tcp.ack = peer_ack + reader_u16(r) - 0x8000U;
	tcp.window = reader_u16(r);
	size_t options = reader_u8(r) % (PACKET_TCP_OPTIONS_MAX + 1), len = reader_u16(r) % 1500;
	const uint8_t *option_bytes = reader_bytes(r, options);
	static const uint8_t zeros[1500];

	if (option_bytes == NULL)
		options = 0;
	addr_parse("203.0.113.99", &ip.source);
	addr_parse("203.0.113.10", &ip.destination);
	ethernet(&w, frame, PACKET_ETH_IP4);
	packet_ip_format(&w, &ip, PACKET_TCP_HEADER + (options + 3) / 4 * 4 + len);
	uint8_t *at = w.at;
	packet_tcp_format(&w, &tcp, option_bytes, options);
	writer_bytes(&w, zeros, len);
	uint16_t sum = packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, at, (size_t)(w.at - at));
	at[PACKET_TCP_CHECKSUM_AT] = (uint8_t)(sum >> 8);
	at[PACKET_TCP_CHECKSUM_AT + 1] = (uint8_t)sum;
	peer_next = tcp.seq + (uint32_t)len + !!(tcp.flags & (PACKET_TCP_SYN | PACKET_TCP_FIN));
	gateway_input(gateway, frame, writer_len(&w), now_us);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct reader r;

	begin();
	reader_init(&r, data, size);
	while (!r.failed && reader_left(&r) > 0) {
		switch (reader_u8(&r) % STEPS) {
		case STEP_TIME:
			now_us += (uint64_t)reader_u16(&r) * 10000;
			gateway_advance(gateway, now_us);
			break;
		case STEP_RAW:
			raw_frame(&r);
			break;
		default:
			segment(&r);
		}
	}
	end();
	return 0;
}
