/* personality_fuzz - any text as a personality: refused with a sentence, or habits within their ranges. */
#include "fingerprintd/personality.h"
#include "fingerprintd/tcp_options.h"

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
	assert(p.tcp.ttl > 0 && p.tcp.wscale <= 14 && p.tcp.gaps_ms[0] >= 100 && p.tcp.case_count <= HABITS_CASES_MAX);
	assert(tcp_options_len(p.tcp.options) <= PACKET_TCP_OPTIONS_MAX && p.tcp.isn.multiple_of > 0);
	assert((p.mac_prefix[0] & 1) == 0);
	return 0;
}
