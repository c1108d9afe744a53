/* assets - the files that were put into the binary at build time (embed.cmake). */
#ifndef API_ASSETS_H
#define API_ASSETS_H

#include <stddef.h>

struct asset {
	const char *path; /* as a browser asks for it */
	const char *type;
	const void *data;
	size_t len;
};

extern const struct asset assets[];
extern const size_t asset_count;

#endif
