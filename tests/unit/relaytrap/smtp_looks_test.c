/* smtp_looks_test - every look: each command in each state, every prefix of a good conversation, logging in, roles. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/smtp_fake.h"
#include "wire/identity.h"

#include <stdio.h>
#include <string.h>

static bool
is_known(void *ctx, const char *address)
{
	(void)ctx;
	return strcmp(address, "token@mx.test") == 0;
}

static const struct smtp_settings usual = {
	.auth_offered = true,
	.auth_weak = "info:info,admin:admin",
};

static void
say(struct smtp_fake *h, const char *text)
{
	smtp_fake_say(h, text, strlen(text), true);
}

/* All that was heard is replies: three digits, a space or a hyphen, CRLF; the last line of one has a space. */
static void
assert_replies(const struct smtp_fake *h)
{
	const char *p = h->text;
	bool more = false;

	while (*p != '\0') {
		assert_true(p[0] >= '2' && p[0] <= '5' && strlen(p) >= 5);
		more = p[3] == '-';
		assert_true(more || p[3] == ' ');
		p = strstr(p, "\r\n");
		assert_non_null(p);
		p += 2;
	}
	assert_false(more);
}

/* ---- every command in every state ---- */

static const char *const states[] = {
	"",
	"EHLO x.test\r\n",
	"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\n",
	"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n",
	"EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\nDATA\r\nhi\r\n.\r\n",
};
enum { STATES = sizeof(states) / sizeof(states[0]) };

static const struct {
	const char *look, *command;
	const char *codes[STATES]; /* fresh, greeted, MAIL, RCPT, behind a mail */
} cells[] = {
	{ "postfix", "MAIL FROM:<a@b.test>", { "250", "250", "503", "503", "250" } },
	{ "postfix", "RCPT TO:<c@d.test>", { "503", "503", "250", "250", "503" } },
	{ "postfix", "DATA", { "503", "503", "554", "354", "503" } },
	{ "postfix", "BDAT 0 LAST", { "503", "503", "554", "250", "503" } },
	{ "postfix", "RSET", { "250", "250", "250", "250", "250" } },
	{ "postfix", "ETRN d.test", { "459", "459", "503", "503", "459" } },
	{ "postfix", "AUTH LOGIN", { "334", "334", "503", "503", "334" } },
	{ "postfix", "HELP", { "500", "500", "500", "500", "500" } },
	{ "postfix", "QUIT", { "221", "221", "221", "221", "221" } },
	{ "postfix-2", "BDAT 0 LAST", { "502", "502", "502", "502", "502" } },
	{ "postfix-2", "VRFY root", { "252", "252", "252", "252", "252" } },
	{ "sendmail", "MAIL FROM:<a@b.test>", { "250", "250", "503", "503", "250" } },
	{ "sendmail", "RCPT TO:<c@d.test>", { "503", "503", "250", "250", "503" } },
	{ "sendmail", "DATA", { "503", "503", "503", "354", "503" } },
	{ "sendmail", "BDAT 0 LAST", { "500", "500", "500", "500", "500" } },
	{ "sendmail", "ETRN d.test", { "250", "250", "250", "250", "250" } },
	{ "sendmail", "AUTH LOGIN", { "334", "334", "503", "503", "334" } },
	{ "sendmail", "EXPN root", { "250", "250", "250", "250", "250" } },
	{ "sendmail", "HELP", { "214", "214", "214", "214", "214" } },
	{ "sendmail-8.12", "TURN", { "502", "502", "502", "502", "502" } },
	{ "exim", "MAIL FROM:<a@b.test>", { "503", "250", "503", "503", "250" } },
	{ "exim", "RCPT TO:<c@d.test>", { "503", "503", "250", "250", "503" } },
	{ "exim", "DATA", { "503", "503", "503", "354", "503" } },
	{ "exim", "BDAT 0 LAST", { "503", "503", "503", "250", "503" } },
	{ "exim", "ETRN #q", { "250", "250", "503", "503", "250" } },
	{ "exim", "AUTH LOGIN", { "503", "334", "503", "503", "334" } },
	{ "exim", "EXPN root", { "550", "550", "550", "550", "550" } },
	{ "exchange", "MAIL FROM:<a@b.test>", { "503", "250", "503", "503", "250" } },
	{ "exchange", "RCPT TO:<c@d.test>", { "503", "503", "250", "250", "503" } },
	{ "exchange", "DATA", { "503", "503", "503", "354", "503" } },
	{ "exchange", "BDAT 0 LAST", { "503", "503", "503", "250", "503" } },
	{ "exchange", "TURN", { "500", "500", "500", "500", "500" } },
	{ "exchange-5.0", "TURN", { "530", "530", "530", "530", "530" } },
	{ "exchange-5.0", "VRFY root", { "252", "252", "252", "252", "252" } },
	{ "exchange-5.0", "AUTH LOGIN", { "334", "334", "503", "503", "334" } },
};

