#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "wire/proxy.h"

#include <string.h>

static void
sample(struct flow_info *f)
{
	memset(f, 0, sizeof(*f));
	assert_true(
	    endpoint_parse("203.0.113.7:4711", &f->source) && endpoint_parse("203.0.113.10:25", &f->destination));
	str_copy(f->id, sizeof(f->id), "01aryz6s41tsv4rrffq69g5fav");
	str_copy(f->authority, sizeof(f->authority), "mx.example.net");
	str_copy(f->look, sizeof(f->look), "postfix");
	str_copy(f->asked, sizeof(f->asked), "mx.example.net:25");
}

static void
what_is_written_is_read_back(void **state)
{
	struct flow_info in, out;
	uint8_t buf[PROXY_HEADER_MAX];
	size_t used;

	(void)state;
	sample(&in);
	size_t len = proxy_format(&in, buf, sizeof(buf));
	assert_true(len > 28);
	assert_int_equal(proxy_parse(buf, len, &out, &used), PROXY_OK);
	assert_int_equal(used, len);
	assert_memory_equal(&in, &out, sizeof(in));
	assert_true(addr_parse("2001:db8::7", &in.source.addr));
	len = proxy_format(&in, buf, sizeof(buf));
	assert_int_equal(proxy_parse(buf, len, &out, &used), PROXY_OK);
	assert_memory_equal(&in, &out, sizeof(in));
}

static void
every_prefix_wants_more(void **state)
{
	struct flow_info in, out;
	uint8_t buf[PROXY_HEADER_MAX];
	size_t used;
	static const char v1[] = "PROXY TCP4 203.0.113.7 203.0.113.10 4711 25\r\n";

	(void)state;
	sample(&in);
	size_t len = proxy_format(&in, buf, sizeof(buf));
	for (size_t i = 0; i < len; i++)
		assert_int_equal(proxy_parse(buf, i, &out, &used), PROXY_MORE);
	for (size_t i = 0; i < sizeof(v1) - 1; i++)
		assert_int_equal(proxy_parse(v1, i, &out, &used), PROXY_MORE);
	assert_int_equal(proxy_parse(v1, sizeof(v1) - 1, &out, &used), PROXY_OK);
}

static void
headers_of_others_are_judged(void **state)
{
	static const char long_line[] =
	    "PROXY TCP4 203.0.113.7 203.0.113.10 4711 25 "
	    "xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx";
	static const struct {
		const char *name;
		const char *data;
		size_t len;
		enum proxy_result result;
	} rows[] = {
#define V2 "\r\n\r\n\0\r\nQUIT\n"
#define A4 "\xcb\0\x71\x07\xcb\0\x71\x0a\x12\x67\0\x19"
#define ROW(name, text, result) { name, text, sizeof(text) - 1, result }
		ROW("v2 without TLVs", V2 "\x21\x11\0\x0c" A4, PROXY_OK),
		ROW("v2 with an unknown TLV",
		    V2 "\x21\x11\0\x10" A4 "\x30\0\x01"
		       "x",
		    PROXY_OK),
		ROW("v2 LOCAL", V2 "\x20\0\0\0", PROXY_LOCAL),
		ROW("v2 of a future version", V2 "\x31\x11\0\x0c" A4, PROXY_BAD),
		ROW("v2 with an unknown command", V2 "\x22\x11\0\x0c" A4, PROXY_BAD),
		ROW("v2 for UDP", V2 "\x21\x12\0\x0c" A4, PROXY_BAD),
		ROW("v2 with addresses cut",
		    V2 "\x21\x11\0\x04"
		       "\xcb\0\x71\x07",
		    PROXY_BAD),
		ROW("v2 whose TLV runs over the end",
		    V2 "\x21\x11\0\x10" A4 "\xe1\0\x09"
		       "x",
		    PROXY_BAD),
		ROW("v2 with NUL in a name",
		    V2 "\x21\x11\0\x11" A4 "\xe1\0\x02"
		       "a\0",
		    PROXY_BAD),
		ROW("v2 with a line end in a name",
		    V2 "\x21\x11\0\x11" A4 "\xe1\0\x02"
		       "a\n",
		    PROXY_BAD),
		ROW("v2 longer than anybody needs", V2 "\x21\x11\xff\xff", PROXY_BAD),
		ROW("v1 UNKNOWN", "PROXY UNKNOWN\r\n", PROXY_LOCAL),
		ROW("v1 for IPv6", "PROXY TCP6 2001:db8::1 2001:db8::2 1 2\r\n", PROXY_OK),
		ROW("v1 with the wrong family", "PROXY TCP6 203.0.113.7 203.0.113.10 1 2\r\n", PROXY_BAD),
		ROW("v1 with a bare LF", "PROXY TCP4 203.0.113.7 203.0.113.10 1 2\n", PROXY_BAD),
		ROW("v1 with a port too large", "PROXY TCP4 203.0.113.7 203.0.113.10 1 65536\r\n", PROXY_BAD),
		ROW("v1 with a word too many", "PROXY TCP4 203.0.113.7 203.0.113.10 1 2 3\r\n", PROXY_BAD),
		ROW("v1 without an end", long_line, PROXY_BAD),
		ROW("no header at all", "EHLO x\r\n", PROXY_BAD),
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct flow_info info;
		size_t used;
		enum proxy_result result = proxy_parse(rows[i].data, rows[i].len, &info, &used);

		if (result != rows[i].result)
			fail_msg("%s: got %d, wanted %d", rows[i].name, (int)result, (int)rows[i].result);
	}
}

static void
a_header_that_does_not_fit_is_not_cut(void **state)
{
	struct flow_info f;
	uint8_t buf[64];

	(void)state;
	sample(&f);
	assert_int_equal(proxy_format(&f, buf, sizeof(buf)), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_written_is_read_back),
		cmocka_unit_test(every_prefix_wants_more),
		cmocka_unit_test(headers_of_others_are_judged),
		cmocka_unit_test(a_header_that_does_not_fit_is_not_cut),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
