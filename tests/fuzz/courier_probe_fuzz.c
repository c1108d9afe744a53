/* courier_probe_fuzz - any mail is judged, and what would go out of it ends its lines with CRLF and nothing else. */
#include "courier/probe.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

static void
check_line_ends(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (text[i] == '\n')
			assert(i > 0 && text[i - 1] == '\r');
		if (text[i] == '\r')
			assert(i + 1 < len && text[i + 1] == '\n');
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const struct probe_limits limits = { 65536, 65536 };
	const struct probe_facts facts = { len, 1, len > 0 && data[0] % 2 == 0, len > 1 && data[1] % 16 == 0 ? 0 : -1 };
	struct endpoint decoy = { .port = 8080 };
	struct message m;
	size_t out_len;

	decoy.addr = addr_from_v4(0xcb007110);
	message_parse(&m, data, len);
	assert(m.subject.len <= len && m.body.len <= len);
	struct probe_verdict v = probe_judge(&facts, &limits, &decoy, &m);

	assert((v.kind == PROBE_NONE) == (v.why != NULL));
	if (v.kind == PROBE_NONE)
		return 0;
	char *out = message_compose(&m, "Received: x\r\n", &out_len);

	check_line_ends(out, out_len);
	free(out);
	return 0;
}
