/*
 * splice - two conns joined: bytes, half-close, reset and backpressure pass in
 * both directions, at most SPLICE_BUFFER bytes wait in each.
 */
#ifndef DAEMON_SPLICE_H
#define DAEMON_SPLICE_H

#include "daemon/conn.h"

enum { SPLICE_BUFFER = 64 * 1024 };

struct splice;

struct splice_result {
	uint64_t bytes_ab;
	uint64_t bytes_ba;
	enum conn_end why;
};

/* Takes both conns over; done runs once, when both are gone; what waits in their inputs is passed on first. */
struct splice *splice_new(struct conn *a, struct conn *b, uint64_t idle_ms,
    void (*done)(void *ctx, const struct splice_result *r), void *ctx);
/* Resets both; done is not called. */
void splice_abort(struct splice **sp);

#endif
