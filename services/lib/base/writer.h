/* writer - the reader's counterpart: bytes into a buffer of fixed size; errors stick in `failed`. */
#ifndef BASE_WRITER_H
#define BASE_WRITER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer {
	uint8_t *start;
	uint8_t *at;
	uint8_t *end;
	bool failed;
};

void writer_init(struct writer *w, void *buf, size_t size);
size_t writer_len(const struct writer *w);
void writer_u8(struct writer *w, uint8_t v);
void writer_u16(struct writer *w, uint16_t v); /* network order */
void writer_u32(struct writer *w, uint32_t v); /* network order */
void writer_u64(struct writer *w, uint64_t v); /* network order */
void writer_bytes(struct writer *w, const void *data, size_t len);
/* Reserves len bytes to fill in later; NULL when full. */
uint8_t *writer_skip(struct writer *w, size_t len);

#endif
