/*
 * store - the courier's four buckets (daemon/kv.h): one value a key, changed only
 * by who knows the revision that it replaces, so that two couriers can't both do
 * a thing.  Blocking: for a worker's own thread.
 */
#ifndef COURIER_STORE_H
#define COURIER_STORE_H

#include "daemon/kv.h"

struct bus;

enum store_bucket {
	STORE_JOBS, /* mail id -> job */
	STORE_QUOTAS, /* day, kind, who -> count */
	STORE_NETWORKS, /* network -> id of its first mail */
	STORE_DROPBOXES, /* hash of an address -> what is known of it */
};

enum { STORE_VALUE_MAX = 8192, STORE_NEW = 0 };

/* Writes the value, NUL-terminated, and its revision; "" and STORE_NEW with KV_NONE. */
enum kv_result store_get(struct bus *b, enum store_bucket bucket, const char *key, char value[STORE_VALUE_MAX],
    uint64_t *revision);
/* Replaces the value of that revision (STORE_NEW: only when there is none); *revision gets the new one. */
enum kv_result store_put(struct bus *b, enum store_bucket bucket, const char *key, const char *value,
    uint64_t *revision);

#endif
