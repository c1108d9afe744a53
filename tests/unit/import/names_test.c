/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/import/names.h"

#include <stdio.h>
#include <string.h>

static void
slugs_are_of_few_letters_and_given_once(void **state)
{
	static const struct {
		const char *fingerprint, *name;
	} rows[] = {
		{ "Examplix 1.0 (toaster)", "examplix-1.0-toaster" },
		{ "examplix 1.0, TOASTER!", "examplix-1.0-toaster-2" },
		{ "Examplix 1.0 toaster", "examplix-1.0-toaster-3" },
		{ "Examplix 1.0 toaster 2", "examplix-1.0-toaster-2-2" },
		{ "../../etc/passwd", "etc-passwd" },
		{ "...", "unnamed" },
		{ "\xff\xfe", "unnamed-2" },
		{ "index", "index-2" },
		{ "a_b", "a_b" },
	};
	struct names *n = names_new();
	char name[NAMES_TEXT_MAX];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(names_give(n, rows[i].fingerprint, name));
		assert_string_equal(name, rows[i].name);
	}
	names_free(&n);
	assert_null(n);
}

static void
long_names_keep_their_number(void **state)
{
	struct names *n = names_new();
	char name[NAMES_TEXT_MAX], text[201];

	(void)state;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	assert_true(names_give(n, text, name));
	assert_int_equal(strlen(name), NAMES_TEXT_MAX - 1);
	assert_true(names_give(n, text, name));
	assert_int_equal(strlen(name), NAMES_TEXT_MAX - 1);
	assert_string_equal(name + NAMES_TEXT_MAX - 3, "-2");
	names_free(&n);
}

static void
names_have_an_end(void **state)
{
	struct names *n = names_new();
	char name[NAMES_TEXT_MAX];

	(void)state;
	/* "index" is the first. */
	for (unsigned i = 1; i < NAMES_MAX; i++)
		assert_true(names_give(n, "same", name));
	assert_string_equal(name, "same-65535");
	assert_false(names_give(n, "same", name));
	assert_false(names_give(n, "other", name));
	names_free(&n);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(slugs_are_of_few_letters_and_given_once),
		cmocka_unit_test(long_names_keep_their_number),
		cmocka_unit_test(names_have_an_end),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
