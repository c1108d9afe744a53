/*
 * look - what one proxy speaks and says, as data (looks/).  HTTP texts are
 * formats in which %h is our host, %p the port the client came to, %d the date,
 * %n the length of the body, %t the target asked for, %v the HTTP/1 minor version
 * of the request.
 */
#ifndef PROXYTRAP_LOOK_H
#define PROXYTRAP_LOOK_H

#include "proxytrap/request.h"

enum look_page {
	LOOK_CONNECTED,
	LOOK_CONNECT_REFUSED, /* the target doesn't answer */
	LOOK_GET_REFUSED,
	LOOK_BAD_REQUEST, /* no HTTP */
	LOOK_NO_TARGET, /* HTTP for no other host */
	LOOK_FOUND, /* head of a page fetched for the client */
	LOOK_PAGES
};

enum { LOOK_HEAD_MAX = 2048, LOOK_BODY_MAX = 2048, LOOK_PAGE_MAX = LOOK_HEAD_MAX + LOOK_BODY_MAX };

struct look_http {
	bool waits_for_head; /* judges a request line only when the whole head is there */
	struct {
		const char *head;
		const char *body; /* NULL: none, or the caller's */
	} pages[LOOK_PAGES];
};

enum { LOOK_SILENT = 0xfe }; /* not a SOCKS code: closed without a word */

struct look_socks {
	bool speaks4;
	bool tells_bound; /* answers carry the address it connects from, else zeros */
	uint8_t stranger; /* SOCKS5 method told to whoever speaks something else, or LOOK_SILENT */
	/* SOCKS5 code for each kind of request; SOCKS4 says 5b unless LOOK_SILENT. [REQUEST_OK]: the target refused. */
	uint8_t codes[REQUEST_RESULTS];
};

struct look {
	const char *name;
	const struct look_http *http; /* NULL: doesn't speak it */
	const struct look_socks *socks;
};

/* The look of that name; one that speaks everything when it is unknown or "". */
const struct look *look_find(const char *name);

struct look_values {
	const char *host;
	const char *target;
	const char *body; /* instead of the page's own; NULL: that */
	uint16_t port;
	uint8_t http_minor;
	uint64_t wall_ms;
	bool head_only; /* the answer to HEAD */
};

/* Head and body of a page; returns the length. */
size_t look_format(const struct look_http *l, enum look_page page, const struct look_values *v,
    char out[LOOK_PAGE_MAX]);

extern const struct look_http look_squid;
extern const struct look_http look_tinyproxy;
extern const struct look_socks look_dante;
extern const struct look_socks look_microsocks;

#endif
