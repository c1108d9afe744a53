/*
 * flow_source - where a spammer's flow comes from, as flow.c sees it: our own
 * TCP on raw packets (flow_source_raw.h) or a kernel's socket
 * (flow_source_socket.h).  Above this seam a flow is the same (DESIGN 4).
 */
#ifndef FINGERPRINTD_FLOW_SOURCE_H
#define FINGERPRINTD_FLOW_SOURCE_H

#include "base/addr.h"

#include <stddef.h>
#include <stdint.h>

struct flow_source {
	/* In-order bytes that wait, contiguous; valid until the next call for this peer. */
	const uint8_t *(*peek)(void *peer, size_t *len);
	void (*consume)(void *peer, size_t len); /* the peer's window opens again */
	/* Queues up to len bytes; returns how many it took: flows_writable() comes when there is room again. */
	size_t (*write)(void *peer, const void *data, size_t len);
	size_t (*unsent)(const void *peer); /* written and not yet acknowledged */
	void (*shutdown)(void *peer); /* FIN after what is queued */
	void (*reset)(void *peer); /* RST now; calls flows_closed(STACK_END_LOCAL) before it returns */
};

/* One connection of a source; plain values, copied. */
struct flow_peer {
	const struct flow_source *source;
	void *handle; /* what the source's functions are given */
	struct endpoint from, to; /* the spammer, the decoy */
};

#endif
