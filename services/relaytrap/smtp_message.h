/*
 * smtp_message - the octets between 354 and the end of data: takes the dots
 * out (RFC 5321 4.5.2), finds the end where the look finds it, changes nothing
 * else, and notes the Subject and the hops on the way.
 */
#ifndef RELAYTRAP_SMTP_MESSAGE_H
#define RELAYTRAP_SMTP_MESSAGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { SMTP_SUBJECT_MAX = 998, SMTP_HELD_CRS_MAX = 32 };

enum smtp_message_place {
	SMTP_AT_LINE, /* behind CRLF, or at the beginning */
	SMTP_AT_DOT, /* a dot at the line's beginning, held back, and the CRs behind it */
	SMTP_AT_CR,
	SMTP_IN_LINE,
	SMTP_AT_END,
	SMTP_AT_BARE, /* a CR or LF alone, which the look doesn't take */
};

struct smtp_message {
	enum smtp_message_place place;
	unsigned rules; /* of enum look_data */
	unsigned held_crs; /* behind the dot */
	uint8_t bare; /* which one was alone */
	uint64_t size, bare_lfs;
	uint8_t last; /* octet */
	/* The header: */
	unsigned hops; /* Received: lines */
	bool colon, folded; /* this line */
	bool headless; /* a line that is no field ended the header */
	bool nul; /* there is one, anywhere */
	bool in_body, in_subject, header_known;
	size_t column; /* in the header line */
	char name[9]; /* first characters of the line, "subject:", "received" */
	char subject[SMTP_SUBJECT_MAX];
	size_t subject_len;
};

/* rules: of enum look_data. */
void smtp_message_init(struct smtp_message *m, unsigned rules);
/* Octets of a BDAT: nothing is unstuffed, nothing ends them; only noted. */
void smtp_message_chunk(struct smtp_message *m, const uint8_t *data, size_t len);
/*
 * Eats input up to the end of data; out (at least len + SMTP_HELD_CRS_MAX + 2
 * bytes) gets the message's own octets. Returns how much of input was eaten;
 * m->place is SMTP_AT_END when the message is over, SMTP_AT_BARE when the look
 * doesn't take it.
 */
size_t smtp_message_input(struct smtp_message *m, const uint8_t *input, size_t len, uint8_t *out, size_t *out_len);

/* No more octets come: as many as a server counts that ends each line with CRLF. */
uint64_t smtp_message_wire_size(const struct smtp_message *m);
/* Did something that is no field end the header, or is it all there is? */
bool smtp_message_headless(const struct smtp_message *m);

#endif
