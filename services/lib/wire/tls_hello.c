#include "wire/tls_hello.h"

#include "base/reader.h"
#include "base/str.h"

#include <ctype.h>
#include <openssl/evp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	RECORD_HANDSHAKE = 22,
	RECORD_HEAD = 5,
	RECORD_MAX = 16384, /* RFC 8446 5.1 */
	CLIENT_HELLO = 1,
	MESSAGE_HEAD = 4,
	RANDOM_BYTES = 32,
	HOST_NAME = 0,
};

enum extension {
	EXT_SERVER_NAME = 0,
	EXT_GROUPS = 10,
	EXT_FORMATS = 11,
	EXT_ALGORITHMS = 13,
	EXT_ALPN = 16,
	EXT_VERSIONS = 43,
};

/* ---- reading ---- */

static void
add(struct tls_hello *h, struct tls_list *l, uint16_t v)
{
	if (l->count < TLS_HELLO_LIST_MAX)
		l->items[l->count++] = v;
	else
		h->truncated = true;
}

/* The next len bytes as a reader of their own; a failed one when they aren't there. */
static struct reader
part(struct reader *r, size_t len)
{
	struct reader p;
	const uint8_t *at = reader_bytes(r, len);

	reader_init(&p, at == NULL ? (const uint8_t *)"" : at, at == NULL ? 0 : len);
	p.failed = at == NULL;
	return p;
}

static void
read_list16(struct tls_hello *h, struct reader r, struct tls_list *l)
{
	while (reader_left(&r) >= 2)
		add(h, l, reader_u16(&r));
}

static void
read_list8(struct tls_hello *h, struct reader r, struct tls_list *l)
{
	while (reader_left(&r) >= 1)
		add(h, l, reader_u8(&r));
}

static void
read_server_name(struct tls_hello *h, struct reader *r)
{
	struct reader names = part(r, reader_u16(r));

	while (reader_left(&names) > 0 && !names.failed) {
		uint8_t type = reader_u8(&names);
		struct reader name = part(&names, reader_u16(&names));

		if (type == HOST_NAME && !name.failed && h->server_name[0] == '\0')
			str_escape(h->server_name, sizeof(h->server_name), name.at, reader_left(&name));
	}
}

static void
read_alpn(struct tls_hello *h, struct reader *r)
{
	struct reader names = part(r, reader_u16(r));
	struct reader first = part(&names, reader_u8(&names));

	if (first.failed)
		return;
	h->alpn_len = reader_left(&first);
	reader_copy(&first, h->alpn, h->alpn_len); /* a length of one byte: it fits */
}

/* An extension whose inside is malformed tells what it could; the server's own TLS will refuse it. */
static void
read_extension(struct tls_hello *h, uint16_t type, struct reader body)
{
	switch (type) {
	case EXT_SERVER_NAME:
		read_server_name(h, &body);
		break;
	case EXT_GROUPS:
		read_list16(h, part(&body, reader_u16(&body)), &h->groups);
		break;
	case EXT_FORMATS:
		read_list8(h, part(&body, reader_u8(&body)), &h->formats);
		break;
	case EXT_ALGORITHMS:
		read_list16(h, part(&body, reader_u16(&body)), &h->algorithms);
		break;
	case EXT_ALPN:
		read_alpn(h, &body);
		break;
	case EXT_VERSIONS:
		read_list16(h, part(&body, reader_u8(&body)), &h->versions);
		break;
	default:
		break;
	}
}

static bool
read_message(struct tls_hello *h, struct reader r)
{
	h->version = reader_u16(&r);
	reader_bytes(&r, RANDOM_BYTES);
	reader_bytes(&r, reader_u8(&r)); /* session id */
	struct reader ciphers = part(&r, reader_u16(&r));
	reader_bytes(&r, reader_u8(&r)); /* compression methods */
	if (r.failed)
		return false;
	read_list16(h, ciphers, &h->ciphers);
	if (reader_left(&r) == 0)
		return true; /* as before TLS had extensions */
	struct reader extensions = part(&r, reader_u16(&r));
	while (reader_left(&extensions) > 0 && !extensions.failed) {
		uint16_t type = reader_u16(&extensions);
		struct reader body = part(&extensions, reader_u16(&extensions));

		if (extensions.failed)
			return false;
		add(h, &h->extensions, type);
		read_extension(h, type, body);
	}
	return !extensions.failed;
}

