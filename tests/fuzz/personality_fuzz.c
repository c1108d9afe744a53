/* personality_fuzz - any text as a personality: refused with a sentence, or habits within their ranges. */
#include "fingerprintd/personality.h"
#include "fingerprintd/tcp_options.h"
#include "fingerprintd/tcp_syn_ack.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Whatever the personality, a SYN gets options that fit a header. */
static void
answer(const struct habits *h, const struct packet_tcp *syn)
{
	struct tcp_offer offer = { .syn = syn, .options = (const uint8_t *)"" };
	struct tcp_syn_ack out;

	(void)tcp_syn_ack_case(h, &offer);
	for (int i = -1; i < h->case_count; i++) {
		tcp_syn_ack_build(h, i, syn, 1, &out);
		assert(out.options_len <= PACKET_TCP_OPTIONS_MAX && out.shift <= 14);
	}
}

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
	answer(&p.tcp, &(struct packet_tcp){ .flags = PACKET_TCP_SYN });
	answer(&p.tcp,
	    &(struct packet_tcp){ .flags = PACKET_TCP_SYN,
		.mss = 1,
		.has_ts = true,
		.has_wscale = true,
		.sack_permitted = true });
	return 0;
}
