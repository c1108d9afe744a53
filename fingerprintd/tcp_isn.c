#include "fingerprintd/tcp_isn.h"

#include "base/mem.h"
#include "base/rand.h"
#include "fingerprintd/siphash.h"
#include "fingerprintd/tcp_table.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum {
	SETS = 2048,
	WAYS = 4, /* peers of decoys that are remembered: a newcomer takes the place of the one heard least lately */
	BLOCK = 5,
	FRESH_US = 2 * 1000 * 1000, /* after such a pause another block begins */
	PACE_US = 100 * 1000, /* how far apart a scanner's SYNs are */
	PACE_SLOW_US = 3 * PACE_US, /* those of one that has hundreds of hosts to ask at once */
	DIVISOR_MAX = 5, /* units that may divide five steps in a row, where all are alike */
	EDGE = INT32_MAX / 20, /* what distances of random numbers keep from zero and from half of all numbers */
	FIFTH = (INT32_MAX - 2 * EDGE) / BLOCK,
	KNOWN = 64, /* connections of one peer whose hash is kept */
};
static const double random_step = 1073741824.0; /* on average, when each number is a random one */
static const double step_max = 2147483647.0; /* larger ones would look like steps back */

/* What a connection's clock was moved by. */
struct known {
	uint32_t ports; /* 0: none */
	uint32_t offset;
};

struct slot {
	const struct stack_host *host; /* NULL: free */
	struct addr peer;
	uint64_t at_us;
	uint32_t isn;
	uint32_t ts; /* of the last connection's clock */
	double pace; /* of the last two SYNs */
	uint32_t recent[BLOCK - 1]; /* the last steps, in units of multiple_of */
	uint8_t order[BLOCK];
	uint8_t step;
	uint8_t known_next;
	struct known known[KNOWN];
};

struct tcp_isn {
	uint64_t key[2];
	uint64_t random;
	struct slot sets[SETS][WAYS];
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
	for (unsigned i = 0; i < BLOCK - 1; i++)
		s->recent[i] = 1;
}

/*
 * Deviations of a block with mean 0 and sample deviation 1.  Rates below zero
 * would be steps back: then one large step makes the deviation.  Steps end at
 * half the number space: where that is near, most are long and few are short.
 */
static const double *
pattern(const struct habit_isn *isn, double rate_max)
{
	static const double even[BLOCK] = { 1, -1, 0, 1, -1 };
	static const double one_long[BLOCK] = { 1.7888544, -0.4472136, -0.4472136, -0.4472136, -0.4472136 };
	static const double three_long[BLOCK] = { 0.7302967, 0.7302967, 0.7302967, -1.0954451, -1.0954451 };
	static const double four_long[BLOCK] = { 0.4472136, 0.4472136, 0.4472136, 0.4472136, -1.7888544 };

	if (isn->deviation > isn->per_second)
		return one_long;
	if (isn->per_second + isn->deviation <= rate_max)
		return even;
	return isn->per_second + three_long[0] * isn->deviation <= rate_max ? three_long : four_long;
}

