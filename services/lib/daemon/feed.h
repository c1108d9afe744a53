/*
 * feed - a stream read in order from a place that the reader remembers itself
 * (a file's state, a database), so that after any crash of either side each
 * message is seen again from there and none is passed over.  Blocking: for
 * threads of logship and api only, never for the loop.
 *
 * The server's list shows how far delivery went (AckAll); the reader's own
 * state is the truth.  A pull consumer that the feed makes for itself and makes anew, from
 * last + 1, whenever its sequence shows a gap or the server lost it.
 *
 * Its NATS user publishes, for each stream S and consumer C:
 *   $JS.API.CONSUMER.DELETE.S.C  $JS.API.CONSUMER.DURABLE.CREATE.S.C  $JS.API.CONSUMER.INFO.S.C
 *   $JS.API.CONSUMER.MSG.NEXT.S.C  $JS.ACK.S.C.>  and for feed_get $JS.API.STREAM.MSG.GET.S
 */
#ifndef DAEMON_FEED_H
#define DAEMON_FEED_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct feed;

enum { FEED_HEADERS_MAX = 32 };

struct feed_settings {
	const char *stream; /* "EVENTS" */
	const char *subject; /* filter */
	const char *consumer; /* name, one token: shows in the server's lists */
	bool headers_only;
	/* The reader may be away for weeks while somebody counts what waits for it (KEDA, to start it again). */
	bool long_absence;
};

struct feed_message {
	uint64_t sequence;
	uint64_t stored_wall_ms; /* when the stream took it */
	const char *subject;
	const void *data;
	size_t len;
	/* First value of a header or NULL. */
	const char *(*header)(const struct feed_message *m, const char *name);
	void *native;
};

/* The next message wanted is last + 1. */
struct feed *feed_new(struct bus *b, const struct feed_settings *s, uint64_t last);
void feed_free(struct feed **fp);
/* The stream's server serves us: false until feed_next() has made the consumer, and while NATS is away. */
bool feed_open(const struct feed *f);
/*
 * Waits up to wait_ms for up to max messages, calling each in order of
 * sequence; the message is valid during the call. Returns how many; 0 also
 * while NATS is away, and at once when the consumer was made, so that the
 * reader can say that it is served. *behind gets the messages still waiting
 * (may be NULL).
 */
size_t feed_next(struct feed *f, size_t max, uint64_t wait_ms, void (*each)(void *ctx, const struct feed_message *m),
    void *ctx, uint64_t *behind);
/* One message of the stream by sequence: malloc'd body, or NULL (gone, or NATS away: *gone tells which). */
void *feed_get(struct bus *b, const char *stream, uint64_t sequence, size_t *len, bool *gone);

#endif
