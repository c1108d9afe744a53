/*
 * body - where a request's body ends (RFC 9112 6 and 7.1): so many octets, or
 * chunks with trailers.  It counts what it passes and keeps none of it: nobody
 * reads what harvesters post.  Pure; its limits are Apache's and nginx's.
 */
#ifndef WEBTRAP_BODY_H
#define WEBTRAP_BODY_H

#include "webtrap/request.h"

enum body_result {
	BODY_MORE,
	BODY_DONE,
	BODY_BAD, /* no server goes on after this */
};

enum body_state {
	BODY_OCTETS, /* left of them, and the end */
	BODY_SIZE, /* a chunk's size */
	BODY_EXTENSION, /* the rest of that line */
	BODY_CHUNK, /* left octets of it */
	BODY_CHUNK_END, /* its line end */
	BODY_TRAILER, /* a line: empty, it is the last */
};

struct body {
	enum body_state state;
	bool lf_alone; /* lines may end without CR */
	bool cr; /* was the byte before */
	unsigned line_len; /* of the line so far: digits only while SIZE */
	unsigned trailers;
	uint64_t left;
	uint64_t bytes; /* of content so far, framing not counted */
};

/* A request that has a body, as request_check() read its head. */
void body_init(struct body *b, const struct request_rules *rules, const struct request *req);
/* *used: how many of the len bytes belong to the body; what follows is the next request. After BAD nothing is given. */
enum body_result body_input(struct body *b, const void *data, size_t len, size_t *used);

#endif
