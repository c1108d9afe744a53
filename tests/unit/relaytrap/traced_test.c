/* traced_test - poisoned addresses found in any cut of a message, and nothing else found. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relaytrap/traced.h"
#include "wire/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct site_key key = { .bytes = { 1, 2, 3 }, .len = 32 };
static const struct site_key other = { .bytes = { 3, 2, 1 }, .len = 32 };

static void
seal(uint32_t place, char out[TOKEN_TEXT_MAX])
{
	struct token t = { .minutes = 29000000, .place = place };

	assert_true(addr_parse("198.51.100.7", &t.harvester));
	token_seal(&key, &t, out);
}

static void
an_address_is_found_wherever_the_text_is_cut(void **state)
{
	char local[TOKEN_TEXT_MAX], text[512];

	(void)state;
	seal(7, local);
	snprintf(text, sizeof(text), "To: a@b.example, <%s@poison.example>\r\n\r\nhello\r\n", local);
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct traced t;

		traced_init(&t);
		traced_scan(&t, &key, text, cut);
		traced_scan(&t, &key, text + cut, strlen(text) - cut);
		assert_int_equal(t.count, 1);
		assert_string_equal(t.finds[0].local, local);
		assert_int_equal(t.finds[0].token.place, 7);
	}
}

static void
octets_one_by_one_are_enough(void **state)
{
	char local[TOKEN_TEXT_MAX], text[256];
	struct traced t;

	(void)state;
	seal(9, local);
	snprintf(text, sizeof(text), "%s@x", local);
	traced_init(&t);
	for (size_t i = 0; i < strlen(text); i++)
		traced_scan(&t, &key, text + i, 1);
	assert_int_equal(t.count, 1);
}

static void
forged_and_foreign_ones_are_not_found(void **state)
{
	char local[TOKEN_TEXT_MAX], text[256];
	struct traced t;

	(void)state;
	seal(9, local);
	traced_init(&t);
	snprintf(text, sizeof(text), "%s@x", local);
	traced_scan(&t, &other, text, strlen(text));
	snprintf(text, sizeof(text), "x%s@x y%s", local, local);
	traced_scan(&t, &key, text, strlen(text));
	local[3] = local[3] == 'a' ? 'b' : 'a';
	assert_false(traced_address(&t, &key, local));
	assert_int_equal(t.count, 0);
}

static void
many_are_capped_and_the_same_one_is_told_once(void **state)
{
	char local[TOKEN_TEXT_MAX], address[TOKEN_TEXT_MAX + 16];
	struct traced t;
	struct event *e = event_create("relaytrap", "lab", "relay-mail", "x", 0);

	(void)state;
	traced_init(&t);
	for (uint32_t i = 0; i < 2 * TRACED_MAX; i++) {
		seal(i, local);
		snprintf(address, sizeof(address), "%s@poison.example", local);
		assert_true(traced_address(&t, &key, address));
		assert_true(traced_address(&t, &key, address));
	}
	assert_int_equal(t.count, TRACED_MAX);
	traced_tell(&t, e, "honeyspam.mail.traced");
	const char *text = event_format(e, NULL);
	assert_non_null(strstr(text, "\"harvesters\":[\"198.51.100.7\",\"198.51.100.7\""));
	assert_non_null(strstr(text, "\"places\":[0,1,2"));
	assert_non_null(strstr(text, "\"addresses_truncated\":true"));
	event_destroy(&e);
}

static void
a_flood_of_words_costs_a_bounded_number_of_digests(void **state)
{
	static char text[200 * 1024];
	struct traced t;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i++)
		text[i] = i % 31 == 30 ? '@' : 'a';
	traced_init(&t);
	traced_scan(&t, &key, text, sizeof(text));
	assert_int_equal(t.tries, TRACED_TRIES_MAX);
	assert_int_equal(t.count, 0);
}

/* ---- hidden ---- */

static void
base64(const char *in, size_t len, size_t column, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t n = 0;

	for (size_t i = 0; i < len; i += 3) {
		unsigned bits = (unsigned)(uint8_t)in[i] << 16;

		bits |= i + 1 < len ? (unsigned)(uint8_t)in[i + 1] << 8 : 0;
		bits |= i + 2 < len ? (uint8_t)in[i + 2] : 0;
		for (size_t k = 0; k < 4; k++) {
			*out++ = i + k > len ? '=' : digits[bits >> (18 - 6 * k) & 63];
			if (++n % column == 0)
				out += sprintf(out, "\r\n");
		}
	}
	*out = '\0';
}

