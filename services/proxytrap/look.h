/* look - which protocols a proxy speaks, and its words, as data. */
#ifndef PROXYTRAP_LOOK_H
#define PROXYTRAP_LOOK_H

#include "proxytrap/request.h"

enum {
	LOOK_SPEAKS_SOCKS4 = 1,
	LOOK_SPEAKS_SOCKS5 = 2,
	LOOK_SPEAKS_HTTP = 4,
};

enum look_page {
	LOOK_CONNECTED,
	LOOK_BAD_REQUEST,
	LOOK_FORBIDDEN,	/* a port that is not let through */
	LOOK_UNREACHABLE,
	LOOK_PAGES
};

enum { LOOK_PAGE_MAX = 4096 };

struct look {
	const char *name;
	unsigned speaks;
	/*
	 * HTTP heads: %h our host, %d date, %n length of body, %t the target.
	 * bodies may be NULL.
	 */
	const char *heads[LOOK_PAGES];
	const char *bodies[LOOK_PAGES];
};

/* The look of that name; one that speaks everything when it is unknown or "". */
const struct look *look_find(const char *name);

struct look_values {
	const char *host;
	const char *target;
	uint64_t wall_ms;
};

/* Head and body of a page; returns the length. */
size_t look_format(const struct look *l, enum look_page page, const struct look_values *v, char out[LOOK_PAGE_MAX]);

#endif
