#include "base/writer.h"

#include <string.h>

void
writer_init(struct writer *w, void *buf, size_t size)
{
	w->start = buf;
	w->at = buf;
	w->end = w->start + size;
	w->failed = false;
}

size_t
writer_len(const struct writer *w)
{
	return (size_t)(w->at - w->start);
}

uint8_t *
writer_skip(struct writer *w, size_t len)
{
	uint8_t *p = w->at;

	if (w->failed || (size_t)(w->end - w->at) < len) {
		w->failed = true;
		return NULL;
	}
	w->at += len;
	return p;
}

static void
number(struct writer *w, uint64_t v, size_t len)
{
	uint8_t *p = writer_skip(w, len);

	for (size_t i = 0; p != NULL && i < len; i++)
		p[i] = (uint8_t)(v >> 8 * (len - 1 - i));
}

void
writer_u8(struct writer *w, uint8_t v)
{
	number(w, v, 1);
}

void
writer_u16(struct writer *w, uint16_t v)
{
	number(w, v, 2);
}

void
writer_u32(struct writer *w, uint32_t v)
{
	number(w, v, 4);
}

void
writer_u64(struct writer *w, uint64_t v)
{
	number(w, v, 8);
}

void
writer_bytes(struct writer *w, const void *data, size_t len)
{
	uint8_t *p = writer_skip(w, len);

	if (p != NULL && len > 0)
		memcpy(p, data, len);
}
