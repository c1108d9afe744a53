/* traced_fuzz - any message in pieces of any size: nothing beyond the limits, and pieces find what the whole finds. */
#include "relaytrap/traced.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static struct site_key key = { .bytes = { 1, 2, 3 }, .len = 32 };

/* The message of the input, its '%' being an address that opens. */
static size_t
fill(const uint8_t *data, size_t size, uint8_t *out, size_t room)
{
	struct token token = { .minutes = 29000000, .place = 7 };
	char local[TOKEN_TEXT_MAX];
	size_t len = 0;

	token_seal(&key, &token, local);
	for (size_t i = 0; i < size && len + sizeof(local) < room; i++) {
		size_t n = data[i] == '%' ? strlen(local) : 1;

		memcpy(out + len, data[i] == '%' ? (const uint8_t *)local : data + i, n);
		len += n;
	}
	return len;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static uint8_t text[16384];
	static struct traced whole, cut;

	if (size < 1)
		return 0;
	size_t len = fill(data + 1, size - 1, text, sizeof(text)), piece = data[0] + 1u;

	traced_init(&whole);
	traced_scan(&whole, &key, text, len);
	traced_init(&cut);
	for (size_t at = 0; at < len; at += piece)
		traced_scan(&cut, &key, text + at, len - at < piece ? len - at : piece);
	assert(whole.count <= TRACED_MAX && whole.tries <= TRACED_TRIES_MAX);
	assert(whole.hidden <= 16 * sizeof(text));
	assert(whole.tries == TRACED_TRIES_MAX || whole.count == cut.count);
	return 0;
}
