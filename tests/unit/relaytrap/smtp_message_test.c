#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relaytrap/smtp_message.h"

#include <string.h>

#define BYTES(text) text, sizeof(text) - 1

static const struct {
	const char *name;
	const char *in; /* after 354, with the end of data */
	size_t in_len;
	const char *out;
	size_t out_len;
	const char *subject;
} rows[] = {
	{ "an empty message", BYTES(".\r\n"), BYTES(""), "" },
	{ "the last CRLF is kept", BYTES("hi\r\n.\r\n"), BYTES("hi\r\n"), "" },
	{ "a dot at the beginning is taken away", BYTES("..\r\n..a\r\n.\r\n"), BYTES(".\r\n.a\r\n"), "" },
	{ "a single dot before text is taken away too", BYTES(".a\r\n.\r\n"), BYTES("a\r\n"), "" },
	{ "a dot within a line stays", BYTES("a.b\r\n.\r\n"), BYTES("a.b\r\n"), "" },
	{ "LF . LF is no end", BYTES("a\n.\n\r\n.\r\n"), BYTES("a\n.\n\r\n"), "" },
	{ "LF . CRLF is no end", BYTES("a\n.\r\nb\r\n.\r\n"), BYTES("a\n.\r\nb\r\n"), "" },
	{ "CR . CR is no end", BYTES("a\r.\rb\r\n.\r\n"), BYTES("a\r.\rb\r\n"), "" },
	{ "dot CR without LF is text", BYTES(".\rb\r\n.\r\n"), BYTES("\rb\r\n"), "" },
	{ "dot CR CR LF is text", BYTES(".\r\r\n.\r\n"), BYTES("\r\r\n"), "" },
	{ "NUL and 8-bit pass", BYTES("a\0\xff\r\n.\r\n"), BYTES("a\0\xff\r\n"), "" },
	{ "bare CR passes", BYTES("a\rb\r\r\nc\r\n.\r\n"), BYTES("a\rb\r\r\nc\r\n"), "" },
	{ "the subject is noted", BYTES("From: x\r\nsubject: Hello\r\n\r\nSubject: no\r\n.\r\n"),
	    BYTES("From: x\r\nsubject: Hello\r\n\r\nSubject: no\r\n"), "Hello" },
	{ "a folded subject is joined", BYTES("Subject: a\r\n b\r\n\tc\r\nTo: d\r\n\r\n.\r\n"),
	    BYTES("Subject: a\r\n b\r\n\tc\r\nTo: d\r\n\r\n"), "a b\tc" },
	{ "the first subject counts", BYTES("Subject: one\r\nSubject: two\r\n\r\n.\r\n"),
	    BYTES("Subject: one\r\nSubject: two\r\n\r\n"), "one" },
	{ "a body is not a header", BYTES("\r\nSubject: no\r\n.\r\n"), BYTES("\r\nSubject: no\r\n"), "" },
};

/* Gives the input in two pieces, cut at `cut`, with the next command behind it. */
static void
check_row(size_t row, size_t cut)
{
	struct smtp_message m;
	uint8_t in[512], out[512];
	size_t total = 0, out_len, used;

	memcpy(in, rows[row].in, rows[row].in_len);
	memcpy(in + rows[row].in_len, "QUIT", 4);
	smtp_message_init(&m, 0);
	used = smtp_message_input(&m, in, cut, out, &out_len);
	total += out_len;
	if (m.place != SMTP_AT_END) {
		used += smtp_message_input(&m, in + cut, rows[row].in_len + 4 - cut, out + total, &out_len);
		total += out_len;
	}
	if (m.place != SMTP_AT_END || used != rows[row].in_len || total != rows[row].out_len ||
	    memcmp(out, rows[row].out, total) != 0 || m.size != total || m.subject_len != strlen(rows[row].subject) ||
	    memcmp(m.subject, rows[row].subject, m.subject_len) != 0)
		fail_msg("%s, cut at %zu: used %zu, got %zu octets, subject \"%.*s\"", rows[row].name, cut, used, total,
		    (int)m.subject_len, m.subject);
}

static void
messages_are_kept_to_the_octet_however_they_are_cut(void **state)
{
	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= rows[i].in_len; cut++)
			check_row(i, cut);
	}
}

static void
a_subject_longer_than_the_limit_is_cut(void **state)
{
	struct smtp_message m;
	uint8_t in[4096], out[4097];
	size_t out_len;

	(void)state;
	memset(in, 'a', sizeof(in));
	memcpy(in, "Subject: ", 9);
	smtp_message_init(&m, 0);
	smtp_message_input(&m, in, sizeof(in), out, &out_len);
	assert_int_equal(m.subject_len, SMTP_SUBJECT_MAX);
	assert_int_equal(out_len, sizeof(in));
}

/* All at once and octet by octet: runs of plain octets are taken together, and nobody can tell. */
static void
runs_are_the_same_as_their_octets(void **state)
{
	static const char letters[] = "aaaaaaa..\r\n\r\n\n\r\xff\0";
	uint32_t dice = 7;

	(void)state;
	for (unsigned round = 0; round < 20000; round++) {
		struct smtp_message whole, single;
		uint8_t in[64] = "\r\n", out[2][128];
		size_t out_len, total = 0, used = 0;

		for (size_t i = round % 2 * 2; i < sizeof(in); i++) {
			dice = dice * 1664525 + 1013904223;
			in[i] = (uint8_t)letters[(dice >> 16) % (sizeof(letters) - 1)];
		}
		smtp_message_init(&whole, round % 8);
		smtp_message_init(&single, round % 8);
		size_t eaten = smtp_message_input(&whole, in, sizeof(in), out[0], &out_len);
		while (used < sizeof(in) && single.place != SMTP_AT_END && single.place != SMTP_AT_BARE) {
			size_t more;

			used += smtp_message_input(&single, in + used, 1, out[1] + total, &more);
			total += more;
		}
		assert_int_equal(eaten, used);
		assert_int_equal(out_len, total);
		assert_memory_equal(out[0], out[1], total);
		assert_memory_equal(&whole, &single, sizeof(whole));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(messages_are_kept_to_the_octet_however_they_are_cut),
		cmocka_unit_test(a_subject_longer_than_the_limit_is_cut),
		cmocka_unit_test(runs_are_the_same_as_their_octets),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