/* Of the rate, for the step that is next; a little of it is chance, so that no two steps are equal. */
static double
scatter(struct tcp_isn *t, const struct habit_isn *isn, const struct slot *s, double rate_max)
{
	static const double chance = 0.01;
	double from_zero = (double)(next_random(t) >> 32) / UINT32_MAX * 2 - 1;

	return (pattern(isn, rate_max)[s->order[s->step % BLOCK]] + chance * from_zero) * isn->deviation;
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

/*
 * So many units, or a few more, that the last four steps and this one have no
 * larger divisor.  After four steps of nothing, as in a flood, there is none to
 * avoid: any number divides those, and the search would go round all 32 bits.
 */
static uint32_t
indivisible(const struct slot *s, uint32_t units, uint32_t largest)
{
	uint32_t common = 0;

	for (unsigned i = 0; i < BLOCK - 1; i++)
		common = divisor(common, s->recent[i]);
	if (common == 0)
		return units == 0 ? 1 : units;
	while (divisor(common, units) > largest)
		units++;
	return units;
}

/*
 * The step in whole units.  A deviation of less than half a unit would be
 * rounded away: then one step in five has a unit more.  And no larger unit
 * divides five steps in a row, whichever five somebody sees.
 */
static uint32_t
whole_units(struct tcp_isn *t, const struct habit_isn *isn, struct slot *s, double seconds)
{
	double deviation = isn->deviation * seconds / isn->multiple_of, rate = isn->per_second;
	bool fine = deviation >= 0.5;
	double step = (fine ? rate + scatter(t, isn, s, step_max / seconds) : rate) * seconds;

	if (step > step_max)
		step = step_max;
	uint32_t units = step <= 0 ? 0 : (uint32_t)lround(step / isn->multiple_of);

	if (!fine && deviation > 0.1 && s->order[s->step % BLOCK] == 0)
		units++;
	if (rate > 0)
		units = indivisible(s, units, isn->deviation > 0 ? 1 : DIVISOR_MAX);
	s->recent[s->step % (BLOCK - 1)] = units;
	return units;
}

/* How far a counter goes in that time, in whole units. */
static uint32_t
grown(const struct habit_isn *isn, double seconds)
{
	if (isn->multiple_of == 0)
		return 0;
	return (uint32_t)fmod(isn->per_second * seconds / isn->multiple_of, 4294967296.0) * isn->multiple_of;
}

/*
 * Random numbers don't grow with time, but who measures their growth divides by
 * time: so it finds the same at another pace, as far as 32 bits allow.
 */
static double
pace(uint64_t pause_us)
{
	uint64_t us = pause_us < PACE_US ? PACE_US : pause_us > PACE_SLOW_US ? PACE_SLOW_US : pause_us;

	return (double)us / PACE_US;
}

static void
advance(struct tcp_isn *t, const struct stack_host *h, struct slot *s, uint64_t now_us)
{
	const struct habit_isn *isn = &h->habits->isn;
	uint64_t pause_us = now_us - s->at_us;
	bool random = isn->per_second * PACE_US / 1e6 > random_step / 4;

	if (pause_us > FRESH_US) {
		shuffle(t, s);
		s->isn += grown(isn, (double)pause_us / 1e6);
	} else {
		s->isn += whole_units(t, isn, s, (random ? pace(pause_us) * PACE_US : (double)pause_us) / 1e6) *
		    isn->multiple_of;
		s->step++;
	}
	s->pace = pace(pause_us);
	s->at_us = now_us;
}

/* Where the decoy's counter stands: every peer begins there. */
static uint32_t
counter(const struct stack_host *h, uint64_t now_us)
{
	const struct habit_isn *isn = &h->habits->isn;

	return (uint32_t)h->isn_secret[0] + grown(isn, (double)(now_us - h->boot_us) / 1e6);
}

static struct slot *
find_slot(struct tcp_isn *t, const struct stack_host *h, const struct addr *peer)
{
	uint64_t words[3] = { (uint64_t)(uintptr_t)h, 0, 0 };

	memcpy(words + 1, peer->b, sizeof(peer->b));
	struct slot *set = t->sets[siphash(t->key, words, 3) % SETS], *oldest = set;

	for (int i = 0; i < WAYS; i++) {
		if (set[i].host == h && addr_equal(&set[i].peer, peer))
			return &set[i];
		if (set[i].at_us < oldest->at_us)
			oldest = &set[i];
	}
	oldest->host = NULL;
	return oldest;
}

/* The slot of a peer that wasn't there before. */
static void
take_slot(struct tcp_isn *t, struct slot *s, const struct stack_host *h, const struct addr *peer, uint64_t now_us)
{
	*s = (struct slot){ .host = h, .peer = *peer, .at_us = now_us, .isn = counter(h, now_us) };
	s->ts = (uint32_t)next_random(t);
	s->pace = 1;
	shuffle(t, s);
}

static uint32_t
counted(struct tcp_isn *t, const struct stack_host *h, const struct addr *peer, uint64_t now_us)
{
	struct slot *s = find_slot(t, h, peer);

	if (s->host != NULL) {
		advance(t, h, s, now_us);
	} else {
		take_slot(t, s, h, peer, now_us);
	}
	return s->isn;
}

/*
 * Any numbers, but those of one peer in a row are as far apart, and that scatters
 * as much, as with such numbers on average: each distance comes from another
 * fifth of what is possible, short of its ends.  Five numbers of pure chance
 * seem to be of another kind now and then.  fresh: where a row begins.
 */
static uint32_t
scattered(struct tcp_isn *t, struct slot *s, uint32_t fresh, uint64_t now_us)
{
	uint64_t random = next_random(t);

	if (now_us - s->at_us > FRESH_US) {
		shuffle(t, s);
		s->isn = fresh;
	} else {
		uint32_t distance =
		    EDGE + s->order[s->step % BLOCK] * (uint32_t)FIFTH + (uint32_t)(random >> 32) % FIFTH;

		s->pace = pace(now_us - s->at_us);
		distance = (uint32_t)fmin(distance * s->pace, INT32_MAX);
		distance = indivisible(s, distance, DIVISOR_MAX);
		s->recent[s->step++ % (BLOCK - 1)] = distance;
		s->isn += random & 1 ? distance : -distance;
	}
	s->at_us = now_us;
	return s->isn;
}

static struct slot *
slot_of(struct tcp_isn *t, const struct stack_host *h, const struct addr *peer)
{
	struct slot *s = find_slot(t, h, peer);

	if (s->host == NULL)
		take_slot(t, s, h, peer, 0); /* last seen long ago */
	return s;
}

static uint32_t
random_number(struct tcp_isn *t, const struct stack_host *h, const struct addr *peer, uint64_t now_us)
{
	return scattered(t, slot_of(t, h, peer), (uint32_t)next_random(t), now_us);
}

/* RFC 6528: the same connection finds the number that it had, moved on by a clock. */
static uint32_t
hashed(struct tcp_isn *t, const struct stack_host *h, const struct endpoint *peer, const struct endpoint *ours,
    uint64_t now_us)
{
	struct slot *s = slot_of(t, h, &peer->addr);
	uint32_t ports = (uint32_t)peer->port << 16 | ours->port, clock = (uint32_t)((now_us - h->boot_us) / 4);
	uint64_t words[TCP_TUPLE_WORDS];

	for (int i = 0; i < KNOWN; i++) {
		if (s->known[i].ports == ports)
			return s->known[i].offset + clock;
	}
	tcp_tuple_words(peer, ours, words);
	uint32_t offset = scattered(t, s, (uint32_t)siphash(h->isn_secret, words, TCP_TUPLE_WORDS), now_us);

	s->known[s->known_next++ % KNOWN] = (struct known){ ports, offset };
	return offset + clock;
}

uint32_t
tcp_isn_next(struct tcp_isn *t, const struct stack_host *h, const struct endpoint *peer, const struct endpoint *ours,
    uint64_t now_us)
{
	switch (h->habits->isn.kind) {
	case HABIT_ISN_ZERO:
	case HABIT_ISN_ACK:
		return 0;
	case HABIT_ISN_CONSTANT:
		return (uint32_t)h->isn_secret[0];
	case HABIT_ISN_INCREMENTS:
		return counted(t, h, &peer->addr, now_us);
	case HABIT_ISN_RANDOM:
		return random_number(t, h, &peer->addr, now_us);
	default:
		return hashed(t, h, peer, ours, now_us);
	}
}

uint32_t
tcp_isn_ts_offset(struct tcp_isn *t, const struct stack_host *h, const struct endpoint *peer,
    const struct endpoint *ours)
{
	uint64_t words[TCP_TUPLE_WORDS];

	if (h->habits->ts_start != HABIT_TS_RANDOM)
		return 0;
	if (h->habits->ts_apart == 0) {
		tcp_tuple_words(ours, peer, words);
		return (uint32_t)siphash(h->isn_secret, words, TCP_TUPLE_WORDS);
	}
	struct slot *s = slot_of(t, h, &peer->addr);
	uint32_t eighth = (uint32_t)fmin(h->habits->ts_apart * s->pace, INT32_MAX) / 8;

	/* From seven eighths to nine. */
	s->ts += 7 * eighth + (uint32_t)(next_random(t) % (2 * (uint64_t)eighth + 1));
	return s->ts;
}
