#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/mail_commit.h"

#include <string.h>

#define SHA "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"

struct row {
	const char *name;
	const char *version, *id, *sha256, *size, *parts, *envelope;
	const char *error; /* NULL: good */
};

static const char *
header_of(const void *ctx, const char *name)
{
	const struct row *r = ctx;
	const struct {
		const char *name;
		const char *value;
	} headers[] = {
		{ "Hs-Version", r->version },
		{ "Hs-Mail-Id", r->id },
		{ "Hs-Sha256", r->sha256 },
		{ "Hs-Size", r->size },
		{ "Hs-Parts", r->parts },
		{ "Hs-Envelope", r->envelope },
	};

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		if (strcmp(headers[i].name, name) == 0)
			return headers[i].value;
	}
	return NULL;
}

static void
commits_are_read_or_refused_with_a_reason(void **state)
{
	static const struct row rows[] = {
		{ "without parts", "1", "a-m1", SHA, "0", NULL, "{}", NULL },
		{ "with parts", "1", "a-m1", SHA, "5", "1,2,18446744073709551615", "{}", NULL },
		{ "of another version", "2", "a-m1", SHA, "0", NULL, "{}", "unknown version" },
		{ "without a version", NULL, "a-m1", SHA, "0", NULL, "{}", "unknown version" },
		{ "whose id would leave the folder", "1", "../a", SHA, "0", NULL, "{}", "bad mail id" },
		{ "without an id", "1", NULL, SHA, "0", NULL, "{}", "bad mail id" },
		{ "with an empty id", "1", "", SHA, "0", NULL, "{}", "bad mail id" },
		{ "with a short digest", "1", "a", "abc", "0", NULL, "{}", "bad SHA-256" },
		{ "with a digest in capitals", "1", "a",
		    "E3B0C44298FC1C149AFBF4C8996FB92427AE41E4649B934CA495991B7852B855", "0", NULL, "{}",
		    "bad SHA-256" },
		{ "with a negative size", "1", "a", SHA, "-1", NULL, "{}", "bad size" },
		{ "with more behind the size", "1", "a", SHA, "1x", NULL, "{}", "bad size" },
		{ "with part zero", "1", "a", SHA, "1", "0", "{}", "bad list of parts" },
		{ "with an open list", "1", "a", SHA, "1", "1,", "{}", "bad list of parts" },
		{ "with no number in the list", "1", "a", SHA, "1", "1,,2", "{}", "bad list of parts" },
		{ "without an envelope", "1", "a", SHA, "1", NULL, NULL, "no envelope" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct mail_commit c;
		const char *error = "";
		bool good = mail_commit_parse(header_of, &rows[i], &c, &error);

		if (good != (rows[i].error == NULL) || (!good && strcmp(error, rows[i].error) != 0))
			fail_msg("a commit %s: %s", rows[i].name, error);
	}
}

static void
more_parts_than_the_limit_are_refused(void **state)
{
	static char parts[MAIL_PARTS_MAX * 2 + 2];
	struct row r = { "", "1", "a", SHA, "1", parts, "{}", NULL };
	struct mail_commit c;
	const char *error;

	(void)state;
	memset(parts, '1', sizeof(parts) - 1);
	for (size_t i = 1; i < sizeof(parts) - 1; i += 2)
		parts[i] = ',';
	parts[MAIL_PARTS_MAX * 2 - 1] = '\0';
	assert_true(mail_commit_parse(header_of, &r, &c, &error));
	assert_int_equal(c.part_count, MAIL_PARTS_MAX);
	parts[MAIL_PARTS_MAX * 2 - 1] = ',';
	assert_false(mail_commit_parse(header_of, &r, &c, &error));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(commits_are_read_or_refused_with_a_reason),
		cmocka_unit_test(more_parts_than_the_limit_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
