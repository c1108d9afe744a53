#include "api/cursor.h"

#include "base/reader.h"
#include "base/writer.h"

#include <string.h>

enum { CURSOR_BYTES = 9 }; /* kind, number: a multiple of three needs no padding */

/* RFC 4648 section 5 */
static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

const char *
cursor_format(enum cursor_kind kind, uint64_t number, char out[CURSOR_TEXT_MAX])
{
	uint8_t bytes[CURSOR_BYTES];
	struct writer w;

	writer_init(&w, bytes, sizeof(bytes));
	writer_u8(&w, (uint8_t)kind);
	writer_u64(&w, number);
	for (size_t i = 0; i < CURSOR_BYTES / 3; i++) {
		const uint8_t *b = bytes + 3 * i;
		uint32_t group = (uint32_t)b[0] << 16 | (uint32_t)b[1] << 8 | b[2];

		for (size_t j = 0; j < 4; j++)
			out[4 * i + j] = alphabet[group >> (18 - 6 * j) & 63];
	}
	out[CURSOR_TEXT_MAX - 1] = '\0';
	return out;
}

static bool
decode(const char *text, uint8_t bytes[CURSOR_BYTES])
{
	for (size_t i = 0; i < CURSOR_BYTES / 3; i++) {
		uint32_t group = 0;

		for (size_t j = 0; j < 4; j++) {
			const char *at = strchr(alphabet, text[4 * i + j]);

			if (at == NULL)
				return false;
			group = group << 6 | (uint32_t)(at - alphabet);
		}
		bytes[3 * i] = (uint8_t)(group >> 16);
		bytes[3 * i + 1] = (uint8_t)(group >> 8);
		bytes[3 * i + 2] = (uint8_t)group;
	}
	return true;
}

bool
cursor_parse(enum cursor_kind kind, const char *text, uint64_t *number)
{
	uint8_t bytes[CURSOR_BYTES];
	struct reader r;

	if (strlen(text) != CURSOR_TEXT_MAX - 1 || !decode(text, bytes))
		return false;
	reader_init(&r, bytes, sizeof(bytes));
	if (reader_u8(&r) != (uint8_t)kind)
		return false;
	*number = reader_u64(&r);
	return *number > 0 && *number <= INT64_MAX;
}
