/*
 * api - what the resources are given to answer from.  What lives on the network
 * stands behind function pointers, so that a test can hold a whole API in memory.
 */
#ifndef API_API_H
#define API_API_H

#include "api/reply.h"
#include "base/addr.h"
#include "wire/mail_commit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct tokens;

struct replica_view {
	char service[64], instance[64], boot[40], version[32];
	struct endpoint at;
	size_t sessions, capacity;
	bool draining;
	uint64_t seen_ago_ms;
};

/* Where a mail's bytes are. */
struct raw_mail {
	uint64_t parts[MAIL_PARTS_MAX];
	size_t part_count;
	uint64_t sequence; /* of the commit, whose body is the last part */
	uint64_t size;
	char sha256[MAIL_SHA256_TEXT + 1];
};

/* WRONG: what the stream holds is not what the commit says. */
enum raw_result { RAW_OK, RAW_GONE, RAW_AWAY, RAW_WRONG };

struct api_behind {
	bool known; /* false while NATS is away */
	uint64_t events, messages;
};

struct api_ops {
	/* Fills at most max, in order of service and instance; returns how many. */
	size_t (*replicas)(void *ctx, struct replica_view *out, size_t max);
	/* False: NATS is away, or was a moment ago: replicas may be missing. */
	bool (*replicas_known)(void *ctx);
	/* Fills out when the first bytes are there. */
	enum raw_result (*raw_open)(void *ctx, const struct raw_mail *mail, struct reply_stream *out);
	struct api_behind (*behind)(void *ctx);
	uint64_t (*now_ms)(void *ctx); /* wall clock */
};

struct api {
	struct model *model;
	struct tokens *tokens;
	const struct api_ops *ops;
	void *ctx;
};

#endif
