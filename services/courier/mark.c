#include "courier/mark.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	NEEDLES_MAX = 96,
	NEEDLE_MAX = 80, /* an IPv6 address by nibbles, with dots */
	BASE64_RUN_MIN = 8, /* fewer characters can't hold an address */
	V4_BYTES = 4,
};

/* What may not stand beside a needle: 1.2.3.4 is not in 11.2.3.45. Long hexadecimal needs no such care. */
enum edge { EDGE_FREE, EDGE_DIGIT };

struct needle {
	char text[NEEDLE_MAX];
	enum edge edge;
};

struct needles {
	struct needle list[NEEDLES_MAX];
	size_t count;
};

static void
add(struct needles *n, enum edge edge, const char *text)
{
	if (n->count < NEEDLES_MAX && text[0] != '\0' && str_copy(n->list[n->count].text, NEEDLE_MAX, text))
		n->list[n->count++].edge = edge;
}

/* The needle and its characters from back to front. */
static void
add_both_ways(struct needles *n, enum edge edge, const char *text)
{
	char reversed[NEEDLE_MAX];
	size_t len = strlen(text);

	add(n, edge, text);
	if (len >= sizeof(reversed))
		return;
	for (size_t i = 0; i < len; i++)
		reversed[i] = text[len - 1 - i];
	reversed[len] = '\0';
	add(n, edge, reversed);
}

/* Bytes by a format for each, with a separator between them. */
static void
join(char out[NEEDLE_MAX], const uint8_t *bytes, size_t count, const char *format, const char *separator)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < count && used < NEEDLE_MAX; i++) {
		char one[8];

		if (strcmp(format, "%u") == 0)
			snprintf(one, sizeof(one), "%u", bytes[i]);
		else if (strcmp(format, "%03u") == 0)
			snprintf(one, sizeof(one), "%03u", bytes[i]);
		else if (strcmp(format, "%x") == 0)
			snprintf(one, sizeof(one), "%x", bytes[i]);
		else if (strcmp(format, "%02x") == 0)
			snprintf(one, sizeof(one), "%02x", bytes[i]);
		else
			snprintf(one, sizeof(one), "0%o", bytes[i]);
		used += (size_t)snprintf(out + used, NEEDLE_MAX - used, "%s%s", i == 0 ? "" : separator, one);
	}
}

struct coding {
	const char *format, *separator;
	enum edge edge;
};

/* Each with the bytes in their order and in the other (in-addr.arpa, little-endian numbers). */
static const struct coding codings[] = {
	{ "%u", ".", EDGE_DIGIT },
	{ "%u", "-", EDGE_DIGIT },
	{ "%u", "_", EDGE_DIGIT },
	{ "%u", ",", EDGE_DIGIT },
	{ "%u", ":", EDGE_DIGIT },
	{ "%u", "/", EDGE_DIGIT },
	{ "%u", " ", EDGE_DIGIT },
	{ "%u", "x", EDGE_DIGIT },
	{ "%03u", "", EDGE_DIGIT },
	{ "%03u", ".", EDGE_DIGIT },
	{ "%03u", "-", EDGE_DIGIT },
	{ "%02x", "", EDGE_FREE },
	{ "%02x", ".", EDGE_FREE },
	{ "%02x", ":", EDGE_FREE },
	{ "%02x", "-", EDGE_FREE },
	{ "%02x", " ", EDGE_FREE },
	{ "%02x", ".0x", EDGE_FREE },
	{ "%x", ".", EDGE_DIGIT },
	{ "%x", ".0x", EDGE_DIGIT },
	{ "%o", ".", EDGE_DIGIT },
};

static void
add_v4(struct needles *n, uint32_t address)
{
	uint8_t forth[V4_BYTES], back[V4_BYTES];
	char text[NEEDLE_MAX];
	uint32_t turned = 0;

	for (unsigned i = 0; i < V4_BYTES; i++) {
		forth[i] = (uint8_t)(address >> (24 - 8 * i));
		back[V4_BYTES - 1 - i] = forth[i];
		turned |= (uint32_t)forth[i] << (8 * i);
	}
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
		join(text, forth, V4_BYTES, codings[i].format, codings[i].separator);
		add_both_ways(n, codings[i].edge, text);
		join(text, back, V4_BYTES, codings[i].format, codings[i].separator);
		add(n, codings[i].edge, text);
	}
	snprintf(text, sizeof(text), "%u", address);
	add_both_ways(n, EDGE_DIGIT, text);
	snprintf(text, sizeof(text), "%u", turned);
	add(n, EDGE_DIGIT, text);
}

static void
add_v6(struct needles *n, const struct addr *a)
{
	uint8_t back[sizeof(a->b)];
	char text[NEEDLE_MAX], nibbles[NEEDLE_MAX] = "";
	size_t used = 0;

	addr_format(a, text);
	add_both_ways(n, EDGE_DIGIT, text);
	join(text, a->b, sizeof(a->b), "%02x", "");
	add_both_ways(n, EDGE_FREE, text);
	for (size_t i = strlen(text); i-- > 0;) /* as in ip6.arpa */
		used += (size_t)snprintf(nibbles + used, sizeof(nibbles) - used, "%c%s", text[i], i > 0 ? "." : "");
	add(n, EDGE_FREE, nibbles);
	for (size_t i = 0; i < sizeof(back); i++)
		back[i] = a->b[sizeof(back) - 1 - i];
	join(text, back, sizeof(back), "%02x", "");
	add(n, EDGE_FREE, text);
}

static bool
digit_at(const char *text, size_t len, size_t at)
{
	return at < len && text[at] >= '0' && text[at] <= '9';
}