static void
each_cell_answers_as_its_server_does(void **unused)
{
	static struct smtp_fake h;
	char line[64];

	(void)unused;
	for (size_t i = 0; i < sizeof(cells) / sizeof(cells[0]); i++) {
		for (size_t k = 0; k < STATES; k++) {
			smtp_fake_begin(&h, cells[i].look, usual);
			say(&h, states[k]);
			h.len = 0;
			snprintf(line, sizeof(line), "%s\r\n", cells[i].command);
			say(&h, line);
			if (strncmp(h.text, cells[i].codes[k], 3) != 0)
				fail_msg("%s: %s in state %zu heard %s", cells[i].look, cells[i].command, k, h.text);
			assert_replies(&h);
			smtp_session_free(&h.session);
		}
	}
}

static void
every_row_of_every_look_answers_in_every_state(void **unused)
{
	static struct smtp_fake h;
	static const char *const arguments[] = { "", " x", " <", " FROM:<a@b.test>", " TO:<c@d.test> X=1", " 0 LAST" };
	char line[64];

	(void)unused;
	for (size_t l = 0; look_at(l) != NULL; l++) {
		for (size_t i = 0; i < look_at(l)->command_count * STATES * 6; i++) {
			size_t row = i / (STATES * 6);

			smtp_fake_begin(&h, look_at(l)->name, usual);
			say(&h, states[i / 6 % STATES]);
			h.len = 0;
			snprintf(line, sizeof(line), "%s%s\r\n", look_at(l)->commands[row].verb, arguments[i % 6]);
			say(&h, line);
			assert_true(h.len > 0);
			assert_replies(&h);
			smtp_session_free(&h.session);
			assert_int_equal(h.open, 0);
		}
	}
}

/* ---- prefixes ---- */

static const char good[] =
    "EHLO x.test\r\nMAIL FROM:<a@b.test> BODY=8BITMIME\r\nRCPT TO:<c@d.test>\r\nDATA\r\nSubject: s\r\n\r\n"
    "..hi\r\n.\r\nRSET\r\nQUIT\r\n";

static void
every_prefix_ends_without_a_trace(void **unused)
{
	static struct smtp_fake h;
	size_t end = (size_t)(strstr(good, "\r\n.\r\n") - good) + 5;

	(void)unused;
	for (size_t l = 0; look_at(l) != NULL; l++) {
		for (size_t len = 0; len < sizeof(good); len++) {
			smtp_fake_begin(&h, look_at(l)->name, usual);
			smtp_fake_say(&h, good, len, true);
			assert_int_equal(h.stored, len >= end);
			smtp_session_eof(h.session);
			assert_replies(&h);
			smtp_session_free(&h.session);
			assert_int_equal(h.open, 0);
			if (len >= end)
				assert_memory_equal(h.mail, "Subject: s\r\n\r\n.hi\r\n", 18);
		}
		assert_int_equal(h.closes, 1);
	}
}

