/* message_test - subject, body and attachments of a mail, and what goes out of it with its trace. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "courier/message.h"
#include "courier/trace.h"

#include <stdlib.h>
#include <string.h>

static struct message
parse(const char *text)
{
	struct message m;

	message_parse(&m, text, strlen(text));
	return m;
}

static void
expect(struct span s, const char *text)
{
	assert_int_equal(s.len, strlen(text));
	if (s.len > 0)
		assert_memory_equal(s.at, text, s.len);
}

static void
parts_are_found(void **state)
{
	struct message m = parse("From: a\r\nSUBJECT: one\r\n two\r\nSubject: three\r\n\r\nbody\r\n\r\nmore");

	(void)state;
	expect(m.subject, " one\r\n two");
	expect(m.body, "body\r\n\r\nmore");
	m = parse("Subject: bare\n\nlf\n");
	expect(m.subject, " bare");
	expect(m.body, "lf\n");
	m = parse("\r\nSubject: no\r\n");
	expect(m.subject, "");
	expect(m.body, "Subject: no\r\n");
	m = parse("");
	expect(m.body, "");
	m = parse("Subject:");
	expect(m.subject, "");
}

static void
attachments_are_seen(void **state)
{
	static const char *const with[] = {
		"Content-Type: application/zip\r\n\r\nx",
		"Content-Type:\r\n image/png\r\n\r\nx",
		"Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\ncontent-type: audio/x\r\n\r\nx\r\n--b--\r\n",
		"a: b\r\n\r\nContent-Disposition: ATTACHMENT\r\n",
		"a: b\r\n\r\nContent-Disposition: inline;\r\n\tfilename=x\r\n",
		"a: b\r\n\r\nContent-Type: text/plain; name=x.exe\r\n",
		"a: b\r\n\r\nbegin 644 x.exe\r\n",
	};
	static const char *const without[] = { "", "Content-Type: text/html\r\n\r\nx", "Content-Type:\r\n\r\nx",
		"Content-Type: multipart/alternative; boundary=b\r\n\r\n--b\r\nContent-Type: TEXT/plain\r\n\r\nx\r\n",
		"a: b\r\n\r\nbegin 999 days\r\nbegin again\r\nbegin 64\r\n",
		"a: b\r\n\r\nContent-Disposition: inline\r\n" };

	(void)state;
	for (size_t i = 0; i < sizeof(with) / sizeof(with[0]); i++) {
		struct message m = parse(with[i]);

		if (!message_has_attachment(&m))
			fail_msg("unseen: %s", with[i]);
	}
	for (size_t i = 0; i < sizeof(without) / sizeof(without[0]); i++) {
		struct message m = parse(without[i]);

		if (message_has_attachment(&m))
			fail_msg("seen: %s", without[i]);
	}
}

static void
line_ends(void **state)
{
	static const char *const bare[] = { "\r", "a\rb\r\n", "a\r\n\r", "\r\r\n" };
	struct message m;
	size_t len;

	(void)state;
	for (size_t i = 0; i < sizeof(bare) / sizeof(bare[0]); i++) {
		m = parse(bare[i]);
		assert_true(message_has_bare_cr(&m));
	}
	m = parse("a\r\nb\nc\n\n.\n");
	assert_false(message_has_bare_cr(&m));
	char *out = message_compose(&m, "T: t\r\n", &len);

	assert_string_equal(out, "T: t\r\na\r\nb\r\nc\r\n\r\n.\r\n");
	assert_int_equal(len, strlen(out));
	free(out);
	m = parse("");
	out = message_compose(&m, "T: t\r\n", &len);
	assert_string_equal(out, "T: t\r\n");
	free(out);
}

static void
the_trace_is_the_looks_own(void **state)
{
	static const struct {
		const char *look, *text;
	} rows[] = {
		{ "postfix",
		    "Received: from x?y? (unknown [198.18.1.7])\r\n\tby mail.example (Postfix) with ESMTP id 0B9DC\r\n"
		    "\tfor <a@b.example>; Wed, 26 Nov 2025 12:00:00 +0000 (UTC)\r\n" },
		{ "sendmail-8.12",
		    "Received: from x?y? ([198.18.1.7])\r\n\tby mail.example (8.9/8.9) with ESMTP id 0B9DC\r\n"
		    "\tfor <a@b.example>; Wed, 26 Nov 2025 12:00:00 GMT\r\n" },
		{ "exchange-5.0",
		    "Received: from x?y? ([198.18.1.7]) by mail.example with Microsoft SMTPSVC(8.9/8.9);\r\n"
		    "\t Wed, 26 Nov 2025 12:00:00 +0000\r\n" },
		{ "exchange",
		    "Received: from x?y? (198.18.1.7) by mail.example with Microsoft SMTP Server; "
		    "Wed, 26 Nov 2025 12:00:00 +0000\r\n" },
		{ "exim",
		    "Received: from [198.18.1.7] (helo=x?y?)\r\n\tby mail.example with esmtp (Exim 8.9/8.9)\r\n"
		    "\t(envelope-from <s@t.example>)\r\n\tid 0B9DC\r\n\tfor a@b.example;\r\n"
		    "\tWed, 26 Nov 2025 12:00:00 +0000\r\n" },
	};
	static struct relay_mail m;
	char out[TRACE_MAX];

	(void)state;
	assert_true(addr_parse("198.18.1.7", &m.flow.source.addr));
	strcpy(m.helo, "x\ny)");
	strcpy(m.host, "mail.example");
	strcpy(m.queue_id, "0B9DC");
	strcpy(m.version, "8.9/8.9");
	strcpy(m.mail_from, "s@t.example");
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcpy(m.flow.look, rows[i].look);
		assert_string_equal(trace_format(&m, "a@b.example", UINT64_C(1764158400000), out), rows[i].text);
	}
}

static void
the_longest_trace_is_whole(void **state)
{
	static struct relay_mail m;
	char to[RELAY_MAIL_ADDRESS_MAX], out[TRACE_MAX];

	(void)state;
	memset(to, 'a', sizeof(to) - 1);
	to[sizeof(to) - 1] = '\0';
	memset(m.helo, 'h', sizeof(m.helo) - 1);
	memset(m.host, 'n', sizeof(m.host) - 1);
	memset(m.queue_id, 'q', sizeof(m.queue_id) - 1);
	memset(m.version, 'v', sizeof(m.version) - 1);
	memset(m.mail_from, 's', sizeof(m.mail_from) - 1);
	strcpy(m.flow.look, "exim");
	m.tls = true;
	memset(m.flow.source.addr.b, 0xab, sizeof(m.flow.source.addr.b));
	trace_format(&m, to, 0, out);
	assert_string_equal(out + strlen(out) - 2, "\r\n");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parts_are_found),
		cmocka_unit_test(attachments_are_seen),
		cmocka_unit_test(line_ends),
		cmocka_unit_test(the_trace_is_the_looks_own),
		cmocka_unit_test(the_longest_trace_is_whole),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
