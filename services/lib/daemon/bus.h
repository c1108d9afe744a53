/*
 * bus - NATS without waiting.  nats.c lives on other threads; the loop hands
 * messages over through a bounded queue and gets answers back as loop calls.
 * Nothing here blocks the loop: a full queue is an answer (false).
 *
 * Consumers of streams (logship, api) use feed.h on threads of their own.
 */
#ifndef DAEMON_BUS_H
#define DAEMON_BUS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct bus;
typedef struct __natsConnection natsConnection; /* as nats.h has it; C11 allows to say it twice */

struct bus_settings {
	const char *url;
	const char *user; /* "" for none */
	const char *password;
	const char *name; /* connection name: service and instance */
	const char *inbox_prefix; /* "_INBOX_<service>" */
	/* TLS, required when ca_file is given or url begins with tls://. "" or NULL: the system's CAs; no certificate.
	 */
	const char *ca_file;
	const char *cert_file, *key_file;
};

struct bus_header {
	const char *name;
	const char *value;
};

enum {
	BUS_QUEUE_MAX_BYTES =
	    64 * 1024 * 1024, /* messages handed over and not yet on the wire, and unacknowledged ones */
	BUS_STORED_MAX = 16384, /* acknowledged publishes in flight */
};

/* Starts the threads; connects in the background for ever. */
struct bus *bus_new(struct loop *l, const struct bus_settings *s);
/* Waits up to flush_ms for what is queued, then stops and frees; sets the pointer to NULL. */
void bus_free(struct bus **bp, uint64_t flush_ms);
/* Connects, hears one answer and closes again; blocks for some seconds at most. False with a sentence. */
bool bus_try(const struct bus_settings *s, char *error, size_t error_size);
bool bus_connected(const struct bus *b);
/* Blocks until it is connected, for ms at most: for threads of their own. False: it is not. */
bool bus_wait(struct bus *b, uint64_t ms);
natsConnection *bus_connection(struct bus *b); /* for feeds and requests on other threads */

/* Fire and forget on core NATS; copies. False: queue full or not connected. */
bool bus_publish(struct bus *b, const char *subject, const void *data, size_t len);

/*
 * Publishes to a stream and waits for its acknowledgement. done runs exactly
 * once on the loop's thread unless this returned false (queue or table full).
 * While NATS is away the message waits; after a reconnect it is sent again with
 * the same id (a Nats-Msg-Id header is required), until timeout_ms are over:
 * then done(ok = false). Copies data. A refusal of the server (stream full)
 * gives ok = false at once.
 */
typedef void bus_stored_cb(void *ctx, bool ok, uint64_t sequence);
bool bus_publish_stored(struct bus *b, const char *subject, const struct bus_header *headers, size_t header_count,
    const void *data, size_t len, uint64_t timeout_ms, bus_stored_cb *done, void *ctx);

/* received runs on the loop's thread; bounded: messages beyond the cap are dropped and counted. */
typedef void bus_message_cb(void *ctx, const char *subject, const char *reply, const void *data, size_t len);
void bus_subscribe(struct bus *b, const char *subject, bus_message_cb *received, void *ctx);

#endif
