#include "relaytrap/unfold.h"

#include "base/str.h"

#include <ctype.h>
#include <stdbool.h>
#include <string.h>

enum {
	OUT_BYTES = 256,
	WORD_MAX = 64, /* in front of the first '=' of a line */
	CHARSET_MAX = 40,
};

enum quoted { Q_OFF, Q_ON, Q_EQUAL, Q_EQUAL_CR, Q_DIGIT };
enum line { L_START, L_DIGITS, L_OTHER };
enum word {
	W_OFF,
	W_EQUAL,
	W_CHARSET,
	W_ENCODING,
	W_ENCODING_B,
	W_ENCODING_Q,
	W_BASE64,
	W_QUOTED,
	W_QUOTED_EQUAL,
	W_QUOTED_DIGIT,
	W_END,
	W_BETWEEN, /* two words: blanks there don't count (RFC 2047 6.2) */
};

struct output {
	unfold_out *out;
	void *ctx;
	enum unfold_kind kind;
	size_t len;
	uint8_t bytes[OUT_BYTES];
};

static void
flush(struct output *o)
{
	if (o->len > 0)
		o->out(o->ctx, o->kind, o->bytes, o->len);
	o->len = 0;
}

static void
put(struct output *o, uint8_t c)
{
	if (o->len == sizeof(o->bytes))
		flush(o);
	o->bytes[o->len++] = c;
}

static int
hex(uint8_t c)
{
	if (!isxdigit(c))
		return -1;
	return isdigit(c) ? c - '0' : (c | 0x20) - 'a' + 10;
}

/* The next digit of base64: every four give three octets, the first of them after two. */
static void
put_digit(struct output *o, uint32_t *bits, uint8_t *digits, int value)
{
	*bits = *bits << 6 | (uint32_t)value;
	if (*digits > 0)
		put(o, (uint8_t)(*bits >> (6 - 2 * *digits)));
	*digits = (uint8_t)((*digits + 1) % 4);
}

/* ---- quoted-printable: from the first escape of a line to its end ---- */

static enum quoted
quoted_next(struct unfold *u, uint8_t c, struct output *o)
{
	switch ((enum quoted)u->quoted) {
	case Q_EQUAL:
		if (hex(c) >= 0) {
			u->quoted_digit = (uint8_t)hex(c);
			return Q_DIGIT;
		}
		if (c == '\r' || c == '\n')
			return c == '\r' ? Q_EQUAL_CR : Q_ON;
		put(o, '\n');
		return Q_OFF;
	case Q_EQUAL_CR:
		if (c == '\n')
			return Q_ON;
		put(o, '\n');
		return Q_OFF;
	case Q_DIGIT:
		if (hex(c) < 0) {
			put(o, '\n');
			return Q_OFF;
		}
		put(o, (uint8_t)(u->quoted_digit << 4 | hex(c)));
		return Q_ON;
	default:
		if (c == '=')
			return Q_EQUAL;
		put(o, c);
		return c == '\n' ? Q_OFF : Q_ON;
	}
}

static bool
of_word(uint8_t c)
{
	return c < 0x80 && (isalnum(c) || c == '.');
}

/* The word that '=' cuts may have begun in what came before. */
static void
put_word(struct output *o, const char *before, size_t before_len, const uint8_t *data, const uint8_t *end)
{
	const uint8_t *start = end;

	while (start > data && end - start < WORD_MAX && of_word(start[-1]))
		start--;
	for (size_t i = 0; start == data && i < before_len; i++)
		put(o, (uint8_t)before[i]);
	while (start < end)
		put(o, *start++);
}

static void
quoted_input(struct unfold *u, const char *before, size_t before_len, const uint8_t *data, size_t len, struct output *o)
{
	const uint8_t *end = data + len;

	for (const uint8_t *p = data; p < end; p++) {
		if (u->quoted != Q_OFF) {
			u->quoted = (uint8_t)quoted_next(u, *p, o);
			continue;
		}
		if ((p = memchr(p, '=', (size_t)(end - p))) == NULL)
			return;
		put_word(o, before, before_len, data, p);
		u->quoted = Q_EQUAL;
	}
}

/* ---- lines of nothing but base64 ---- */

/* Does "base64", in any case, end before end? It may have begun in what came before. */
static bool
ends_with_word(const char *before, size_t before_len, const uint8_t *data, const uint8_t *end)
{
	static const char word[] = "base64";

	for (size_t i = sizeof(word) - 1; i-- > 0;) {
		if (end == data && before_len == 0)
			return false;
		uint8_t c = end > data ? *--end : (uint8_t)before[--before_len];

		if (tolower(c) != word[i])
			return false;
	}
	return true;
}

/* Behind the first "base64", or NULL. */
static const uint8_t *
find_word(const char *before, size_t before_len, const uint8_t *data, const uint8_t *end)
{
	const uint8_t *p = data;

	while ((p = memchr(p, '4', (size_t)(end - p))) != NULL) {
		if (ends_with_word(before, before_len, data, ++p))
			return p;
	}
	return NULL;
}

