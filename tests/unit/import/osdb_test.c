/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "sample.h"

#include <stdbool.h>

static const char good[] = "# A comment (C) with Fingerprint in it\n"
			   "MatchPoints\n"
			   "SEQ(SP=25%GCD=75)\n"
			   "\n"
			   "Fingerprint Examplix 1.0 toaster\n"
			   "Class Examplix | ExOS | 1.X | specialized\n"
			   "CPE cpe:/o:examplix:exos:1 auto\n"
			   "SEQ(SP=C-16%GCD=1-6%ISR=90-9A%TI=I%TS=U)\n"
			   "T1(R=Y%DF=N%T=3B-45%TG=40%S=O%A=S+%F=AS%RD=0%Q=)\n"
			   "T2(R=N)\n"
			   "\n"
			   "Fingerprint Examplix 2.0 kettle\r\n"
			   "OPS()\r\n"
			   "IE(DFI=S%T=40%CD=Z)";

static void
a_database_gives_fingerprints(void **state)
{
	(void)state;
	for (size_t piece = 1; piece < sizeof(good); piece = piece * 3 + 1) {
		struct sample *s = sample_read(good, sizeof(good) - 1, piece);

		assert_string_equal(s->complaints, "");
		assert_int_equal(s->count, 2);
		assert_string_equal(s->f[0].name, "Examplix 1.0 toaster");
		assert_int_equal(s->f[0].line, 5);
		assert_int_equal(s->f[0].class_count, 1);
		assert_string_equal(s->f[0].classes[0], "Examplix | ExOS | 1.X | specialized");
		assert_true(expression_matches(s->f[0].value[OSDB_SEQ][OSDB_ISR], "95"));
		assert_true(expression_matches(s->f[0].value[OSDB_T1][OSDB_Q], ""));
		assert_true(expression_matches(s->f[0].value[OSDB_T2][OSDB_R], "N"));
		assert_null(s->f[0].value[OSDB_T2][OSDB_W].text);
		assert_string_equal(s->f[1].name, "Examplix 2.0 kettle");
		assert_true(s->f[1].seen[OSDB_OPS]);
		assert_true(expression_matches(s->f[1].value[OSDB_IE][OSDB_CD], "Z"));
		sample_free(&s);
	}
}

static void
every_prefix_is_data(void **state)
{
	(void)state;
	for (size_t len = 0; len < sizeof(good); len++) {
		struct sample *s = sample_read(good, len, len + 1);

		assert_true(s->count <= 2);
		assert_true(s->complaint_count <= 1);
		sample_free(&s);
	}
}

