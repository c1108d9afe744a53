#include "webtrap/look.h"

#include <string.h>

const struct look *
look_find(const char *name)
{
	static const struct look *const looks[] = { &look_apache, &look_nginx, &look_iis };
	size_t len = strcspn(name, "-");

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		if (strlen(looks[i]->name) == len && strncmp(name, looks[i]->name, len) == 0)
			return looks[i];
	}
	return &look_apache;
}
