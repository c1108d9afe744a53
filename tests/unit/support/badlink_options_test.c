#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/badlink_options.h"

#include <string.h>

enum { WORDS_MAX = 8 };

static bool
parse(const char *const words[], struct badlink_options *out, char error[128])
{
	char copies[WORDS_MAX][64], *argv[WORDS_MAX + 1];
	int argc = 0;

	argv[argc++] = strcpy(copies[0], "badlink");
	for (size_t i = 0; i < WORDS_MAX - 1 && words[i] != NULL; i++, argc++)
		argv[argc] = strcpy(copies[argc], words[i]);
	error[0] = '\0';
	return badlink_options_parse(argc, argv, out, error, 128);
}

static void
test_every_option_is_taken(void **state)
{
	const char *const words[] = { "--seed=7", "--loss=8%", "--reorder=0.25", "--delay=1.5", "--rate=10M", "a0",
		"b0", NULL };
	struct badlink_options o;
	char error[128];

	(void)state;
	assert_true(parse(words, &o, error));
	for (unsigned way = 0; way < BADLINK_DIRECTIONS; way++) {
		assert_int_equal(o.way[way].seed, 7);
		assert_true(o.way[way].loss > 0.0799 && o.way[way].loss < 0.0801);
		assert_true(o.way[way].reorder > 0.2499 && o.way[way].reorder < 0.2501);
		assert_int_equal(o.way[way].delay_us, 1500);
		assert_int_equal(o.way[way].rate, 10000000);
		assert_int_equal(o.way[way].reorder_delay_us, 10000);
	}
}

static void
test_only_one_way_is_bad(void **state)
{
	const char *const there[] = { "--loss=1", "--only=a-to-b", "a0", "b0", NULL };
	const char *const back[] = { "--loss=100%", "a0", "b0", "--only=b-to-a", NULL };
	struct badlink_options o;
	char error[128];

	(void)state;
	assert_true(parse(there, &o, error));
	assert_true(o.way[BADLINK_A_TO_B].loss >= 1 && o.way[BADLINK_B_TO_A].loss <= 0);
	assert_true(parse(back, &o, error));
	assert_true(o.way[BADLINK_A_TO_B].loss <= 0 && o.way[BADLINK_B_TO_A].loss >= 1);
}

static const struct {
	const char *name;
	const char *words[WORDS_MAX];
	const char *error;
} refusals[] = {
	{ "no interfaces", { NULL }, "two interfaces are needed, 0 given; see --help" },
	{ "one interface", { "a0" }, "two interfaces are needed, 1 given; see --help" },
	{ "three interfaces", { "a0", "b0", "c0" }, "two interfaces are needed, 3 given; see --help" },
	{ "an unknown option", { "--lose=1", "a0", "b0" }, "there is no option --lose; see --help" },
	{ "the beginning of a name", { "--los=1", "a0", "b0" }, "there is no option --los; see --help" },
	{ "no value", { "--loss", "a0", "b0" }, "--loss needs a value: --loss=VALUE" },
	{ "more than all", { "--loss=1.01", "a0", "b0" },
	    "--loss=1.01 is not a share: 0 to 1, or per cent such as 8%" },
	{ "above 100 %", { "--loss=101%", "a0", "b0" }, "--loss=101% is not a share: 0 to 1, or per cent such as 8%" },
	{ "a negative share", { "--loss=-1", "a0", "b0" }, "--loss=-1 is not a share: 0 to 1, or per cent such as 8%" },
	{ "no number", { "--loss=nan", "a0", "b0" }, "--loss=nan is not a share: 0 to 1, or per cent such as 8%" },
	{ "a hexadecimal number", { "--delay=0x10", "a0", "b0" },
	    "--delay=0x10 is not a time of 0 to 60000 milliseconds" },
	{ "two points", { "--delay=1.2.3", "a0", "b0" }, "--delay=1.2.3 is not a time of 0 to 60000 milliseconds" },
	{ "an empty value", { "--seed=", "a0", "b0" }, "--seed= is not a number" },
	{ "a seed with a tail", { "--seed=1x", "a0", "b0" }, "--seed=1x is not a number" },
	{ "a seed too large", { "--seed=18446744073709551616" }, "--seed=18446744073709551616 is not a number" },
	{ "a time with a unit", { "--delay=1s", "a0", "b0" }, "--delay=1s is not a time of 0 to 60000 milliseconds" },
	{ "a long time", { "--delay=60001", "a0", "b0" }, "--delay=60001 is not a time of 0 to 60000 milliseconds" },
	{ "no rate", { "--rate=0", "a0", "b0" }, "--rate=0 is not a rate of 1k to 1000G bits a second" },
	{ "a huge rate", { "--rate=1001G", "a0", "b0" }, "--rate=1001G is not a rate of 1k to 1000G bits a second" },
	{ "an unknown way", { "--only=up", "a0", "b0" }, "--only=up is neither a-to-b nor b-to-a" },
};

static void
test_bad_words_are_refused_with_a_sentence(void **state)
{
	struct badlink_options o;
	char error[128];

	(void)state;
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		if (parse(refusals[i].words, &o, error))
			fail_msg("%s: was taken", refusals[i].name);
		if (strcmp(error, refusals[i].error) != 0)
			fail_msg("%s: \"%s\"", refusals[i].name, error);
	}
}

static void
test_help_needs_no_interfaces(void **state)
{
	const char *const words[] = { "--help", NULL };
	struct badlink_options o;
	char error[128];

	(void)state;
	assert_true(parse(words, &o, error));
	assert_true(o.help);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_every_option_is_taken),
		cmocka_unit_test(test_only_one_way_is_bad),
		cmocka_unit_test(test_bad_words_are_refused_with_a_sentence),
		cmocka_unit_test(test_help_needs_no_interfaces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
