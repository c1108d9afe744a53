#include "api/encoded_word.h"

#include "base/str.h"

#include <iconv.h>
#include <stdbool.h>
#include <string.h>
#include <strings.h>

enum { WORD_MAX = 1024, CHARSET_MAX = 32 }; /* RFC 2047 allows 75 in all; spam doesn't care */

/* A table, because iconv_open() with a peer's text loads what that names. */
static const char *const charsets[] = { "utf-8", "us-ascii", "iso-8859-1", "iso-8859-2", "iso-8859-5", "iso-8859-9",
	"iso-8859-15", "windows-1250", "windows-1251", "windows-1252", "windows-1254", "koi8-r", "koi8-u", "gb2312",
	"gbk", "gb18030", "big5", "euc-kr", "ks_c_5601-1987", "iso-2022-jp", "shift_jis", "euc-jp" };

struct word {
	char charset[CHARSET_MAX];
	char encoding; /* 'b' or 'q' */
	const char *text;
	size_t len;
	const char *end; /* behind "?=" */
};

static const char *
known_charset(const char *name)
{
	for (size_t i = 0; i < sizeof(charsets) / sizeof(charsets[0]); i++) {
		if (strcasecmp(charsets[i], name) == 0)
			return strcmp(charsets[i], "ks_c_5601-1987") == 0 ? "cp949" : charsets[i];
	}
	return NULL;
}

/* =?charset*language?encoding?text?= at the start of text */
static bool
word_parse(const char *text, struct word *w)
{
	if (strncmp(text, "=?", 2) != 0)
		return false;
	const char *charset = text + 2;
	size_t len = strcspn(charset, "?* ");
	const char *mark = charset + strcspn(charset, "? ");

	if (!str_copy_bytes(w->charset, sizeof(w->charset), charset, len) || *mark != '?' || mark[1] == '\0' ||
	    mark[2] != '?')
		return false;
	w->encoding = (char)(mark[1] | 0x20);
	w->text = mark + 3;
	w->len = strcspn(w->text, "? ");
	w->end = w->text + w->len + 2;
	return w->len <= WORD_MAX && strncmp(w->text + w->len, "?=", 2) == 0 &&
	    (w->encoding == 'b' || w->encoding == 'q');
}

static int
digit_of(const char *alphabet, char c)
{
	const char *at = c == '\0' ? NULL : strchr(alphabet, c);

	return at == NULL ? -1 : (int)(at - alphabet);
}

static bool
decode_q(const struct word *w, char *out, size_t *n)
{
	static const char hex[] = "0123456789ABCDEF0123456789abcdef"; /* place modulo 16 is the value */

	for (size_t i = 0; i < w->len; i++) {
		char c = w->text[i] == '_' ? ' ' : w->text[i];

		if (c == '=') {
			int high = w->len - i > 2 ? digit_of(hex, w->text[i + 1]) : -1;
			int low = w->len - i > 2 ? digit_of(hex, w->text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)((high & 15) << 4 | (low & 15));
			i += 2;
		}
		out[(*n)++] = c;
	}
	return true;
}

static bool
decode_b(const struct word *w, char *out, size_t *n)
{
	static const char alphabet[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	unsigned bits = 0, held = 0;

	for (size_t i = 0; i < w->len && w->text[i] != '='; i++) {
		int digit = digit_of(alphabet, w->text[i]);

		if (digit < 0)
			return false;
		bits = (bits << 6 | (unsigned)digit) & 0xffff;
		held += 6;
		if (held >= 8) {
			held -= 8;
			out[(*n)++] = (char)(bits >> held);
		}
	}
	return true;
}

/* Appends the word as UTF-8; false: leave it as it came. */
static bool
word_decode(const struct word *w, char *out, size_t size, size_t *used)
{
	char raw[WORD_MAX], utf8[4 * WORD_MAX], *in = raw, *to = utf8;
	size_t raw_len = 0, room = sizeof(utf8);
	const char *charset = known_charset(w->charset);

	if (charset == NULL || !(w->encoding == 'b' ? decode_b(w, raw, &raw_len) : decode_q(w, raw, &raw_len)))
		return false;
	iconv_t convert = iconv_open("UTF-8", charset);

	if (convert == (iconv_t)-1)
		return false;
	bool good = iconv(convert, &in, &raw_len, &to, &room) != (size_t)-1;

	iconv_close(convert);
	if (!good)
		return false;
	/* NUL and what else could not be in JSON or a C string is escaped here. */
	str_escape(out + *used, size - *used, utf8, (size_t)(to - utf8));
	*used += strlen(out + *used);
	return true;
}

void
encoded_word_decode(const char *text, char *out, size_t size)
{
	size_t used = 0;
	bool after_word = false;
	struct word w;

	out[0] = '\0';
	while (*text != '\0' && used + 1 < size) {
		/* RFC 2047 6.2: white space between two encoded words belongs to neither. */
		size_t space = after_word ? strspn(text, " \t") : 0;

		if (word_parse(text + space, &w) && word_decode(&w, out, size, &used)) {
			text = w.end;
			after_word = true;
			continue;
		}
		if (((unsigned char)*text & 0xc0) != 0x80 && used + 4 >= size)
			break; /* never cut within a character */
		out[used++] = *text++;
		after_word = false;
	}
	out[used] = '\0';
}
