/* smtp_session_test - conversations: what the client says, and what it hears. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/smtp_fake.h"

#include <stdio.h>
#include <string.h>

static const struct smtp_settings usual = { .host_secret = 7 };

static void
begin(struct smtp_fake *f, const char *look)
{
	smtp_fake_begin(f, look, usual);
}

static void
say(struct smtp_fake *f, const char *text, size_t len)
{
	smtp_fake_say(f, text, len, true);
}

/* The codes of the replies, a multi-line reply once. */
static void
codes(const struct smtp_fake *h, char *out)
{
	for (const char *p = h->text; *p != '\0'; p = strchr(p, '\n') + 1) {
		if (p[3] == ' ')
			out += sprintf(out, "%.3s ", p);
	}
	*out = '\0';
}

static const struct {
	const char *name;
	const char *look;
	const char *said;
	const char *codes;
} conversations[] = {
	{ "a relay is allowed", "postfix", "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n",
	    "220 250 250 250 354 250 221 " },
	{ "and by sendmail", "sendmail", "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhi\r\n.\r\nQUIT\r\n",
	    "220 250 250 250 354 250 221 " },
	{ "MAIL without HELO is allowed", "postfix", "MAIL FROM:<a@b>\r\n", "220 250 " },
	{ "recipient before sender is refused", "postfix", "HELO x\r\nRCPT TO:<c@d>\r\nQUIT\r\n", "220 250 503 221 " },
	{ "DATA before sender is refused", "postfix", "DATA\r\n", "220 503 " },
	{ "DATA without a recipient is refused", "postfix", "MAIL FROM:<a@b>\r\nDATA\r\n", "220 250 554 " },
	{ "DATA without a recipient at sendmail", "sendmail", "MAIL FROM:<a@b>\r\nDATA\r\n", "220 250 503 " },
	{ "nested MAIL is refused", "postfix", "MAIL FROM:<a@b>\r\nMAIL FROM:<a@b>\r\n", "220 250 503 " },
	{ "RSET forgets the transaction", "postfix", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRSET\r\nDATA\r\n",
	    "220 250 250 250 503 " },
	{ "EHLO forgets the transaction", "postfix", "MAIL FROM:<a@b>\r\nEHLO x\r\nRCPT TO:<c@d>\r\n",
	    "220 250 250 503 " },
	{ "the empty sender is allowed", "postfix", "MAIL FROM:<>\r\n", "220 250 " },
	{ "the empty recipient is not", "postfix", "MAIL FROM:<>\r\nRCPT TO:<>\r\n", "220 250 501 " },
	{ "addresses without brackets", "postfix", "MAIL FROM:a@b\r\nRCPT TO: c@d\r\n", "220 250 250 " },
	{ "an unknown local user", "postfix", "MAIL FROM:<a@b>\r\nRCPT TO:<nosuch>\r\nRCPT TO:<x@mail.test>\r\n",
	    "220 250 550 550 " },
	{ "postmaster is known", "postfix", "MAIL FROM:<a@b>\r\nRCPT TO:<postmaster>\r\n", "220 250 250 " },
	{ "a source route is ignored", "postfix", "MAIL FROM:<a@b>\r\nRCPT TO:<@x:c@d>\r\n", "220 250 250 " },
	{ "two at signs at sendmail", "sendmail", "MAIL FROM:<a@b>\r\nRCPT TO:<u@x@y>\r\n", "220 250 553 " },
	{ "a size that is too large", "postfix", "MAIL FROM:<a@b> SIZE=99999999999\r\n", "220 552 " },
	{ "known parameters", "postfix", "MAIL FROM:<a@b> SIZE=10 BODY=8BITMIME RET=HDRS ENVID=x SMTPUTF8\r\n",
	    "220 250 " },
	{ "an unknown parameter", "postfix", "MAIL FROM:<a@b> FOO=1\r\n", "220 555 " },
	{ "DSN parameters of RCPT", "postfix", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d> NOTIFY=NEVER ORCPT=rfc822;x\r\n",
	    "220 250 250 " },
	{ "a message beyond the limit", "postfix", NULL, "220 250 250 354 552 250 " },
	{ "verbs are not prefixes", "postfix", "QUITTER\r\nHELOX y\r\n", "220 500 500 " },
	{ "verbs in any case", "postfix", "eHlO x\r\nmail from:<a@b>\r\n", "220 250 250 " },
	{ "bare LF ends a command", "postfix", "NOOP\nNOOP\n", "220 250 250 " },
	{ "an empty line", "postfix", "\r\n", "220 500 " },
	{ "HTTP is shown the door", "postfix", "GET / HTTP/1.0\r\nHost: x\r\n\r\n", "220 221 " },
	{ "and at sendmail", "sendmail", "CONNECT x:25 HTTP/1.0\r\n", "220 421 " },
	{ "nothing is heard after QUIT", "postfix", "QUIT\r\nNOOP\r\n", "220 221 " },
	{ "TURN at sendmail", "sendmail", "TURN\r\n", "220 502 " },
	{ "HELP at sendmail", "sendmail", "HELP\r\nHELP FOO\r\n", "220 214 504 " },
	{ "AUTH and STARTTLS are off", "postfix", "AUTH PLAIN\r\nSTARTTLS\r\n", "220 503 502 " },
	{ "AUTH and STARTTLS are off at sendmail", "sendmail", "AUTH PLAIN\r\nSTARTTLS\r\n", "220 503 454 " },
};

