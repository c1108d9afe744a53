/*
 * bucket - a rate limit in eight bytes: events of a rate with bursts (the
 * generic cell rate algorithm).  All zero is a full bucket.
 */
#ifndef FINGERPRINTD_BUCKET_H
#define FINGERPRINTD_BUCKET_H

#include <stdbool.h>
#include <stdint.h>

struct bucket {
	uint64_t paid_us; /* what was taken is paid back at this time */
};

/* May one more pass now? per_second and burst at least 1. */
static inline bool
bucket_take(struct bucket *b, uint32_t per_second, uint32_t burst, uint64_t now_us)
{
	uint64_t price_us = 1000000 / per_second;
	uint64_t paid_us = b->paid_us > now_us ? b->paid_us : now_us;

	if (paid_us + price_us > now_us + burst * price_us)
		return false;
	b->paid_us = paid_us + price_us;
	return true;
}

#endif
