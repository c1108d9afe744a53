/*
 * gateway - the life of a frame: Ethernet, ARP, IP, fragments, ICMP and UDP are
 * answered here in the character of the decoy that was asked, TCP goes to the
 * stack.  Whatever is not for a decoy's own MAC and IP is not looked at.
 * Pure: frames and the time come in, frames, flows and probes go out.
 */
#ifndef FINGERPRINTD_GATEWAY_H
#define FINGERPRINTD_GATEWAY_H

#include "fingerprintd/decoys.h"
#include "fingerprintd/flow.h"
#include "fingerprintd/probes.h"
#include "fingerprintd/stack.h"

struct gateway;

struct gateway_ops {
	/* delay_us: not before that time has passed. */
	void (*send)(void *ctx, const void *frame, size_t len, uint64_t delay_us);
	void (*probe)(void *ctx, enum probe_kind kind, const struct addr *source, const struct addr *destination,
	    uint16_t port);
	/* As in stack.h, with what the decoy has at that port; whose SYN it is like is the caller's to say. */
	bool (*opened)(void *ctx, struct stack_flow *f, const struct flow_target *target);
	void (*data)(struct stack_flow *f);
	void (*eof)(struct stack_flow *f);
	void (*writable)(struct stack_flow *f);
	void (*closed)(struct stack_flow *f, enum stack_end why);
	void *ctx;
};

/* Why a frame got no answer, with its name in metrics. */
#define GATEWAY_DROPS(X)                                                                                               \
	X(GATEWAY_NOT_OURS, "not-ours") /* no decoy has the address */                                                 \
	X(GATEWAY_WRONG_MAC, "wrong-mac") /* the decoy's IP, another machine's MAC */                                  \
	X(GATEWAY_BAD_SOURCE, "bad-source") /* an address that no host can have, or a decoy's own */                   \
	X(GATEWAY_BAD_CHECKSUM, "bad-checksum")                                                                        \
	X(GATEWAY_MALFORMED, "malformed")                                                                              \
	X(GATEWAY_FRAGMENT, "fragment") /* overlapping, too large, or no room to keep it */                            \
	X(GATEWAY_LIMITED, "rate-limited")                                                                             \
	X(GATEWAY_UNANSWERED, "unanswered") /* nothing that this decoy answers */                                      \
	X(GATEWAY_TOO_LONG, "too-long")

enum gateway_drop {
#define X(id, name) id,
	GATEWAY_DROPS(X)
#undef X
	    GATEWAY_DROP_KINDS
};

struct gateway_counters {
	uint64_t frames, arp_replies, echo_replies, unreachables, expired, reassembled;
	uint64_t dropped[GATEWAY_DROP_KINDS];
};

struct gateway *gateway_new(const struct gateway_ops *ops, const struct stack_settings *s, uint64_t now_us);
void gateway_free(struct gateway **gp);
/* Every decoy must have its host; borrowed until the next call. */
void gateway_set_decoys(struct gateway *g, const struct decoys *d);
/*
 * Tells the wire from now on where all decoys are, twice (RFC 5227 2.3): after
 * another gateway held them, switches still send their frames there.
 */
void gateway_announce(struct gateway *g, uint64_t now_us);
void gateway_input(struct gateway *g, const void *frame, size_t len, uint64_t now_us);
void gateway_advance(struct gateway *g, uint64_t now_us); /* timers: every 10 ms or so */
struct stack *gateway_stack(struct gateway *g);
const struct gateway_counters *gateway_counters(const struct gateway *g);
const char *gateway_drop_name(enum gateway_drop why);

#endif
