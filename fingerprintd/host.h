/*
 * host - one decoy address while we hold it: its stack, its MAC address and
 * its counters, all derived from the site key, so that another gateway would
 * make the same machine of it (DESIGN 3.9).
 */
#ifndef FINGERPRINTD_HOST_H
#define FINGERPRINTD_HOST_H

#include "fingerprintd/bucket.h"
#include "fingerprintd/decoys.h"
#include "fingerprintd/personality.h"
#include "fingerprintd/stack.h"
#include "wire/identity.h"
#include "wire/packet_eth.h"

struct host {
	struct stack_host stack; /* its ctx is this host */
	const struct decoy_group *group;
	uint8_t mac[PACKET_ETH_ADDR];
	uint64_t day_offset_ms; /* its wall clock, a little wrong as clocks are, less the caller's clock */
	struct bucket echoes;
	struct bucket errors;
};

/* What all hosts have in common. */
struct host_world {
	const struct site_key *key;
	const uint8_t *shared_mac; /* NULL: each has its own */
	uint64_t now_us; /* one moment on both clocks */
	uint64_t wall_ms;
};

struct host *host_new(const struct host_world *w, const struct addr *address, const struct decoy_group *g);
void host_free(struct host **hp);
/* After a reload: the same machine, other ports or personality. */
void host_regroup(struct host *h, const struct host_world *w, const struct decoy_group *g);
/* The next IP id of its ICMP packets. */
uint16_t host_icmp_id(struct host *h);
/* Milliseconds since midnight UT by its clock (RFC 792, timestamp). */
uint32_t host_day_ms(const struct host *h, uint64_t now_us);

/*
 * Gives every decoy of now its host: the one that it had in before, or a new
 * one.  gone is called for each host that isn't held any more; then it is freed.
 */
void hosts_adopt(const struct host_world *w, struct decoys *now, struct decoys *before,
    void (*gone)(void *ctx, struct host *h), void *ctx);
void hosts_free(struct decoys *d);

#endif
