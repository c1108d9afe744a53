/* visitor_test - a bounded memory of who came. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webtrap/visitor.h"

static struct visitor *
see(struct visitors *v, uint32_t address)
{
	const struct addr a = addr_from_v4(address);

	return visitors_see(v, &a);
}

static void
test_remembers(void **state)
{
	struct visitors *v = visitors_new(100, 7);

	(void)state;
	see(v, 1)->read_robots = true;
	see(v, 2);
	assert_true(see(v, 1)->read_robots);
	assert_int_equal(see(v, 1)->requests, 3);
	assert_false(see(v, 2)->read_robots);
	assert_int_equal(visitors_count(v), 2);
	visitors_free(&v);
	assert_null(v);
}

static void
test_who_was_silent_longest_makes_room(void **state)
{
	struct visitors *v = visitors_new(100, 7);

	(void)state;
	for (uint32_t i = 0; i < 100; i++)
		see(v, i);
	see(v, 0);
	for (uint32_t i = 1000; i < 1099; i++) {
		see(v, i);
		assert_int_equal(visitors_count(v), 100);
	}
	assert_int_equal(see(v, 0)->requests, 3);
	assert_int_equal(see(v, 1)->requests, 1);
	for (uint32_t i = 0; i < 100000; i++)
		see(v, i * 7919);
	assert_int_equal(visitors_count(v), 100);
	visitors_free(&v);
}

static void
test_room_for_one(void **state)
{
	struct visitors *v = visitors_new(1, 0);

	(void)state;
	see(v, 1);
	see(v, 2);
	assert_int_equal(see(v, 1)->requests, 1);
	assert_int_equal(visitors_count(v), 1);
	visitors_free(&v);
}

static void
test_said_once_an_hour(void **state)
{
	struct visitor v = { .forbidden = 0 };

	(void)state;
	assert_true(visitor_trespass(&v, 7, 1));
	assert_false(visitor_trespass(&v, 7, 2));
	assert_false(visitor_trespass(&v, 7, VISITOR_SAY_MS));
	assert_true(visitor_trespass(&v, 7, VISITOR_SAY_MS + 1));
	assert_false(visitor_trespass(&v, 7, VISITOR_SAY_MS + 2));
	assert_int_equal(v.forbidden, 5);
	assert_int_equal(v.addresses, 35);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_remembers),
		cmocka_unit_test(test_who_was_silent_longest_makes_room),
		cmocka_unit_test(test_room_for_one),
		cmocka_unit_test(test_said_once_an_hour),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
