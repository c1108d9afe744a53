/* presence - this replica's heartbeat, each second, on hs.<site>.presence.<service>.<instance> (DESIGN 3.2). */
#ifndef DAEMON_PRESENCE_H
#define DAEMON_PRESENCE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>

struct loop;
struct bus;
struct presence;

enum { PRESENCE_INTERVAL_MS = 1000 };

struct presence_state {
	struct endpoint at; /* where flows are taken; port 0: takes none (gateway, logship, api) */
	size_t sessions;
	size_t capacity;
};

/* state is asked before each beat, on the loop. */
struct presence *presence_new(struct loop *l, struct bus *b, const char *site, const char *service,
    const char *instance, void (*state)(void *ctx, struct presence_state *out), void *ctx);
/* Announces at once. */
void presence_draining(struct presence *p);
/* This process' boot id, as announced; lives as long as p. */
const char *presence_boot(const struct presence *p);
void presence_free(struct presence **pp);

#endif