/* A line behind the fingerprint's name, which is the first line; what is said of it. */
static void
damaged_lines_are_told_and_left_out(void **state)
{
	static const struct {
		const char *line, *said;
	} rows[] = {
		{ "T1(R=Y", "2: this is no line of a database: \"T1(R=Y\"\n" },
		{ "nonsense", "2: this is no line of a database: \"nonsense\"\n" },
		{ ")(", "2: this is no line of a database: \")(\"\n" },
		{ "T8(R=Y)", "2: there is no such test: \"T8(R=Y)\"\n" },
		{ "(R=Y)", "2: there is no such test: \"(R=Y)\"\n" },
		{ "T2(R=N)\nT2(R=Y)", "3: the fingerprint has this test twice: \"T2(R=Y)\"\n" },
		{ "T2(R=N%SP=5)", "2: the test has no such attribute: \"SP=5\"\n" },
		{ "T2(R=N%%R)", "2: an attribute has no value: \"\"\n2: an attribute has no value: \"R\"\n" },
		{ "T2(R=N%R=Y)", "2: an attribute is given twice: \"R=Y\"\n" },
		{ "T2(R=M)", "2: an attribute's expression is bad or out of range: \"R=M\"\n" },
		{ "T2(W=10000)", "2: an attribute's expression is bad or out of range: \"W=10000\"\n" },
		{ "T2(W=9-5)", "2: an attribute's expression is bad or out of range: \"W=9-5\"\n" },
		{ "T2(O=M5B4X)", "2: an attribute's expression is bad or out of range: \"O=M5B4X\"\n" },
		{ "T2(O=M)", "2: an attribute's expression is bad or out of range: \"O=M\"\n" },
		{ "T2(O=T1)", "2: an attribute's expression is bad or out of range: \"O=T1\"\n" },
		{ "T2(O=M[5B4)", "2: an attribute's expression is bad or out of range: \"O=M[5B4\"\n" },
		{ "T2(O=T11T11T11T11N)", "2: an attribute's expression is bad or out of range: \"O=T11T11T11T11N\"\n" },
		{ "Class ", "2: a class is empty or too long, or there are too many: \"\"\n" },
		{ "CPE whatever", "" },
		{ "T2()\n\nT3(R=N)", "4: the line belongs to no fingerprint: \"T3(R=N)\"\n" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char text[256];
		int len = snprintf(text, sizeof(text), "Fingerprint X\n%s\n", rows[i].line);
		struct sample *s = sample_read(text, (size_t)len, 7);

		assert_string_equal(s->complaints, rows[i].said);
		assert_int_equal(s->count, 1);
		sample_free(&s);
	}
}

static void
what_is_good_of_a_damaged_line_stays(void **state)
{
	static const char text[] = "Fingerprint X\nT2(R=Y%W=1FFFF%DF=Y)\nT3(R=N)\n";
	struct sample *s = sample_read(text, sizeof(text) - 1, sizeof(text));

	(void)state;
	assert_int_equal(s->complaint_count, 1);
	assert_true(expression_matches(s->f[0].value[OSDB_T2][OSDB_DF], "Y"));
	assert_null(s->f[0].value[OSDB_T2][OSDB_W].text);
	assert_true(expression_matches(s->f[0].value[OSDB_T3][OSDB_R], "N"));
	sample_free(&s);
}

static void
names_that_cannot_be_are_left_out(void **state)
{
	char text[OSDB_NAME_MAX + 64];
	int len =
	    snprintf(text, sizeof(text), "Fingerprint \nT2(R=N)\n\nFingerprint %0*d\nT2(R=N)\n", OSDB_NAME_MAX, 0);
	struct sample *s = sample_read(text, (size_t)len, 100);

	(void)state;
	assert_int_equal(s->count, 0);
	assert_int_equal(s->complaint_count, 2);
	sample_free(&s);
}

static void
long_lines_and_nul_octets_are_told(void **state)
{
	static char text[3 * OSDB_LINE_MAX];
	size_t len = (size_t)snprintf(text, sizeof(text), "Fingerprint X\nT2(R=N%%W=");

	(void)state;
	memset(text + len, '0', 2 * OSDB_LINE_MAX);
	len += 2 * OSDB_LINE_MAX;
	static const char tail[] = ")\nT3(R=\0N)\nT4(R=N)\n";
	memcpy(text + len, tail, sizeof(tail) - 1);
	len += sizeof(tail) - 1;
	for (size_t piece = 1; piece <= len; piece = piece * 5 + 1) {
		struct sample *s = sample_read(text, len, piece);

		assert_string_equal(s->complaints,
		    "2: the line is longer than 4096 octets\n3: the line has a NUL octet: \"T3(R=\\x00N)\"\n");
		assert_int_equal(s->count, 1);
		assert_true(expression_matches(s->f[0].value[OSDB_T4][OSDB_R], "N"));
		sample_free(&s);
	}
}

/* Each test may have one line of the greatest length: the arena holds them all. */
static void
thirteen_longest_lines_fit(void **state)
{
	static char text[OSDB_TESTS * (OSDB_LINE_MAX + 1) + 64];
	size_t len = (size_t)snprintf(text, sizeof(text), "Fingerprint X\n");

	(void)state;
	for (unsigned test = 0; test < OSDB_TESTS; test++) {
		const char *name = osdb_test_name((enum osdb_test)test);
		int filler = OSDB_LINE_MAX - (int)strlen(name) - (int)strlen("(R=N%)");

		len += (size_t)sprintf(text + len, "%s(R=N%%%0*d)\n", name, filler, 0);
	}
	struct sample *s = sample_read(text, len, len);

	assert_int_equal(s->count, 1);
	assert_int_equal(s->complaint_count, OSDB_TESTS);
	for (unsigned test = 0; test < OSDB_TESTS; test++)
		assert_true(expression_matches(s->f[0].value[test][OSDB_R], "N"));
	sample_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_database_gives_fingerprints),
		cmocka_unit_test(every_prefix_is_data),
		cmocka_unit_test(damaged_lines_are_told_and_left_out),
		cmocka_unit_test(what_is_good_of_a_damaged_line_stays),
		cmocka_unit_test(names_that_cannot_be_are_left_out),
		cmocka_unit_test(long_lines_and_nul_octets_are_told),
		cmocka_unit_test(thirteen_longest_lines_fit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
