/* sources_test - caps, a tarpit that adapts, and a table that stays bounded. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relaytrap/sources.h"

static struct addr
at(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

static void
a_source_has_its_cap_and_others_theirs(void **state)
{
	const struct sources_settings settings = { .max = 10, .sessions = 3 };
	struct sources *s = sources_new(&settings);
	struct addr a = at("203.0.113.1"), b = at("203.0.113.2");
	struct source *held[3];

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_non_null(held[i] = sources_enter(s, &a, 0));
	assert_null(sources_enter(s, &a, 0));
	assert_non_null(sources_enter(s, &b, 0));
	sources_leave(held[0]);
	assert_non_null(sources_enter(s, &a, 0));
	sources_free(&s);
	assert_null(s);
}

static void
an_ipv6_network_is_one_source(void **state)
{
	const struct sources_settings settings = { .max = 10, .sessions = 1 };
	struct sources *s = sources_new(&settings);
	struct addr a = at("2001:db8:1:2::1"), b = at("2001:db8:1:2::2"), c = at("2001:db8:1:3::1");

	(void)state;
	assert_non_null(sources_enter(s, &a, 0));
	assert_null(sources_enter(s, &b, 0));
	assert_non_null(sources_enter(s, &c, 0));
	sources_free(&s);
}

static const struct sources_growth linear = { .step_ms = 2, .grain_ms = 1, .max_ms = 5000 };

static void
who_sends_much_waits_longer_until_it_rests(void **state)
{
	const struct sources_settings settings = { .max = 10, .sessions = 1, .free_mails = 100 };
	struct sources *s = sources_new(&settings);
	struct addr a = at("203.0.113.1");
	struct source *source = sources_enter(s, &a, 1000);

	(void)state;
	for (unsigned i = 0; i < 100; i++)
		sources_mail(source, 1000);
	assert_int_equal(sources_delay(source, &linear, 1000), 0);
	for (unsigned i = 0; i < 300; i++)
		sources_mail(source, 1000);
	assert_int_equal(sources_delay(source, &linear, 1000), 600);
	assert_int_equal(sources_delay(source, &(struct sources_growth){ .step_ms = 2, .grain_ms = 1, .max_ms = 100 },
			     1000),
	    100);
	assert_int_equal(sources_delay(source, &linear, 1000 + SOURCES_HALF_LIFE_MS), 200);
	assert_int_equal(sources_delay(source, &linear, 1000 + 2 * SOURCES_HALF_LIFE_MS), 0);
	assert_int_equal(sources_delay(source, &linear, 1000 + UINT64_C(1000) * SOURCES_HALF_LIFE_MS), 0);
	sources_free(&s);
}

/* Whole seconds; half a second that grows by 5 %, a millisecond at least added, for every 20 mails. */
static void
each_kind_gets_slower_in_its_own_way(void **state)
{
	const struct sources_settings settings = { .max = 10, .sessions = 1, .free_mails = 1 };
	const struct sources_growth seconds = { .step_ms = 2, .grain_ms = 1000, .max_ms = 6000 };
	const struct sources_growth share = { .first_ms = 500,
		.percent = 5,
		.mails = 20,
		.grain_ms = 1,
		.max_ms = 5000 };
	static const struct {
		unsigned mails, seconds, share;
	} rows[] = { { 1, 0, 0 }, { 2, 0, 500 }, { 20, 0, 500 }, { 21, 0, 526 }, { 41, 0, 553 }, { 500, 0, 1642 },
		{ 501, 1000, 1725 }, { 2999, 5000, 5000 }, { 9999, 6000, 5000 } };
	struct sources *s = sources_new(&settings);
	struct addr a = at("203.0.113.1");
	struct source *source = sources_enter(s, &a, 0);

	(void)state;
	for (unsigned i = 0, mails = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (; mails < rows[i].mails; mails++)
			sources_mail(source, 0);
		assert_int_equal(sources_delay(source, &seconds, 0), rows[i].seconds);
		assert_int_equal(sources_delay(source, &share, 0), rows[i].share);
	}
	sources_free(&s);
}

static void
no_free_mails_means_no_tarpit(void **state)
{
	const struct sources_settings settings = { .max = 10, .sessions = 1 };
	struct sources *s = sources_new(&settings);
	struct addr a = at("203.0.113.1");
	struct source *source = sources_enter(s, &a, 0);

	(void)state;
	for (unsigned i = 0; i < 100000; i++)
		sources_mail(source, 0);
	assert_int_equal(sources_delay(source, &linear, 0), 0);
	sources_free(&s);
}

/* At the cap those who are quiet are forgotten, oldest first; those who are here are not. */
static void
a_full_table_forgets_the_quiet(void **state)
{
	const struct sources_settings settings = { .max = 100, .sessions = 5, .free_mails = 1 };
	struct sources *s = sources_new(&settings);
	struct source *held[100];

	(void)state;
	for (uint32_t i = 0; i < 5000; i++) {
		struct addr a = addr_from_v4(0xcb007100 + i);

		sources_leave(sources_enter(s, &a, i));
		assert_true(sources_count(s) <= 100);
	}
	for (uint32_t i = 0; i < 100; i++) {
		struct addr a = addr_from_v4(0xc6336400 + i);

		assert_non_null(held[i] = sources_enter(s, &a, 0));
	}
	struct addr late = at("192.0.2.1");
	assert_null(sources_enter(s, &late, 0));
	sources_leave(held[7]);
	assert_non_null(sources_enter(s, &late, 0));
	assert_int_equal(sources_count(s), 100);
	sources_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_source_has_its_cap_and_others_theirs),
		cmocka_unit_test(an_ipv6_network_is_one_source),
		cmocka_unit_test(who_sends_much_waits_longer_until_it_rests),
		cmocka_unit_test(each_kind_gets_slower_in_its_own_way),
		cmocka_unit_test(no_free_mails_means_no_tarpit),
		cmocka_unit_test(a_full_table_forgets_the_quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
