/*
 * kv - buckets of last values in JetStream (ADR-8): read one, make one that must
 * not be there yet, replace one that nobody has replaced meanwhile.  Calls wait for the server: for threads of their
 * own, never for the loop.
 *
 * The user at NATS needs $KV.<bucket>.> to publish and $JS.API.DIRECT.GET.KV_<bucket>.> to read; `api --setup` makes
 * the buckets.
 */
#ifndef DAEMON_KV_H
#define DAEMON_KV_H

#include <stddef.h>
#include <stdint.h>

struct bus;

enum kv_result {
	KV_OK,
	KV_NONE, /* get: no such key */
	KV_TAKEN, /* create, replace: somebody was first */
	KV_FULL, /* create, replace: the bucket has no room */
	KV_FAILED, /* NATS is away, or refuses */
};

enum { KV_WAIT_MS = 2000, KV_VALUE_MAX = 64 * 1024 };

/* Keys are letters, digits, hyphens and dots. *value is the caller's to free, and ends with a NUL beyond len. */
enum kv_result kv_get(struct bus *b, const char *bucket, const char *key, char **value, size_t *len);
enum kv_result kv_create(struct bus *b, const char *bucket, const char *key, const void *value, size_t len);
/*
 * With revisions: what was read names one (0 with KV_NONE), and a value replaces only the one of that revision (0:
 * none may be there); *revision gets the new one. KV_FAILED leaves open whether it happened.
 */
enum kv_result kv_read(struct bus *b, const char *bucket, const char *key, char **value, size_t *len,
    uint64_t *revision);
enum kv_result kv_replace(struct bus *b, const char *bucket, const char *key, const void *value, size_t len,
    uint64_t *revision);

#endif
