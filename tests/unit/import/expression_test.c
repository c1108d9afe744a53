/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/import/expression.h"

#include <string.h>

static void
values_are_accepted_by_literal_range_and_bound(void **state)
{
	static const struct {
		const char *expression, *value;
		bool accepted;
	} rows[] = {
		{ "Y", "Y", true },
		{ "Y", "N", false },
		{ "", "", true },
		{ "", "U", false },
		{ "|U", "", true },
		{ "|U", "U", true },
		{ "A|B-D", "C", true },
		{ "A|B-D", "E", false },
		{ "3B-45", "40", true },
		{ "3B-45", "46", false },
		{ "3B-45", "S", false },
		{ ">FF", "FF", false },
		{ ">FF", "100", true },
		{ "<10", "F", true },
		{ "<10", "10", false },
		{ "0FF", "FF", true },
		{ "S+", "S", false },
		{ "O|S+", "S+", true },
		{ "M5B4NW3|M200", "M200", true },
		{ "M5B4NW3|M200", "M5B4NW", false },
		{ "M[5A0-5B4|200]NW3", "M5B0NW3", true },
		{ "M[5A0-5B4|200]NW3", "M200NW3", true },
		{ "M[5A0-5B4|200]NW3", "M201NW3", false },
		{ "M[5A0-5B4]NW[0-8]", "M5B4NW9", false },
		{ "M[5A0-5B4]NW[0-8]", "M5B4NW8", true },
		{ "M[5A0", "M5A0", false },
		{ "FFFFFFFFF", "1", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (expression_matches(expression_of(rows[i].expression), rows[i].value) != rows[i].accepted)
			fail_msg("%s: %s", rows[i].expression, rows[i].value);
	}
	assert_false(expression_matches(expression_of(NULL), ""));
}

static void
unsound_expressions_are_refused(void **state)
{
	static const struct expression_kind number = { NULL, NULL, true, 0xFF }, word = { "Y|N", NULL, false, 0 },
					    both = { "G", NULL, true, 0xFFFF }, letters = { NULL, "RU", false, 0 };
	static const struct {
		const struct expression_kind *kind;
		const char *expression;
		bool sound;
	} rows[] = {
		{ &number, "0", true },
		{ &number, "FF", true },
		{ &number, "100", false },
		{ &number, "1-100", false },
		{ &number, "9-5", false },
		{ &number, "5-9|20", true },
		{ &number, "5-9|", false },
		{ &number, "", false },
		{ &number, ">80", true },
		{ &number, "<0", false },
		{ &number, ">", false },
		{ &number, "-", false },
		{ &number, "5-", false },
		{ &number, "G", false },
		{ &number, "1 ", false },
		{ &number, "123456789", false },
		{ &word, "Y|N", true },
		{ &word, "YN", false },
		{ &word, "1", false },
		{ &both, "G|1042", true },
		{ &letters, "", true },
		{ &letters, "|RU", true },
		{ &letters, "X", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (expression_sound(expression_of(rows[i].expression), rows[i].kind) != rows[i].sound)
			fail_msg("%s", rows[i].expression);
	}
	assert_false(expression_sound(expression_of(NULL), &number));
}

static void
numbers_are_chosen_within(void **state)
{
	uint32_t n = 0;

	(void)state;
	assert_true(expression_nearest(expression_of("3B-45"), 0x40, 255, &n));
	assert_int_equal(n, 0x40);
	assert_true(expression_nearest(expression_of("FB-105"), 0x200, 255, &n));
	assert_int_equal(n, 255);
	assert_true(expression_nearest(expression_of("10|30"), 0x2F, 255, &n));
	assert_int_equal(n, 0x30);
	assert_false(expression_nearest(expression_of("100|120-130"), 0, 255, &n));
	assert_false(expression_nearest(expression_of("S|Z"), 0, 255, &n));
	assert_true(expression_least(expression_of("0|6-9|3"), 1, &n));
	assert_int_equal(n, 3);
	assert_true(expression_least(expression_of("1-6"), 4, &n));
	assert_int_equal(n, 4);
	assert_false(expression_least(expression_of("0"), 1, &n));
	assert_true(expression_middle(expression_of("U|10-20"), &n));
	assert_int_equal(n, 0x18);
	assert_true(expression_middle(expression_of(">5"), &n));
	assert_int_equal(n, 6);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(values_are_accepted_by_literal_range_and_bound),
		cmocka_unit_test(unsound_expressions_are_refused),
		cmocka_unit_test(numbers_are_chosen_within),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