/* What handshake records carry, in a row; a record that is cut gives what there is. */
static bool
join_records(struct reader *r, uint8_t *out, size_t *len)
{
	*len = 0;
	while (reader_left(r) >= RECORD_HEAD) {
		uint8_t type = reader_u8(r), major = reader_u8(r);

		reader_u8(r);
		size_t size = reader_u16(r);
		if (type != RECORD_HANDSHAKE || major != 3 || size == 0 || size > RECORD_MAX)
			return *len >= MESSAGE_HEAD; /* something else after the message is none of ours */
		size = size < reader_left(r) ? size : reader_left(r);
		reader_copy(r, out + *len, size);
		*len += size;
	}
	return true;
}

enum tls_hello_result
tls_hello_parse(const void *data, size_t len, struct tls_hello *out)
{
	uint8_t message[TLS_HELLO_MAX];
	struct reader r;
	size_t have;

	memset(out, 0, sizeof(*out));
	reader_init(&r, data, len < TLS_HELLO_MAX ? len : TLS_HELLO_MAX);
	if (!join_records(&r, message, &have))
		return TLS_HELLO_BAD;
	if (have > 0 && message[0] != CLIENT_HELLO)
		return TLS_HELLO_BAD;
	size_t size = have < MESSAGE_HEAD ? 0 : (size_t)message[1] << 16 | (size_t)message[2] << 8 | message[3];
	if (size + MESSAGE_HEAD > TLS_HELLO_MAX)
		return TLS_HELLO_BAD;
	if (have < MESSAGE_HEAD || have < MESSAGE_HEAD + size)
		return len < TLS_HELLO_MAX ? TLS_HELLO_MORE : TLS_HELLO_BAD;
	reader_init(&r, message + MESSAGE_HEAD, size);
	return read_message(out, r) ? TLS_HELLO_OK : TLS_HELLO_BAD;
}

/* ---- fingerprints ---- */

enum { TEXT_MAX = 8 * 1024 }; /* 256 items of 6 characters, five times */

struct text {
	char bytes[TEXT_MAX];
	size_t len;
};

enum base { DECIMAL, HEXADECIMAL };

static void
put(struct text *t, char c)
{
	if (t->len < sizeof(t->bytes))
		t->bytes[t->len++] = c;
}

static void
put_number(struct text *t, enum base base, unsigned v)
{
	char digits[16];
	int n =
	    base == DECIMAL ? snprintf(digits, sizeof(digits), "%u", v) : snprintf(digits, sizeof(digits), "%04x", v);

	for (int i = 0; i < n; i++)
		put(t, digits[i]);
}

/* RFC 8701: 0x0a0a, 0x1a1a ... 0xfafa mean nothing. */
static bool
grease(uint16_t v)
{
	return (v & 0x0f0f) == 0x0a0a && v >> 8 == (v & 0xff);
}

static size_t
count_without_grease(const struct tls_list *l)
{
	size_t n = 0;

	for (size_t i = 0; i < l->count; i++)
		n += !grease(l->items[i]);
	return n;
}

static void
put_list(struct text *t, const struct tls_list *l, enum base base, char separator)
{
	bool first = true;

	for (size_t i = 0; i < l->count; i++) {
		if (grease(l->items[i]))
			continue;
		if (!first)
			put(t, separator);
		first = false;
		put_number(t, base, l->items[i]);
	}
}

static void
digest(const EVP_MD *method, const struct text *t, uint8_t out[EVP_MAX_MD_SIZE])
{
	unsigned len;

	memset(out, 0, EVP_MAX_MD_SIZE);
	EVP_Digest(t->bytes, t->len, out, &len, method, NULL);
}

