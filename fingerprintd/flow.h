/*
 * flow - a spammer's TCP flow on its way to a trap: picks a replica, connects,
 * writes the PROXY header and moves bytes, half-close and reset both ways
 * (DESIGN 3.1, 3.2).  A trap that dies before it has spoken is replaced
 * without the spammer noticing.  What the flow means to people is the
 * caller's: it is told of each flow's beginning and end.
 */
#ifndef FINGERPRINTD_FLOW_H
#define FINGERPRINTD_FLOW_H

#include "fingerprintd/flow_source.h"
#include "fingerprintd/os_signature.h"
#include "fingerprintd/stack.h"
#include "wire/proxy.h"

struct flow;
struct flows;
struct loop;
struct replicas;

enum {
	FLOW_KEPT_MAX = 4096, /* the client's first bytes, for another replica */
	FLOW_OUTPUT_MAX = 64 * 1024, /* bytes on their way to the trap; then the client's window closes */
	FLOW_TAKEOVERS_MAX = 4, /* of one flow: a client that kills traps must not kill them all */
	FLOW_WAIT_MS = 10 * 1000, /* for a replica */
	FLOW_RETRY_MS = 250,
	FLOW_DIAL_MS = 3 * 1000,
	FLOW_LINGER_MS = 60 * 1000, /* for the client's FIN after the trap is gone */
	FLOW_IDLE_MS = 60 * 60 * 1000, /* the traps have shorter limits: this is for a trap that hangs */
};

/* What the decoy has at that port, and who comes there. Copied. */
struct flow_target {
	const char *service; /* a constant */
	const char *look;
	const char *personality;
	const struct os_observation *syn; /* NULL: nothing is left of it (SYN cookies) */
	struct os_guess os; /* of the syn; without a label it is like none */
};

struct flow_end {
	const struct flow_info *info;
	const char *service;
	uint64_t bytes_in, bytes_out, duration_ms;
	const char *reason; /* a word: fin, reset, timeout, trap-reset, trap-timeout, no-replica, drained */
};

struct flows_ops {
	void (*opened)(void *ctx, const struct flow_info *info, const struct flow_target *target);
	void (*ended)(void *ctx, const struct flow_end *end);
	void *ctx;
};

struct flows_settings {
	struct loop *loop;
	struct replicas *replicas;
	const char *site;
	size_t max;
};

struct flows *flows_new(const struct flows_settings *s, const struct flows_ops *ops);
/* After flows_reset_all(). */
void flows_free(struct flows **fp);

/* A source's peer has connected. NULL: full. */
struct flow *flows_open(struct flows *fs, const struct flow_peer *peer, const struct flow_target *target);
/* What the source then tells of it: something new to peek at, the FIN after the last byte, room to write again. */
void flows_data(struct flow *f);
void flows_eof(struct flow *f);
void flows_writable(struct flow *f);
/* The peer is gone; f is freed when this returns. */
void flows_closed(struct flow *f, enum stack_end why);

/* Waiting flows look for a replica, lingering ones end; call it every 100 ms or so. */
void flows_sweep(struct flows *fs, uint64_t now_ms);
void flows_reset_all(struct flows *fs); /* the drain is over */
size_t flows_count(const struct flows *fs);

#endif
