/*
 * stack - the gateway's TCP as the rest of fingerprintd sees it: IP packets go
 * in, IP packets and flows come out.  Passive open only.  Pure: no clock, no
 * socket, no libevent; the caller passes `now_us` and sends what it is given.
 */
#ifndef FINGERPRINTD_STACK_H
#define FINGERPRINTD_STACK_H

#include "base/addr.h"
#include "fingerprintd/habits.h"
#include "fingerprintd/ip_id.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct os_observation;
struct stack;
struct stack_flow;

enum {
	STACK_LINK_BYTES = 8, /* whatever the caller needs to find the way back (peer's MAC) */
	STACK_RECEIVE_MAX = 64 * 1024, /* a flow's bytes that the trap hasn't taken: then the window closes */
	STACK_SEND_MAX = 64 * 1024, /* a flow's bytes that the peer hasn't acknowledged */
};

/* One address that we hold. The caller owns it and keeps it alive until stack_drop_host(). */
struct stack_host {
	struct addr address;
	const struct habits *habits; /* outlives the host's stay, or is replaced between two calls */
	uint64_t isn_secret[2];
	uint64_t boot_us; /* on the caller's clock; may lie before its start: unsigned wrap is meant */
	struct ip_id_state ids;
	void *ctx; /* the caller's */
};

enum stack_port { STACK_OPEN, STACK_CLOSED, STACK_FILTERED };

enum stack_end {
	STACK_END_FIN, /* both sides finished in order */
	STACK_END_RESET, /* the peer reset */
	STACK_END_TIMEOUT, /* the peer is gone: retransmissions or keep-alives unanswered */
	STACK_END_LOCAL, /* we reset: stack_reset() */
};

struct stack_ops {
	/* An IP packet to send now. */
	void (*send)(void *ctx, struct stack_host *host, const uint8_t link[STACK_LINK_BYTES], const void *packet,
	    size_t len);
	enum stack_port (*port)(void *ctx, struct stack_host *host, uint16_t port);
	/* The handshake is complete. False: no room; the flow is reset in character. */
	bool (*opened)(void *ctx, struct stack_flow *f);
	void (*data)(void *ctx, struct stack_flow *f); /* stack_peek() has something new */
	void (*eof)(void *ctx, struct stack_flow *f); /* the peer's FIN, after its last byte was given */
	void (*writable)(void *ctx, struct stack_flow *f); /* room again after stack_write() took less than asked */
	/* The flow is over and f is freed when this returns. Not called when opened returned false. */
	void (*closed)(void *ctx, struct stack_flow *f, enum stack_end why);
	/* A SYN, or a segment for no flow, arrived: for probe events (aggregated by the caller). */
	void (
	    *probe)(void *ctx, struct stack_host *host, const struct endpoint *from, uint16_t port, uint8_t tcp_flags);
	void *ctx;
};

struct stack_settings {
	size_t flows_max; /* established; never evicted for new ones */
	size_t half_open_max; /* beyond: SYNs are answered statelessly (SYN cookies) */
};

struct stack_counters {
	uint64_t segments_in, segments_out, bad_checksum, malformed, retransmitted, out_of_order, duplicates,
	    blind_resets, cookies_sent, cookies_ok, cookies_bad, flows_refused;
	size_t flows, half_open;
};

struct stack *stack_new(const struct stack_settings *s, const struct stack_ops *ops, uint64_t now_us);
void stack_free(struct stack **sp);
/* A whole IP packet with a TCP payload (reassembled, IP checksum verified by the caller) for this host. */
void stack_input(struct stack *s, struct stack_host *host, const uint8_t link[STACK_LINK_BYTES], const void *packet,
    size_t len, uint64_t now_us);
/* Timers; call it every 10 ms or so. */
void stack_advance(struct stack *s, uint64_t now_us);
void stack_drain(struct stack *s, bool draining); /* answer no new SYN */
void stack_drop_host(struct stack *s, struct stack_host *host); /* resets its flows */
const struct stack_counters *stack_counters(const struct stack *s);

struct stack_host *stack_flow_host(const struct stack_flow *f);
const struct endpoint *stack_flow_source(const struct stack_flow *f);
const struct endpoint *stack_flow_destination(const struct stack_flow *f);
/*
 * How the SYN looked, TTL as the stack got it.  Only while opened() runs; NULL:
 * the handshake was stateless, and nothing is left of the SYN.
 */
const struct os_observation *stack_flow_syn(const struct stack_flow *f);
void stack_flow_set_ctx(struct stack_flow *f, void *ctx);
void *stack_flow_ctx(const struct stack_flow *f);
/* In-order bytes that wait, contiguous; valid until the next call for f. */
const uint8_t *stack_peek(struct stack_flow *f, size_t *len);
void stack_consume(struct stack_flow *f, size_t len); /* the window opens again */
/* Queues up to len bytes; returns how many it took (writable comes when there is room again). */
size_t stack_write(struct stack_flow *f, const void *data, size_t len);
size_t stack_unsent(const struct stack_flow *f); /* written and not yet acknowledged */
void stack_shutdown(struct stack_flow *f); /* FIN after what is queued */
void stack_reset(struct stack_flow *f); /* RST now; closed(LOCAL) is called */

#endif
