/* request_test - what three servers take for a request. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webtrap/look.h"

#include <stdio.h>
#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

struct story {
	const char *name;
	const char *bytes;
	size_t len;
	enum request_verdict apache, nginx, iis;
};

/* The columns of Apache and nginx are what 2.4.71 and 1.22.1 were seen to do. */
static const struct story stories[] = {
	{ "a browser's", BYTES("GET / HTTP/1.1\r\nHost: a\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "1.0 needs no host", BYTES("GET / HTTP/1.0\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "1.1 without host", BYTES("GET / HTTP/1.1\r\n\r\n"), REQUEST_NO_HOST, REQUEST_NO_HOST, REQUEST_NO_HOST },
	{ "two hosts", BYTES("GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n"), REQUEST_BAD_HOST, REQUEST_BAD_HOST,
	    REQUEST_BAD_HOST },
	{ "a host with a space", BYTES("GET / HTTP/1.1\r\nHost: a b\r\n\r\n"), REQUEST_BAD_HOST, REQUEST_BAD_HOST,
	    REQUEST_BAD_HOST },
	{ "a host with a port", BYTES("GET / HTTP/1.1\r\nHost: a:8080\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "a port too high", BYTES("GET / HTTP/1.1\r\nHost: a:65536\r\n\r\n"), REQUEST_BAD_HOST, REQUEST_BAD_HOST,
	    REQUEST_BAD_HOST },
	{ "an IPv6 host", BYTES("GET / HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "0.9", BYTES("GET /\r\n"), REQUEST_SIMPLE, REQUEST_SIMPLE, REQUEST_SIMPLE },
	{ "0.9 knows GET only", BYTES("POST /\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE, REQUEST_BAD_LINE },
	{ "empty lines come first", BYTES("\r\n\r\nGET / HTTP/1.0\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "a mail client", BYTES("HELP\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE, REQUEST_BAD_LINE },
	{ "garbage", BYTES("garbage\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE, REQUEST_BAD_LINE },
	{ "TLS: one server waits for a line", BYTES("\x16\x03\x01\x02"), REQUEST_MORE, REQUEST_BAD_LINE, REQUEST_MORE },
	{ "NUL in the target", BYTES("GET /\0a HTTP/1.1\r\nHost: a\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE,
	    REQUEST_BAD_LINE },
	{ "NUL in a header", BYTES("GET / HTTP/1.0\r\nX: a\0b\r\n\r\n"), REQUEST_BAD_FIELD, REQUEST_BAD_FIELD,
	    REQUEST_BAD_FIELD },
	{ "a control in a header",
	    BYTES("GET / HTTP/1.0\r\nX: a\x01"
		  "b\r\n\r\n"),
	    REQUEST_BAD_FIELD, REQUEST_OK, REQUEST_OK },
	{ "no colon", BYTES("GET / HTTP/1.0\r\nXa\r\n\r\n"), REQUEST_BAD_FIELD, REQUEST_OK, REQUEST_OK },
	{ "a space in a header's name", BYTES("GET / HTTP/1.0\r\nX a: b\r\n\r\n"), REQUEST_BAD_FIELD, REQUEST_BAD_FIELD,
	    REQUEST_BAD_FIELD },
	{ "LF alone", BYTES("GET / HTTP/1.0\n\n"), REQUEST_BAD_LINE, REQUEST_OK, REQUEST_OK },
	{ "an unknown method", BYTES("FOO / HTTP/1.0\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "a method in lower case", BYTES("get / HTTP/1.0\r\n\r\n"), REQUEST_OK, REQUEST_BAD_LINE, REQUEST_OK },
	{ "a method with a brace", BYTES("F{O / HTTP/1.0\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE,
	    REQUEST_BAD_LINE },
	{ "HTTP/2.0", BYTES("GET / HTTP/2.0\r\nHost: a\r\n\r\n"), REQUEST_OK, REQUEST_BAD_VERSION, REQUEST_OK },
	{ "HTTP/1.2", BYTES("GET / HTTP/1.2\r\nHost: a\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "another protocol", BYTES("GET / JUNK/1.0\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE, REQUEST_BAD_LINE },
	{ "http in lower case", BYTES("GET / http/1.1\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE, REQUEST_BAD_LINE },
	{ "two spaces", BYTES("GET  /  HTTP/1.0\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_OK, REQUEST_BAD_LINE },
	{ "a space in the target", BYTES("GET /a b HTTP/1.0\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE,
	    REQUEST_BAD_LINE },
	{ "no slash", BYTES("GET foo HTTP/1.0\r\n\r\n"), REQUEST_BAD_LINE, REQUEST_BAD_LINE, REQUEST_BAD_LINE },
	{ "an absolute target", BYTES("GET http://b/ HTTP/1.0\r\n\r\n"), REQUEST_OK, REQUEST_OK, REQUEST_OK },
	{ "CONNECT", BYTES("CONNECT b:25 HTTP/1.0\r\n\r\n"), REQUEST_OK, REQUEST_BAD_LINE, REQUEST_OK },
	{ "OPTIONS *", BYTES("OPTIONS * HTTP/1.0\r\n\r\n"), REQUEST_OK, REQUEST_BAD_LINE, REQUEST_OK },
	{ "a length that is none", BYTES("POST / HTTP/1.0\r\nContent-Length: x\r\n\r\n"), REQUEST_BAD_LENGTH,
	    REQUEST_BAD_LENGTH, REQUEST_BAD_LENGTH },
	{ "two lengths", BYTES("POST / HTTP/1.0\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\n"), REQUEST_BAD_LENGTH,
	    REQUEST_BAD_LENGTH, REQUEST_BAD_LENGTH },
	{ "chunked and a length",
	    BYTES("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n"),
	    REQUEST_BAD_LENGTH, REQUEST_BAD_LENGTH, REQUEST_BAD_LENGTH },
	{ "another coding", BYTES("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: foo\r\n\r\n"), REQUEST_BAD_CODING,
	    REQUEST_BAD_CODING, REQUEST_BAD_CODING },
};

static const char *const looks[] = { "apache", "nginx", "iis" };

static void
test_verdicts(void **state)
{
	struct request r;

	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		const struct story *s = &stories[i];
		const enum request_verdict expected[] = { s->apache, s->nginx, s->iis };

		for (size_t k = 0; k < 3; k++) {
			enum request_verdict v = request_check(&look_find(looks[k])->rules, s->bytes, s->len, &r);

			if (v != expected[k])
				fail_msg("%s, %s: %s instead of %s", s->name, looks[k], request_verdict_name(v),
				    request_verdict_name(expected[k]));
		}
	}
}

static void
test_every_prefix_wants_more(void **state)
{
	static const char whole[] =
	    "\r\nPOST /a?b HTTP/1.1\r\nHost: h\r\nUser-Agent: u\r\nContent-Length: 12\r\nX:\r\n\r\n";
	struct request r;

	(void)state;
	for (size_t k = 0; k < 3; k++) {
		const struct request_rules *rules = &look_find(looks[k])->rules;

		for (size_t len = 0; len < sizeof(whole) - 1; len++)
			assert_int_equal(request_check(rules, whole, len, &r), REQUEST_MORE);
		assert_int_equal(request_check(rules, whole, sizeof(whole) - 1, &r), REQUEST_OK);
		assert_int_equal(r.head_len, sizeof(whole) - 1);
		assert_int_equal(r.length, 12);
		assert_true(span_is(r.user_agent, "u") && span_is(r.host, "h") && span_is(r.target, "/a?b"));
	}
}

static enum request_verdict
check_long(const char *before, char fill, size_t count, const char *after)
{
	static char head[2 * REQUEST_HEAD_MAX];
	struct request r;
	size_t len = strlen(before);

	memcpy(head, before, len);
	memset(head + len, fill, count);
	strcpy(head + len + count, after);
	return request_check(&look_apache.rules, head, len + count + strlen(after), &r);
}

static void
test_lengths_have_ends(void **state)
{
	char fields[REQUEST_HEAD_MAX] = "GET / HTTP/1.0\r\n";
	struct request r;

	(void)state;
	assert_int_equal(check_long("GET /", 'a', 8000, " HTTP/1.0\r\n\r\n"), REQUEST_OK);
	assert_int_equal(check_long("GET /", 'a', 9000, " HTTP/1.0\r\n\r\n"), REQUEST_LONG_LINE);
	assert_int_equal(check_long("GET /", 'a', 9000, ""), REQUEST_LONG_LINE);
	assert_int_equal(check_long("GET / HTTP/1.0\r\nX: ", 'a', 8000, "\r\n\r\n"), REQUEST_OK);
	assert_int_equal(check_long("GET / HTTP/1.0\r\nX: ", 'a', 9000, "\r\n\r\n"), REQUEST_LONG_FIELD);
	assert_int_equal(check_long("", '\n', REQUEST_HEAD_MAX, ""), REQUEST_LONG_FIELD);
	for (unsigned i = 0; i < REQUEST_FIELDS_MAX; i++)
		strcat(fields, "a: b\r\n");
	assert_int_equal(request_check(&look_apache.rules, fields, strlen(fields), &r), REQUEST_MORE);
	strcat(fields, "a: b\r\n");
	assert_int_equal(request_check(&look_apache.rules, fields, strlen(fields), &r), REQUEST_LONG_FIELD);
}

static void
test_who_goes_on(void **state)
{
	static const struct {
		const char *head;
		bool keeps;
	} rows[] = {
		{ "GET / HTTP/1.1\r\nHost: a\r\n\r\n", true },
		{ "GET / HTTP/1.1\r\nHost: a\r\nConnection: TE, Close\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\n\r\n", false },
		{ "GET / HTTP/1.0\r\nConnection: Keep-Alive\r\n\r\n", true },
		{ "GET / HTTP/1.0\r\nConnection: not-keep-alive\r\n\r\n", false },
	};
	struct request r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(request_check(&look_apache.rules, rows[i].head, strlen(rows[i].head), &r), REQUEST_OK);
		assert_int_equal(request_keeps(&r), rows[i].keeps);
	}
}

static void
test_paths(void **state)
{
	static const struct {
		const char *target, *path;
		enum request_path result;
	} rows[] = {
		{ "/", "/", REQUEST_PATH_OK },
		{ "/a/b.html?c=/d", "/a/b.html", REQUEST_PATH_OK },
		{ "/a#b?c", "/a", REQUEST_PATH_OK },
		{ "http://h", "/", REQUEST_PATH_OK },
		{ "http://h:1/a", "/a", REQUEST_PATH_OK },
		{ "HTTPS://h/a", "/a", REQUEST_PATH_OK },
		{ "*", "/", REQUEST_PATH_OK },
		{ "/%61%2fb", "/a/b", REQUEST_PATH_OK },
		{ "//a///b//", "/a/b/", REQUEST_PATH_OK },
		{ "/./a/./b/.", "/a/b/", REQUEST_PATH_OK },
		{ "/a/../b", "/b", REQUEST_PATH_OK },
		{ "/a/b/..", "/a/", REQUEST_PATH_OK },
		{ "/a/..", "/", REQUEST_PATH_OK },
		{ "/...", "/...", REQUEST_PATH_OK },
		{ "/..", "/", REQUEST_PATH_BAD },
		{ "/a/../../etc", "/", REQUEST_PATH_BAD },
		{ "/%2e%2e/etc", "/", REQUEST_PATH_BAD },
		{ "/%zz", "/", REQUEST_PATH_BAD },
		{ "/%4", "/", REQUEST_PATH_BAD },
		{ "/%", "/", REQUEST_PATH_BAD },
		{ "/a%00b", "/", REQUEST_PATH_NUL },
	};
	char path[REQUEST_PATH_MAX], long_target[REQUEST_PATH_MAX + 1];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		enum request_path result = request_path((struct span){ rows[i].target, strlen(rows[i].target) }, path);

		if (result != rows[i].result || strcmp(path, rows[i].path) != 0)
			fail_msg("%s: %s (%d)", rows[i].target, path, (int)result);
	}
	memset(long_target, '/', sizeof(long_target));
	assert_int_equal(request_path((struct span){ long_target, REQUEST_PATH_MAX }, path), REQUEST_PATH_LONG);
	assert_int_equal(request_path((struct span){ long_target, REQUEST_PATH_MAX - 1 }, path), REQUEST_PATH_OK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_verdicts),
		cmocka_unit_test(test_every_prefix_wants_more),
		cmocka_unit_test(test_lengths_have_ends),
		cmocka_unit_test(test_who_goes_on),
		cmocka_unit_test(test_paths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
