#include "fingerprintd/tcp_isn.h"

#include "base/mem.h"
#include "base/rand.h"
#include "fingerprintd/siphash.h"
#include "fingerprintd/tcp_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SLOTS = 8192, /* peers of decoys that are remembered; a newcomer takes the place of another */
	BLOCK = 5,
	FRESH_US = 2 * 1000 * 1000, /* after such a pause another block begins */
};
static const double step_max = 2147483647.0; /* larger ones would look like steps back */

struct slot {
	const struct stack_host *host; /* NULL: free */
	struct addr peer;
	uint64_t at_us;
	uint32_t isn;
	uint32_t units; /* of multiple_of in the last step */
	uint8_t order[BLOCK];
	uint8_t step;
};

struct tcp_isn {
	uint64_t key[2];
	uint64_t random;
	struct slot slots[SLOTS];
};

struct tcp_isn *
tcp_isn_new(void)
{
	struct tcp_isn *t = xcalloc(1, sizeof(*t));

	rand_bytes(t->key, sizeof(t->key));
	rand_bytes(&t->random, sizeof(t->random));
	return t;
}

void
tcp_isn_free(struct tcp_isn **tp)
{
	free(*tp);
	*tp = NULL;
}

static uint64_t
next_random(struct tcp_isn *t)
{
	uint64_t z = t->random += 0x9e3779b97f4a7c15; /* splitmix64 */

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return z ^ z >> 31;
}

static uint32_t
hashed(const struct stack_host *h, const struct endpoint *peer, const struct endpoint *ours, uint64_t now_us)
{
	uint64_t words[TCP_TUPLE_WORDS];

	tcp_tuple_words(peer, ours, words);
	return (uint32_t)siphash(h->isn_secret, words, TCP_TUPLE_WORDS) + (uint32_t)((now_us - h->boot_us) / 4);
}

/* Deviations of five steps in a row whose mean is 0 and whose sample deviation is 1, in an order of chance. */
static void
shuffle(struct tcp_isn *t, struct slot *s)
{
	uint64_t random = next_random(t);

	for (unsigned i = 0; i < BLOCK; i++)
		s->order[i] = (uint8_t)i;
	for (unsigned i = BLOCK - 1; i > 0; i--) {
		unsigned j = (unsigned)(random >> 8 * i & 0xff) % (i + 1);
		uint8_t kept = s->order[i];

		s->order[i] = s->order[j];
		s->order[j] = kept;
	}
	s->step = 0;
}

static double
scatter(const struct habit_isn *isn, const struct slot *s)
{
	static const double even[BLOCK] = { 1, -1, 0, 1, -1 };
	/* Rates below zero would be steps back: then one large step makes the deviation. */
	static const double lopsided[BLOCK] = { -0.4472136, -0.4472136, -0.4472136, -0.4472136, 1.7888544 };
	uint8_t at = s->order[s->step % BLOCK];

	return (isn->deviation > isn->per_second ? lopsided[at] : even[at]) * isn->deviation;
}

static uint32_t
divisor(uint32_t a, uint32_t b)
{
	while (b != 0) {
		uint32_t rest = a % b;

		a = b;
		b = rest;
	}
	return a;
}

/* So many units that the steps have no common divisor but the unit. */
static uint32_t
whole_units(const struct slot *s, double step, uint32_t unit)
{
	uint32_t units = (uint32_t)lround(step / unit);

	if (s->step == 1 && s->units > 1) {
		while (units > 0 && divisor(units, s->units) != 1)
			units++;
	}
	return units;
}

static void
advance(struct tcp_isn *t, const struct stack_host *h, struct slot *s, uint64_t now_us)
{
	const struct habit_isn *isn = &h->habits->isn;
	uint64_t pause_us = now_us - s->at_us;

	if (pause_us > FRESH_US)
		shuffle(t, s);
	double step = fmod((isn->per_second + scatter(isn, s)) * (double)pause_us / 1e6, 4294967296.0);

	if (step < 0)
		step = 0;
	if (pause_us <= FRESH_US && step > step_max)
		step = step_max;
	s->units = whole_units(s, step, isn->multiple_of);
	s->isn += s->units * isn->multiple_of;
	s->at_us = now_us;
	s->step++;
}

/* Where the decoy's counter stands: every peer begins there. */
static uint32_t
counter(const struct stack_host *h, uint64_t now_us)
{
	const struct habit_isn *isn = &h->habits->isn;
	double up_s = (double)(now_us - h->boot_us) / 1e6;
	uint32_t grown = (uint32_t)fmod(isn->per_second * up_s / isn->multiple_of, 4294967296.0);

	return (uint32_t)h->isn_secret[0] + grown * isn->multiple_of;
}

static uint32_t
counted(struct tcp_isn *t, const struct stack_host *h, const struct addr *peer, uint64_t now_us)
{
	uint64_t words[3] = { (uint64_t)(uintptr_t)h, 0, 0 };

	memcpy(words + 1, peer->b, sizeof(peer->b));
	struct slot *s = &t->slots[siphash(t->key, words, 3) % SLOTS];

	if (s->host == h && addr_equal(&s->peer, peer)) {
		advance(t, h, s, now_us);
		return s->isn;
	}
	*s = (struct slot){ .host = h, .peer = *peer, .at_us = now_us, .isn = counter(h, now_us) };
	shuffle(t, s);
	return s->isn;
}

uint32_t
tcp_isn_next(struct tcp_isn *t, const struct stack_host *h, const struct endpoint *peer, const struct endpoint *ours,
    uint64_t now_us)
{
	switch (h->habits->isn.kind) {
	case HABIT_ISN_CONSTANT:
		return (uint32_t)h->isn_secret[0];
	case HABIT_ISN_INCREMENTS:
		return counted(t, h, &peer->addr, now_us);
	default:
		return hashed(h, peer, ours, now_us);
	}
}
