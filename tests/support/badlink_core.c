#include "support/badlink_core.h"

#include "base/mem.h"
#include "base/slab.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

struct frame {
	size_t len;
	uint8_t data[BADLINK_FRAME_MAX];
};

struct entry {
	uint64_t due_us;
	uint64_t sequence; /* equal due times leave in the order in which they came */
	struct frame *frame;
};

struct badlink {
	struct badlink_settings set;
	struct badlink_counters counters;
	uint64_t random[4];
	struct slab *frames;
	struct entry *heap; /* the next to leave on top */
	size_t count;
	size_t bytes;
	uint64_t busy_until_ns; /* a limited wire carries one frame at a time */
	uint64_t last_due_us; /* of the frames that keep their order */
	uint64_t next_sequence;
	uint64_t latest_out;
};

/* What will happen to one frame. */
struct fate {
	bool lost;
	bool late;
	bool twice;
	size_t flip_bit; /* 0: none; the header's bits are never flipped */
	uint64_t delay_us;
};

/* ---- randomness ---- */

/* splitmix64 (Steele, Lea, Flood 2014): makes the generator's state from any seed. */
static uint64_t
splitmix(uint64_t *state)
{
	uint64_t z = (*state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static uint64_t
rotate(uint64_t x, unsigned k)
{
	return x << k | x >> (64 - k);
}

/* xoshiro256** (Blackman, Vigna 2018). */
static uint64_t
draw(uint64_t s[4])
{
	uint64_t result = rotate(s[1] * 5, 7) * 9, t = s[1] << 17;

	s[2] ^= s[0];
	s[3] ^= s[1];
	s[1] ^= s[2];
	s[0] ^= s[3];
	s[2] ^= t;
	s[3] = rotate(s[3], 45);
	return result;
}

/* Uniform in [0, 1). */
static double
draw_share(uint64_t s[4])
{
	return (double)(draw(s) >> 11) * 0x1p-53;
}

/* Uniform in [0, below). */
static uint64_t
draw_below(uint64_t s[4], uint64_t below)
{
	return (uint64_t)(draw_share(s) * (double)below);
}

static uint64_t
draw_delay(struct badlink *b)
{
	uint64_t d = b->set.delay_us + draw_below(b->random, 2 * b->set.jitter_us + 1);

	return d > b->set.jitter_us ? d - b->set.jitter_us : 0;
}

/* Always draws the same number of times, so that one setting does not change what another one hits. */
static struct fate
draw_fate(struct badlink *b, size_t len)
{
	size_t header = 8 * BADLINK_ETHERNET_HEADER, bits = 8 * len;
	struct fate f = { 0 };

	f.lost = draw_share(b->random) < b->set.loss;
	f.late = draw_share(b->random) < b->set.reorder;
	f.twice = draw_share(b->random) < b->set.duplicate;
	bool corrupt = draw_share(b->random) < b->set.corrupt && bits > header;
	size_t bit = header + draw_below(b->random, bits > header ? bits - header : 0);
	f.flip_bit = corrupt ? bit : 0;
	f.delay_us = draw_delay(b);
	return f;
}

/* ---- the queue: a binary heap ---- */

static bool
before(const struct entry *a, const struct entry *b)
{
	return a->due_us != b->due_us ? a->due_us < b->due_us : a->sequence < b->sequence;
}

static void
heap_push(struct badlink *b, struct entry e)
{
	size_t i = b->count++;

	while (i > 0 && before(&e, &b->heap[(i - 1) / 2])) {
		b->heap[i] = b->heap[(i - 1) / 2];
		i = (i - 1) / 2;
	}
	b->heap[i] = e;
}

static struct entry
heap_pop(struct badlink *b)
{
	struct entry top = b->heap[0], last = b->heap[--b->count];
	size_t i = 0, child;

	while ((child = 2 * i + 1) < b->count) {
		if (child + 1 < b->count && before(&b->heap[child + 1], &b->heap[child]))
			child++;
		if (!before(&b->heap[child], &last))
			break;
		b->heap[i] = b->heap[child];
		i = child;
	}
	b->heap[i] = last;
	return top;
}

/* ---- frames ---- */

static uint64_t
later(uint64_t a, uint64_t b)
{
	return a > b ? a : b;
}

/* When the frame's last bit is on the wire. */
static uint64_t
sent_us(struct badlink *b, size_t len, uint64_t now_us)
{
	if (b->set.rate == 0)
		return now_us;
	b->busy_until_ns = later(b->busy_until_ns, now_us * 1000) + len * 8 * UINT64_C(1000000000) / b->set.rate;
	return (b->busy_until_ns + 999) / 1000;
}

/* A late frame does not hold up those behind it: they overtake. */
static uint64_t
due_us(struct badlink *b, size_t len, const struct fate *f, uint64_t now_us)
{
	uint64_t due = later(sent_us(b, len, now_us) + f->delay_us, b->last_due_us);

	if (f->late)
		return due + b->set.reorder_delay_us;
	b->last_due_us = due;
	return due;
}

static bool
queue(struct badlink *b, const void *data, size_t len, const struct fate *f, uint64_t now_us)
{
	struct frame *frame = b->bytes + len <= b->set.queue_bytes ? slab_get(b->frames) : NULL;

	if (frame == NULL) {
		b->counters.dropped_full++;
		return false;
	}
	frame->len = len;
	memcpy(frame->data, data, len);
	if (f->flip_bit != 0)
		frame->data[f->flip_bit / 8] ^= (uint8_t)(1u << f->flip_bit % 8);
	b->bytes += len;
	heap_push(b, (struct entry){ due_us(b, len, f, now_us), b->next_sequence++, frame });
	return true;
}

void
badlink_input(struct badlink *b, const void *frame, size_t len, uint64_t now_us)
{
	struct fate f = draw_fate(b, len);

	if (len == 0 || len > BADLINK_FRAME_MAX) {
		b->counters.too_long += len > 0;
		return;
	}
	if (f.lost) {
		b->counters.lost++;
		return;
	}
	if (queue(b, frame, len, &f, now_us) && f.flip_bit != 0)
		b->counters.corrupted++;
	if (f.twice && queue(b, frame, len, &f, now_us))
		b->counters.duplicated++;
}

uint64_t
badlink_due_us(const struct badlink *b)
{
	return b->count > 0 ? b->heap[0].due_us : BADLINK_NEVER;
}

size_t
badlink_output(struct badlink *b, uint64_t now_us, uint8_t out[BADLINK_FRAME_MAX])
{
	if (b->count == 0 || b->heap[0].due_us > now_us)
		return 0;
	struct entry e = heap_pop(b);
	size_t len = e.frame->len;

	memcpy(out, e.frame->data, len);
	slab_put(b->frames, e.frame);
	b->bytes -= len;
	b->counters.forwarded++;
	b->counters.reordered += e.sequence < b->latest_out;
	b->latest_out = later(b->latest_out, e.sequence);
	return len;
}

/* ---- life ---- */

struct badlink_settings
badlink_perfect(void)
{
	return (struct badlink_settings){
		.reorder_delay_us = 10000,
		.queue_frames = BADLINK_QUEUE_FRAMES,
		.queue_bytes = BADLINK_QUEUE_BYTES,
	};
}

struct badlink *
badlink_new(const struct badlink_settings *settings, unsigned direction)
{
	struct badlink *b = xcalloc(1, sizeof(*b));
	uint64_t state = settings->seed;

	assert(direction < 2);
	/* Two values apart for every seed: the ways of one wire don't repeat each other. */
	state = splitmix(&state) + direction;
	for (size_t i = 0; i < 4; i++)
		b->random[i] = splitmix(&state);
	b->set = *settings;
	b->frames = slab_new(sizeof(struct frame), settings->queue_frames);
	b->heap = xcalloc(settings->queue_frames, sizeof(*b->heap));
	return b;
}

void
badlink_free(struct badlink **badlinkp)
{
	struct badlink *b = *badlinkp;

	if (b == NULL)
		return;
	slab_free(&b->frames);
	free(b->heap);
	free(b);
	*badlinkp = NULL;
}

const struct badlink_counters *
badlink_counters(const struct badlink *b)
{
	return &b->counters;
}