/* Every octet escaped, a soft end of line after each few. */
static void
quoted(const char *in, char *out)
{
	for (size_t i = 0; in[i] != '\0'; i++)
		out += sprintf(out, "=%02X%s", (uint8_t)in[i], i % 5 == 4 ? "=\r\n" : "");
}

static void
assert_found_in_every_cut(const char *text, const char *local)
{
	for (size_t cut = 0; cut <= strlen(text); cut++) {
		struct traced t;

		traced_init(&t);
		traced_scan(&t, &key, text, cut);
		traced_scan(&t, &key, text + cut, strlen(text) - cut);
		if (t.count != 1)
			fail_msg("cut at %zu, %zu finds in %s", cut, t.count, text);
		assert_string_equal(t.finds[0].local, local);
	}
}

static void
hidden_addresses_are_found_wherever_the_text_is_cut(void **state)
{
	char local[TOKEN_TEXT_MAX], plain[256], coded[1024], inner[1500], text[4096];

	(void)state;
	seal(7, local);
	snprintf(plain, sizeof(plain), "Dear friend, is %s@poison.example you?\r\n", local);
	for (size_t column = 60; column <= 77; column++) {
		base64(plain, strlen(plain), column, coded);
		snprintf(text, sizeof(text), "Content-Transfer-Encoding: base64\r\n\r\n%s\r\n--b--\r\n", coded);
		assert_found_in_every_cut(text, local);
	}
	quoted(plain, coded);
	snprintf(text, sizeof(text), "Hi\r\n%s\r\nbye\r\n", coded);
	assert_found_in_every_cut(text, local);
	snprintf(text, sizeof(text), "to %.20s=\r\n%s=40x\r\n", local, local + 20);
	assert_found_in_every_cut(text, local);
	snprintf(text, sizeof(text), "Subject: for =?us-ascii?q?me_%s=40x_only?=\r\n", local);
	assert_found_in_every_cut(text, local);
	snprintf(text, sizeof(text), "Subject: =?us-ascii?q?%.9s?=\r\n =?us-ascii?q?%s=40x?=\r\n", local, local + 9);
	assert_found_in_every_cut(text, local);
	base64(plain, 30, 1000, coded);
	base64(plain + 30, strlen(plain) - 30, 1000, inner);
	snprintf(text, sizeof(text), "Subject: =?utf-8?B?%s?=\r\n =?utf-8?B?%s?=\r\n", coded, inner);
	assert_found_in_every_cut(text, local);
	quoted(plain, coded);
	base64(coded, strlen(coded), 76, inner); /* a message within a message */
	snprintf(text, sizeof(text), "Encoding: bAse64\r\n\r\n%s\r\n", inner);
	assert_found_in_every_cut(text, local);
}

static void
what_is_no_coding_hides_nothing(void **state)
{
	char local[TOKEN_TEXT_MAX], text[256];
	struct traced t;

	(void)state;
	seal(9, local);
	traced_init(&t);
	/* a line end that is none, an escape that is none, words that another sign parts */
	snprintf(text, sizeof(text), "%.20s= \r\n%s@x %.20s=4G%s@x %.9s?=,=?a?q?%s@x", local, local + 20, local,
	    local + 20, local, local + 9);
	traced_scan(&t, &key, text, strlen(text));
	assert_int_equal(t.count, 0);
}

static void
decoding_ends_at_its_limit(void **state)
{
	static char text[64 * 1024];
	struct traced t;

	(void)state;
	for (size_t i = 0; i < sizeof(text); i += 4)
		memcpy(text + i, i % 64 == 0 ? "=3D\n" : "=41=", 4);
	traced_init(&t);
	for (int i = 0; i < 1000; i++)
		traced_scan(&t, &key, text, sizeof(text));
	assert_true(t.hidden >= TRACED_HIDDEN_MAX);
	assert_true(t.hidden <= TRACED_HIDDEN_MAX + 16 * sizeof(text));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_found_wherever_the_text_is_cut),
		cmocka_unit_test(octets_one_by_one_are_enough),
		cmocka_unit_test(forged_and_foreign_ones_are_not_found),
		cmocka_unit_test(many_are_capped_and_the_same_one_is_told_once),
		cmocka_unit_test(hidden_addresses_are_found_wherever_the_text_is_cut),
		cmocka_unit_test(what_is_no_coding_hides_nothing),
		cmocka_unit_test(decoding_ends_at_its_limit),
		cmocka_unit_test(a_flood_of_words_costs_a_bounded_number_of_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
