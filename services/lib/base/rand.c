#include "base/rand.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

/* getrandom(2) is a system call: ids come from a thread's own small stock. */
static _Thread_local uint8_t stock[256];
static _Thread_local size_t stock_left;

static void
fill(uint8_t *p, size_t len)
{
	while (len > 0) {
		ssize_t n = getrandom(p, len, 0);

		if (n < 0 && errno != EINTR)
			abort(); /* a kernel without randomness can't keep a secret */
		if (n > 0) {
			p += n;
			len -= (size_t)n;
		}
	}
}

void
rand_bytes(void *buf, size_t len)
{
	if (len > sizeof(stock)) {
		fill(buf, len);
		return;
	}
	if (stock_left < len) {
		fill(stock, sizeof(stock));
		stock_left = sizeof(stock);
	}
	stock_left -= len;
	memcpy(buf, stock + stock_left, len);
	memset(stock + stock_left, 0, len);
}

uint32_t
rand_u32(void)
{
	uint32_t v;

	rand_bytes(&v, sizeof(v));
	return v;
}

const char *
ulid_new(uint64_t wall_ms, char buf[ULID_TEXT_MAX])
{
	static const char digits[] = "0123456789abcdefghjkmnpqrstvwxyz";
	uint8_t noise[16];

	rand_bytes(noise, sizeof(noise));
	for (unsigned i = 0; i < 10; i++)
		buf[i] = digits[wall_ms >> (45 - 5 * i) & 31];
	for (unsigned i = 0; i < 16; i++)
		buf[10 + i] = digits[noise[i] & 31];
	buf[26] = '\0';
	return buf;
}
