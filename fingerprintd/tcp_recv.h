/*
 * tcp_recv - the receiving half of a connection: puts segments in order in a
 * bounded buffer, and decides what window to announce.  No headers, no states:
 * tcp.c says which bytes belong where.
 */
#ifndef FINGERPRINTD_TCP_RECV_H
#define FINGERPRINTD_TCP_RECV_H

#include "fingerprintd/stack.h"
#include "wire/packet_tcp.h"

enum {
	TCP_RANGES_MAX = 32, /* islands beyond a gap; a segment that needs one more is dropped and comes again */
	/* Twice the window: bytes slide down at most once, and what waits is always in one piece. */
	TCP_RECV_MEMORY = 2 * STACK_RECEIVE_MAX,
};

struct tcp_recv {
	uint8_t *memory; /* TCP_RECV_MEMORY bytes; NULL until the handshake is complete */
	uint32_t start; /* where in memory the waiting bytes begin */
	uint32_t len; /* bytes that wait in order */
	uint32_t next; /* RCV.NXT */
	uint32_t edge; /* end of the window announced last; never moves back (RFC 9293 3.8.6) */
	uint16_t mss; /* of the peer's segments, about: for window updates */
	uint8_t shift; /* of the windows we announce (RFC 7323 2.2) */
	uint8_t ranges;
	struct packet_tcp_range range[TCP_RANGES_MAX]; /* the islands, newest first (RFC 2018 4) */
	uint32_t touched; /* memory that was written, from its start */
};

/* What became of a segment's bytes. */
enum tcp_put { TCP_PUT_NOTHING, TCP_PUT_ISLAND, TCP_PUT_IN_ORDER };

/* Takes the part of [seq, seq + len) that is new and fits into the window. */
enum tcp_put tcp_recv_put(struct tcp_recv *r, uint32_t seq, const uint8_t *data, size_t len);
/* Free space: how far beyond `next` bytes are taken. */
uint32_t tcp_recv_room(const struct tcp_recv *r);
const uint8_t *tcp_recv_peek(const struct tcp_recv *r, size_t *len);
void tcp_recv_consume(struct tcp_recv *r, size_t len);
/* The field for a segment that is sent now; moves the edge. */
uint16_t tcp_recv_announce(struct tcp_recv *r);
/* Whether enough was consumed to tell the peer without being asked (RFC 9293 3.8.6.2.2). */
bool tcp_recv_update_due(const struct tcp_recv *r);

#endif
