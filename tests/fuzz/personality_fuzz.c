/* personality_fuzz - any text as a personality: refused with a sentence, or habits within their ranges. */
#include "fingerprintd/personality.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct json_error error = { "" };
	struct personality p;

	if (!personality_parse("fuzz.json", (const char *)data, size, &p, &error)) {
		assert(error.text[0] != '\0');
		return 0;
	}
	assert(p.tcp.ttl > 0 && p.tcp.mss >= 64 && p.tcp.wscale <= 14 && p.tcp.rto_ms[0] >= 100);
	assert(memchr(p.tcp.options, STACK_OPT_END, sizeof(p.tcp.options)) != NULL);
	assert((p.mac_prefix[0] & 1) == 0 && p.udp.quote >= 8);
	return 0;
}
