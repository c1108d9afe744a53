#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/personality.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char good[] = "{\"version\": 1,\n"
			   " \"name\": \"testos\",\n"
			   " \"mac_prefix\": \"00:0c:29\",\n"
			   " \"tcp\": {\"ttl\": 64, \"df\": true, \"mss\": 1460, \"window\": 5840, \"options\": "
			   "[\"mss\", \"nop\", \"wscale\"],\n"
			   "   \"wscale\": 3, \"syn_ack_gaps_ms\": [3000, 6000], \"ip_id\": \"increment\"},\n"
			   " \"icmp\": {\"ttl\": 255, \"echo_code\": \"zero\", \"echo_tos\": \"same\", \"echo_df\": "
			   "\"yes\", \"ip_id\": \"random\"},\n"
			   " \"udp\": {\"closed\": \"unreachable\"}}\n";

/* The good text with one piece replaced. */
static char *
changed(const char *from, const char *to)
{
	const char *at = strstr(good, from);
	char *out = malloc(sizeof(good) + strlen(to));

	assert_non_null(at);
	assert_non_null(out);
	sprintf(out, "%.*s%s%s", (int)(at - good), good, to, at + strlen(from));
	return out;
}

static void
a_good_file_fills_every_habit(void **state)
{
	struct personality p;
	struct json_error e;

	(void)state;
	assert_true(personality_parse("t.json", good, sizeof(good) - 1, &p, &e));
	assert_string_equal(p.name, "testos");
	assert_memory_equal(p.mac_prefix, "\x00\x0c\x29", 3);
	assert_int_equal(p.tcp.window, 5840);
	assert_int_equal(p.tcp.wscale, 3);
	assert_int_equal(p.tcp.ip_id, STACK_IPID_INCREMENT);
	const uint8_t options[] = { STACK_OPT_MSS, STACK_OPT_NOP, STACK_OPT_WSCALE, STACK_OPT_END };
	assert_memory_equal(p.tcp.options, options, sizeof(options));
	assert_int_equal(p.tcp.rto_ms[1], 6000);
	assert_int_equal(p.tcp.rto_ms[2], 0);
	assert_int_equal(p.icmp.ttl, 255);
	assert_true(p.icmp.echo);
	assert_int_equal(p.icmp.echo_code, ICMP_FIELD_ZERO);
	assert_int_equal(p.icmp.echo_df, ICMP_DF_YES);
	assert_int_equal(p.icmp.ip_id, STACK_IPID_RANDOM);
	assert_int_equal(p.udp.quote, 8);
}

