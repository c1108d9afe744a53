/*
 * unfold - what MIME hides, octet by octet: quoted-printable text, lines of
 * base64, and encoded words (RFC 2045 6.7 and 6.8, RFC 2047).  It reads no
 * headers: what looks encoded is decoded wherever it stands, so that parts
 * within parts need nothing more.  Lines of base64 look like many others, so
 * they are decoded behind the word "base64" only, wherever that was said.
 *
 * Plain text costs little: only '=' and that word are looked for.
 */
#ifndef RELAYTRAP_UNFOLD_H
#define RELAYTRAP_UNFOLD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum unfold_kind { UNFOLD_QUOTED, UNFOLD_BASE64, UNFOLD_WORDS, UNFOLD_KINDS };

/* Where the decoded octets go, a few at a time; a line end stands where text is left out. */
typedef void unfold_out(void *ctx, enum unfold_kind kind, const uint8_t *data, size_t len);

/* All zero at the beginning. */
struct unfold {
	bool base64_said;
	uint8_t quoted, line, word; /* states */
	uint8_t quoted_digit, word_digit;
	uint8_t charset_len;
	uint8_t line_digits, word_digits; /* of a group of four */
	uint32_t line_bits, word_bits;
};

/* before: the end of what came before data: the letters, digits and dots of a word that may go on. */
void unfold_input(struct unfold *u, const char *before, size_t before_len, const uint8_t *data, size_t len,
    unfold_out *out, void *ctx);

#endif
