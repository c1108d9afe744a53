/* relay_mail_test - a relay-mail event is read back, and nothing else is. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/mem.h"
#include "courier/relay_mail.h"
#include "wire/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { HEX = 64 };

static char *
make(const char *action, unsigned recipients, size_t address_len)
{
	static struct flow_info flow = { .id = "01m8", .look = "postfix" };
	char sha[HEX + 1], address[1024];
	struct event *e = event_create("relaytrap", "lab", action, "01m8-mail-1", 0);

	assert_true(endpoint_parse("198.18.1.7:40000", &flow.source));
	assert_true(endpoint_parse("203.0.113.16:25", &flow.destination));
	memset(sha, 'a', HEX);
	sha[HEX] = '\0';
	memset(address, 'x', sizeof(address));
	event_flow(e, &flow);
	event_text(e, "honeyspam.mail.id", "01m8-m1");
	event_text(e, "honeyspam.mail.sha256", sha);
	event_number(e, "honeyspam.mail.size", 77);
	event_number(e, "honeyspam.mail.sequence", 5);
	event_text(e, "honeyspam.mail.queue_id", "0B9D");
	event_text(e, "honeyspam.mail.host", "mail.example");
	event_text(e, "honeyspam.mail.envelope.helo", "helo.example");
	event_text(e, "honeyspam.mail.envelope.mail_from", "");
	for (unsigned i = 0; i < recipients; i++)
		event_append(e, "honeyspam.mail.envelope.rcpt_to", address, address_len, 1000);
	event_number(e, "honeyspam.mail.recipients", recipients);
	const char *text = event_format(e, NULL);

	assert_non_null(text);
	char *copy = xstrdup(text);
	event_destroy(&e);
	return copy;
}

static void
an_event_comes_back(void **state)
{
	static struct relay_mail m;
	const char *error;
	char *text = make("relay-mail", 2, 9);

	(void)state;
	assert_true(relay_mail_parse(text, strlen(text), &m, &error));
	assert_string_equal(m.id, "01m8-m1");
	assert_int_equal(m.size, 77);
	assert_int_equal(m.sequence, 5);
	assert_int_equal(m.flow.source.port, 40000);
	assert_int_equal(m.flow.destination.port, 25);
	assert_string_equal(m.flow.look, "postfix");
	assert_string_equal(m.host, "mail.example");
	assert_string_equal(m.helo, "helo.example");
	assert_string_equal(m.mail_from, "");
	assert_int_equal(m.recipient_count, 2);
	assert_int_equal(m.recipient_total, 2);
	assert_string_equal(m.recipients[1], "xxxxxxxxx");
	for (size_t len = 0; len < strlen(text); len++)
		assert_false(relay_mail_parse(text, len, &m, &error));
	free(text);
}

static void
caps_hold(void **state)
{
	static struct relay_mail m;
	const char *error;
	char *text = make("relay-mail", RELAY_MAIL_RECIPIENTS_MAX + 1, 9);

	(void)state;
	assert_true(relay_mail_parse(text, strlen(text), &m, &error));
	assert_int_equal(m.recipient_count, RELAY_MAIL_RECIPIENTS_MAX);
	assert_int_equal(m.recipient_total, RELAY_MAIL_RECIPIENTS_MAX + 1);
	free(text);
	text = make("relay-mail", 1, RELAY_MAIL_ADDRESS_MAX - 1);
	assert_true(relay_mail_parse(text, strlen(text), &m, &error));
	assert_int_equal(m.recipient_count, 1);
	free(text);
	text = make("relay-mail", 1, RELAY_MAIL_ADDRESS_MAX);
	assert_true(relay_mail_parse(text, strlen(text), &m, &error));
	assert_int_equal(m.recipient_count, 0);
	free(text);
}

static void
an_mx_is_no_relay(void **state)
{
	static const struct {
		const char *look;
		bool mx;
	} rows[] = { { "postfix", false }, { "postfix\\/mx", true }, { "exim\\/tls\\/mx", true }, { "mx", false },
		{ "x\\/mxx", false } };
	static struct relay_mail m;
	const char *error;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char changed[4096], *text = make("relay-mail", 1, 9), *found = strstr(text, "postfix");

		assert_non_null(found);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(found - text), text, rows[i].look,
		    found + strlen("postfix"));
		assert_true(relay_mail_parse(changed, strlen(changed), &m, &error));
		assert_int_equal(m.mx, rows[i].mx);
		free(text);
	}
}

static void
others_are_refused(void **state)
{
	static const char *const words[] = { "\"sequence\":5", "\"sequence\":0", "\"id\":\"01m8-m1\"",
		"\"id\":\"01m8.m1\"", "\"port\":25", "\"port\":99999", "203.0.113.16", "203.0.113.999", "\"size\":77",
		"\"size\":-7" };
	static struct relay_mail m;
	const char *error;
	char *text = make("relay-session", 1, 9);

	(void)state;
	assert_false(relay_mail_parse(text, strlen(text), &m, &error));
	assert_string_equal(error, "another action");
	free(text);
	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i += 2) {
		char changed[4096];

		text = make("relay-mail", 1, 9);
		char *found = strstr(text, words[i]);

		assert_non_null(found);
		snprintf(changed, sizeof(changed), "%.*s%s%s", (int)(found - text), text, words[i + 1],
		    found + strlen(words[i]));
		assert_false(relay_mail_parse(changed, strlen(changed), &m, &error));
		free(text);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_comes_back),
		cmocka_unit_test(caps_hold),
		cmocka_unit_test(an_mx_is_no_relay),
		cmocka_unit_test(others_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
