/* tls_hello_test - fingerprints against published ones, and every prefix of a good ClientHello. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/tls_hello.h"

#include <stdlib.h>
#include <string.h>

enum { HELLO_ROOM = 4096 };

struct wanted {
	uint16_t version;
	const char *ciphers, *groups, *algorithms, *versions; /* hexadecimal, separated by commas */
	const char *extensions; /* in their order on the wire */
	const char *formats;
	const char *server_name, *alpn;
};

static size_t
numbers(const char *text, uint16_t out[64])
{
	size_t n = 0;
	char *end;

	for (const char *p = text; *p != '\0'; p = *end == ',' ? end + 1 : end)
		out[n++] = (uint16_t)strtoul(p, &end, 16);
	return n;
}

static void
put16(uint8_t **p, size_t v)
{
	*(*p)++ = (uint8_t)(v >> 8);
	*(*p)++ = (uint8_t)v;
}

static void
put_list(uint8_t **p, const char *text)
{
	uint16_t items[64];
	size_t n = numbers(text, items);

	for (size_t i = 0; i < n; i++)
		put16(p, items[i]);
}

/* Length fields are written when the part behind them is known. */
static void
end16(uint8_t *start, const uint8_t *end)
{
	put16(&start, (size_t)(end - start - 2));
}

static void
put_body(uint8_t **p, uint16_t type, const struct wanted *w)
{
	uint8_t *start = *p;

	switch (type) {
	case 0:
		*p += 2;
		*(*p)++ = 0;
		put16(p, strlen(w->server_name));
		memcpy(*p, w->server_name, strlen(w->server_name));
		*p += strlen(w->server_name);
		end16(start, *p);
		break;
	case 10:
	case 13:
		*p += 2;
		put_list(p, type == 10 ? w->groups : w->algorithms);
		end16(start, *p);
		break;
	case 11:
		*p += 1;
		for (const char *c = w->formats; *c != '\0'; c++)
			*(*p)++ = (uint8_t)(*c - '0');
		*start = (uint8_t)(*p - start - 1);
		break;
	case 16:
		*p += 2;
		*(*p)++ = (uint8_t)strlen(w->alpn);
		memcpy(*p, w->alpn, strlen(w->alpn));
		*p += strlen(w->alpn);
		end16(start, *p);
		break;
	case 43:
		*p += 1;
		put_list(p, w->versions);
		*start = (uint8_t)(*p - start - 1);
		break;
	default:
		break;
	}
}

static size_t
hello(const struct wanted *w, uint8_t out[HELLO_ROOM])
{
	uint8_t *p = out;
	uint16_t extensions[64];
	size_t count = numbers(w->extensions, extensions);

	memcpy(p, "\x16\x03\x01\0\0\x01\0\0\0", 9);
	p += 9;
	put16(&p, w->version);
	memset(p, 7, 32);
	p += 32;
	*p++ = 0;
	uint8_t *at = p;
	p += 2;
	put_list(&p, w->ciphers);
	end16(at, p);
	*p++ = 1;
	*p++ = 0;
	at = p;
	if (count > 0)
		p += 2;
	for (size_t i = 0; i < count; i++) {
		put16(&p, extensions[i]);
		uint8_t *body = p;
		p += 2;
		put_body(&p, extensions[i], w);
		end16(body, p);
	}
	if (count > 0)
		end16(at, p);
	end16(out + 3, p);
	end16(out + 7, p);
	return (size_t)(p - out);
}

/* The first two are in salesforce's README of JA3, the third in FoxIO's description of JA4. */
static const struct published {
	struct wanted hello;
	const char *ja3, *ja4;
} published[] = {
	{ { 769, "2f,35,5,a,c009,c00a,c013,c014,32,38,13,4", "17,18,19", "", "", "0,a,b", "0", "www.example.com", "" },
	    "ada70206e40642a3e4461f35503241d5", NULL },
	{ { 769, "4,5,a,9,64,62,3,6,13,12,63", "", "", "", "", "", "", "" }, "de350869b8c85de67a350c8d186f11e6", NULL },
	{ { 0x0303, "aaaa,1301,1302,1303,c02b,c02f,c02c,c030,cca9,cca8,c013,c014,9c,9d,2f,35", "9a9a,1d,17,18",
	      "0403,0804,0401,0503,0805,0501,0806,0601", "baba,0304,0303",
	      "1a1a,1b,0,33,10,4469,17,2d,d,5,23,12,2b,ff01,b,a,15", "0", "www.example.com", "h2" },
	    NULL, "t13d1516h2_8daaf6152771_e5627efa2ab1" },
};

static void
fingerprints_are_the_published_ones(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(published) / sizeof(published[0]); i++) {
		uint8_t bytes[HELLO_ROOM];
		struct tls_hello h;
		char ja3[TLS_JA3_MAX], ja4[TLS_JA4_MAX];

		assert_int_equal(tls_hello_parse(bytes, hello(&published[i].hello, bytes), &h), TLS_HELLO_OK);
		tls_hello_ja3(&h, ja3);
		tls_hello_ja4(&h, ja4);
		if (published[i].ja3 != NULL)
			assert_string_equal(ja3, published[i].ja3);
		if (published[i].ja4 != NULL)
			assert_string_equal(ja4, published[i].ja4);
		assert_string_equal(h.server_name, published[i].hello.server_name);
	}
}

