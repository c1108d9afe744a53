/* web_body_fuzz - a body under any bytes: whole or in pieces, it ends at the same place. The first byte says how long a
 * piece is. */
#include "webtrap/body.h"
#include "webtrap/look.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct end {
	enum body_result result;
	size_t used;
	uint64_t bytes;
};

static struct end
read_body(const struct look *look, const struct request *r, const uint8_t *data, size_t size, size_t step)
{
	struct end end = { BODY_MORE, 0, 0 };
	struct body b;
	size_t used;

	body_init(&b, &look->rules, r);
	while (end.result == BODY_MORE && end.used < size) {
		size_t left = size - end.used;

		end.result = body_input(&b, data + end.used, left < step ? left : step, &used);
		assert(used > 0 && used <= left);
		end.used += used;
	}
	end.bytes = b.bytes;
	assert(end.bytes <= end.used);
	return end;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const names[] = { "apache", "nginx" };
	const struct request chunked = { .chunked = true }, plain = { .length = 100 };

	if (size < 2)
		return 0;
	for (size_t i = 0; i < 2; i++) {
		for (size_t k = 0; k < 2; k++) {
			const struct request *r = k == 0 ? &chunked : &plain;
			const struct look *look = look_find(names[i]);
			struct end whole = read_body(look, r, data + 1, size - 1, size);
			struct end pieces = read_body(look, r, data + 1, size - 1, 1U + data[0]);

			assert(
			    whole.result == pieces.result && whole.used == pieces.used && whole.bytes == pieces.bytes);
		}
	}
	return 0;
}
