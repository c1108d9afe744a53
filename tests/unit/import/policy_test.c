/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample.h"

#include "fingerprintd/import/policy.h"

#include <cjson/cJSON.h>

static void
options_have_three_notations(void **state)
{
	static const struct {
		const char *theirs, *ours;
	} rows[] = {
		{ "", "[]" },
		{ "M5B4", "[\"mss:1460\"]" },
		{ "WANM109T10S", "[\"wscale:10\",\"nop\",\"mss:265\",\"ts-no-echo\",\"sack\"]" },
		{ "T11T01T00", "[\"ts\",\"ts-no-clock\",\"ts-empty\"]" },
		{ "M5B4NNSLL", "[\"mss:1460\",\"nop\",\"nop\",\"sack\",\"eol\",\"eol\"]" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct options o, back;
		char text[OPTIONS_TEXT_MAX];

		assert_true(options_parse(expression_of(rows[i].theirs), &o));
		cJSON *json = options_to_json(&o, true);
		char *ours = cJSON_PrintUnformatted(json);

		assert_string_equal(ours, rows[i].ours);
		assert_true(options_from_json(json, 0, 0, &back));
		options_format(&back, text);
		assert_string_equal(text, rows[i].theirs);
		cJSON_free(ours);
		cJSON_Delete(json);
	}
}

static void
brackets_are_resolved(void **state)
{
	struct options o;
	char text[OPTIONS_TEXT_MAX];

	(void)state;
	assert_true(options_parse(expression_of("M[5A0-5C0|200]NW[0-3]ST11"), &o));
	options_format(&o, text);
	assert_string_equal(text, "M5B4NW3ST11");
}

/* A policy and what it answers to an offer. */
static void
a_policy_answers_what_is_offered(void **state)
{
	static const struct {
		const char *options, *offered, *answered;
		uint16_t window;
		uint8_t window_mss;
		bool least;
	} rows[] = {
		{ "M5B4ST11NW7", "WANM5B4T10S", "M5B4ST11NW7", 5000, 0, false },
		{ "M5B4ST11NW7", "M109ST10", "M5B4ST11", 5000, 0, false },
		{ "M5B4ST11NW7", "M109ST10", "M109ST11", 4 * (265 - 12), 4, true },
		{ "M5B4ST11NW7", "M578", "M578", 4 * 1400, 4, true },
		{ "M5B4ST11NW7", "ST10WAL", "M218ST11NW7", 4 * (536 - 12), 4, true },
		{ "M5B4NNSNW3NNT11", "M5B4WA", "M5B4NW3", 5000, 0, false },
		{ "M5B4NW3ST11", "WANM5B4SNN", "M5B4NW3SLL", 5000, 0, false },
		{ "M5B4NW3ST11", "M5B4", "M5B4", 65535, 255, false },
		{ "", "WANM5B4T10S", "", 5000, 0, false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct policy p = { .mss = 1460,
			.least = rows[i].least,
			.window = 5000,
			.window_mss = rows[i].window_mss,
			.wscale = 7 };
		struct policy_answer answer;
		struct options offered;
		char text[OPTIONS_TEXT_MAX];

		assert_true(options_parse(expression_of(rows[i].options), &p.options));
		policy_offer(rows[i].offered, &offered);
		policy_answer(&p, &offered, &answer);
		options_format(&answer.options, text);
		assert_string_equal(text, rows[i].answered);
		assert_int_equal(answer.window, rows[i].window);
	}
}

static struct policy
chosen(const char *lines)
{
	char text[1024];
	int len = snprintf(text, sizeof(text), "Fingerprint X\n%s\n", lines);
	struct sample *s = sample_read(text, (size_t)len, (size_t)len);
	struct policy p;

	assert_string_equal(s->complaints, "");
	policy_choose(&s->f[0], &p);
	sample_free(&s);
	return p;
}

static void
the_policy_that_explains_most_is_found(void **state)
{
	char text[OPTIONS_TEXT_MAX];

	(void)state;
	struct policy p =
	    chosen("OPS(O1=M400CST11NW5|M5B4ST11NW5%O6=M400CST11|M5B4ST11)\nWIN(W1=8000|16A0%W2=16A0%W6=16A0)");
	assert_int_equal(p.mss, 1460);
	assert_int_equal(p.wscale, 5);
	assert_false(p.least);
	assert_int_equal(p.window, 0x16A0);
	assert_int_equal(p.window_mss, 0);
	options_format(&p.options, text);
	assert_string_equal(text, "M5B4ST11NW5");

	p = chosen(
	    "OPS(O1=M5B4%O2=M578%O3=M280%O4=M218%O5=M218%O6=M109)\nWIN(W1=2238%W2=20D0%W3=F00%W4=C90%W5=C90%W6=636)");
	assert_true(p.least);
	assert_int_equal(p.window_mss, 6);

	/* What only fills the last word is no part of it. */
	p = chosen("OPS(O1=M5B4NNT11SLL)\nWIN(W1=FFFF)");
	options_format(&p.options, text);
	assert_string_equal(text, "M5B4NNT11S");

	/* Nothing is known. */
	p = chosen("T2(R=N)");
	assert_int_equal(p.mss, 1460);
	assert_int_equal(p.window, 65535);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(options_have_three_notations),
		cmocka_unit_test(brackets_are_resolved),
		cmocka_unit_test(a_policy_answers_what_is_offered),
		cmocka_unit_test(the_policy_that_explains_most_is_found),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
