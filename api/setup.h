/*
 * setup - `api --setup`: makes and updates the streams, buckets and shared consumers from
 * tables (DESIGN 3.5).  May be run again and again; it never deletes anything.
 */
#ifndef API_SETUP_H
#define API_SETUP_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;

struct setup_settings {
	int64_t events_bytes, mail_bytes;
	int64_t replicas; /* copies of each stream in a cluster */
	uint64_t wait_ms; /* for NATS and its JetStream */
};

/* Blocks. False with a sentence in error: not all is there. */
bool setup_run(struct bus *b, const struct setup_settings *s, const atomic_bool *stopping, char *error,
    size_t error_size);

#endif