static void
over_the_limit(char *out)
{
	out += sprintf(out, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n");
	for (int i = 0; i < 40; i++)
		out += sprintf(out, "%s\r\n", "a line of the thirty characters");
	sprintf(out, ".\r\nNOOP\r\n");
}

static void
conversations_are_answered_as_the_look_would(void **state)
{
	static struct smtp_fake h;
	char said[4096], got[512];

	(void)state;
	for (size_t i = 0; i < sizeof(conversations) / sizeof(conversations[0]); i++) {
		begin(&h, conversations[i].look);
		if (conversations[i].said == NULL)
			over_the_limit(said);
		else
			strcpy(said, conversations[i].said);
		say(&h, said, strlen(said));
		codes(&h, got);
		if (strcmp(got, conversations[i].codes) != 0)
			fail_msg("%s: heard %s, wanted %s", conversations[i].name, got, conversations[i].codes);
		smtp_session_free(&h.session);
	}
}

/* Rows of the measured dialogues, word for word. */
static const struct {
	const char *look;
	const char *said;
	const char *last; /* the last reply */
} texts[] = {
	{ "postfix", "HELO\r\n", "501 Syntax: HELO hostname\r\n" },
	{ "postfix", "EHLO\r\n", "501 Syntax: EHLO hostname\r\n" },
	{ "postfix", "HELO x\r\n", "250 mail.test\r\n" },
	{ "postfix", "MAIL FROM:<a@b>\r\n", "250 2.1.0 Ok\r\n" },
	{ "postfix", "MAIL FROM:\r\n", "501 5.5.4 Syntax: MAIL FROM:<address>\r\n" },
	{ "postfix", "MAIL FROM a@b\r\n", "501 5.5.4 Syntax: MAIL FROM:<address>\r\n" },
	{ "postfix", "MAIL FROM:<a\r\n", "501 5.1.7 Bad sender address syntax\r\n" },
	{ "postfix", "MAIL FROM:<a@b> FOO=1\r\n", "555 5.5.4 Unsupported option: FOO=1\r\n" },
	{ "postfix", "RCPT TO:<a@b>\r\n", "503 5.5.1 Error: need MAIL command\r\n" },
	{ "postfix", "MAIL FROM:<a@b>\r\nRCPT TO:<nosuch>\r\n",
	    "550 5.1.1 <nosuch>: Recipient address rejected: User unknown in local recipient table\r\n" },
	{ "postfix", "VRFY postmaster\r\n", "252 2.0.0 postmaster\r\n" },
	{ "postfix", "VRFY\r\n", "501 5.5.4 Syntax: VRFY address [SMTPUTF8]\r\n" },
	{ "postfix", "ETRN x\r\n", "459 <x>: service unavailable\r\n" },
	{ "postfix", "RSET x\r\n", "501 5.5.4 Syntax: RSET\r\n" },
	{ "postfix", "QUIT x\r\n", "221 2.0.0 Bye\r\n" },
	{ "sendmail", "HELO client\r\n", "250 mail.test Hello [203.0.113.7], pleased to meet you\r\n" },
	{ "sendmail", "MAIL FROM:<a@b>\r\n", "250 2.1.0 <a@b>... Sender ok\r\n" },
	{ "sendmail", "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\n", "250 2.1.5 <c@d>... Recipient ok\r\n" },
	{ "sendmail", "MAIL FROM:<a@b>\r\nRCPT TO:<nosuch>\r\n", "550 5.1.1 <nosuch>... User unknown\r\n" },
	{ "sendmail", "RCPT TO:<a@b>\r\n", "503 5.0.0 Need MAIL before RCPT\r\n" },
	{ "sendmail", "EXPN root\r\n", "250 2.1.5 root <root@mail.test>\r\n" },
	{ "sendmail", "VERB\r\n", "250 2.0.0 Verbose mode\r\n" },
	{ "sendmail", "FOO\r\n", "500 5.5.1 Command unrecognized: \"FOO\"\r\n" },
	{ "sendmail", "QUIT\r\n", "221 2.0.0 mail.test closing connection\r\n" },
};

static void
texts_are_those_of_the_real_servers(void **state)
{
	static struct smtp_fake h;

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		begin(&h, texts[i].look);
		say(&h, texts[i].said, strlen(texts[i].said));
		size_t len = strlen(texts[i].last);
		if (h.len < len || strcmp(h.text + h.len - len, texts[i].last) != 0)
			fail_msg("%s: %s heard %s", texts[i].look, texts[i].said, h.text);
		smtp_session_free(&h.session);
	}
}

