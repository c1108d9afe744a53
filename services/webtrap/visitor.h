/*
 * visitor - what is remembered of each source: pages seen, robots.txt read,
 * the forbidden entered.  A table of fixed size: the source that was silent
 * longest makes room.  Says once an hour that a source is a harvester.
 */
#ifndef WEBTRAP_VISITOR_H
#define WEBTRAP_VISITOR_H

#include "base/addr.h"
#include "base/list.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { VISITOR_SAY_MS = 60 * 60 * 1000 };

struct visitors;

struct visitor {
	struct list order; /* by last visit */
	struct visitor *next; /* in its bucket */
	struct addr addr;
	uint64_t requests;
	uint64_t forbidden; /* pages of the maze */
	uint64_t addresses; /* poisoned ones that it took */
	uint64_t said_ms; /* when it was called a harvester; 0: never */
	bool read_robots;
};

/* seed: random, so that nobody chooses addresses for one bucket. */
struct visitors *visitors_new(size_t cap, uint64_t seed);
void visitors_free(struct visitors **vp);
size_t visitors_count(const struct visitors *v);
/* The visitor at an address, counted in; never NULL. Valid until the next call. */
struct visitor *visitors_see(struct visitors *v, const struct addr *addr);
/* It took a page of the maze: true when that is worth an event. now_ms > 0, monotonic. */
bool visitor_trespass(struct visitor *v, unsigned addresses, uint64_t now_ms);

#endif
