#include "courier/network.h"

#include "base/str.h"

#include <stdio.h>

enum { V4_AT = 12, V4_NET = 3, V6_NET = 6 };

const char *
network_key(const struct addr *source, char out[NETWORK_TEXT_MAX])
{
	char hex[2 * V6_NET + 1];
	bool v4 = addr_is_v4(source);

	str_hex(hex, source->b + (v4 ? V4_AT : 0), v4 ? V4_NET : V6_NET);
	snprintf(out, NETWORK_TEXT_MAX, "%s-%s", v4 ? "v4" : "v6", hex);
	return out;
}
