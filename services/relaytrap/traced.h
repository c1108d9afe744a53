/*
 * traced - poisoned addresses in a mail: recipients and text are searched for
 * local parts that the site key opens, which says who harvested them, when and
 * on which page.  Pure: octets in, finds out.
 */
#ifndef RELAYTRAP_TRACED_H
#define RELAYTRAP_TRACED_H

#include "wire/token.h"

#include <stdbool.h>
#include <stddef.h>

struct event;

enum {
	TRACED_MAX = 16, /* different ones told of one mail */
	TRACED_TRIES_MAX = 512, /* words of the right length that are tried: each costs two digests */
};

struct traced {
	struct traced_find {
		char local[TOKEN_TEXT_MAX];
		struct token token;
	} finds[TRACED_MAX];
	size_t count;
	bool more; /* than TRACED_MAX */
	unsigned tries;
	char tail[TOKEN_TEXT_MAX]; /* the end of what was read: a local part may continue */
	size_t tail_len;
};

void traced_init(struct traced *t);
/* An address whose local part opens? It is remembered. */
bool traced_address(struct traced *t, const struct site_key *key, const char *address);
/* The next octets of the message. */
void traced_scan(struct traced *t, const struct site_key *key, const void *data, size_t len);
/* Says all finds under path ("honeyspam.mail.traced"); nothing when there are none. */
void traced_tell(const struct traced *t, struct event *e, const char *path);

#endif
