#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/delay_line.h"

#include <string.h>

static char order[16];
static size_t count;

static void
note(void *ctx, const void *frame, size_t len)
{
	assert_ptr_equal(ctx, order);
	assert_int_equal(len, 1);
	order[count++ % sizeof(order)] = *(const char *)frame;
}

static void
frames_leave_when_they_are_due(void **state)
{
	struct delay_line *d = delay_line_new(1000000);

	(void)state;
	count = 0;
	assert_true(delay_line_empty(d));
	assert_true(delay_line_add(d, "b", 1, 1030000));
	assert_true(delay_line_add(d, "a", 1, 1010000));
	assert_true(delay_line_add(d, "c", 1, 4000000));
	delay_line_advance(d, 1005000, note, order);
	assert_int_equal(count, 0);
	delay_line_advance(d, 1012000, note, order);
	assert_int_equal(count, 1);
	delay_line_advance(d, 1032000, note, order);
	assert_memory_equal(order, "ab", 2);
	assert_false(delay_line_empty(d));
	delay_line_advance(d, 4002000, note, order);
	assert_memory_equal(order, "abc", 3);
	assert_true(delay_line_empty(d));
	delay_line_free(&d);
	assert_null(d);
}

static void
a_full_line_takes_no_more(void **state)
{
	static const char large[DELAY_LINE_FRAME_BYTES + 1];
	struct delay_line *d = delay_line_new(0);

	(void)state;
	count = 0;
	assert_false(delay_line_add(d, large, sizeof(large), 1000));
	for (int i = 0; i < DELAY_LINE_FRAMES; i++)
		assert_true(delay_line_add(d, "x", 1, 1000));
	assert_false(delay_line_add(d, "x", 1, 1000));
	delay_line_advance(d, 5000, note, order);
	assert_int_equal(count, DELAY_LINE_FRAMES);
	assert_true(delay_line_add(d, "x", 1, 9000));
	delay_line_free(&d);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(frames_leave_when_they_are_due),
		cmocka_unit_test(a_full_line_takes_no_more),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
