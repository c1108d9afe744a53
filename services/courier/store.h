/*
 * store - the courier's four buckets (NATS KV, ADR-8): one value a key, changed
 * only by who knows the revision that it replaces (compare-and-set), so that two
 * couriers can't both do a thing.  Blocking: for a worker's own thread.
 *
 * Its NATS user publishes $KV.<bucket>.> and $JS.API.STREAM.MSG.GET.KV_<bucket>.
 */
#ifndef COURIER_STORE_H
#define COURIER_STORE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct store;

enum store_bucket {
	STORE_JOBS, /* mail id -> job */
	STORE_QUOTAS, /* day, kind, who -> count */
	STORE_NETWORKS, /* network -> id of its first mail */
	STORE_DROPBOXES, /* hash of an address -> what is known of it */
	STORE_BUCKETS
};

enum store_answer {
	STORE_OK,
	STORE_MISSING, /* get: no such key */
	STORE_CONFLICT, /* put: somebody else was first */
	STORE_FULL, /* put: the bucket has no room */
	STORE_AWAY, /* no answer: it may or may not have happened */
};

enum { STORE_VALUE_MAX = 8192, STORE_NEW = 0 };

struct store *store_new(struct bus *bus);
void store_free(struct store **sp);
/* Writes the value, NUL-terminated, and its revision; "" and STORE_NEW when it is missing. */
enum store_answer store_get(struct store *s, enum store_bucket bucket, const char *key, char value[STORE_VALUE_MAX],
    uint64_t *revision);
/* Replaces the value of that revision (STORE_NEW: only when there is none); *revision gets the new one. */
enum store_answer store_put(struct store *s, enum store_bucket bucket, const char *key, const char *value,
    uint64_t *revision);

#endif
