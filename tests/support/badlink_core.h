/*
 * badlink_core - one direction of a bad wire: frames go in with the time,
 * and come out when they are due, or late, twice, damaged or never.
 *
 * The same settings, direction, frames and times give the same output.  No
 * sockets and no clock here.  Jitter alone keeps the order of frames; only
 * `reorder` breaks it, so that a test says which of both it wants.
 */
#ifndef SUPPORT_BADLINK_CORE_H
#define SUPPORT_BADLINK_CORE_H

#include <stddef.h>
#include <stdint.h>

enum {
	/* An MTU of 1500 and room; longer ones come from offloads left on. */
	BADLINK_FRAME_MAX = 2048,
	BADLINK_ETHERNET_HEADER = 14,
	BADLINK_QUEUE_FRAMES = 4096,
	BADLINK_QUEUE_BYTES = 2 << 20
};

#define BADLINK_NEVER UINT64_MAX

struct badlink_settings {
	uint64_t seed;
	double loss; /* these four: the share of frames, 0 to 1 */
	double reorder;
	double duplicate;
	double corrupt;
	uint64_t reorder_delay_us; /* how much later a reordered frame leaves */
	uint64_t delay_us;
	uint64_t jitter_us; /* delay is uniform in delay +- jitter, never below 0 */
	uint64_t rate; /* bits a second; 0: no limit */
	size_t queue_frames;
	size_t queue_bytes;
};

struct badlink_counters {
	uint64_t forwarded; /* came out, copies included */
	uint64_t lost;
	uint64_t reordered; /* came out after a frame that went in later */
	uint64_t duplicated;
	uint64_t corrupted;
	uint64_t dropped_full; /* the queue was full */
	uint64_t too_long; /* above BADLINK_FRAME_MAX */
};

struct badlink;

/* A wire that changes nothing. */
struct badlink_settings badlink_perfect(void);

/* direction (0, 1) only takes part in the randomness: both ways of a wire have the same seed. */
struct badlink *badlink_new(const struct badlink_settings *settings, unsigned direction);
void badlink_free(struct badlink **badlinkp);
/* Copies the frame, unless it gets lost. */
void badlink_input(struct badlink *b, const void *frame, size_t len, uint64_t now_us);
/* When the next frame leaves, or BADLINK_NEVER. */
uint64_t badlink_due_us(const struct badlink *b);
/* Moves the next frame that is due into out and returns its length; 0: none is. */
size_t badlink_output(struct badlink *b, uint64_t now_us, uint8_t out[BADLINK_FRAME_MAX]);
const struct badlink_counters *badlink_counters(const struct badlink *b);

#endif
