/*
 * decoys - which addresses we hold and what each of them is: the operator's
 * JSON file (format: README.md) as a table with a hash for lookups.  A loaded
 * table doesn't change; a reload makes a new one.
 */
#ifndef FINGERPRINTD_DECOYS_H
#define FINGERPRINTD_DECOYS_H

#include "base/addr.h"
#include "fingerprintd/json_file.h"

struct host;
struct personalities;
struct personality;

enum {
	DECOYS_VERSION = 1,
	DECOYS_MAX = 65536, /* addresses */
	DECOY_GROUPS_MAX = 4096,
	DECOY_PORTS_MAX = 4096, /* of one group */
	DECOY_ADDRESSES_MAX = 65536, /* entries of one group's list */
	DECOY_LOOK_MAX = 64,
	DECOY_HOPS_MAX = 16,
	DECOY_HOP_MS_MAX = 2000,
};

enum decoy_closed { DECOY_RESET, DECOY_DROP }; /* what a port that isn't listed does */

struct decoy_port {
	uint16_t port;
	uint8_t proto; /* only tcp so far */
	uint8_t service; /* see decoy_service_name() */
	char look[DECOY_LOOK_MAX];
};

/* A router that seems to be before the decoys. */
struct decoy_hop {
	struct addr address;
	uint16_t ms; /* one way, from the one before */
};

struct decoy_group {
	const struct personality *personality;
	struct decoy_port *ports; /* by number */
	size_t port_count;
	uint8_t closed; /* enum decoy_closed */
	struct decoy_hop hops[DECOY_HOPS_MAX]; /* from the peer's side */
	size_t hop_count;
};

struct decoy {
	struct addr address;
	const struct decoy_group *group;
	struct host *host; /* hosts.c's; NULL until it has one */
};

struct decoys;

/* NULL with a sentence in error. p must live as long as the table. */
struct decoys *decoys_parse(const char *file, const char *text, size_t len, struct personalities *p,
    struct json_error *error);
struct decoys *decoys_load(const char *file, struct personalities *p, struct json_error *error);
void decoys_free(struct decoys **dp);
/* NULL: not ours. */
struct decoy *decoys_find(const struct decoys *d, const struct addr *a);
size_t decoys_count(const struct decoys *d);
struct decoy *decoys_at(const struct decoys *d, size_t i);
size_t decoys_port_count(const struct decoys *d); /* of all groups */
/* NULL: closed. */
const struct decoy_port *decoy_port_find(const struct decoy_group *g, uint16_t port);
const char *decoy_service_name(uint8_t service);

#endif
