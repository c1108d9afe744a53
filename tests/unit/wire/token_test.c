#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/token.h"

#include <ctype.h>
#include <string.h>

static const struct site_key key = { .bytes = { 1, 2, 3 }, .len = 32 };

static struct token
sample(const char *address)
{
	struct token t = { .minutes = 29000000, .place = 0xdeadbeef };

	assert_true(addr_parse(address, &t.harvester));
	return t;
}

static void
what_is_sealed_opens_in_any_case_and_without_dots(void **state)
{
	static const char *const addresses[] = { "203.0.113.7", "2001:db8:1:2::" };

	(void)state;
	for (size_t i = 0; i < 2; i++) {
		struct token t = sample(addresses[i]), back;
		char text[TOKEN_TEXT_MAX], folded[TOKEN_TEXT_MAX];
		size_t n = 0;

		token_seal(&key, &t, text);
		for (const char *p = text; *p != '\0'; p++) {
			if (*p != '.')
				folded[n++] = (char)toupper((unsigned char)*p);
		}
		folded[n] = '\0';
		assert_true(token_open(&key, text, &back));
		assert_memory_equal(&t, &back, sizeof(t));
		assert_true(token_open(&key, folded, &back));
		assert_memory_equal(&t, &back, sizeof(t));
	}
}

static void
of_an_ipv6_address_the_network_comes_back(void **state)
{
	struct token t = sample("2001:db8:1:2:3:4:5:6"), net = sample("2001:db8:1:2::"), back;
	char text[TOKEN_TEXT_MAX];

	(void)state;
	token_seal(&key, &t, text);
	assert_true(token_open(&key, text, &back));
	assert_memory_equal(&back, &net, sizeof(net));
}

static void
a_changed_letter_never_opens(void **state)
{
	static const char letters[] = "abcdefghijkmnpqrstuvwxyz23456789lo01-_@";
	struct token t = sample("203.0.113.7"), back;
	char text[TOKEN_TEXT_MAX];

	(void)state;
	token_seal(&key, &t, text);
	for (size_t i = 0; text[i] != '\0'; i++) {
		char was = text[i];

		for (size_t j = 0; was != '.' && letters[j] != '\0'; j++) {
			text[i] = letters[j];
			assert_int_equal(token_open(&key, text, &back), letters[j] == was);
		}
		text[i] = was;
	}
}

static void
cut_foreign_and_ordinary_names_never_open(void **state)
{
	static const struct site_key other = { .bytes = { 9 }, .len = 32 };
	static const char *const names[] = { "", ".", "john.doe", "postmaster", "aaaaaaaa.aaaaaaaaaaaaaaaaaaaaa" };
	struct token t = sample("203.0.113.7"), back;
	char text[TOKEN_TEXT_MAX];

	(void)state;
	token_seal(&key, &t, text);
	assert_false(token_open(&other, text, &back));
	for (size_t len = strlen(text); len-- > 0;) {
		text[len] = '\0';
		assert_false(token_open(&key, text, &back));
	}
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_false(token_open(&key, names[i], &back));
}

static void
two_tokens_of_one_visitor_share_no_beginning(void **state)
{
	struct token a = sample("203.0.113.7"), b = a;
	char one[TOKEN_TEXT_MAX], two[TOKEN_TEXT_MAX];

	(void)state;
	b.minutes++;
	token_seal(&key, &a, one);
	token_seal(&key, &b, two);
	assert_true(memcmp(one, two, 6) != 0);
	assert_true(strlen(one) < TOKEN_TEXT_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(what_is_sealed_opens_in_any_case_and_without_dots),
		cmocka_unit_test(of_an_ipv6_address_the_network_comes_back),
		cmocka_unit_test(a_changed_letter_never_opens),
		cmocka_unit_test(cut_foreign_and_ordinary_names_never_open),
		cmocka_unit_test(two_tokens_of_one_visitor_share_no_beginning),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
