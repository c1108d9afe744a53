#include "fingerprintd/tcp_cookie.h"

#include "fingerprintd/siphash.h"
#include "fingerprintd/tcp_table.h"

enum { PERIOD_SHIFT = 27, PERIOD_MASK = 31, SIZE_SHIFT = 24, SIZE_MASK = 7, HASH_MASK = 0xffffff };

/* The common ones; a peer's offer is rounded down. */
static const uint16_t sizes[SIZE_MASK + 1] = { 64, 536, 1024, 1220, 1360, 1400, 1440, 1460 };

static uint32_t
hash(const uint64_t key[2], const struct tcp_cookie_syn *syn, uint64_t period, unsigned size)
{
	uint64_t words[TCP_TUPLE_WORDS + 2];

	tcp_tuple_words(&syn->source, &syn->destination, words);
	words[TCP_TUPLE_WORDS] = (uint64_t)syn->seq << 32 | size;
	words[TCP_TUPLE_WORDS + 1] = period;
	return (uint32_t)siphash(key, words, TCP_TUPLE_WORDS + 2) & HASH_MASK;
}

static uint32_t
make(const uint64_t key[2], const struct tcp_cookie_syn *syn, uint64_t period, unsigned size)
{
	return (uint32_t)(period & PERIOD_MASK) << PERIOD_SHIFT | (uint32_t)size << SIZE_SHIFT |
	    hash(key, syn, period, size);
}

uint32_t
tcp_cookie_make(const uint64_t key[2], const struct tcp_cookie_syn *syn, uint16_t mss, uint64_t now_us)
{
	unsigned size = 0;

	while (size < SIZE_MASK && sizes[size + 1] <= mss)
		size++;
	return make(key, syn, now_us / TCP_COOKIE_PERIOD_US, size);
}

bool
tcp_cookie_check(const uint64_t key[2], const struct tcp_cookie_syn *syn, uint32_t cookie, uint64_t now_us,
    uint16_t *mss)
{
	uint64_t period = now_us / TCP_COOKIE_PERIOD_US;
	unsigned size = cookie >> SIZE_SHIFT & SIZE_MASK;

	for (uint64_t age = 0; age < TCP_COOKIE_PERIODS && age <= period; age++) {
		if (make(key, syn, period - age, size) != cookie)
			continue;
		*mss = sizes[size];
		return true;
	}
	return false;
}
