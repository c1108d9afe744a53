/* tokens_test - who may ask, while files change under us. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/tokens.h"
#include "base/log.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64], read_path[96], operator_path[96];

#define READ_TOKEN "read-0123456789abcdef"
#define OPERATOR_TOKEN "oper-0123456789abcdef"

/* Another inode each time, as an editor or a Kubernetes secret makes it. */
static void
write_file(const char *path, const char *text)
{
	char fresh[128];

	snprintf(fresh, sizeof(fresh), "%s.new", path);
	FILE *f = fopen(fresh, "w");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
	assert_int_equal(rename(fresh, path), 0);
}

static int
setup(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/hs-tokens-XXXXXX");
	if (mkdtemp(dir) == NULL)
		return 1;
	snprintf(read_path, sizeof(read_path), "%s/read", dir);
	snprintf(operator_path, sizeof(operator_path), "%s/operator", dir);
	write_file(read_path, READ_TOKEN "\n");
	write_file(operator_path, OPERATOR_TOKEN);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	unlink(read_path);
	unlink(operator_path);
	return rmdir(dir);
}

static struct tokens *
open_tokens(void)
{
	char error[512] = "";
	struct tokens *t = tokens_new(read_path, operator_path, error, sizeof(error));

	if (t == NULL)
		fail_msg("%s", error);
	return t;
}

static void
each_token_has_its_role(void **state)
{
	static const struct {
		const char *story, *header;
		enum role role;
	} rows[] = {
		{ "reads", "Bearer " READ_TOKEN, ROLE_READ },
		{ "operates", "Bearer " OPERATOR_TOKEN, ROLE_OPERATOR },
		{ "the scheme in any case (RFC 9110)", "bEARER " READ_TOKEN, ROLE_READ },
		{ "more spaces", "Bearer   " READ_TOKEN, ROLE_READ },
		{ "no header", NULL, ROLE_NONE },
		{ "empty header", "", ROLE_NONE },
		{ "no token", "Bearer ", ROLE_NONE },
		{ "another scheme", "Basic " READ_TOKEN, ROLE_NONE },
		{ "no scheme", READ_TOKEN, ROLE_NONE },
		{ "one character less", "Bearer read-0123456789abcde", ROLE_NONE },
		{ "one character more", "Bearer " READ_TOKEN "0", ROLE_NONE },
		{ "a space behind", "Bearer " READ_TOKEN " ", ROLE_NONE },
		{ "another case", "Bearer READ-0123456789ABCDEF", ROLE_NONE },
	};
	struct tokens *t = open_tokens();

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (tokens_role(t, rows[i].header) != rows[i].role)
			fail_msg("%s", rows[i].story);
	}
	tokens_free(&t);
	assert_null(t);
}

static void
a_changed_file_counts_at_once(void **state)
{
	struct tokens *t = open_tokens();

	(void)state;
	write_file(read_path, "another-0123456789\r\n");
	assert_int_equal(tokens_role(t, "Bearer " READ_TOKEN), ROLE_READ);
	tokens_reload(t);
	assert_int_equal(tokens_role(t, "Bearer " READ_TOKEN), ROLE_NONE);
	assert_int_equal(tokens_role(t, "Bearer another-0123456789"), ROLE_READ);
	assert_int_equal(tokens_role(t, "Bearer " OPERATOR_TOKEN), ROLE_OPERATOR);
	tokens_free(&t);
}

static void
a_bad_file_keeps_the_old_token(void **state)
{
	struct tokens *t = open_tokens();

	(void)state;
	write_file(read_path, "short");
	tokens_reload(t);
	assert_int_equal(tokens_role(t, "Bearer " READ_TOKEN), ROLE_READ);
	assert_int_equal(tokens_role(t, "Bearer short"), ROLE_NONE);
	unlink(read_path);
	tokens_reload(t);
	assert_int_equal(tokens_role(t, "Bearer " READ_TOKEN), ROLE_READ);
	write_file(read_path, "another-0123456789");
	tokens_reload(t);
	assert_int_equal(tokens_role(t, "Bearer " READ_TOKEN), ROLE_NONE);
	tokens_free(&t);
}

static void
a_start_without_a_good_token_is_refused(void **state)
{
	char error[512] = "";

	(void)state;
	write_file(read_path, "fifteen-chars-1");
	assert_null(tokens_new(read_path, "", error, sizeof(error)));
	assert_non_null(strstr(error, read_path));
	write_file(read_path, "with a space in the middle");
	assert_null(tokens_new(read_path, "", error, sizeof(error)));
	assert_null(tokens_new("/nonexistent/token", "", error, sizeof(error)));
}

static void
without_an_operators_file_nobody_operates(void **state)
{
	char error[512] = "";
	struct tokens *t = tokens_new(read_path, "", error, sizeof(error));

	(void)state;
	assert_non_null(t);
	assert_int_equal(tokens_role(t, "Bearer " OPERATOR_TOKEN), ROLE_NONE);
	assert_int_equal(tokens_role(t, "Bearer "), ROLE_NONE);
	tokens_free(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(each_token_has_its_role, setup, teardown),
		cmocka_unit_test_setup_teardown(a_changed_file_counts_at_once, setup, teardown),
		cmocka_unit_test_setup_teardown(a_bad_file_keeps_the_old_token, setup, teardown),
		cmocka_unit_test_setup_teardown(a_start_without_a_good_token_is_refused, setup, teardown),
		cmocka_unit_test_setup_teardown(without_an_operators_file_nobody_operates, setup, teardown),
	};

	log_init("test", LOG_LEVEL_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
