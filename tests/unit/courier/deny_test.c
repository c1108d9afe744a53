/* deny_test - whom the courier never writes to. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "courier/deny.h"

#include <stdio.h>
#include <string.h>

static struct deny
load(void)
{
	struct deny d;
	char error[256];

	assert_true(deny_load(&d, "enemy@, boss@ours.example", "gov, ours.net", "198.51.100.0/24,2001:db8::/32",
	    "192.0.2.0/24", error, sizeof(error)));
	return d;
}

static const struct {
	const char *address, *why; /* NULL: allowed */
} recipients[] = {
	{ "box@dropbox.example", NULL },
	{ "a.b+c_d-e@x.y.example", NULL },
	{ "ABUSE@x.example", "role-address" },
	{ "abuse+tag@x.example", "role-address" },
	{ "postmaster@x.example", "role-address" },
	{ "Mailer-Daemon@x.example", "role-address" },
	{ "hostmaster@x.example", "role-address" },
	{ "abuser-desk@x.example", "trap-address" },
	{ "my.spamtrap@x.example", "trap-address" },
	{ "joe@honeypot.example", "trap-address" },
	{ "joe@bl.spamcop.example", "trap-address" },
	{ "Enemy@anywhere.example", "denied-recipient" },
	{ "boss@OURS.example", "denied-recipient" },
	{ "boss@other.example", NULL },
	{ "x@agency.gov", "denied-domain" },
	{ "x@a.ours.net", "denied-domain" },
	{ "x@ours.net", "denied-domain" },
	{ "x@notours.net", NULL },
	{ "", "bad-address" },
	{ "x", "bad-address" },
	{ "x@", "bad-address" },
	{ "@x.example", "bad-address" },
	{ "x@localhost", "bad-address" },
	{ "x@[203.0.113.1]", "bad-address" },
	{ "x@203.0.113.1", "bad-address" },
	{ "x y@x.example", "bad-address" },
	{ "x>@x.example", "bad-address" },
	{ "x\r\nDATA@x.example", "bad-address" },
	{ "\"x\"@x.example", "bad-address" },
	{ "a%b@x.example", "bad-address" },
	{ "host!user@x.example", "bad-address" },
	{ "a@b@x.example", "bad-address" },
	{ ".x@x.example", "bad-address" },
	{ "x..y@x.example", "bad-address" },
	{ "x.@x.example", "bad-address" },
	{ "x@-x.example", "bad-address" },
	{ "x@x-.example", "bad-address" },
	{ "x@x..example", "bad-address" },
	{ "x@x.example.", "bad-address" },
	{ "x@x.example/y", "bad-address" },
	{ "\xc3\xa4@x.example", "bad-address" },
	{ "1234567890123456789012345678901234567890123456789012345678901234@x.example", NULL },
	{ "12345678901234567890123456789012345678901234567890123456789012345@x.example", "bad-address" },
};

static void
recipients_are_judged(void **state)
{
	struct deny d = load();

	(void)state;
	for (size_t i = 0; i < sizeof(recipients) / sizeof(recipients[0]); i++) {
		const char *why = deny_recipient(&d, recipients[i].address);

		if ((why == NULL) != (recipients[i].why == NULL) ||
		    (why != NULL && strcmp(why, recipients[i].why) != 0))
			fail_msg("%s: %s", recipients[i].address, why == NULL ? "allowed" : why);
	}
}

static void
senders_may_be_empty(void **state)
{
	(void)state;
	assert_true(deny_sender_valid(""));
	assert_true(deny_sender_valid("abuse@x.example"));
	assert_false(deny_sender_valid("a b@x.example"));
	assert_false(deny_sender_valid("a"));
}

static void
hosts_and_sources(void **state)
{
	static const char *const denied[] = { "127.0.0.1", "10.1.2.3", "172.31.0.1", "192.168.1.1", "169.254.169.254",
		"100.64.0.1", "0.0.0.0", "224.0.0.1", "255.255.255.255", "198.51.100.9", "::1", "::", "fe80::1",
		"fd00::1", "ff02::1", "2001:db8::1" };
	static const char *const allowed[] = { "203.0.113.1", "172.32.0.1", "2001:db9::1", "192.0.2.1" };
	struct deny d = load();
	struct addr a;

	(void)state;
	for (size_t i = 0; i < sizeof(denied) / sizeof(denied[0]); i++) {
		assert_true(addr_parse(denied[i], &a));
		if (!deny_host(&d, &a))
			fail_msg("%s is allowed", denied[i]);
	}
	for (size_t i = 0; i < sizeof(allowed) / sizeof(allowed[0]); i++) {
		assert_true(addr_parse(allowed[i], &a));
		if (deny_host(&d, &a))
			fail_msg("%s is denied", allowed[i]);
	}
	assert_true(deny_source(&d, &a));
	assert_true(addr_parse("192.0.3.1", &a));
	assert_false(deny_source(&d, &a));
}

static void
bad_lists_are_told(void **state)
{
	static char many[DENY_LIST_MAX * 2 + 3];
	struct deny d;
	char error[256];

	(void)state;
	assert_false(deny_load(&d, "", "", "10.0.0.0/33", "", error, sizeof(error)));
	assert_non_null(strstr(error, "deny.networks"));
	for (size_t i = 0; i < DENY_LIST_MAX; i++)
		memcpy(many + 2 * i, "x,", 2);
	assert_true(deny_load(&d, many, "", "", "", error, sizeof(error)));
	memcpy(many + sizeof(many) - 3, "y", 1);
	assert_false(deny_load(&d, many, "", "", "", error, sizeof(error)));
	assert_non_null(strstr(error, "deny.recipients"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(recipients_are_judged),
		cmocka_unit_test(senders_may_be_empty),
		cmocka_unit_test(hosts_and_sources),
		cmocka_unit_test(bad_lists_are_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
