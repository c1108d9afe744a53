/* probe_test - which mails are tests of the relay, what a drop-box must prove, and what is a network. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "courier/dropbox.h"
#include "courier/network.h"
#include "courier/probe.h"

#include <string.h>

static const struct probe_limits limits = { .size_max = 1000, .salted_max = 5000 };

#define PLAIN "Subject: hi\r\n\r\nbuy\r\n"
#define MARKED "Subject: cb007110\r\n\r\nx\r\n"
#define ATTACHED "Content-Type: image/png; name=x\r\n\r\nx\r\n"

static const struct {
	const char *name;
	struct probe_facts facts;
	const char *text;
	enum probe_kind kind;
	size_t recipient;
	const char *why;
} cases[] = {
	{ "the first of its network", { 100, 1, true, -1 }, PLAIN, PROBE_FIRST, 0, NULL },
	{ "a later one", { 100, 1, false, -1 }, PLAIN, PROBE_NONE, 0, "plain" },
	{ "a later one that names us", { 100, 1, false, -1 }, MARKED, PROBE_MARKED, 0, NULL },
	{ "the first, to two", { 100, 2, true, -1 }, MARKED, PROBE_NONE, 0, "recipients" },
	{ "to nobody whom we know", { 100, 0, true, -1 }, MARKED, PROBE_NONE, 0, "recipients" },
	{ "as large as allowed", { 1000, 1, true, -1 }, PLAIN, PROBE_FIRST, 0, NULL },
	{ "a byte too large", { 1001, 1, true, -1 }, PLAIN, PROBE_NONE, 0, "large" },
	{ "with an attachment", { 100, 1, true, -1 }, ATTACHED, PROBE_NONE, 0, "attachment" },
	{ "with a bare CR", { 100, 1, true, -1 }, "a: b\r\n\r\nx\ry\r\n", PROBE_NONE, 0, "bare-cr" },
	{ "a drop-box among many", { 5000, 90, false, 7 }, PLAIN, PROBE_SALTED, 7, NULL },
	{ "a drop-box first of all", { 100, 1, true, 0 }, MARKED, PROBE_SALTED, 0, NULL },
	{ "too large for a drop-box", { 5001, 1, true, 0 }, PLAIN, PROBE_NONE, 0, "large" },
	{ "a drop-box with an attachment", { 100, 2, false, 1 }, ATTACHED, PROBE_NONE, 1, "attachment" },
};

static void
every_case(void **state)
{
	struct endpoint decoy;

	(void)state;
	assert_true(endpoint_parse("203.0.113.16:25", &decoy));
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct message m;

		message_parse(&m, cases[i].text, strlen(cases[i].text));
		struct probe_verdict v = probe_judge(&cases[i].facts, &limits, &decoy, &m);

		if (v.kind != cases[i].kind || (v.kind != PROBE_NONE && v.recipient != cases[i].recipient))
			fail_msg("%s: %s", cases[i].name, probe_kind_name(v.kind));
		assert_true((v.why == NULL) == (cases[i].why == NULL));
		if (v.why != NULL)
			assert_string_equal(v.why, cases[i].why);
	}
}

static void
the_subject_and_the_body_count_but_no_other_field(void **state)
{
	static const struct probe_facts facts = { 100, 1, false, -1 };
	static const char *const texts[] = { "Subject: a\r\n 203.0.113.16\r\n\r\nx", "a: b\r\n\r\n203.0.113.16" };
	static const char other[] = "Received: by 203.0.113.16\r\nSubject: x\r\n\r\nx\r\n";
	struct endpoint decoy;
	struct message m;

	(void)state;
	assert_true(endpoint_parse("203.0.113.16:25", &decoy));
	for (size_t i = 0; i < 2; i++) {
		message_parse(&m, texts[i], strlen(texts[i]));
		assert_int_equal(probe_judge(&facts, &limits, &decoy, &m).mark, MARK_ADDRESS);
	}
	message_parse(&m, other, strlen(other));
	assert_int_equal(probe_judge(&facts, &limits, &decoy, &m).kind, PROBE_NONE);
}

static void
a_drop_box_proves_itself(void **state)
{
	const struct probe_verdict first = { .kind = PROBE_FIRST }, port = { .kind = PROBE_MARKED, .mark = MARK_PORT },
				   named = { .kind = PROBE_FIRST, .mark = MARK_ADDRESS };

	(void)state;
	assert_false(probe_proves_dropbox(&first, false));
	assert_true(probe_proves_dropbox(&first, true));
	assert_false(probe_proves_dropbox(&port, true));
	assert_true(probe_proves_dropbox(&named, false));
}

static void
a_drop_box_is_remembered(void **state)
{
	struct dropbox d = { .proven = true, .network = "v4-cb0071" }, back;
	char text[DROPBOX_VALUE_MAX];

	(void)state;
	for (int i = 0; i < 2; i++, d.proven = false) {
		dropbox_format(&d, "a@b.example", text);
		assert_true(dropbox_parse(text, &back));
		assert_int_equal(back.proven, d.proven);
		assert_string_equal(back.network, "v4-cb0071");
	}
	assert_string_equal(text, "chosen v4-cb0071 a@b.example");
	assert_false(dropbox_parse("", &back));
	assert_false(dropbox_parse("chosen", &back));
	assert_false(dropbox_parse("chosen v4-cb0071", &back));
	assert_false(dropbox_parse("chosen 0123456789012345678901234567890 x", &back));
}

static void
networks_are_24_and_48_bits(void **state)
{
	static const struct {
		const char *address, *key;
	} rows[] = {
		{ "203.0.113.1", "v4-cb0071" },
		{ "203.0.113.255", "v4-cb0071" },
		{ "203.0.112.255", "v4-cb0070" },
		{ "2001:db8:1:2::3", "v6-20010db80001" },
		{ "2001:db8:1:ffff::1", "v6-20010db80001" },
		{ "2001:db8:2::1", "v6-20010db80002" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char key[NETWORK_TEXT_MAX];
		struct addr a;

		assert_true(addr_parse(rows[i].address, &a));
		assert_string_equal(network_key(&a, key), rows[i].key);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_case),
		cmocka_unit_test(the_subject_and_the_body_count_but_no_other_field),
		cmocka_unit_test(a_drop_box_proves_itself),
		cmocka_unit_test(a_drop_box_is_remembered),
		cmocka_unit_test(networks_are_24_and_48_bits),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
