/*
 * tcp_emit - puts segments into IP packets as the decoy's personality would:
 * TTL, DF, IP id, order of options, initial sequence numbers, timestamp clock.
 */
#ifndef FINGERPRINTD_TCP_EMIT_H
#define FINGERPRINTD_TCP_EMIT_H

#include "fingerprintd/stack.h"
#include "wire/packet_tcp.h"

struct writer;

enum { TCP_PACKET_MAX = 20 + 60 + 1460 };

/* What is sent, and to whom. */
struct tcp_out {
	struct stack_host *host;
	const uint8_t *link;
	const struct endpoint *source; /* ours */
	const struct endpoint *destination; /* the peer */
	struct packet_tcp tcp; /* ports are filled in */
	const struct habit_ids *ids;
	uint16_t *id_counter; /* NULL: the host's */
	uint8_t ttl; /* 0: the host's */
	uint8_t df; /* enum habit_flag */
	const void *data;
	size_t len;
};

struct tcp_emit {
	uint8_t packet[TCP_PACKET_MAX];
};

/* The packet with these options, in e->packet; returns its length. */
size_t tcp_emit_build(struct tcp_emit *e, const struct tcp_out *o, const void *options, size_t options_len);

/* The decoy's timestamp clock (RFC 7323 5.4), which a connection may read with an offset of its own. */
uint32_t tcp_emit_ts(const struct stack_host *h, uint32_t offset, uint64_t now_us);

#endif
