/*
 * page - what is answered to a request: which page of the decoy's small site,
 * or which of its server's own pages, with the headers that this look would
 * send, in its order.  Pure: who asks and the time are parameters.
 */
#ifndef WEBTRAP_PAGE_H
#define WEBTRAP_PAGE_H

#include "webtrap/look.h"
#include "webtrap/maze.h"

enum {
	PAGE_FIELDS_MAX = 16,
	PAGE_FIELD_TEXT_MAX = 320,
	PAGE_ANSWER_HEAD_MAX = 8 * 1024,
	PAGE_KEEP_S = 15, /* how long a connection may be idle */
};

#define PAGE_KINDS(X)                                                                                                  \
	X(FRONT, "front")                                                                                              \
	X(ABOUT, "about")                                                                                              \
	X(FORM, "form")                                                                                                \
	X(THANKS, "thanks")                                                                                            \
	X(ROBOTS, "robots")                                                                                            \
	X(MAZE, "maze")                                                                                                \
	X(MOVED, "moved")                                                                                              \
	X(OPTIONS, "options")                                                                                          \
	X(MISSING, "missing")                                                                                          \
	X(METHOD, "method")                                                                                            \
	X(REFUSED, "refused")

enum page_kind {
#define X(name, text) PAGE_##name,
	PAGE_KINDS(X)
#undef X
	    PAGE_KIND_COUNT,
};

const char *page_kind_name(enum page_kind k);

struct page_field {
	const char *name;
	char value[PAGE_FIELD_TEXT_MAX];
};

struct page_answer {
	unsigned status; /* 0: nothing is said */
	const char *reason;
	enum page_kind kind;
	unsigned addresses; /* poisoned ones in the body */
	bool closes; /* the connection ends with it */
	bool bare; /* HTTP/0.9: the body and nothing else */
	bool no_body; /* HEAD, 304: body_len is what Content-Length says */
	size_t field_count;
	struct page_field fields[PAGE_FIELDS_MAX];
	size_t body_len;
	char body[MAZE_PAGE_MAX];
};

/* A decoy's web server. Borrows the key and domains. */
struct page_site {
	const struct look *look;
	const char *server; /* which of the look's Server headers */
	struct endpoint at; /* the decoy's address and port */
	struct maze maze;
};

void page_site_init(struct page_site *s, const struct look *look, const struct site_key *key,
    const struct endpoint *decoy, const char *domains);
/* Answers a request that request_check() gave this verdict (anything but MORE). */
void page_answer(const struct page_site *s, const struct request *req, enum request_verdict verdict,
    const struct addr *visitor, uint64_t wall_ms, struct page_answer *out);
/* Status line and header fields as bytes; returns their length (0 for HTTP/0.9). */
size_t page_head_format(const struct page_answer *a, char out[PAGE_ANSWER_HEAD_MAX]);

#endif
