/* mark_test - the codings in which testers write a relay's address, and texts that only look so. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "courier/mark.h"

#include <stdio.h>
#include <string.h>

static struct endpoint
at(const char *text)
{
	struct endpoint e;

	assert_true(endpoint_parse(text, &e));
	return e;
}

static enum mark
find(const char *decoy, const char *text)
{
	struct endpoint e = at(decoy);

	return mark_find(&e, text, strlen(text));
}

/* 203.0.113.16 is cb007110, 3405803792. */
static const char *const codings[] = {
	"via 203.0.113.16 ok",
	"203-0-113-16",
	"203_0_113_16",
	"203.000.113.016",
	"203000113016",
	"16.113.0.203.in-addr.arpa",
	"61.311.0.302", /* from back to front */
	"CB007110",
	"1DCB007110:8080:6 o'clock",
	"0xcb007110",
	"cb.00.71.10",
	"CB:00:71:10",
	"0xcb.0x0.0x71.0x10",
	"107100cb",
	"011700bc", /* hexadecimal from back to front */
	"3405803792",
	"2973085043", /* that, from back to front */
	"0313.00.0161.020",
	"MjAzLjAuMTEzLjE2", /* base64 */
	"text\r\n\r\nMjAzLjAu\r\nMTEzLjE2\r\n",
	"=?utf-8?B?aXAgMjAzLjAuMTEzLjE2?=",
	"203=2E0=2E113=2E1=\r\n6",
	"http://x.example/?ip=203%2E0%2E113%2E16",
};

static void
every_coding_is_found(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(codings) / sizeof(codings[0]); i++) {
		if (find("203.0.113.16:25", codings[i]) != MARK_ADDRESS)
			fail_msg("not found: %s", codings[i]);
	}
}

static void
other_addresses_are_not(void **state)
{
	static const char *const others[] = { "", "203.0.113.1", "203.0.113.160", "1203.0.113.16", "CB007111",
		"34058037920", "203.0.113", "hello", "MjAzLjAuMTEzLjE3" };

	(void)state;
	for (size_t i = 0; i < sizeof(others) / sizeof(others[0]); i++) {
		if (find("203.0.113.16:25", others[i]) != MARK_NONE)
			fail_msg("found in: %s", others[i]);
	}
}

static void
a_high_port_counts_a_little(void **state)
{
	(void)state;
	assert_int_equal(find("203.0.113.16:8080", "proxy host:8080 works"), MARK_PORT);
	assert_int_equal(find("203.0.113.16:8080", "Port 8080"), MARK_PORT);
	assert_int_equal(find("203.0.113.16:8080", "host:80801"), MARK_NONE);
	assert_int_equal(find("203.0.113.16:8080", "8080 reasons"), MARK_NONE);
	assert_int_equal(find("203.0.113.16:25", "at 10:25, port 25"), MARK_NONE);
	assert_int_equal(find("203.0.113.16:8080", "host:8080 cb007110"), MARK_ADDRESS);
}

static void
ipv6_too(void **state)
{
	(void)state;
	assert_int_equal(find("[2001:db8::17]:25", "from 2001:DB8::17 now"), MARK_ADDRESS);
	assert_int_equal(find("[2001:db8::17]:25", "20010db8000000000000000000000017"), MARK_ADDRESS);
	assert_int_equal(find("[2001:db8::17]:25", "7.1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b.d.0.1.0.0.2"),
	    MARK_ADDRESS);
	assert_int_equal(find("[2001:db8::17]:25", "2001:db8::171"), MARK_NONE);
}

static void
every_prefix_is_read(void **state)
{
	static const char text[] = "=?utf-8?B?aXAgMjAzLjAuMTEzLjE2?= =3D\r\n=\r\n%41 :8080";
	struct endpoint e = at("203.0.113.16:8080");

	(void)state;
	for (size_t len = 0; len < sizeof(text); len++)
		mark_find(&e, text, len);
	assert_int_equal(mark_find(&e, text, sizeof(text) - 1), MARK_ADDRESS);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_coding_is_found),
		cmocka_unit_test(other_addresses_are_not),
		cmocka_unit_test(a_high_port_counts_a_little),
		cmocka_unit_test(ipv6_too),
		cmocka_unit_test(every_prefix_is_read),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