static void
every_split_gives_the_same_conversation(void **state)
{
	static const char said[] = "EHLO x\r\nMAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n..hi\r\n.\r\nQUIT\r\n";
	static struct smtp_fake whole, cut;

	(void)state;
	begin(&whole, "postfix");
	say(&whole, said, sizeof(said) - 1);
	for (size_t i = 0; i < sizeof(said); i++) {
		begin(&cut, "postfix");
		say(&cut, said, i);
		say(&cut, said + i, sizeof(said) - 1 - i);
		assert_string_equal(cut.text, whole.text);
		assert_int_equal(cut.mail_len, 5);
		assert_memory_equal(cut.mail, ".hi\r\n", 5);
		smtp_session_free(&cut.session);
	}
	smtp_session_free(&whole.session);
}

static void
pipelined_commands_wait_for_the_store(void **state)
{
	static const char said[] = "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\n.\r\nNOOP\r\n";
	static struct smtp_fake h;

	(void)state;
	begin(&h, "postfix");
	h.hold = true;
	size_t used = smtp_session_input(h.session, said, sizeof(said) - 1, 0, 0);
	assert_int_equal(used, sizeof(said) - 1 - 6);
	assert_non_null(strstr(h.text, "354 "));
	assert_null(strstr(h.text, "queued"));
	smtp_session_stored(h.session, false);
	assert_non_null(strstr(h.text, "452 4.3.1 Insufficient system storage\r\n"));
	smtp_session_free(&h.session);
}

static void
errors_slow_the_client_down_and_then_end_it(void **state)
{
	static struct smtp_fake h;

	(void)state;
	begin(&h, "postfix");
	for (int i = 0; i < 26; i++)
		say(&h, "FOO\r\n", 5);
	assert_int_equal(h.closes, 1);
	assert_int_equal(h.delay_ms, 11000); /* the answers to the last ten, and the goodbye */
	assert_non_null(strstr(h.text, "421 4.7.0 mail.test Error: too many errors\r\n"));
	smtp_session_free(&h.session);
}

static void
limits_of_time_and_of_recipients_hold(void **state)
{
	static struct smtp_fake h;
	char line[64];

	(void)state;
	begin(&h, "postfix");
	say(&h, "MAIL FROM:<a@b>\r\n", 17);
	for (int i = 0; i <= SMTP_RECIPIENTS_MAX; i++) {
		h.len = 0;
		int len = snprintf(line, sizeof(line), "RCPT TO:<u%d@d>\r\n", i);
		say(&h, line, (size_t)len);
	}
	assert_string_equal(h.text, "452 4.5.3 Error: too many recipients\r\n");
	smtp_session_sweep(h.session, 299999);
	assert_int_equal(h.closes, 0);
	smtp_session_sweep(h.session, 300000);
	assert_int_equal(h.closes, 1);
	assert_non_null(strstr(h.text, "421 4.4.2 mail.test Error: timeout exceeded\r\n"));
	smtp_session_free(&h.session);
}

