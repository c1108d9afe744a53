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
	const void *data;
	size_t len;
};

struct tcp_emit {
	uint64_t random; /* for IP ids that are random */
	uint8_t packet[TCP_PACKET_MAX];
};

/* The packet with these options, in e->packet; returns its length. */
size_t tcp_emit_build(struct tcp_emit *e, const struct tcp_out *o, const void *options, size_t options_len);

/* RFC 6528: a clock of 4 us plus a keyed hash of the connection. */
uint32_t tcp_emit_isn(const struct stack_host *h, const struct endpoint *peer, const struct endpoint *ours,
    uint64_t now_us);
/* The decoy's timestamp clock (RFC 7323 5.4). */
uint32_t tcp_emit_ts(const struct stack_host *h, uint64_t now_us);
/* The window field of a SYN+ACK. */
uint16_t tcp_emit_first_window(const struct stack_habits *h);
/* The options of a SYN+ACK, in the personality's order; only what `syn` offered. */
void tcp_emit_syn_options(struct writer *w, const struct stack_host *h, const struct packet_tcp *syn, uint64_t now_us);

#endif
