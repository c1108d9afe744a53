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
	char *text = event_format(e);
	assert_non_null(strstr(text, "\"harvesters\":[\"198.51.100.7\",\"198.51.100.7\""));
	assert_non_null(strstr(text, "\"places\":[0,1,2"));
	assert_non_null(strstr(text, "\"addresses_truncated\":true"));
	free(text);
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

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_address_is_found_wherever_the_text_is_cut),
		cmocka_unit_test(octets_one_by_one_are_enough),
		cmocka_unit_test(forged_and_foreign_ones_are_not_found),
		cmocka_unit_test(many_are_capped_and_the_same_one_is_told_once),
		cmocka_unit_test(a_flood_of_words_costs_a_bounded_number_of_digests),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