static void
leave_base64(struct unfold *u, struct output *o)
{
	if (u->line_bits != 0)
		put(o, '\n');
	u->line_bits = u->line_digits = 0;
}

static void
base64_input(struct unfold *u, const char *before, size_t before_len, const uint8_t *data, size_t len, struct output *o)
{
	const uint8_t *end = data + len, *p = data;

	if (!u->base64_said) {
		if ((p = find_word(before, before_len, data, end)) == NULL)
			return;
		u->base64_said = true;
		u->line = L_OTHER;
	}
	for (; p < end; p++) {
		if (u->line == L_OTHER && (p = memchr(p, '\n', (size_t)(end - p))) == NULL)
			return;
		int value = str_base64_digit(*p);

		if (value >= 0 && u->line != L_OTHER) {
			u->line = L_DIGITS;
			put_digit(o, &u->line_bits, &u->line_digits, value);
		} else if (*p == '\n') {
			if (u->line == L_START)
				leave_base64(u, o); /* an empty line */
			u->line = L_START;
		} else if (*p != '\r') {
			leave_base64(u, o);
			u->line = L_OTHER;
		}
	}
}

/* ---- encoded words ---- */

static enum word
word_begins(struct unfold *u, uint8_t c)
{
	switch ((enum word)u->word) {
	case W_EQUAL:
		u->charset_len = 0;
		return c == '?' ? W_CHARSET : W_OFF;
	case W_CHARSET:
		if (c == '?')
			return W_ENCODING;
		return c <= ' ' || ++u->charset_len > CHARSET_MAX ? W_OFF : W_CHARSET;
	case W_ENCODING:
		if (c == 'B' || c == 'b')
			return W_ENCODING_B;
		return c == 'Q' || c == 'q' ? W_ENCODING_Q : W_OFF;
	default:
		u->word_bits = u->word_digits = 0;
		if (c != '?')
			return W_OFF;
		return u->word == W_ENCODING_B ? W_BASE64 : W_QUOTED;
	}
}

static enum word
word_text(struct unfold *u, uint8_t c, struct output *o)
{
	int value = str_base64_digit(c);

	switch ((enum word)u->word) {
	case W_BASE64:
		if (value >= 0)
			put_digit(o, &u->word_bits, &u->word_digits, value);
		if (c == '?')
			return W_END;
		return value >= 0 || c == '=' ? W_BASE64 : W_OFF;
	case W_QUOTED_EQUAL:
		if (hex(c) < 0)
			return W_OFF;
		u->word_digit = (uint8_t)hex(c);
		return W_QUOTED_DIGIT;
	case W_QUOTED_DIGIT:
		if (hex(c) < 0)
			return W_OFF;
		put(o, (uint8_t)(u->word_digit << 4 | hex(c)));
		return W_QUOTED;
	default:
		if (c == '?')
			return W_END;
		if (c <= ' ')
			return W_OFF;
		if (c != '=')
			put(o, c); /* '_' is a space, and ends an address as one does */
		return c == '=' ? W_QUOTED_EQUAL : W_QUOTED;
	}
}

static enum word
word_next(struct unfold *u, uint8_t c, struct output *o)
{
	switch ((enum word)u->word) {
	case W_END:
		return c == '=' ? W_BETWEEN : W_OFF;
	case W_BETWEEN:
		if (c == '=')
			return W_EQUAL;
		return strchr(" \t\r\n", c) != NULL && c != '\0' ? W_BETWEEN : W_OFF;
	case W_BASE64:
	case W_QUOTED:
	case W_QUOTED_EQUAL:
	case W_QUOTED_DIGIT:
		return word_text(u, c, o);
	default:
		return word_begins(u, c);
	}
}

static void
words_input(struct unfold *u, const uint8_t *data, size_t len, struct output *o)
{
	const uint8_t *end = data + len;

	for (const uint8_t *p = data; p < end; p++) {
		if (u->word != W_OFF) {
			u->word = (uint8_t)word_next(u, *p, o);
			if (u->word == W_OFF)
				put(o, '\n');
			continue;
		}
		if ((p = memchr(p, '=', (size_t)(end - p))) == NULL)
			return;
		u->word = W_EQUAL;
	}
}

void
unfold_input(struct unfold *u, const char *before, size_t before_len, const uint8_t *data, size_t len, unfold_out *out,
    void *ctx)
{
	struct output o = { .out = out, .ctx = ctx, .kind = UNFOLD_QUOTED };

	quoted_input(u, before, before_len, data, len, &o);
	flush(&o);
	o.kind = UNFOLD_BASE64;
	base64_input(u, before, before_len, data, len, &o);
	flush(&o);
	o.kind = UNFOLD_WORDS;
	words_input(u, data, len, &o);
	flush(&o);
}
