/* decoys_fuzz - any text as a decoys file: refused with a sentence, or a table that finds what it holds. */
#include "fingerprintd/decoys.h"
#include "fingerprintd/personalities.h"

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct personalities *personalities;
	struct json_error error = { "" };

	if (personalities == NULL)
		personalities = personalities_open(PERSONALITIES, &error);
	assert(personalities != NULL);
	struct decoys *d = decoys_parse("fuzz.json", (const char *)data, size, personalities, &error);

	if (d == NULL) {
		assert(error.text[0] != '\0');
		return 0;
	}
	for (size_t i = 0; i < decoys_count(d); i++)
		assert(decoys_find(d, &decoys_at(d, i)->address) == decoys_at(d, i));
	decoys_free(&d);
	return 0;
}
