/*
 * replicas - who takes flows: the table of other services' presence, kept by
 * our own monotonic clock, and the choice between them (DESIGN 3.2).
 */
#ifndef DAEMON_REPLICAS_H
#define DAEMON_REPLICAS_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct bus;
struct replicas;

enum { REPLICAS_MAX = 1024, REPLICA_LOST_MS = 3000 };

struct replica {
	char service[64];
	char instance[64];
	char boot[40];
	char version[32];
	struct endpoint at;
	size_t sessions, capacity, given; /* given: flows we sent since its last beat */
	bool draining;
	uint64_t seen_ms;
};

/*
 * services: whose presence counts, separated by commas, or "*". networks: CIDRs separated by commas that may be dialled
 * (a stolen trap must not redirect flows). fallback: "service=host:port,..." used while NATS is away, or "".
 */
struct replicas *replicas_new(struct loop *l, struct bus *b, const char *site, const char *services,
    const char *networks, const char *fallback);
void replicas_free(struct replicas **rp);
/*
 * The better of two random replicas by free capacity less what we gave it;
 * not `except` (may be NULL: the one just tried). False: none now.
 */
bool replicas_pick(struct replicas *r, const char *service, const struct endpoint *except, struct endpoint *out);
/* Walks all that are alive. */
void replicas_each(struct replicas *r, void (*each)(void *ctx, const struct replica *replica), void *ctx);

#endif
