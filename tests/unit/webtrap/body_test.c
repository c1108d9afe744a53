/* body_test - stories about where a body ends; each is told at once, byte by byte, and cut at every place. */
#include "webtrap/body.h"
#include "webtrap/look.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define NEXT "GET /"
#define LENGTH(n) "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " #n "\r\n\r\n"
#define CHUNKED "POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"

static const struct story {
	const char *name, *head, *body;
	enum body_result strict, forgiving; /* Apache; nginx, which takes lines without CR */
	uint64_t bytes;
} stories[] = {
	{ "a length", LENGTH(5), "hello", BODY_DONE, BODY_DONE, 5 },
	{ "one chunk", CHUNKED, "5\r\nhello\r\n0\r\n\r\n", BODY_DONE, BODY_DONE, 5 },
	{ "no chunk", CHUNKED, "0\r\n\r\n", BODY_DONE, BODY_DONE, 0 },
	{ "two chunks, hexadecimal", CHUNKED, "a\r\n0123456789\r\nB\r\n0123456789a\r\n000\r\n\r\n", BODY_DONE,
	    BODY_DONE, 21 },
	{ "a chunk that looks like framing", CHUNKED, "7\r\n\r\n0\r\n\r\n\r\n0\r\n\r\n", BODY_DONE, BODY_DONE, 7 },
	{ "extensions", CHUNKED, "1;a=b\r\nx\r\n0 ;c\r\n\r\n", BODY_DONE, BODY_DONE, 1 },
	{ "trailers", CHUNKED, "0\r\nA: b\r\nC: d\r\n\r\n", BODY_DONE, BODY_DONE, 0 },
	{ "lines without CR", CHUNKED, "1\nx\n0\n\n", BODY_BAD, BODY_DONE, 1 },
	{ "a CR alone", CHUNKED, "1\rx", BODY_BAD, BODY_BAD, 0 },
	{ "no size", CHUNKED, "\r\n", BODY_BAD, BODY_BAD, 0 },
	{ "a size that is none", CHUNKED, "x\r\n", BODY_BAD, BODY_BAD, 0 },
	{ "a negative size", CHUNKED, "-1\r\n", BODY_BAD, BODY_BAD, 0 },
	{ "a size that wraps around", CHUNKED, "10000000000000001\r\n", BODY_BAD, BODY_BAD, 0 },
	{ "a chunk longer than its size", CHUNKED, "1\r\nxy\r\n", BODY_BAD, BODY_BAD, 0 },
};

/* Everything in pieces of step bytes, as a socket may give it; returns what was not used. */
static const char *
feed(struct body *b, const char *text, size_t step, enum body_result *result)
{
	size_t len = strlen(text), used = 0;

	*result = BODY_MORE;
	for (size_t at = 0; *result == BODY_MORE && at < len; at += used) {
		*result = body_input(b, text + at, at + step > len ? len - at : step, &used);
		if (*result != BODY_MORE)
			return text + at + used;
	}
	return text + len;
}

static void
begin(struct body *b, const struct look *look, const char *head)
{
	struct request r;

	assert_int_equal(request_check(&look->rules, head, strlen(head), &r), REQUEST_OK);
	assert_true(request_has_body(&r));
	body_init(b, &look->rules, &r);
}

static void
tell(const struct story *s, const struct look *look, enum body_result expected)
{
	char text[128];
	enum body_result result;

	snprintf(text, sizeof(text), "%s%s", s->body, expected == BODY_DONE ? NEXT : "");
	for (size_t step = 1; step <= strlen(text); step++) {
		struct body b;

		begin(&b, look, s->head);
		const char *rest = feed(&b, text, step, &result);

		if (result != expected || (result == BODY_DONE && b.bytes != s->bytes))
			fail_msg("%s, %s, %zu at a time: %d with %d octets", s->name, look->name, step, result,
			    (int)b.bytes);
		if (expected == BODY_DONE)
			assert_string_equal(rest, NEXT);
	}
}

static void
test_stories(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(stories) / sizeof(stories[0]); i++) {
		tell(&stories[i], look_find("apache"), stories[i].strict);
		tell(&stories[i], look_find("nginx"), stories[i].forgiving);
	}
}

static void
test_every_prefix_wants_more(void **state)
{
	static const char whole[] = "3;x\r\nabc\r\n0\r\nA: b\r\n\r\n";
	size_t used;

	(void)state;
	for (size_t len = 0; len < sizeof(whole) - 1; len++) {
		struct body b;

		begin(&b, look_find("apache"), CHUNKED);
		assert_int_equal(body_input(&b, whole, len, &used), BODY_MORE);
		assert_int_equal(used, len);
	}
}

static enum body_result
repeat(const char *first, const char *again, unsigned times)
{
	struct body b;
	enum body_result result;

	begin(&b, look_find("apache"), CHUNKED);
	feed(&b, first, 64, &result);
	for (unsigned i = 0; i < times && result == BODY_MORE; i++)
		feed(&b, again, 64, &result);
	return result;
}

static void
test_framing_has_ends(void **state)
{
	(void)state;
	assert_int_equal(repeat("0\r\n", "A: b\r\n", REQUEST_FIELDS_MAX), BODY_MORE);
	assert_int_equal(repeat("0\r\n", "A: b\r\n", REQUEST_FIELDS_MAX + 1), BODY_BAD);
	assert_int_equal(repeat("1;", "x", REQUEST_LINE_MAX), BODY_MORE);
	assert_int_equal(repeat("1;", "x", REQUEST_LINE_MAX + 1), BODY_BAD);
	assert_int_equal(repeat("0\r\n", "x", REQUEST_LINE_MAX + 1), BODY_BAD);
}

static void
test_a_long_body_costs_nothing(void **state)
{
	static const char octets[4096];
	struct body b;
	size_t used;

	(void)state;
	begin(&b, look_find("iis"), LENGTH(100000000));
	for (unsigned i = 0; i < 24414; i++)
		assert_int_equal(body_input(&b, octets, sizeof(octets), &used), BODY_MORE);
	assert_int_equal(body_input(&b, octets, sizeof(octets), &used), BODY_DONE);
	assert_int_equal(used, 100000000 - 24414 * 4096);
	assert_int_equal(b.bytes, 100000000);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_stories),
		cmocka_unit_test(test_every_prefix_wants_more),
		cmocka_unit_test(test_framing_has_ends),
		cmocka_unit_test(test_a_long_body_costs_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