static void
mistakes_are_told_with_file_and_path(void **state)
{
	static const struct {
		const char *story, *from, *to, *sentence;
	} rows[] = {
		{ "text for a number", "\"window\": 5840", "\"window\": \"big\"",
		    "t.json: $.tcp.window must be a whole number from 1 to 65535, not \"big\"" },
		{ "a number beyond its range", "5840", "65536",
		    "t.json: $.tcp.window must be a whole number from 1 to 65535, not 65536" },
		{ "a fraction", "5840", "0.5", "t.json: $.tcp.window must be a whole number from 1 to 65535, not 0.5" },
		{ "a negative number", "\"wscale\": 3", "\"wscale\": -1",
		    "t.json: $.tcp.wscale must be a whole number from 0 to 14, not -1" },
		{ "an unknown key", "\"df\"", "\"dff\"",
		    "t.json: $.tcp has an unknown key \"dff\"; known are ttl, df, mss, window, window_mss, wscale, "
		    "options, ts_hz, syn_ack_gaps_ms, ip_id" },
		{ "a key twice", "\"df\": true", "\"df\": true, \"df\": false",
		    "t.json: $.tcp has the key \"df\" twice" },
		{ "a missing key", "\"df\": true, ", "", "t.json: $.tcp.df is missing" },
		{ "a number for a flag", "\"df\": true", "\"df\": 1", "t.json: $.tcp.df must be true or false, not 1" },
		{ "an unknown choice", "\"increment\"", "\"grow\"",
		    "t.json: $.tcp.ip_id must be one of \"zero\", \"increment\", \"random\", not \"grow\"" },
		{ "an unknown option", "\"nop\"", "\"nope\"",
		    "t.json: $.tcp.options[1] must be one of \"mss\", \"sack\", \"ts\", \"wscale\", \"nop\", not "
		    "\"nope\"" },
		{ "a gap too short", "6000", "6",
		    "t.json: $.tcp.syn_ack_gaps_ms[1] must be milliseconds from 100 to 65535, not 6" },
		{ "no gaps", "[3000, 6000]", "[]", "t.json: $.tcp.syn_ack_gaps_ms must be a list of 1 to 8, not []" },
		{ "a group prefix", "00:0c:29", "01:0c:29",
		    "t.json: $.mac_prefix must be three bytes of a unicast MAC address like \"00:0c:29\", not "
		    "\"01:0c:29\"" },
		{ "a whole MAC as prefix", "00:0c:29", "00:0c:29:01",
		    "t.json: $.mac_prefix must be three bytes of a unicast MAC address like \"00:0c:29\", not "
		    "\"00:0c:29:01\"" },
		{ "a future version", "\"version\": 1", "\"version\": 2",
		    "t.json: $.version must be a whole number from 1 to 1, not 2" },
		{ "timestamps without a clock", "\"nop\"", "\"ts\"",
		    "t.json: $ lists \"ts\" in tcp.options but has no tcp.ts_hz" },
		{ "a list for an object", "{\"closed\": \"unreachable\"}", "[]",
		    "t.json: $.udp must be an object, not []" },
		{ "a path as name", "testos", "../x",
		    "t.json: $ has a name that is not of lower-case letters, digits, dots, hyphens and underscores" },
		{ "a comma too many", "\"df\": true,", "\"df\": true,,", "t.json: line 4 is not valid JSON" },
		{ "text after the end", "\"}}\n", "\"}}\nx", "t.json: line 8 is not valid JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char *text = changed(rows[i].from, rows[i].to);
		struct json_error e = { "" };
		struct personality p;

		if (personality_parse("t.json", text, strlen(text), &p, &e) || strcmp(e.text, rows[i].sentence) != 0)
			fail_msg("%s: got \"%s\"", rows[i].story, e.text);
		free(text);
	}
}

static void
every_prefix_is_refused(void **state)
{
	struct personality p;
	struct json_error e;

	(void)state;
	for (size_t len = 0; len < sizeof(good) - 2; len++) {
		char *exact = malloc(len + 1);

		assert_non_null(exact);
		memcpy(exact, good, len); /* an exact heap block, so that ASan sees a read beyond */
		char *block = realloc(exact, len > 0 ? len : 1);
		assert_non_null(block);
		assert_false(personality_parse("t.json", block, len, &p, &e));
		free(block);
	}
}

static void
our_own_files_load(void **state)
{
	static const char *const names[] = { "linux-6", "linux-2.6", "linux-2.4", "windows-2000", "windows-server-2019",
		"freebsd-13", "openbsd-7", "cisco-ios-12" };
	struct json_error e = { "" };
	struct personalities *all = personalities_load(PERSONALITIES, &e);

	(void)state;
	if (all == NULL)
		fail_msg("%s", e.text);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_non_null(personalities_find(all, names[i]));
	assert_null(personalities_find(all, "plan9"));
	personalities_free(&all);
	assert_null(all);
}

static void
a_missing_directory_is_told(void **state)
{
	struct json_error e;

	(void)state;
	assert_null(personalities_load("/nonexistent/dir", &e));
	assert_string_equal(e.text, "/nonexistent/dir can't be opened: No such file or directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_fills_every_habit),
		cmocka_unit_test(mistakes_are_told_with_file_and_path),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(our_own_files_load),
		cmocka_unit_test(a_missing_directory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
