/*
 * reader - bytes that somebody else chose, read in order.
 *
 * Errors stick: after a read past the end every getter gives zero and
 * `failed` is set, so a parser reads like the message's layout and checks
 * once.  The reader borrows the bytes.
 */
#ifndef BASE_READER_H
#define BASE_READER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader {
	const uint8_t *at;
	const uint8_t *end;
	bool failed;
};

void reader_init(struct reader *r, const void *data, size_t len);
size_t reader_left(const struct reader *r);
uint8_t reader_u8(struct reader *r);
uint16_t reader_u16(struct reader *r); /* network order */
uint32_t reader_u32(struct reader *r); /* network order */
uint64_t reader_u64(struct reader *r); /* network order */
/* The next len bytes, or NULL (and failed); valid as long as the data. */
const uint8_t *reader_bytes(struct reader *r, size_t len);
void reader_copy(struct reader *r, void *out, size_t len);

#endif
