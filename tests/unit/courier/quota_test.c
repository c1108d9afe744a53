/* quota_test - whose counter a mail counts for, and when it is full. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "courier/quota.h"

#include <string.h>

enum { DAY_MS = 86400000 };
#define NOON UINT64_C(1764158400000) /* 2025-11-26T12:00:00Z */

static void
counters_have_names(void **state)
{
	const struct quota_subject test = { "v4-cb0071", "Box@Dropbox.example", PROBE_FIRST };
	char key[QUOTA_KEY_MAX], other[QUOTA_KEY_MAX];

	(void)state;
	assert_true(quota_key(QUOTA_TOTAL, &test, NOON, key));
	assert_string_equal(key, "2025-11-26.total.all");
	assert_true(quota_key(QUOTA_NETWORK, &test, NOON, key));
	assert_string_equal(key, "2025-11-26.network.v4-cb0071");
	assert_false(quota_key(QUOTA_SALTED, &test, NOON, key));
	assert_true(quota_key(QUOTA_RECIPIENT, &test, NOON, key));
	assert_true(quota_key(QUOTA_DOMAIN, &test, NOON, other));
	assert_string_not_equal(key, other);
	assert_true(quota_key(QUOTA_RECIPIENT, &test, NOON + DAY_MS, other));
	assert_string_not_equal(key, other);
}

static void
case_makes_no_other_recipient(void **state)
{
	const struct quota_subject a = { "n", "box@dropbox.example", PROBE_MARKED },
				   b = { "n", "BOX@DropBox.EXAMPLE", PROBE_MARKED };
	char one[QUOTA_KEY_MAX], two[QUOTA_KEY_MAX];

	(void)state;
	for (unsigned q = 0; q < QUOTAS; q++) {
		if (!quota_key((enum quota)q, &a, NOON, one))
			continue;
		assert_true(quota_key((enum quota)q, &b, NOON, two));
		assert_string_equal(one, two);
	}
}

static void
salted_mails_count_apart(void **state)
{
	const struct quota_subject salted = { "v4-cb0071", "a@b.example", PROBE_SALTED };
	char key[QUOTA_KEY_MAX];

	(void)state;
	assert_false(quota_key(QUOTA_NETWORK, &salted, NOON, key));
	assert_true(quota_key(QUOTA_SALTED, &salted, NOON, key));
	assert_string_equal(key, "2025-11-26.salted.v4-cb0071");
}

static void
counts_end_at_the_limit(void **state)
{
	static const char *const others[] = { "x", "-1 a", "1", "1x a", " ", "99999999999999999999 a" };
	char next[QUOTA_VALUE_MAX];

	(void)state;
	assert_int_equal(quota_next("", "m1", 1, next), QUOTA_COUNT);
	assert_string_equal(next, "1 m1");
	assert_int_equal(quota_next("1 m1", "m2", 1, next), QUOTA_FULL);
	assert_int_equal(quota_next("9 m1", "m2", 100, next), QUOTA_COUNT);
	assert_string_equal(next, "10 m2");
	assert_int_equal(quota_next("", "m1", 0, next), QUOTA_FULL);
	assert_int_equal(quota_next("7 m1", "m2", 5, next), QUOTA_FULL);
	/* What isn't ours lets nothing out. */
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++)
		assert_int_equal(quota_next(others[i], "m1", 5, next), QUOTA_FULL);
}

static void
a_mail_is_counted_once(void **state)
{
	char next[QUOTA_VALUE_MAX];

	(void)state;
	assert_int_equal(quota_next("1 m1", "m1", 1, next), QUOTA_COUNTED);
	assert_int_equal(quota_next("1 m1", "m", 9, next), QUOTA_COUNT);
	assert_int_equal(quota_next("1 m1", "m11", 9, next), QUOTA_COUNT);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(counters_have_names),
		cmocka_unit_test(case_makes_no_other_recipient),
		cmocka_unit_test(salted_mails_count_apart),
		cmocka_unit_test(counts_end_at_the_limit),
		cmocka_unit_test(a_mail_is_counted_once),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
