/*
 * smtp_message - the octets between 354 and the end of data: takes the dots
 * out (RFC 5321 4.5.2), finds CRLF.CRLF exactly, changes nothing else, and
 * notes the Subject on the way.
 */
#ifndef RELAYTRAP_SMTP_MESSAGE_H
#define RELAYTRAP_SMTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMTP_SUBJECT_MAX = 998, SMTP_HEADER_LINE_MAX = 64 };

enum smtp_message_place {
	SMTP_AT_LINE, /* behind CRLF, or at the beginning */
	SMTP_AT_DOT, /* a dot at the line's beginning, held back */
	SMTP_AT_DOT_CR, /* and a CR, held back too */
	SMTP_AT_CR,
	SMTP_IN_LINE,
	SMTP_AT_END,
};

struct smtp_message {
	enum smtp_message_place place;
	uint64_t size;
	/* Subject: */
	bool in_body, in_subject, header_known;
	size_t column; /* in the header line */
	char name[9]; /* first characters of the line, "subject:" */
	char subject[SMTP_SUBJECT_MAX];
	size_t subject_len;
};

void smtp_message_init(struct smtp_message *m);
/*
 * Eats input up to the end of data; out (at least len + 1 bytes) gets the
 * message's own octets. Returns how much of input was eaten; m->place is
 * SMTP_AT_END when the message is over.
 */
size_t smtp_message_input(struct smtp_message *m, const uint8_t *input, size_t len, uint8_t *out, size_t *out_len);

#endif
