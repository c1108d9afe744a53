/* sink_jsonl_test - what is in the file after a crash at each moment. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "logship/sink.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char dir[64], path[128], state_path[160];

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/hs-sink-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(path, sizeof(path), "%s/events.jsonl", dir);
	snprintf(state_path, sizeof(state_path), "%s.state", path);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(path);
	unlink(state_path);
	return rmdir(dir);
}

static void
put(struct sink *s, uint64_t sequence, const char *text)
{
	const struct feed_message m = { .sequence = sequence, .data = text, .len = strlen(text) };

	assert_true(sink_jsonl.put(s, &m));
}

static struct sink *
open_sink(void)
{
	char error[512] = "";
	struct sink *s = sink_jsonl.open(path, NULL, error, sizeof(error));

	if (s == NULL)
		fail_msg("%s", error);
	return s;
}

static void
expect_file(const char *wanted)
{
	char got[256];
	FILE *f = fopen(path, "r");

	assert_non_null(f);
	size_t len = fread(got, 1, sizeof(got) - 1, f);
	fclose(f);
	got[len] = '\0';
	assert_string_equal(got, wanted);
}

static void
what_was_not_committed_is_cut_and_comes_again(void **state)
{
	struct sink *s = open_sink();

	(void)state;
	put(s, 1, "{\"n\":1}");
	assert_true(sink_jsonl.commit(s));
	put(s, 2, "{\"n\":2}");
	put(s, 3, "{\"half");
	sink_jsonl.close(&s); /* the crash: no commit */
	s = open_sink();
	assert_int_equal(sink_jsonl.last(s), 1);
	expect_file("{\"n\":1}\n");
	put(s, 2, "{\"n\":2}");
	assert_true(sink_jsonl.commit(s));
	assert_int_equal(sink_jsonl.last(s), 2);
	sink_jsonl.close(&s);
	expect_file("{\"n\":1}\n{\"n\":2}\n");
}

static void
a_state_of_an_unknown_version_is_refused_with_its_name(void **state)
{
	char error[512] = "";
	FILE *f = fopen(state_path, "w");

	(void)state;
	fputs("version 9 sequence 1 offset 1\n", f);
	fclose(f);
	assert_null(sink_jsonl.open(path, NULL, error, sizeof(error)));
	assert_non_null(strstr(error, state_path));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(what_was_not_committed_is_cut_and_comes_again, setup, teardown),
		cmocka_unit_test_setup_teardown(a_state_of_an_unknown_version_is_refused_with_its_name, setup,
		    teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
