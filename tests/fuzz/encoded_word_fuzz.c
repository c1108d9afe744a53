/* encoded_word_fuzz - any subject that str_escape() let through comes out as valid UTF-8 within its buffer. */
#include "api/encoded_word.h"
#include "base/str.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char text[2048], out[300];
	size_t size = len == 0 ? 1 : 1 + data[0] % (sizeof(out) - 1);

	str_escape(text, sizeof(text), data, len);
	memset(out, 'X', sizeof(out));
	encoded_word_decode(text, out, size);
	assert(strlen(out) < size);
	assert(size == sizeof(out) || out[size] == 'X');
	assert(str_is_utf8(out, strlen(out)));
	return 0;
}
