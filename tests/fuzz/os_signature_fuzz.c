/*
 * os_signature_fuzz - a length, a packet of that length, and the text of a
 * signature file: what is observed has a text that fits, and a match a label.
 */
#include "fingerprintd/os_signature.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { PACKET_MAX = 128 };

static void
report(void *ctx, size_t line, const char *why)
{
	assert(line > 0 && why[0] != '\0');
	(void)ctx;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t len = size == 0 ? 0 : data[0] % PACKET_MAX;
	struct os_observation o;
	char text[OS_TEXT_MAX];
	struct os_guess g;

	if (size < 1 + len)
		return 0;
	struct os_signatures *s = os_signatures_new();
	const char *file = (const char *)data + 1 + len;
	size_t added = os_signatures_add(s, file, size - 1 - len, report, NULL);

	assert(added == os_signatures_count(s));
	if (os_observe(data + 1, len, &o)) {
		os_observation_format(&o, text);
		assert(strlen(text) < sizeof(text) - 1);
		if (os_signatures_match(s, &o, &g))
			assert(g.label[0] != '\0' && g.distance >= -1 && g.distance < 255 && !(g.tool && g.fuzzy));
	}
	os_signatures_free(&s);
	return 0;
}
