/* rand - the kernel's randomness and the ids made from it. */
#ifndef BASE_RAND_H
#define BASE_RAND_H

#include <stddef.h>
#include <stdint.h>

enum { ULID_TEXT_MAX = 27 }; /* 26 characters and NUL */

void rand_bytes(void *buf, size_t len);
uint32_t rand_u32(void);
/* A ULID in lower case (Crockford's base 32 of 48 bits of time and 80 random bits); returns buf. */
const char *ulid_new(uint64_t wall_ms, char buf[ULID_TEXT_MAX]);

#endif