/* version,ciphers,extensions,groups,point formats: decimal numbers joined by hyphens, as MD5. */
void
tls_hello_ja3(const struct tls_hello *h, char out[TLS_JA3_MAX])
{
	const struct tls_list *const lists[] = { &h->ciphers, &h->extensions, &h->groups, &h->formats };
	struct text t = { .len = 0 };
	uint8_t md[EVP_MAX_MD_SIZE];

	put_number(&t, DECIMAL, h->version);
	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		put(&t, ',');
		put_list(&t, lists[i], DECIMAL, '-');
	}
	digest(EVP_md5(), &t, md);
	str_hex(out, md, 16);
}

static const char *
version_text(const struct tls_hello *h)
{
	static const struct {
		uint16_t version;
		const char *text;
	} names[] = { { 0x0304, "13" }, { 0x0303, "12" }, { 0x0302, "11" }, { 0x0301, "10" }, { 0x0300, "s3" },
		{ 0x0002, "s2" } };
	uint16_t best = 0;

	for (size_t i = 0; i < h->versions.count; i++) {
		if (!grease(h->versions.items[i]) && h->versions.items[i] > best)
			best = h->versions.items[i];
	}
	best = best == 0 ? h->version : best;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (names[i].version == best)
			return names[i].text;
	}
	return "00";
}

/* First and last character of the first protocol; of its hexadecimal form when one of them is not plain. */
static void
alpn_text(const struct tls_hello *h, char out[3])
{
	char hex[2 * TLS_NAME_MAX + 1];
	uint8_t first = (uint8_t)h->alpn[0], last = h->alpn_len == 0 ? 0 : (uint8_t)h->alpn[h->alpn_len - 1];

	if (h->alpn_len == 0) {
		str_copy(out, 3, "00");
		return;
	}
	str_hex(hex, h->alpn, h->alpn_len);
	bool plain = first < 0x80 && last < 0x80 && isalnum(first) && isalnum(last);
	out[0] = plain ? (char)first : hex[0];
	out[1] = plain ? (char)last : hex[2 * h->alpn_len - 1];
	out[2] = '\0';
}

static int
compare(const void *a, const void *b)
{
	return *(const uint16_t *)a - *(const uint16_t *)b;
}

static struct tls_list
sorted(const struct tls_list *l, bool without_names)
{
	struct tls_list s = { .count = 0 };

	for (size_t i = 0; i < l->count; i++) {
		if (!without_names || (l->items[i] != EXT_SERVER_NAME && l->items[i] != EXT_ALPN))
			s.items[s.count++] = l->items[i];
	}
	qsort(s.items, s.count, sizeof(s.items[0]), compare);
	return s;
}

static void
short_digest(const struct text *t, char out[13])
{
	uint8_t md[EVP_MAX_MD_SIZE];

	if (t->len == 0) {
		str_copy(out, 13, "000000000000");
		return;
	}
	digest(EVP_sha256(), t, md);
	str_hex(out, md, 6);
}

void
tls_hello_ja4(const struct tls_hello *h, char out[TLS_JA4_MAX])
{
	struct tls_list ciphers = sorted(&h->ciphers, false), extensions = sorted(&h->extensions, true);
	size_t cipher_count = count_without_grease(&h->ciphers), extension_count = count_without_grease(&h->extensions);
	struct text b = { .len = 0 }, c = { .len = 0 };
	char b_text[13], c_text[13], alpn[3];
	bool named = false;

	for (size_t i = 0; i < h->extensions.count; i++)
		named = named || h->extensions.items[i] == EXT_SERVER_NAME;
	put_list(&b, &ciphers, HEXADECIMAL, ',');
	put_list(&c, &extensions, HEXADECIMAL, ',');
	if (h->algorithms.count > 0) {
		put(&c, '_');
		put_list(&c, &h->algorithms, HEXADECIMAL, ',');
	}
	short_digest(&b, b_text);
	short_digest(&c, c_text);
	alpn_text(h, alpn);
	snprintf(out, TLS_JA4_MAX, "t%.2s%c%02u%02u%.2s_%.12s_%.12s", version_text(h), named ? 'd' : 'i',
	    (unsigned)(cipher_count < 99 ? cipher_count : 99), (unsigned)(extension_count < 99 ? extension_count : 99),
	    alpn, b_text, c_text);
}
