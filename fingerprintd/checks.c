#include "fingerprintd/checks.h"

#include "fingerprintd/decoys.h"

#include <ifaddrs.h>
#include <stdio.h>
#include <sys/socket.h>

bool
checks_addresses(const struct decoys *d, char error[CHECKS_ERROR_MAX])
{
	struct ifaddrs *list, *i;
	bool good = true;

	if (getifaddrs(&list) != 0) {
		snprintf(error, CHECKS_ERROR_MAX, "the addresses of this machine can't be listed: %m");
		return false;
	}
	for (i = list; i != NULL && good; i = i->ifa_next) {
		char text[ADDR_TEXT_MAX];
		struct endpoint e;

		if (i->ifa_addr == NULL || !endpoint_from_sockaddr(i->ifa_addr, &e) || decoys_find(d, &e.addr) == NULL)
			continue;
		snprintf(error, CHECKS_ERROR_MAX,
		    "decoy %s is assigned to interface %s: the kernel would answer too; take it off (ip address del)",
		    addr_format(&e.addr, text), i->ifa_name);
		good = false;
	}
	freeifaddrs(list);
	return good;
}

bool
checks_forwards(const char *interface)
{
	char path[128];
	FILE *f;
	int c;

	snprintf(path, sizeof(path), "/proc/sys/net/ipv4/conf/%.64s/forwarding", interface);
	f = fopen(path, "re");
	if (f == NULL)
		return false;
	c = fgetc(f);
	fclose(f);
	return c == '1';
}