static bool
has_needle(const struct needle *n, const char *text, size_t len)
{
	size_t size = strlen(n->text);
	const char *found, *from = text;

	while ((found = memmem(from, len - (size_t)(from - text), n->text, size)) != NULL) {
		size_t at = (size_t)(found - text);

		if (n->edge == EDGE_FREE ||
		    ((at == 0 || !digit_at(text, len, at - 1)) && !digit_at(text, len, at + size)))
			return true;
		from = found + 1;
	}
	return false;
}

/* ":8080", or "port 8080": a number alone says nothing; well-known ports are in every text. */
static bool
has_port(uint16_t port, const char *text, size_t len)
{
	static const char *const before[] = { ":", "port ", "port=", "port: ", "port:" };
	struct needle n = { .edge = EDGE_FREE };

	if (port < 1024)
		return false;
	for (size_t i = 0; i < sizeof(before) / sizeof(before[0]); i++) {
		const char *found, *from = text;
		size_t size = (size_t)snprintf(n.text, sizeof(n.text), "%s%u", before[i], port);

		while ((found = memmem(from, len - (size_t)(from - text), n.text, size)) != NULL) {
			if (!digit_at(text, len, (size_t)(found - text) + size))
				return true;
			from = found + 1;
		}
	}
	return false;
}

static enum mark
search(const struct needles *n, uint16_t port, const char *text, size_t len)
{
	for (size_t i = 0; i < n->count; i++) {
		if (has_needle(&n->list[i], text, len))
			return MARK_ADDRESS;
	}
	return has_port(port, text, len) ? MARK_PORT : MARK_NONE;
}

/* ---- what hides a text ---- */

/* Does the run go on at this character? It does over a line's end, but not over an empty line. */
static bool
in_run(const char *text, size_t len, size_t at)
{
	if (text[at] == '\n')
		return at + 1 < len && str_base64_digit((uint8_t)text[at + 1]) >= 0;
	return text[at] == '\r' || str_base64_digit((uint8_t)text[at]) >= 0;
}

/* Every run of the alphabet decoded and parted by spaces. Returns the length; out holds len bytes. */
static size_t
decode_base64(const char *text, size_t len, char *out)
{
	size_t used = 0, at = 0;

	while (at < len) {
		size_t start = used, count = 0;
		uint32_t bits = 0;

		for (; at < len && in_run(text, len, at); at++) {
			if (str_base64_digit((uint8_t)text[at]) < 0)
				continue;
			bits = bits << 6 | (uint32_t)str_base64_digit((uint8_t)text[at]);
			if (++count % 4 != 1)
				out[used++] = (char)(bits >> (6 - 2 * ((count + 3) % 4)));
		}
		if (count < BASE64_RUN_MIN)
			used = start;
		else if (used < len)
			out[used++] = ' ';
		at++;
	}
	return used;
}

static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *at = c == '\0' ? NULL : strchr(digits, tolower((unsigned char)c));

	return at == NULL ? -1 : (int)(at - digits);
}

/* "=3A" (RFC 2045 6.7) or "%3A" (RFC 3986 2.1); a soft line end is nothing. */
static size_t
decode_escapes(char sign, const char *text, size_t len, char *out)
{
	size_t used = 0;

	for (size_t at = 0; at < len; at++) {
		bool escape = text[at] == sign;
		int high = escape && at + 2 < len ? hex_value(text[at + 1]) : -1;
		int low = high >= 0 ? hex_value(text[at + 2]) : -1;

		if (low >= 0) {
			out[used++] = (char)(high * 16 + low);
			at += 2;
		} else if (escape && at + 1 < len && text[at + 1] == '\n') {
			at += 1;
		} else if (escape && at + 2 < len && text[at + 1] == '\r' && text[at + 2] == '\n') {
			at += 2;
		} else {
			out[used++] = text[at];
		}
	}
	return used;
}

static size_t
decode_quoted(const char *text, size_t len, char *out)
{
	return decode_escapes('=', text, len, out);
}

static size_t
decode_url(const char *text, size_t len, char *out)
{
	return decode_escapes('%', text, len, out);
}

static void
lower(char *text, size_t len)
{
	for (size_t i = 0; i < len; i++)
		text[i] = (char)tolower((unsigned char)text[i]);
}

static enum mark
stronger(enum mark a, enum mark b)
{
	return a > b ? a : b;
}

enum mark
mark_find(const struct endpoint *decoy, const void *text, size_t len)
{
	static size_t (*const decoders[])(const char *, size_t, char *) = { decode_base64, decode_quoted, decode_url };
	struct needles needles = { .count = 0 };
	size_t size = len < MARK_TEXT_MAX ? len : MARK_TEXT_MAX;
	char *copy = xcalloc(1, size + 1);
	enum mark found;

	if (addr_is_v4(&decoy->addr))
		add_v4(&needles, addr_v4(&decoy->addr));
	else
		add_v6(&needles, &decoy->addr);
	str_copy_bytes(copy, size + 1, text, size);
	lower(copy, size);
	found = search(&needles, decoy->port, copy, size);
	for (size_t i = 0; i < sizeof(decoders) / sizeof(decoders[0]) && found != MARK_ADDRESS; i++) {
		size_t used = decoders[i](text, size, copy);

		lower(copy, used);
		found = stronger(found, search(&needles, decoy->port, copy, used));
	}
	free(copy);
	return found;
}

const char *
mark_name(enum mark m)
{
	static const char *const names[] = { [MARK_NONE] = "none", [MARK_PORT] = "port", [MARK_ADDRESS] = "address" };

	return names[m];
}
