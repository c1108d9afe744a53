#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/addr.h"
#include "base/crc32c.h"
#include "base/rand.h"
#include "base/reader.h"
#include "base/slab.h"
#include "base/str.h"
#include "base/wheel.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

static void
addresses_are_read_and_written(void **state)
{
	static const struct {
		const char *text;
		const char *back; /* NULL: refused */
	} rows[] = {
		{ "203.0.113.7", "203.0.113.7" },
		{ "2001:DB8::1", "2001:db8::1" },
		{ "::ffff:203.0.113.7", "203.0.113.7" },
		{ "203.0.113.256", NULL },
		{ "203.0.113", NULL },
		{ "", NULL },
		{ "example.net", NULL },
	};
	char buf[ADDR_TEXT_MAX];
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(addr_parse(rows[i].text, &a), rows[i].back != NULL);
		if (rows[i].back != NULL)
			assert_string_equal(addr_format(&a, buf), rows[i].back);
	}
}

static void
networks_contain_what_they_should(void **state)
{
	static const struct {
		const char *net;
		const char *address;
		bool inside;
	} rows[] = {
		{ "203.0.113.0/24", "203.0.113.255", true },
		{ "203.0.113.0/24", "203.0.114.0", false },
		{ "203.0.113.8/29", "203.0.113.15", true },
		{ "203.0.113.8/29", "203.0.113.16", false },
		{ "203.0.113.9", "203.0.113.9", true },
		{ "203.0.113.9", "203.0.113.8", false },
		{ "0.0.0.0/0", "198.51.100.1", true },
		{ "0.0.0.0/0", "2001:db8::1", false },
		{ "2001:db8::/32", "2001:db8:ffff::1", true },
	};
	struct cidr c;
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(cidr_parse(rows[i].net, &c) && addr_parse(rows[i].address, &a));
		assert_int_equal(cidr_contains(&c, &a), rows[i].inside);
	}
	assert_false(cidr_parse("203.0.113.0/33", &c));
	assert_false(cidr_parse("203.0.113.0/", &c));
	assert_false(cidr_parse("203.0.113.0/-1", &c));
}

static void
endpoints_are_read_and_written(void **state)
{
	static const char *const good[] = { "203.0.113.7:25", "[2001:db8::1]:65535", "127.0.0.1:0" };
	static const char *const bad[] = { "203.0.113.7", "203.0.113.7:", ":25", "203.0.113.7:65536", "2001:db8::1:25x",
		"[]:1", "[2001:db8::1:25" };
	char buf[ENDPOINT_TEXT_MAX];
	struct endpoint e;

	(void)state;
	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		assert_true(endpoint_parse(good[i], &e));
		assert_string_equal(endpoint_format(&e, buf), good[i]);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_false(endpoint_parse(bad[i], &e));
}

static void
a_reader_fails_once_and_stays_failed(void **state)
{
	static const uint8_t data[] = { 1, 2, 3, 4, 5 };
	struct reader r;

	(void)state;
	reader_init(&r, data, sizeof(data));
	assert_int_equal(reader_u16(&r), 0x0102);
	assert_int_equal(reader_u32(&r), 0);
	assert_true(r.failed);
	assert_int_equal(reader_u8(&r), 0);
	assert_null(reader_bytes(&r, 0));
}

static void
a_writer_fails_once_and_writes_nothing_more(void **state)
{
	uint8_t buf[3];
	struct writer w;

	(void)state;
	writer_init(&w, buf, sizeof(buf));
	writer_u16(&w, 0x0102);
	writer_u16(&w, 0x0304);
	assert_true(w.failed);
	writer_u8(&w, 5);
	assert_int_equal(writer_len(&w), 2);
}

static void
bytes_of_a_peer_become_utf8(void **state)
{
	static const struct {
		const char *in;
		size_t len;
		const char *out;
	} rows[] = {
		{ "plain", 5, "plain" },
		{ "caf\xc3\xa9", 5, "caf\xc3\xa9" },
		{ "caf\xe9", 4, "caf\\xe9" },
		{ "a\0b", 3, "a\\x00b" },
		{ "\\x41", 4, "\\x5cx41" }, /* what looks like our escape is escaped itself */
		{ "\\n", 2, "\\n" },
		{ "\xed\xa0\x80", 3, "\\xed\\xa0\\x80" }, /* a surrogate is no UTF-8 */
		{ "\xc0\xaf", 2, "\\xc0\\xaf" }, /* nor is an overlong slash */
		{ "\xe2\x82", 2, "\\xe2\\x82" }, /* nor a cut character */
		{ "\xf4\x90\x80\x80", 4, "\\xf4\\x90\\x80\\x80" },
	};
	char out[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_true(str_escape(out, sizeof(out), rows[i].in, rows[i].len));
		assert_string_equal(out, rows[i].out);
	}
	assert_false(str_escape(out, 5, "ab\xff", 3)); /* an escape is whole or absent */
	assert_string_equal(out, "ab");
	assert_false(str_escape(out, 3, "abc", 3));
	assert_string_equal(out, "ab");
	assert_true(str_escape(out, 4, "abc", 3));
	assert_string_equal(out, "abc");
}