static void
what_is_not_offered_is_zero(void **state)
{
	static const struct wanted bare = { 0x0301, "", "", "", "", "", "", "", "" };
	uint8_t bytes[HELLO_ROOM];
	struct tls_hello h;
	char ja4[TLS_JA4_MAX];

	(void)state;
	assert_int_equal(tls_hello_parse(bytes, hello(&bare, bytes), &h), TLS_HELLO_OK);
	tls_hello_ja4(&h, ja4);
	assert_string_equal(ja4, "t10i000000_000000000000_000000000000");
}

static void
protocols_that_are_no_letters_are_told_in_hexadecimal(void **state)
{
	static const struct wanted odd = { 0x0303, "2f", "", "", "", "10", "", "", "\xab\xcd" };
	uint8_t bytes[HELLO_ROOM];
	struct tls_hello h;
	char ja4[TLS_JA4_MAX];

	(void)state;
	assert_int_equal(tls_hello_parse(bytes, hello(&odd, bytes), &h), TLS_HELLO_OK);
	tls_hello_ja4(&h, ja4);
	assert_memory_equal(ja4, "t12i0101ad_", 11);
}

static void
a_prefix_wants_more(void **state)
{
	uint8_t bytes[HELLO_ROOM];
	size_t len = hello(&published[2].hello, bytes);
	struct tls_hello h;

	(void)state;
	for (size_t n = 0; n < len; n++)
		assert_int_equal(tls_hello_parse(bytes, n, &h), TLS_HELLO_MORE);
}

/* RFC 8446 5.1: a message may be spread over records. */
static void
a_message_in_small_records_is_the_same(void **state)
{
	uint8_t bytes[HELLO_ROOM], small[8 * HELLO_ROOM];
	size_t len = hello(&published[2].hello, bytes), used = 0;
	struct tls_hello h;
	char ja4[TLS_JA4_MAX];

	(void)state;
	for (size_t i = 5; i < len; i += 3) {
		size_t n = len - i < 3 ? len - i : 3;

		memcpy(small + used, "\x16\x03\x01\0", 4);
		small[used + 4] = (uint8_t)n;
		memcpy(small + used + 5, bytes + i, n);
		used += 5 + n;
	}
	assert_int_equal(tls_hello_parse(small, used, &h), TLS_HELLO_OK);
	tls_hello_ja4(&h, ja4);
	assert_string_equal(ja4, published[2].ja4);
}

static void
other_bytes_are_bad(void **state)
{
	static const struct {
		const char *bytes;
		size_t len;
	} rows[] = { { "EHLO a\r\n", 8 }, { "\x80\x2e\x01\x03\x01", 5 }, { "\x16\x03\x01\0\x04\x02\0\0\0", 9 },
		{ "\x16\x03\x01\0\0", 5 }, { "\x16\x03\x01\xff\xff", 5 }, { "\x16\x03\x01\x40\0\x01\x01\0\0", 9 } };
	struct tls_hello h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		assert_int_equal(tls_hello_parse(rows[i].bytes, rows[i].len, &h), TLS_HELLO_BAD);
}

static void
lists_are_capped(void **state)
{
	uint8_t bytes[HELLO_ROOM] = "\x16\x03\x01\x04\x2b\x01\0\x04\x27\x03\x03";
	size_t len = 11 + 32 + 1;
	struct tls_hello h;
	char ja3[TLS_JA3_MAX], ja4[TLS_JA4_MAX];

	(void)state;
	bytes[len++] = 0x04; /* 1024 octets of ciphers: 512 */
	bytes[len++] = 0x00;
	len += 1024;
	memcpy(bytes + len, "\x01\0", 2);
	len += 2;
	bytes[3] = (uint8_t)((len - 5) >> 8);
	bytes[4] = (uint8_t)(len - 5);
	bytes[7] = (uint8_t)((len - 9) >> 8);
	bytes[8] = (uint8_t)(len - 9);
	assert_int_equal(tls_hello_parse(bytes, len, &h), TLS_HELLO_OK);
	assert_int_equal(h.ciphers.count, TLS_HELLO_LIST_MAX);
	assert_true(h.truncated);
	tls_hello_ja3(&h, ja3);
	tls_hello_ja4(&h, ja4);
	assert_memory_equal(ja4, "t12i9900", 8);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(fingerprints_are_the_published_ones),
		cmocka_unit_test(what_is_not_offered_is_zero),
		cmocka_unit_test(protocols_that_are_no_letters_are_told_in_hexadecimal),
		cmocka_unit_test(a_prefix_wants_more),
		cmocka_unit_test(a_message_in_small_records_is_the_same),
		cmocka_unit_test(other_bytes_are_bad),
		cmocka_unit_test(lists_are_capped),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