static void
no_room_and_shutdown_are_said_in_character(void **state)
{
	static struct smtp_fake h;

	(void)state;
	begin(&h, "sendmail");
	h.refuse_begin = true;
	say(&h, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nNOOP\r\n", 44);
	assert_non_null(strstr(h.text, "452 4.4.5 Insufficient disk space; try again later\r\n250 2.0.0 OK"));
	smtp_session_shutdown(h.session);
	assert_int_equal(h.closes, 1);
	smtp_session_free(&h.session);
	begin(&h, "postfix");
	say(&h, "MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nDATA\r\nhalf", 42);
	smtp_session_free(&h.session);
	assert_int_equal(h.aborted, 1);
	assert_int_equal(h.stored, 0);
}

static void
begin_tls(struct smtp_fake *h, const char *look)
{
	smtp_fake_begin(h, look, (struct smtp_settings){ .tls_offered = true });
	h->shake = true;
	say(h, "EHLO x\r\nSTARTTLS\r\n", 18);
	assert_int_equal(h->handshakes, 1);
	h->len = 0;
	h->text[0] = '\0';
}

static void
tls_begins_the_conversation_anew(void **state)
{
	static const char said[] = "EHLO x\r\nSTARTTLS\r\nNOOP\r\n";
	static struct smtp_fake h;

	(void)state;
	smtp_fake_begin(&h, "postfix", (struct smtp_settings){ .tls_offered = true });
	assert_int_equal(smtp_session_input(h.session, said, sizeof(said) - 1, 0, 0), sizeof(said) - 1 - 6);
	assert_int_equal(h.handshakes, 1);
	assert_non_null(strstr(h.text, "250-STARTTLS\r\n"));
	smtp_session_tls_started(h.session);
	h.len = 0;
	say(&h, "EHLO x\r\nSTARTTLS\r\n", 18);
	assert_non_null(strstr(h.text, "554 5.5.1 Error: TLS already active\r\n"));
	assert_null(strstr(h.text, "250-STARTTLS\r\n"));
	assert_int_equal(h.handshakes, 1);
	smtp_session_free(&h.session);
}

/* How TLS is left when the client says QUIT, when the server has had enough, and when the client is gone. */
static void
tls_ends_as_the_look_ends_it(void **state)
{
	static const struct {
		const char *look;
		unsigned errors; /* that are too many */
		bool left; /* without TLS' goodbye */
	} rows[] = { { "postfix", 20, false }, { "sendmail", 26, true }, { "exim", 4, true },
		{ "exchange", 20, false } };
	static struct smtp_fake h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		begin_tls(&h, rows[i].look);
		say(&h, "QUIT\r\n", 6);
		assert_int_equal(h.closes, 1);
		assert_int_equal(h.left_tls, 0);
		smtp_session_free(&h.session);
		begin_tls(&h, rows[i].look);
		for (unsigned k = 0; k < rows[i].errors && h.closes == 0; k++)
			say(&h, "FOO\r\n", 5);
		assert_int_equal(h.closes, 1);
		assert_int_equal(h.left_tls > 0, rows[i].left);
		smtp_session_free(&h.session);
		begin_tls(&h, rows[i].look);
		smtp_session_eof(h.session);
		assert_int_equal(h.left_tls, 1);
		assert_int_equal(h.left_at, 0); /* what is said to one who is gone, is said in the clear */
		smtp_session_free(&h.session);
	}
}

/* Exim says its goodbye after it has left TLS, Sendmail before. */
static void
a_goodbye_is_said_where_the_look_says_it(void **state)
{
	static struct smtp_fake h;

	(void)state;
	begin_tls(&h, "exim");
	smtp_session_shutdown(h.session);
	assert_true(h.len > 0);
	assert_int_equal(h.left_at, 0);
	smtp_session_free(&h.session);
	begin_tls(&h, "sendmail");
	smtp_session_shutdown(h.session);
	assert_int_equal(h.left_tls, 1);
	assert_int_equal(h.left_at, h.len);
	smtp_session_free(&h.session);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(conversations_are_answered_as_the_look_would),
		cmocka_unit_test(texts_are_those_of_the_real_servers),
		cmocka_unit_test(every_split_gives_the_same_conversation),
		cmocka_unit_test(pipelined_commands_wait_for_the_store),
		cmocka_unit_test(errors_slow_the_client_down_and_then_end_it),
		cmocka_unit_test(limits_of_time_and_of_recipients_hold),
		cmocka_unit_test(tls_begins_the_conversation_anew),
		cmocka_unit_test(tls_ends_as_the_look_ends_it),
		cmocka_unit_test(a_goodbye_is_said_where_the_look_says_it),
		cmocka_unit_test(no_room_and_shutdown_are_said_in_character),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
