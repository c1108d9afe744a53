/*
 * probes - who knocks: packets are counted per source and told as one report a
 * source and window, never one a packet.  A flood from more sources than the
 * table holds is counted together.  Pure: the caller passes the time.
 */
#ifndef FINGERPRINTD_PROBES_H
#define FINGERPRINTD_PROBES_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	PROBES_WINDOW_MS = 10000,
	PROBES_SOURCES_MAX = 4096, /* of one window */
	PROBES_PORTS_MAX = 64, /* the first ones of a source */
	PROBES_TURN_MAX = 64, /* reports a tick: a full table must not stop the packets */
};

enum probe_kind { PROBE_SYN, PROBE_TCP, PROBE_UDP, PROBE_PING, PROBE_ARP, PROBE_KINDS };

struct probe_report {
	struct addr source;
	struct addr destination; /* the first that was touched */
	uint32_t counts[PROBE_KINDS];
	uint16_t ports[PROBES_PORTS_MAX];
	uint16_t port_count;
	bool ports_truncated;
};

struct probes_ops {
	void (*report)(void *ctx, const struct probe_report *r);
	void (*overflow)(void *ctx, uint64_t packets); /* packets of sources that found the table full */
	void *ctx;
};

struct probes;

struct probes *probes_new(const struct probes_ops *ops, uint64_t now_ms);
void probes_free(struct probes **pp);
/* port: of the decoy; 0 for kinds without. */
void probes_note(struct probes *p, enum probe_kind kind, const struct addr *source, const struct addr *destination,
    uint16_t port);
/* Ends windows and hands out reports, PROBES_TURN_MAX at most; call it every 100 ms or so. */
void probes_tick(struct probes *p, uint64_t now_ms);
void probes_flush(struct probes *p); /* everything, at the end */

#endif
