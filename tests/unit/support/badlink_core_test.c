#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/badlink_core.h"

#include <stdbool.h>
#include <string.h>

enum { FRAMES = 10000, LEN = 100 };

static const uint64_t start_us = 1000000;

static struct badlink_settings
seeded(uint64_t seed)
{
	struct badlink_settings s = badlink_perfect();

	s.seed = seed;
	return s;
}

/* Frame n carries its number behind the header. */
static void
put_number(struct badlink *b, uint32_t n, size_t len, uint64_t now_us)
{
	uint8_t frame[BADLINK_FRAME_MAX] = { 0 };

	memcpy(frame + BADLINK_ETHERNET_HEADER, &n, sizeof(n));
	badlink_input(b, frame, len, now_us);
}

static bool
get_number(struct badlink *b, uint64_t now_us, uint32_t *n)
{
	uint8_t frame[BADLINK_FRAME_MAX];

	if (badlink_output(b, now_us, frame) == 0)
		return false;
	memcpy(n, frame + BADLINK_ETHERNET_HEADER, sizeof(*n));
	return true;
}

/* Sends one frame every millisecond through a wire; fills order with what came out and returns how many. */
static size_t
pass(const struct badlink_settings *s, unsigned direction, struct badlink_counters *c, uint32_t order[2 * FRAMES])
{
	struct badlink *b = badlink_new(s, direction);
	size_t count = 0;
	uint64_t now_us = start_us;

	for (uint32_t n = 0; n < FRAMES; n++, now_us += 1000) {
		put_number(b, n, LEN, now_us);
		while (get_number(b, now_us, &order[count]))
			count++;
	}
	while (badlink_due_us(b) != BADLINK_NEVER && get_number(b, badlink_due_us(b), &order[count]))
		count++;
	*c = *badlink_counters(b);
	badlink_free(&b);
	assert_null(b);
	return count;
}

static uint32_t order[2 * FRAMES], again[2 * FRAMES];

static size_t
inversions(const uint32_t *numbers, size_t count)
{
	size_t found = 0;

	for (size_t i = 1; i < count; i++)
		found += numbers[i] < numbers[i - 1];
	return found;
}

static void
test_a_perfect_wire_changes_nothing(void **state)
{
	struct badlink_settings s = badlink_perfect();
	struct badlink_counters c, wanted = { .forwarded = FRAMES };

	(void)state;
	assert_int_equal(pass(&s, 0, &c, order), FRAMES);
	for (uint32_t n = 0; n < FRAMES; n++)
		assert_int_equal(order[n], n);
	assert_memory_equal(&c, &wanted, sizeof(c));
}

static struct badlink_settings
all_bad(uint64_t seed)
{
	struct badlink_settings s = seeded(seed);

	s.loss = s.reorder = s.duplicate = s.corrupt = 0.1;
	s.delay_us = 5000;
	s.jitter_us = 3000;
	s.rate = 10000000;
	return s;
}

static void
test_the_same_seed_does_the_same(void **state)
{
	struct badlink_settings s = all_bad(42);
	struct badlink_counters a, b;

	(void)state;
	size_t count = pass(&s, 0, &a, order);
	assert_int_equal(pass(&s, 0, &b, again), count);
	assert_memory_equal(order, again, count * sizeof(order[0]));
	assert_memory_equal(&a, &b, sizeof(a));
}

static void
test_another_seed_or_way_does_something_else(void **state)
{
	struct badlink_settings s = all_bad(42), other = all_bad(43);
	struct badlink_counters c;

	(void)state;
	pass(&s, 0, &c, order);
	pass(&other, 0, &c, again);
	assert_memory_not_equal(order, again, 1000 * sizeof(order[0]));
	pass(&s, 1, &c, again);
	assert_memory_not_equal(order, again, 1000 * sizeof(order[0]));
}

