/*
 * tcp_internal - what the files of the stack share: the stack itself, its
 * connections, and one step of work each.  Nobody else includes this.
 */
#ifndef FINGERPRINTD_TCP_INTERNAL_H
#define FINGERPRINTD_TCP_INTERNAL_H

#include "base/slab.h"
#include "fingerprintd/os_observe.h"
#include "fingerprintd/pages.h"
#include "fingerprintd/stack.h"
#include "fingerprintd/tcp_emit.h"
#include "fingerprintd/tcp_isn.h"
#include "fingerprintd/tcp_recv.h"
#include "fingerprintd/tcp_send.h"
#include "fingerprintd/tcp_table.h"
#include "wire/packet_tcp.h"

enum {
	TCP_TICK_MS = 10,
	TCP_CHALLENGE_GAP_US = 500 * 1000, /* RFC 5961 7; per connection, so that no other can measure it */
};

struct stack {
	struct stack_settings settings;
	struct stack_ops ops;
	struct stack_counters counters;
	struct tcp_table table;
	struct wheel wheel;
	struct slab *flows; /* struct stack_flow */
	struct slab *handshakes; /* struct tcp_handshake */
	struct slab *waits; /* struct tcp_wait */
	struct pages *buffers; /* struct tcp_buffers, one a flow */
	struct list dead; /* flows that are over; freed when no caller can hold them any more */
	size_t dead_count;
	struct tcp_emit emit;
	struct tcp_isn *isn;
	uint64_t now_us; /* of the last input or advance */
	uint64_t cookie_key[2];
	uint64_t cookies_until_us; /* an ACK out of nowhere may be a cookie's */
	bool draining;
};

/* A segment that passed the checks of its form. */
struct tcp_segment {
	struct stack_host *host;
	const uint8_t *link;
	struct endpoint source;
	struct endpoint destination;
	struct packet_tcp tcp;
	const uint8_t *options;
	size_t options_len;
	const uint8_t *data;
	uint32_t len; /* of data; SYN and FIN aside */
	const uint8_t *packet; /* the whole of it, from the IP header on */
	size_t packet_len;
};

struct tcp_handshake {
	struct tcp_entry entry;
	uint32_t irs;
	uint32_t iss;
	uint64_t sent_us;
	struct packet_tcp syn; /* what the peer offered */
	struct os_observation seen; /* of the SYN, for whoever wants to know who made it */
	uint32_t ts_offset;
	int8_t which; /* case of the personality that it is, or -1 */
	uint8_t resent;
	bool has_seen; /* false: no system makes such a SYN */
};

struct tcp_wait {
	struct tcp_entry entry;
	uint32_t next; /* RCV.NXT */
	uint32_t sent; /* SND.NXT */
};

struct tcp_buffers {
	struct tcp_send_memory send;
	uint8_t recv[TCP_RECV_MEMORY];
};

struct stack_flow {
	struct tcp_entry entry;
	struct stack *stack;
	struct tcp_buffers *buffers;
	struct tcp_recv recv;
	struct tcp_send send;
	struct list dead_node;
	void *ctx;
	const struct os_observation *seen; /* of the SYN; only while the caller is told of the flow */
	uint64_t heard_us; /* the peer's last sign of life */
	uint64_t ack_due_us; /* delayed acknowledgement; 0: none */
	uint32_t ack_sent; /* Last.ACK.sent (RFC 7323 4.3) */
	uint32_t ts_recent;
	uint32_t ts_offset; /* of our clock as this connection reads it */
	uint32_t fin_seq; /* of the peer's FIN, when fin_known */
	uint16_t ip_id; /* next of the connection's own counter */
	uint8_t send_shift; /* of the windows that the peer announces */
	uint8_t probes; /* keep-alives unanswered */
	bool ts;
	bool ack_now;
	bool fin_known;
	bool peer_fin; /* and everything before it was received */
	bool peer_first; /* the peer finished before us: it does the TIME-WAIT */
	bool dead;
};

/* ---- stack.c ---- */
/* At most one a gap for a connection; false: not now. */
bool tcp_may_challenge(struct stack *s, struct tcp_entry *e);
void tcp_entry_init(struct tcp_entry *e, enum tcp_kind kind, const struct tcp_segment *seg);

/* ---- tcp_handshake.c ---- */
/* A SYN for an open port of which nothing is known. */
void tcp_handshake_begin(struct stack *s, const struct tcp_segment *seg);
void tcp_handshake_input(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg);
void tcp_handshake_timer(struct stack *s, struct tcp_handshake *h);
void tcp_handshake_free(struct stack *s, struct tcp_handshake *h);
/* An ACK of which nothing is known: true when it completed a stateless handshake. */
bool tcp_handshake_cookie(struct stack *s, const struct tcp_segment *seg);
/* True: the segment opens a new connection, and w is gone. */
bool tcp_wait_input(struct stack *s, struct tcp_wait *w, const struct tcp_segment *seg);
void tcp_wait_begin(struct stack *s, const struct stack_flow *f);
void tcp_wait_free(struct stack *s, struct tcp_wait *w);

/* ---- tcp_flow.c ---- */
/* What the handshake agreed upon. */
struct tcp_agreed {
	uint32_t irs;
	uint32_t iss;
	uint16_t mss; /* the peer's, 0: none given */
	uint16_t window; /* that we announced */
	const struct os_observation *seen; /* of the SYN; NULL: none was kept */
	bool sack;
	bool ts;
	bool wscale;
	uint8_t shift; /* of our windows */
	uint8_t peer_wscale;
	uint32_t ts_offset;
	uint64_t rtt_us; /* 0: not known */
};

/* The handshake is complete with this segment; the flow takes its data too. False: no room, or refused. */
bool tcp_flow_open(struct stack *s, const struct tcp_agreed *a, const struct tcp_segment *seg);
void tcp_flow_input(struct stack_flow *f, const struct tcp_segment *seg);
void tcp_flow_timer(struct stack_flow *f);
/* Says goodbye to the caller; f lives until the dead are buried. */
void tcp_flow_end(struct stack_flow *f, enum stack_end why);
void tcp_flow_reset(struct stack_flow *f);
void tcp_flow_free(struct stack_flow *f);

#endif
