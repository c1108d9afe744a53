/* proxy_fuzz - any bytes as a PROXY header; what was understood must survive being written and read again. */
#include "wire/proxy.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct flow_info info, again;
	uint8_t out[PROXY_HEADER_MAX];
	size_t used, used_again;

	if (proxy_parse(data, size, &info, &used) != PROXY_OK)
		return 0;
	assert(used <= size);
	size_t len = proxy_format(&info, out, sizeof(out));
	if (len == 0)
		return 0; /* eight texts of 255 bytes don't fit: refused, not cut */
	assert(proxy_parse(out, len, &again, &used_again) == PROXY_OK && used_again == len);
	assert(memcmp(&info, &again, sizeof(info)) == 0);
	return 0;
}