/* Not the wires themselves shifted by one: way 1 of a seed must not be way 0 of another. */
static void
test_neighbouring_seeds_share_no_way(void **state)
{
	struct badlink_settings s = seeded(42), next = seeded(43);
	struct badlink_counters c;

	(void)state;
	s.loss = next.loss = 0.5;
	pass(&s, 1, &c, order);
	pass(&next, 0, &c, again);
	assert_memory_not_equal(order, again, 1000 * sizeof(order[0]));
}

static void
test_loss_is_as_set(void **state)
{
	static const double shares[] = { 0, 0.01, 0.08, 0.5, 1 };
	struct badlink_counters c;

	(void)state;
	for (size_t i = 0; i < sizeof(shares) / sizeof(shares[0]); i++) {
		struct badlink_settings s = seeded(i);

		s.loss = shares[i];
		size_t count = pass(&s, 0, &c, order);
		double mean = FRAMES * shares[i];
		/* Five standard deviations are at most 5 * sqrt(10000 / 4). */
		assert_true((double)c.lost >= mean - 250 && (double)c.lost <= mean + 250);
		assert_int_equal(count + c.lost, FRAMES);
	}
	assert_int_equal(c.lost, FRAMES);
}

static void
test_what_gets_lost_does_not_depend_on_the_rest(void **state)
{
	struct badlink_settings s = seeded(3);
	struct badlink_counters plain, more;

	(void)state;
	s.loss = 0.1;
	size_t count = pass(&s, 0, &plain, order);
	s.corrupt = 0.5;
	s.delay_us = 7000;
	/* Flips hit the numbers themselves, so the counts have to do. */
	assert_int_equal(pass(&s, 0, &more, again), count);
	assert_int_equal(plain.lost, more.lost);
	assert_in_range(more.corrupted, count / 2 - 250, count / 2 + 250);
}

static void
test_reordered_frames_are_overtaken(void **state)
{
	struct badlink_settings s = seeded(1);
	struct badlink_counters c;

	(void)state;
	s.reorder = 0.1;
	assert_int_equal(pass(&s, 0, &c, order), FRAMES);
	assert_in_range(c.reordered, 850, 1150);
	/* Ten milliseconds at one frame each: 9 to 10 overtake. */
	assert_in_range(inversions(order, FRAMES), 500, c.reordered);
}

static void
test_jitter_keeps_the_order(void **state)
{
	struct badlink_settings s = seeded(1);
	struct badlink_counters c;

	(void)state;
	s.delay_us = 20000;
	s.jitter_us = 15000;
	assert_int_equal(pass(&s, 0, &c, order), FRAMES);
	assert_int_equal(inversions(order, FRAMES), 0);
	assert_int_equal(c.reordered, 0);
}

static void
test_delay_lies_within_its_jitter(void **state)
{
	struct badlink_settings s = seeded(1);
	uint64_t least = BADLINK_NEVER, most = 0;
	uint32_t n;

	(void)state;
	s.delay_us = 20000;
	s.jitter_us = 5000;
	struct badlink *b = badlink_new(&s, 0);
	for (uint64_t now_us = start_us; now_us < start_us + 100000000; now_us += 100000) {
		put_number(b, 0, LEN, now_us);
		uint64_t delay_us = badlink_due_us(b) - now_us;
		assert_in_range(delay_us, 15000, 25000);
		assert_false(get_number(b, now_us + delay_us - 1, &n));
		assert_true(get_number(b, now_us + delay_us, &n));
		least = delay_us < least ? delay_us : least;
		most = delay_us > most ? delay_us : most;
	}
	assert_true(least < 15500 && most > 24500);
	badlink_free(&b);
}

static void
test_jitter_above_delay_never_goes_back_in_time(void **state)
{
	struct badlink_settings s = seeded(1);

	(void)state;
	s.jitter_us = 5000;
	struct badlink *b = badlink_new(&s, 0);
	for (int i = 0; i < 100; i++)
		put_number(b, 0, LEN, start_us);
	assert_true(badlink_due_us(b) >= start_us);
	badlink_free(&b);
}