/* ---- ahead of their turn ---- */

static void
pipelined_commands_are_heard_where_the_server_hears_them(void **unused)
{
	static struct smtp_fake h;

	(void)unused;
	smtp_fake_begin(&h, "postfix", usual);
	smtp_fake_say(&h, good, sizeof(good) - 1, false);
	assert_int_equal(h.stored, 1);
	smtp_session_free(&h.session);
	smtp_fake_begin(&h, "sendmail", usual);
	smtp_fake_say(&h, good, sizeof(good) - 1, false);
	assert_non_null(strstr(h.text, "554 5.5.0 SMTP protocol error\r\n550 5.0.0 Command rejected\r\n"));
	assert_int_equal(h.stored, 0);
	smtp_session_free(&h.session);
	smtp_fake_begin(&h, "exim", usual);
	smtp_fake_say(&h, good, sizeof(good) - 1, false);
	assert_int_equal(h.stored, 1); /* PIPECONNECT: the first mail may be ahead */
	say(&h, "x");
	smtp_session_free(&h.session);
}

static void
chunks_make_one_mail(void **unused)
{
	static const char said[] = "EHLO x.test\r\nMAIL FROM:<a@b.test>\r\nRCPT TO:<c@d.test>\r\n";
	static const char *const names[] = { "postfix", "exim", "exchange", "exchange-5.0" };
	static struct smtp_fake h;

	(void)unused;
	for (size_t i = 0; i < 4; i++) {
		smtp_fake_begin(&h, names[i], usual);
		say(&h, said);
		say(&h, "BDAT 5\r\n.\r\n.\nBDAT 4 LAST\r\nab\r\nNOOP\r\n");
		assert_int_equal(h.stored, 1);
		assert_int_equal(h.mail_len, 9);
		assert_memory_equal(h.mail, ".\r\n.\nab\r\n", 9);
		assert_replies(&h);
		smtp_session_free(&h.session);
	}
}

/* ---- logging in ---- */

static void
weak_pairs_and_the_persistent_get_in(void **unused)
{
	static struct smtp_fake h;
	struct smtp_settings patient = usual;

	(void)unused;
	smtp_fake_begin(&h, "postfix", usual);
	say(&h, "EHLO x.test\r\nAUTH PLAIN AGluZm8AaW5mb3g=\r\n"); /* info, infox */
	assert_int_equal(h.accepted, 0);
	say(&h, "AUTH PLAIN AGluZm8AaW5mbw==\r\nMAIL FROM:<a@b.test>\r\n"); /* info, info */
	assert_int_equal(h.attempts, 2);
	assert_int_equal(h.accepted, 1);
	assert_string_equal(h.user, "info");
	smtp_session_free(&h.session);
	patient.auth_after = 2;
	smtp_fake_begin(&h, "postfix", patient);
	for (int i = 0; i < 3; i++)
		say(&h, "AUTH LOGIN eA==\r\neQ==\r\n"); /* x, y */
	assert_int_equal(h.attempts, 3);
	assert_int_equal(h.accepted, 1);
	assert_string_equal(h.mechanism, "LOGIN");
	smtp_session_free(&h.session);
}

/* What they try is recorded, and no rule lets them in. */
static void
tries_that_cannot_succeed_are_told_of(void **unused)
{
	static const char *const tries[] = {
		"AUTH PLAIN AABwdw==\r\n", /* no user */
		"AUTH PLAIN AGluZm8=\r\n", /* no password */
		"AUTH PLAIN AGluZm8AaW5mbwBh\r\n", /* info, info, and more */
		"AUTH PLAIN cm9vdABpbmZvAGluZm8=\r\n", /* info for root */
		"AUTH LOGIN\r\n\r\naW5mbw==\r\n",
	};
	static struct smtp_fake h;
	struct smtp_settings patient = usual;

	(void)unused;
	patient.auth_after = 1;
	smtp_fake_begin(&h, "postfix", patient);
	say(&h, "EHLO x.test\r\n");
	for (int i = 0; i < 5; i++) {
		say(&h, tries[i]);
		assert_int_equal(h.attempts, i + 1);
		assert_int_equal(h.accepted, 0);
	}
	smtp_session_free(&h.session);
}

