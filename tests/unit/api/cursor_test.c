/* cursor_test - a cursor means one place in one list, or nothing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/cursor.h"

#include <stdio.h>
#include <string.h>

static void
every_number_comes_back(void **state)
{
	static const uint64_t numbers[] = { 1, 2, 255, 256, 1u << 31, (uint64_t)1 << 53, INT64_MAX };
	char text[CURSOR_TEXT_MAX];
	uint64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		cursor_format(CURSOR_EVENTS, numbers[i], text);
		assert_int_equal(strlen(text), CURSOR_TEXT_MAX - 1);
		assert_int_equal(strspn(text, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"),
		    strlen(text));
		assert_true(cursor_parse(CURSOR_EVENTS, text, &back));
		assert_true(back == numbers[i]);
	}
}

static void
another_lists_cursor_is_refused(void **state)
{
	char text[CURSOR_TEXT_MAX];
	uint64_t back;

	(void)state;
	cursor_format(CURSOR_EVENTS, 7, text);
	assert_false(cursor_parse(CURSOR_MESSAGES, text, &back));
	assert_false(cursor_parse(CURSOR_SOURCES, text, &back));
	assert_false(cursor_parse(CURSOR_REPLICAS, text, &back));
}

static void
what_is_not_a_cursor_is_refused(void **state)
{
	static const char *const texts[] = { "", "1", "ZQAAAAAAAAA", "ZQAAAAAAAAAIA", "ZQAAAAAAAAA=", "ZQAA AAAAAAI",
		"ZQAAAAAAAAA\xc3", "ZQAAAAAAAAAA" /* number 0 */, "Zf__________" /* above what a row can have */ };
	uint64_t back;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		if (cursor_parse(CURSOR_EVENTS, texts[i], &back))
			fail_msg("taken: \"%s\"", texts[i]);
	}
}

static void
every_prefix_is_refused(void **state)
{
	char text[CURSOR_TEXT_MAX], prefix[CURSOR_TEXT_MAX];
	uint64_t back;

	(void)state;
	cursor_format(CURSOR_MESSAGES, 123456789, text);
	for (size_t len = 0; len < CURSOR_TEXT_MAX - 1; len++) {
		snprintf(prefix, sizeof(prefix), "%.*s", (int)len, text);
		assert_false(cursor_parse(CURSOR_MESSAGES, prefix, &back));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_number_comes_back),
		cmocka_unit_test(another_lists_cursor_is_refused),
		cmocka_unit_test(what_is_not_a_cursor_is_refused),
		cmocka_unit_test(every_prefix_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