static void
test_duplicates_come_twice(void **state)
{
	struct badlink_settings s = seeded(5);
	struct badlink_counters c;
	size_t twins = 0;

	(void)state;
	s.duplicate = 0.2;
	size_t count = pass(&s, 0, &c, order);
	for (size_t i = 1; i < count; i++)
		twins += order[i] == order[i - 1];
	assert_in_range(c.duplicated, 1800, 2200);
	assert_int_equal(twins, c.duplicated);
	assert_int_equal(count, FRAMES + c.duplicated);
	assert_int_equal(c.reordered, 0);
}

static unsigned
bits_set(const uint8_t *data, size_t len)
{
	unsigned found = 0;

	for (size_t i = 0; i < 8 * len; i++)
		found += data[i / 8] >> i % 8 & 1;
	return found;
}

static void
test_corruption_flips_one_bit_behind_the_header(void **state)
{
	struct badlink_settings s = seeded(1);
	uint8_t zeros[LEN] = { 0 }, out[BADLINK_FRAME_MAX], seen[LEN] = { 0 };

	(void)state;
	s.corrupt = 1;
	struct badlink *b = badlink_new(&s, 0);
	for (int i = 0; i < FRAMES; i++) {
		badlink_input(b, zeros, LEN, start_us);
		assert_int_equal(badlink_output(b, start_us, out), LEN);
		assert_int_equal(bits_set(out, LEN), 1);
		for (size_t j = 0; j < LEN; j++)
			seen[j] |= out[j];
	}
	assert_int_equal(bits_set(seen, BADLINK_ETHERNET_HEADER), 0);
	assert_int_equal(bits_set(seen, LEN), 8 * (LEN - BADLINK_ETHERNET_HEADER));
	assert_int_equal(badlink_counters(b)->corrupted, FRAMES);
	badlink_free(&b);
}

static void
test_a_header_alone_stays_whole(void **state)
{
	struct badlink_settings s = seeded(1);
	uint8_t zeros[BADLINK_ETHERNET_HEADER] = { 0 }, out[BADLINK_FRAME_MAX];

	(void)state;
	s.corrupt = 1;
	struct badlink *b = badlink_new(&s, 0);
	for (size_t len = 1; len <= sizeof(zeros); len++) {
		badlink_input(b, zeros, len, start_us);
		assert_int_equal(badlink_output(b, start_us, out), len);
		assert_memory_equal(out, zeros, len);
	}
	assert_int_equal(badlink_counters(b)->corrupted, 0);
	badlink_free(&b);
}

static void
test_the_rate_limits(void **state)
{
	struct badlink_settings s = seeded(1);
	uint32_t n;

	(void)state;
	s.rate = 1000000;
	struct badlink *b = badlink_new(&s, 0);
	for (uint32_t i = 0; i < 100; i++)
		put_number(b, i, 1250, start_us); /* 10,000 bits: 10 ms */
	for (uint32_t i = 0; i < 100; i++) {
		assert_int_equal(badlink_due_us(b), start_us + (i + 1) * 10000);
		assert_false(get_number(b, badlink_due_us(b) - 1, &n));
		assert_true(get_number(b, badlink_due_us(b), &n));
		assert_int_equal(n, i);
	}
	/* A wire that was idle has saved up nothing. */
	put_number(b, 0, 1250, start_us + 9000000);
	assert_int_equal(badlink_due_us(b), start_us + 9010000);
	badlink_free(&b);
}

