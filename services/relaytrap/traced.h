/*
 * traced - poisoned addresses in a mail: recipients and text are searched for
 * local parts that the site key opens, which says who harvested them, when and
 * on which page.  The text is searched as it is and as quoted-printable, base64
 * and encoded words hide it.  Pure: octets in, finds out.
 */
#ifndef RELAYTRAP_TRACED_H
#define RELAYTRAP_TRACED_H

#include "relaytrap/unfold.h"
#include "wire/token.h"

#include <stdbool.h>
#include <stddef.h>

struct event;

enum {
	TRACED_MAX = 16, /* different ones told of one mail */
	TRACED_HIDDEN_MAX = 4 * 1024 * 1024, /* octets decoded of one mail, codings within codings counted each */
	TRACED_TEXTS = 1 + UNFOLD_KINDS + UNFOLD_KINDS * UNFOLD_KINDS, /* a coding within a coding, not deeper */
	TRACED_TRIES_MAX = 512, /* words of the right length that are tried: each costs two digests */
};

/* A text, and what was hidden in it is another. */
struct traced_text {
	char tail[TOKEN_TEXT_MAX]; /* the end of what was read: a local part may continue */
	size_t tail_len;
	struct unfold unfold;
};

struct traced {
	struct traced_find {
		char local[TOKEN_TEXT_MAX];
		struct token token;
	} finds[TRACED_MAX];
	size_t count;
	bool more; /* than TRACED_MAX */
	unsigned tries;
	size_t hidden; /* octets that were decoded */
	struct traced_text texts[TRACED_TEXTS]; /* the message; what hides in text i is i * UNFOLD_KINDS + 1 + kind */
};

void traced_init(struct traced *t);
/* An address whose local part opens? It is remembered. */
bool traced_address(struct traced *t, const struct site_key *key, const char *address);
/* The next octets of the message. */
void traced_scan(struct traced *t, const struct site_key *key, const void *data, size_t len);
/* Says all finds under path ("honeyspam.mail.traced"); nothing when there are none. */
void traced_tell(const struct traced *t, struct event *e, const char *path);

#endif
