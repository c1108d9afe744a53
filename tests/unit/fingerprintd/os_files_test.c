/* os_files_test - lists of signature files as operators have them: good, damaged, missing, endless. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/os_files.h"
#include "fingerprintd/os_signature.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { TEXT_MAX = 8192 };

#define HEAD "[tcp:request]\nlabel = s:unix:A:b\n"
#define LINE "sig = *:64:0:*:*,*:mss::0\n"

static char directory[64], first[128], second[128];
static char said[TEXT_MAX]; /* in the log by the last load */

static void
put(const char *file, const char *text, size_t times)
{
	FILE *f = fopen(file, "w");

	assert_non_null(f);
	fputs(HEAD, f);
	for (size_t i = 0; i < times; i++)
		fputs(text, f);
	assert_int_equal(fclose(f), 0);
}

/* How many signatures the list has; what goes to the log is kept. */
static size_t
count(const char *list)
{
	FILE *log = tmpfile();
	int console = dup(STDERR_FILENO);

	assert_non_null(log);
	fflush(stderr);
	dup2(fileno(log), STDERR_FILENO);
	struct os_signatures *s = os_files_load(list);

	fflush(stderr);
	dup2(console, STDERR_FILENO);
	close(console);
	rewind(log);
	said[fread(said, 1, sizeof(said) - 1, log)] = '\0';
	fclose(log);
	assert_non_null(s);
	size_t n = os_signatures_count(s);

	os_signatures_free(&s);
	return n;
}

static size_t
times_said(const char *text)
{
	size_t n = 0;

	for (const char *at = said; (at = strstr(at, text)) != NULL; at++)
		n++;
	return n;
}

static void
all_files_of_the_list_are_read(void **state)
{
	char list[300];

	(void)state;
	put(first, LINE, 2);
	put(second, LINE, 3);
	snprintf(list, sizeof(list), "%s, %s", first, second);
	assert_int_equal(count(list), 5);
	assert_int_equal(times_said("signatures read"), 2);
	assert_int_equal(count(""), 0);
	assert_string_equal(said, "");
}

static void
a_missing_file_is_passed_over(void **state)
{
	char list[300];

	(void)state;
	put(second, LINE, 3);
	snprintf(list, sizeof(list), "/nonexistent/os.fp,%s", second);
	assert_int_equal(count(list), 3);
	assert_int_equal(times_said("no signatures there"), 1);
	assert_int_equal(times_said("error"), 0);
	assert_int_equal(count(directory), 0); /* there, but no file */
	assert_int_equal(times_said("cannot be read"), 1);
}

static void
damage_is_named_up_to_a_number(void **state)
{
	(void)state;
	put(first, "sig = x\n", 2);
	assert_int_equal(count(first), 0);
	assert_int_equal(times_said("line 3 passed over: a signature has eight fields"), 1);
	assert_int_equal(times_said("line 4 passed over"), 1);
	put(first, "sig = x\n", OS_FILE_REPORTS_MAX + 5);
	assert_int_equal(count(first), 0);
	assert_int_equal(times_said("passed over: "), OS_FILE_REPORTS_MAX);
	assert_int_equal(times_said("25 lines in all passed over"), 1);
}

static void
an_endless_file_is_cut(void **state)
{
	(void)state;
	assert_int_equal(count("/dev/zero"), 0);
	assert_int_equal(times_said("what comes after 4194304 bytes is passed over"), 1);
}

static int
make_directory(void **state)
{
	(void)state;
	snprintf(directory, sizeof(directory), "/tmp/os_files_test.XXXXXX");
	if (mkdtemp(directory) == NULL)
		return 1;
	snprintf(first, sizeof(first), "%s/first.fp", directory);
	snprintf(second, sizeof(second), "%s/second.fp", directory);
	return 0;
}

static int
remove_directory(void **state)
{
	(void)state;
	remove(first);
	remove(second);
	return rmdir(directory);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(all_files_of_the_list_are_read),
		cmocka_unit_test(a_missing_file_is_passed_over),
		cmocka_unit_test(damage_is_named_up_to_a_number),
		cmocka_unit_test(an_endless_file_is_cut),
	};

	return cmocka_run_group_tests(tests, make_directory, remove_directory);
}