static void
numbers_are_written_in_full(void **state)
{
	static const struct {
		uint64_t v;
		const char *text;
	} rows[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ 255, "255" },
		{ 1000, "1000" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char out[21];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		assert_int_equal(str_decimal(out, rows[i].v), strlen(rows[i].text));
		assert_string_equal(out, rows[i].text);
	}
}

static void
a_full_slab_says_so_and_forgets_what_was_in_it(void **state)
{
	struct slab *s = slab_new(24, 3);
	uint64_t *objects[3];

	(void)state;
	for (size_t i = 0; i < 3; i++) {
		objects[i] = slab_get(s);
		assert_non_null(objects[i]);
		*objects[i] = UINT64_MAX;
	}
	assert_null(slab_get(s));
	slab_put(s, objects[1]);
	uint64_t *again = slab_get(s);
	assert_ptr_equal(again, objects[1]);
	assert_int_equal(*again, 0);
	assert_int_equal(slab_used(s), 3);
	slab_free(&s);
	assert_null(s);
}

static size_t fired;
static uint64_t fired_at;

static void
count_fire(struct wheel_timer *t, void *ctx)
{
	(void)t;
	fired++;
	fired_at = *(const uint64_t *)ctx;
}

/* Steps the wheel by 1 ms and notes when a timer due at `due` fires. */
static void
expect_fire(uint64_t start, uint64_t due)
{
	static struct wheel w;
	struct wheel_timer t;
	uint64_t now = start;

	wheel_init(&w, 10, start);
	wheel_timer_init(&t);
	wheel_arm(&w, &t, due);
	fired = 0;
	while (fired == 0 && now < due + 100) {
		now++;
		wheel_advance(&w, now, count_fire, &now);
	}
	assert_int_equal(fired, 1);
	assert_true(fired_at >= due && fired_at <= due + 10);
	assert_false(wheel_armed(&t));
}

static void
timers_fire_never_early_and_at_most_a_tick_late(void **state)
{
	(void)state;
	expect_fire(1000, 1001);
	expect_fire(1000, 1010);
	expect_fire(1003, 5999);
	expect_fire(1000, 1000 + 10 * WHEEL_SLOTS); /* a whole turn */
	expect_fire(1000, 1000 + 25 * WHEEL_SLOTS + 7);
}

static void
a_wheel_that_slept_fires_all_that_is_due(void **state)
{
	static struct wheel w;
	struct wheel_timer t[3];
	uint64_t now = 10000000;

	(void)state;
	wheel_init(&w, 10, 0);
	for (size_t i = 0; i < 3; i++) {
		wheel_timer_init(&t[i]);
		wheel_arm(&w, &t[i], 100 + i * 7000);
	}
	wheel_stop(&t[1]);
	fired = 0;
	wheel_advance(&w, now, count_fire, &now);
	assert_int_equal(fired, 2);
}

static void
crc_matches_the_published_vectors(void **state)
{
	uint8_t zeros[32] = { 0 };

	(void)state;
	assert_int_equal(crc32c("123456789", 9), 0xe3069283); /* RFC 3720 B.4 and the catalogue's check value */
	assert_int_equal(crc32c(zeros, sizeof(zeros)), 0x8a9136aa);
}

static void
ulids_sort_by_time(void **state)
{
	char a[ULID_TEXT_MAX], b[ULID_TEXT_MAX];

	(void)state;
	ulid_new(1700000000000, a);
	ulid_new(1700000000001, b);
	assert_true(strcmp(a, b) < 0);
	assert_int_equal(strlen(a), 26);
	assert_int_equal(strspn(a, "0123456789abcdefghjkmnpqrstvwxyz"), 26);
	ulid_new(1469918176385, a); /* the specification's own example of a time: 01ARYZ6S41 */
	assert_memory_equal(a, "01aryz6s41", 10);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_are_read_and_written),
		cmocka_unit_test(networks_contain_what_they_should),
		cmocka_unit_test(endpoints_are_read_and_written),
		cmocka_unit_test(a_reader_fails_once_and_stays_failed),
		cmocka_unit_test(a_writer_fails_once_and_writes_nothing_more),
		cmocka_unit_test(bytes_of_a_peer_become_utf8),
		cmocka_unit_test(numbers_are_written_in_full),
		cmocka_unit_test(a_full_slab_says_so_and_forgets_what_was_in_it),
		cmocka_unit_test(timers_fire_never_early_and_at_most_a_tick_late),
		cmocka_unit_test(a_wheel_that_slept_fires_all_that_is_due),
		cmocka_unit_test(crc_matches_the_published_vectors),
		cmocka_unit_test(ulids_sort_by_time),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
