/* query_test - parameters are read strictly: a wrong filter is an error, never another answer. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/query.h"

#include <stdio.h>
#include <string.h>

static void
parameters_are_split_and_decoded(void **state)
{
	struct query q;
	const char *error;

	(void)state;
	assert_true(
	    query_parse("limit=5&since=2026-11-24T12:00:00+01:00&action=relay%2dmail&empty=&bare&", &q, &error));
	assert_int_equal(q.count, 5);
	assert_string_equal(query_get(&q, "limit"), "5");
	assert_string_equal(query_get(&q, "since"), "2026-11-24T12:00:00+01:00");
	assert_string_equal(query_get(&q, "action"), "relay-mail");
	assert_string_equal(query_get(&q, "empty"), "");
	assert_string_equal(query_get(&q, "bare"), "");
	assert_null(query_get(&q, "other"));
	assert_true(query_parse("", &q, &error));
	assert_int_equal(q.count, 0);
}

static void
bad_parameters_are_refused(void **state)
{
	static const struct {
		const char *story, *text;
	} rows[] = {
		{ "given twice", "limit=1&limit=2" },
		{ "twice, once encoded", "limit=1&l%69mit=2" },
		{ "no name", "=5" },
		{ "half an escape", "limit=%2" },
		{ "no escape", "limit=%zz" },
		{ "NUL inside", "limit=1%002" },
		{ "nine parameters", "a=1&b=1&c=1&d=1&e=1&f=1&g=1&h=1&i=1" },
		{ "a long name", "abcdefghijklmnopqrstuvwxyzabcdefghijklmnopqrstuvwxyz=1" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct query q;
		const char *error = NULL;

		if (query_parse(rows[i].text, &q, &error))
			fail_msg("taken: %s", rows[i].story);
		assert_non_null(error);
	}
}

static void
a_value_may_be_as_long_as_said_and_not_longer(void **state)
{
	char text[QUERY_VALUE_MAX + 8];
	struct query q;
	const char *error;

	(void)state;
	snprintf(text, sizeof(text), "a=%0*d", QUERY_VALUE_MAX - 1, 1);
	assert_true(query_parse(text, &q, &error));
	assert_int_equal(strlen(query_get(&q, "a")), QUERY_VALUE_MAX - 1);
	snprintf(text, sizeof(text), "a=%0*d", QUERY_VALUE_MAX, 1);
	assert_false(query_parse(text, &q, &error));
}

static void
numbers_keep_their_bounds(void **state)
{
	static const char *const bad[] = { "", "0", "1001", "-1", "+1", "1.0", " 1", "1 ", "0x1",
		"99999999999999999999999" };
	uint64_t v;

	(void)state;
	assert_true(query_number("1", 1, 1000, &v) && v == 1);
	assert_true(query_number("1000", 1, 1000, &v) && v == 1000);
	assert_true(query_number("007", 1, 1000, &v) && v == 7);
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (query_number(bad[i], 1, 1000, &v))
			fail_msg("taken: \"%s\"", bad[i]);
	}
}

static void
times_are_rfc_3339(void **state)
{
	static const struct {
		const char *text;
		uint64_t ms;
	} good[] = {
		{ "1970-01-01T00:00:00Z", 0 },
		{ "2026-11-24T12:00:00Z", 1795521600000 },
		{ "2026-11-24T12:00:00.5Z", 1795521600500 },
		{ "2026-11-24t12:00:00.123456789z", 1795521600123 },
		{ "2026-11-24 13:00:00+01:00", 1795521600000 },
		{ "2026-11-24T08:30:00-03:30", 1795521600000 },
		{ "2024-02-29T00:00:00Z", 1709164800000 },
		{ "1970-01-01T00:00:00+01:00", 0 },
	};
	static const char *const bad[] = { "", "2026", "2026-11-24", "2026-11-24T12:00:00", "2026-13-01T00:00:00Z",
		"2026-02-29T00:00:00Z", "2026-11-24T24:00:00Z", "2026-11-24T12:60:00Z", "2026-11-24T12:00:61Z",
		"2026-11-24T12:00:00.Z", "2026-11-24T12:00:00Zx", "2026-11-24T12:00:00+1:00",
		"2026-11-24T12:00:00+24:00", "26-11-24T12:00:00Z", "1969-12-31T23:59:59Z" };
	uint64_t ms;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		if (!query_time(good[i].text, &ms) || ms != good[i].ms)
			fail_msg("%s gives %llu", good[i].text, (unsigned long long)ms);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		if (query_time(bad[i], &ms))
			fail_msg("taken: \"%s\"", bad[i]);
	}
}

static void
every_prefix_of_a_time_is_refused(void **state)
{
	static const char text[] = "2026-11-24T12:00:00.5+01:00";
	char prefix[sizeof(text)];
	uint64_t ms;

	(void)state;
	for (size_t len = 0; len < sizeof(text) - 1; len++) {
		snprintf(prefix, sizeof(prefix), "%.*s", (int)len, text);
		assert_false(query_time(prefix, &ms));
	}
	assert_true(query_time(text, &ms));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parameters_are_split_and_decoded),
		cmocka_unit_test(bad_parameters_are_refused),
		cmocka_unit_test(a_value_may_be_as_long_as_said_and_not_longer),
		cmocka_unit_test(numbers_keep_their_bounds),
		cmocka_unit_test(times_are_rfc_3339),
		cmocka_unit_test(every_prefix_of_a_time_is_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