static int
value(char c)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	return (int)(strchr(digits, c) - digits);
}

static void
decode(const char *in, char *out)
{
	for (; in[0] != '\0' && in[0] != '\r'; in += 4) {
		int bits = value(in[0]) << 18 | value(in[1]) << 12 | (in[2] == '=' ? 0 : value(in[2]) << 6) |
		    (in[3] == '=' ? 0 : value(in[3]));

		*out++ = (char)(bits >> 16);
		*out++ = (char)(bits >> 8);
		*out++ = (char)bits;
	}
	*out = '\0';
}

static void
encode(const char *in, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

	for (size_t len = strlen(in); len > 0; in += 3, len -= len < 3 ? len : 3) {
		unsigned bits =
		    (unsigned)in[0] << 16 | (len > 1 ? (unsigned)in[1] << 8 : 0) | (len > 2 ? (unsigned)in[2] : 0);

		for (size_t k = 0; k < 4; k++)
			*out++ = k > len ? '=' : digits[bits >> (18 - 6 * k) & 63];
	}
	*out = '\0';
}

static void
a_response_to_a_challenge_is_checked(void **unused)
{
	static struct smtp_fake h;
	char challenge[256], digest[HMAC_MD5_HEX_MAX], response[64], text[128], line[160];

	(void)unused;
	for (int right = 0; right < 2; right++) {
		smtp_fake_begin(&h, "postfix", usual);
		say(&h, "EHLO x.test\r\n");
		h.len = 0;
		say(&h, "AUTH CRAM-MD5\r\n");
		decode(h.text + 4, challenge);
		hmac_md5_hex(right ? "admin" : "guess", challenge, digest);
		snprintf(response, sizeof(response), "admin %s", digest);
		encode(response, text);
		snprintf(line, sizeof(line), "%s\r\n", text);
		say(&h, line);
		assert_int_equal(h.attempts, 1);
		assert_int_equal(h.accepted, (unsigned)right);
		smtp_session_free(&h.session);
	}
}

/* ---- an MX takes what the others say ---- */

static void
an_mx_takes_only_whom_it_knows(void **unused)
{
	static struct smtp_fake h;
	struct smtp_settings mx = usual;

	(void)unused;
	mx.role = SMTP_ROLE_MX;
	mx.recipient_ok = is_known;
	for (size_t l = 0; look_at(l) != NULL; l++) {
		smtp_fake_begin(&h, look_at(l)->name, mx);
		say(&h, "EHLO x.test\r\nMAIL FROM:<a@b.test>\r\n");
		h.len = 0;
		say(&h, "RCPT TO:<other@mx.test>\r\n");
		assert_memory_equal(h.text, "550", 3);
		h.len = 0;
		say(&h, "RCPT TO:<token@mx.test>\r\n");
		assert_memory_equal(h.text, "250", 3);
		smtp_session_free(&h.session);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(each_cell_answers_as_its_server_does),
		cmocka_unit_test(every_row_of_every_look_answers_in_every_state),
		cmocka_unit_test(every_prefix_ends_without_a_trace),
		cmocka_unit_test(pipelined_commands_are_heard_where_the_server_hears_them),
		cmocka_unit_test(chunks_make_one_mail),
		cmocka_unit_test(weak_pairs_and_the_persistent_get_in),
		cmocka_unit_test(tries_that_cannot_succeed_are_told_of),
		cmocka_unit_test(a_response_to_a_challenge_is_checked),
		cmocka_unit_test(an_mx_takes_only_whom_it_knows),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