/* 60 bytes at 1 Gbit/s take 480 ns, which must not be rounded to microseconds each. */
static void
test_a_high_rate_adds_up(void **state)
{
	struct badlink_settings s = seeded(1);
	uint64_t last_us = 0;
	uint32_t n;

	(void)state;
	s.rate = 1000000000;
	struct badlink *b = badlink_new(&s, 0);
	for (uint32_t i = 0; i < 1000; i++)
		put_number(b, i, 60, start_us);
	while (badlink_due_us(b) != BADLINK_NEVER) {
		last_us = badlink_due_us(b);
		assert_true(get_number(b, last_us, &n));
	}
	assert_int_equal(last_us, start_us + 480);
	badlink_free(&b);
}

static size_t
count_out(struct badlink *b)
{
	size_t count = 0;
	uint32_t n;

	while (get_number(b, BADLINK_NEVER - 1, &n))
		count++;
	return count;
}

static void
test_a_full_queue_drops_the_newest(void **state)
{
	struct badlink_settings s = seeded(1);
	uint32_t n;

	(void)state;
	s.queue_frames = 10;
	s.delay_us = 1000;
	struct badlink *b = badlink_new(&s, 0);
	for (uint32_t i = 0; i < 15; i++)
		put_number(b, i, LEN, start_us);
	assert_int_equal(badlink_counters(b)->dropped_full, 5);
	assert_true(get_number(b, start_us + 1000, &n));
	assert_int_equal(n, 0);
	assert_int_equal(count_out(b), 9);
	put_number(b, 99, LEN, start_us);
	assert_int_equal(badlink_counters(b)->dropped_full, 5);
	badlink_free(&b);
}

static void
test_a_queue_is_full_of_bytes_too(void **state)
{
	struct badlink_settings s = seeded(1);

	(void)state;
	s.queue_bytes = 10 * LEN;
	s.delay_us = 1000;
	struct badlink *b = badlink_new(&s, 0);
	for (uint32_t i = 0; i < 15; i++)
		put_number(b, i, LEN, start_us);
	assert_int_equal(badlink_counters(b)->dropped_full, 5);
	assert_int_equal(count_out(b), 10);
	badlink_free(&b);
}

static void
test_a_frame_too_long_is_counted(void **state)
{
	struct badlink_settings s = badlink_perfect();
	uint8_t frame[BADLINK_FRAME_MAX] = { 0 };

	(void)state;
	struct badlink *b = badlink_new(&s, 0);
	badlink_input(b, frame, 0, start_us);
	badlink_input(b, frame, BADLINK_FRAME_MAX, start_us);
	badlink_input(b, frame, BADLINK_FRAME_MAX + 1, start_us);
	assert_int_equal(badlink_output(b, start_us, frame), BADLINK_FRAME_MAX);
	assert_int_equal(badlink_output(b, start_us, frame), 0);
	assert_int_equal(badlink_counters(b)->too_long, 1);
	badlink_free(&b);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_a_perfect_wire_changes_nothing),
		cmocka_unit_test(test_the_same_seed_does_the_same),
		cmocka_unit_test(test_another_seed_or_way_does_something_else),
		cmocka_unit_test(test_neighbouring_seeds_share_no_way),
		cmocka_unit_test(test_loss_is_as_set),
		cmocka_unit_test(test_what_gets_lost_does_not_depend_on_the_rest),
		cmocka_unit_test(test_reordered_frames_are_overtaken),
		cmocka_unit_test(test_jitter_keeps_the_order),
		cmocka_unit_test(test_delay_lies_within_its_jitter),
		cmocka_unit_test(test_jitter_above_delay_never_goes_back_in_time),
		cmocka_unit_test(test_duplicates_come_twice),
		cmocka_unit_test(test_corruption_flips_one_bit_behind_the_header),
		cmocka_unit_test(test_a_header_alone_stays_whole),
		cmocka_unit_test(test_the_rate_limits),
		cmocka_unit_test(test_a_high_rate_adds_up),
		cmocka_unit_test(test_a_full_queue_drops_the_newest),
		cmocka_unit_test(test_a_queue_is_full_of_bytes_too),
		cmocka_unit_test(test_a_frame_too_long_is_counted),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
