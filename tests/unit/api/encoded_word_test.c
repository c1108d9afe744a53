/* encoded_word_test - subjects as people read them, whatever the spammer wrote. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/encoded_word.h"
#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const struct {
	const char *story, *in, *out;
} rows[] = {
	{ "plain text stays", "Cheap pills", "Cheap pills" },
	{ "base64 in UTF-8", "=?utf-8?B?4oKsIDEwMA==?=", "€ 100" },
	{ "base64 without padding", "=?utf-8?b?4oKsIDEwMA?=", "€ 100" },
	{ "quoted printable, underscore is a space", "=?ISO-8859-1?Q?caf=E9_au_lait?=", "café au lait" },
	{ "lower-case digits", "=?iso-8859-1?q?caf=e9?=", "café" },
	{ "a language is named (RFC 2231)", "=?utf-8*de?Q?f=C3=BCr?=", "für" },
	{ "between two words the space goes (RFC 2047 6.2)", "=?utf-8?Q?a?= \t=?utf-8?Q?b?=", "ab" },
	{ "between word and text it stays", "=?utf-8?Q?a?= b =?utf-8?Q?c?=", "a b c" },
	{ "KOI8-R", "=?koi8-r?B?8NLJ18XU?=", "Привет" },
	{ "EUC-KR under its old name", "=?ks_c_5601-1987?B?vsg=?=", "안" },
	{ "a charset that we don't know stays", "=?x-evil?Q?a?=", "=?x-evil?Q?a?=" },
	{ "a path as charset stays", "=?../../tmp/x?Q?a?=", "=?../../tmp/x?Q?a?=" },
	{ "an encoding that there is not stays", "=?utf-8?X?a?=", "=?utf-8?X?a?=" },
	{ "bad base64 stays", "=?utf-8?B?****?=", "=?utf-8?B?****?=" },
	{ "half an escape stays", "=?utf-8?Q?a=4?=", "=?utf-8?Q?a=4?=" },
	{ "bytes that are not in the charset stay", "=?utf-8?Q?=FF=FE?=", "=?utf-8?Q?=FF=FE?=" },
	{ "no end", "=?utf-8?Q?abc", "=?utf-8?Q?abc" },
	{ "NUL comes out visible", "=?utf-8?Q?a=00b?=", "a\\x00b" },
	{ "two wishes in one", "x =?utf-8?Q?=C3=A4?= y", "x ä y" },
};

static void
subjects_become_readable(void **state)
{
	char out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		encoded_word_decode(rows[i].in, out, sizeof(out));
		if (strcmp(out, rows[i].out) != 0)
			fail_msg("%s: \"%s\"", rows[i].story, out);
	}
}

/* Whatever the size of the buffer: valid UTF-8, ended, within it. */
static void
any_cut_leaves_valid_text(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t size = 1; size < 48; size++) {
			char out[64];

			memset(out, 'X', sizeof(out));
			encoded_word_decode(rows[i].in, out, size);
			assert_true(strlen(out) < size);
			assert_int_equal(out[size], 'X');
			assert_true(str_is_utf8(out, strlen(out)));
		}
	}
}

static void
any_prefix_is_survived(void **state)
{
	char prefix[128], out[256];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t len = 0; len <= strlen(rows[i].in); len++) {
			snprintf(prefix, sizeof(prefix), "%.*s", (int)len, rows[i].in);
			encoded_word_decode(prefix, out, sizeof(out));
			assert_true(str_is_utf8(out, strlen(out)));
		}
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(subjects_become_readable),
		cmocka_unit_test(any_cut_leaves_valid_text),
		cmocka_unit_test(any_prefix_is_survived),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
