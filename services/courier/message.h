/*
 * message - a mail's bytes as far as the courier must understand them: where
 * its subject and body are, whether something hangs on it, and what of it goes
 * out.  It borrows the bytes; no MIME library, for nothing is shown to anybody.
 */
#ifndef COURIER_MESSAGE_H
#define COURIER_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct span {
	const char *at;
	size_t len;
};

struct message {
	struct span all;
	struct span subject; /* value of the first Subject field, folded as it is; empty when there is none */
	struct span body; /* after the first empty line */
};

void message_parse(struct message *m, const void *data, size_t len);
/* A part of a type that isn't text, a file name, or uuencoded lines. */
bool message_has_attachment(const struct message *m);
/* A CR that ends no line: servers disagree about what it means (smuggling), so such a mail is not carried. */
bool message_has_bare_cr(const struct message *m);
/*
 * What is sent: trace (a whole header field with its CRLF), then the mail with
 * every bare LF as CRLF, as a relay that keeps lines would send it. malloc'd for
 * the caller; *len gets its length.
 */
char *message_compose(const struct message *m, const char *trace, size_t *len);

#endif
