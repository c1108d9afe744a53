#include "base/reader.h"

#include <string.h>

void
reader_init(struct reader *r, const void *data, size_t len)
{
	r->at = data;
	r->end = len == 0 ? r->at : r->at + len; /* NULL may be empty, but nothing may be added to it */
	r->failed = false;
}

size_t
reader_left(const struct reader *r)
{
	return (size_t)(r->end - r->at);
}

const uint8_t *
reader_bytes(struct reader *r, size_t len)
{
	const uint8_t *p = r->at;

	if (r->failed || reader_left(r) < len) {
		r->failed = true;
		return NULL;
	}
	r->at += len;
	return p;
}

static uint64_t
number(struct reader *r, size_t len)
{
	const uint8_t *p = reader_bytes(r, len);
	uint64_t v = 0;

	if (p == NULL)
		return 0;
	for (size_t i = 0; i < len; i++)
		v = v << 8 | p[i];
	return v;
}

uint8_t
reader_u8(struct reader *r)
{
	return (uint8_t)number(r, 1);
}

uint16_t
reader_u16(struct reader *r)
{
	return (uint16_t)number(r, 2);
}

uint32_t
reader_u32(struct reader *r)
{
	return (uint32_t)number(r, 4);
}

uint64_t
reader_u64(struct reader *r)
{
	return number(r, 8);
}

void
reader_copy(struct reader *r, void *out, size_t len)
{
	const uint8_t *p = reader_bytes(r, len);

	if (p != NULL)
		memcpy(out, p, len);
	else
		memset(out, 0, len);
}
