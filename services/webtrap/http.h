/*
 * http - libmicrohttpd on our loop, for requests with a body that is chunked,
 * long or waits for "100 Continue": a connection whose next byte is such a
 * request goes in, the request comes out when it was read whole, its answer
 * goes back and is the connection's last.  The only file that knows
 * microhttpd.h; it decides nothing.
 */
#ifndef WEBTRAP_HTTP_H
#define WEBTRAP_HTTP_H

#include "webtrap/page.h"

struct loop;
struct http;

struct http_ops {
	/* A request that was read whole: fill the answer. */
	void (*request)(void *flow, const struct request *req, uint64_t body_bytes, struct page_answer *out);
	/* The connection is gone; flow isn't touched again. */
	void (*ended)(void *flow);
};

/* capacity: connections at once. Exits when libmicrohttpd can't start. */
struct http *http_new(struct loop *l, size_t capacity, const struct http_ops *ops);
/* Takes the descriptor over in any case. False: it is closed and ended() is not called. */
bool http_add(struct http *h, int fd, void *flow);
/* Ends all connections, ended() is called for each. */
void http_free(struct http **hp);

#endif
