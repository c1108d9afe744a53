#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/personalities.h"

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
	assert_int_equal(p.tcp.ip_id.kind, HABIT_IDS_INCREMENT);
	assert_int_equal(p.tcp.reset_ip_id.kind, HABIT_IDS_INCREMENT);
	const struct habit_opt options[] = { { .kind = HABIT_OPT_MSS }, { .kind = HABIT_OPT_NOP },
		{ .kind = HABIT_OPT_WSCALE }, { .kind = HABIT_OPT_END } };
	assert_memory_equal(p.tcp.options, options, sizeof(options));
	assert_int_equal(p.tcp.gaps_ms[1], 6000);
	assert_int_equal(p.tcp.gaps_ms[2], 0);
	assert_int_equal(p.icmp.ttl, 255);
	assert_true(p.icmp.echo);
	assert_int_equal(p.icmp.echo_code.kind, ICMP_FIELD_ZERO);
	assert_int_equal(p.icmp.echo_df, ICMP_DF_YES);
	assert_int_equal(p.icmp.ip_id.kind, HABIT_IDS_RANDOM);
	assert_int_equal(p.udp.quote, 8);
}

static void
mistakes_are_told_with_file_and_path(void **state)
{
	static const struct {
		const char *story, *from, *to, *sentence;
	} rows[] = {
		{ "text for a number", "\"window\": 5840", "\"window\": \"big\"",
		    "t.json: $.tcp.window must be a whole number from 0 to 65535, not \"big\"" },
		{ "a number beyond its range", "5840", "65536",
		    "t.json: $.tcp.window must be a whole number from 0 to 65535, not 65536" },
		{ "a fraction", "5840", "0.5", "t.json: $.tcp.window must be a whole number from 0 to 65535, not 0.5" },
		{ "a negative number", "\"wscale\": 3", "\"wscale\": -1",
		    "t.json: $.tcp.wscale must be a whole number from 0 to 14, not -1" },
		{ "an unknown key", "\"df\"", "\"dff\"",
		    "t.json: $.tcp has an unknown key \"dff\"; known are ttl, df, mss, mss_of, mss_default, window, "
		    "window_mss, "
		    "window_segment, window_buffer, window_unscaled, wscale, options, ts_hz, ts_start, ts_apart, isn, "
		    "ip_id, "
		    "flow_ip_id, reset_ip_id, ecn, "
		    "syn_ack_gaps_ms, "
		    "final_reset, cases, answers" },
		{ "a key twice", "\"df\": true", "\"df\": true, \"df\": false",
		    "t.json: $.tcp has the key \"df\" twice" },
		{ "a missing key", "\"df\": true, ", "", "t.json: $.tcp.df is missing" },
		{ "a number for a flag", "\"df\": true", "\"df\": 1", "t.json: $.tcp.df must be true or false, not 1" },
		{ "an unknown choice", "\"increment\"", "\"grow\"",
		    "t.json: $.tcp.ip_id must be one of \"zero\", \"increment\", \"swapped\", \"jumps\", \"random\", "
		    "\"per-flow\", or a number up to 65535, not \"grow\"" },
		{ "an unknown option", "\"nop\"", "\"nope\"",
		    "t.json: $.tcp.options[1] must be one of \"mss\", \"sack\", \"ts\", \"wscale\", \"nop\", \"eol\", "
		    "\"ts-no-echo\", \"ts-no-clock\", \"ts-empty\", or \"mss:1460\", \"wscale:7\", not \"nope\"" },
		{ "an unknown kind", "\"ip_id\": \"inc",
		    "\"cases\": [{\"has\": [\"sack\", \"nop\"]}], \"ip_id\": \"inc",
		    "t.json: $.tcp.cases[0].has[1] must be one of \"mss\", \"sack\", \"ts\", \"wscale\", not \"nop\"" },
		{ "no kind", "\"ip_id\": \"inc", "\"cases\": [{\"lacks\": []}], \"ip_id\": \"inc",
		    "t.json: $.tcp.cases[0].lacks must be a list of 1 to 4, not []" },
		{ "options beside an order", "\"ip_id\": \"inc",
		    "\"cases\": [{\"order\": [\"mss\"], \"options\": [\"nop\"]}], \"ip_id\": \"inc",
		    "t.json: $.tcp.cases[0].order can't stand beside \"options\"" },
		{ "a SYN's answer to what has none", "\"ip_id\": \"inc",
		    "\"answers\": {\"open_null\": \"syn\"}, \"ip_id\": \"inc",
		    "t.json: $.tcp.answers.open_null must be \"silent\" or an object, not \"syn\"" },
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

/* What no default can be mistaken for. */
static const char detailed[] =
    "{\"version\": 1, \"name\": \"t\", \"mac_prefix\": \"00:0c:29\", \"tcp\": {\"ttl\": 64, \"df\": true, \"mss\": "
    "1460,"
    "\"window\": 0, \"options\": [\"mss:512\", \"ts-no-echo\", \"eol\"], \"ts_hz\": 100, \"ts_start\": \"random\","
    "\"mss_of\": \"least\", \"syn_ack_gaps_ms\": [1000], \"ip_id\": \"jumps\", \"reset_ip_id\": 4660, \"ecn\": "
    "\"both\","
    "\"isn\": {\"kind\": \"increments\", \"per_second\": 128000.5, \"deviation\": 12, \"multiple_of\": 64000},"
    "\"cases\": [{\"offered\": [\"mss:265\", \"sack\"], \"ecn\": false, \"window\": 7, \"options\": [\"nop\"]},"
    "{\"ecn\": true, \"answer\": \"silent\"}, {\"has\": [\"wscale\"], \"lacks\": [\"ts\", \"sack\"], \"order\": "
    "[\"mss\"]}],"
    "\"mss_default\": 512, \"window_segment\": \"mss\", \"window_buffer\": 256000,"
    "\"window_unscaled\": 1024,"
    "\"answers\": {\"open_null\": \"silent\", \"open_syn_fin\": \"syn\", \"closed_syn\": {\"flags\": \"RA\", \"seq\": "
    "\"ack+1\", \"ack\": "
    "\"other\","
    "\"window\": 9, \"df\": false, \"ttl\": 255, \"data\": \"c0ffee\", \"urgent\": true}}},"
    "\"icmp\": {\"ttl\": 64, \"echo_code\": 3, \"echo_tos\": \"same\", \"echo_df\": \"other\", \"ip_id\": \"swapped\","
    "\"shared_ip_id\": true, \"mask\": true}, \"udp\": {\"closed\": \"unreachable\", \"quote\": 65535,"
    "\"quoted_id\": \"swapped\", \"quoted_ip_checksum\": \"zero\", \"quoted_length\": 328}}";

static void
every_key_has_its_place(void **state)
{
	struct json_error e = { "" };
	struct personality p;

	(void)state;
	if (!personality_parse("t.json", detailed, sizeof(detailed) - 1, &p, &e))
		fail_msg("%s", e.text);
	assert_true(p.tcp.options[0].given && p.tcp.options[0].value == 512);
	assert_int_equal(p.tcp.options[1].kind, HABIT_OPT_TS_NO_ECHO);
	assert_int_equal(p.tcp.ts_start, HABIT_TS_RANDOM);
	assert_int_equal(p.tcp.mss_of, HABIT_MSS_LEAST);
	assert_int_equal(p.tcp.flow_ip_id.kind, HABIT_IDS_JUMPS);
	assert_int_equal(p.tcp.reset_ip_id.kind, HABIT_IDS_CONSTANT);
	assert_int_equal(p.tcp.reset_ip_id.value, 0x1234);
	assert_int_equal(p.tcp.ecn, HABIT_ECN_BOTH);
	assert_true(p.tcp.isn.per_second > 128000.4 && p.tcp.isn.per_second < 128000.6);
	assert_int_equal(p.tcp.isn.multiple_of, 64000);
	assert_int_equal(p.tcp.case_count, 3);
	assert_int_equal(p.tcp.cases[2].has, 1 << HABIT_OPT_WSCALE);
	assert_int_equal(p.tcp.cases[2].lacks, 1 << HABIT_OPT_TS | 1 << HABIT_OPT_SACK);
	assert_true(p.tcp.cases[2].has_order && p.tcp.cases[2].options[0].kind == HABIT_OPT_MSS);
	assert_int_equal(p.tcp.mss_default, 512);
	assert_int_equal(p.tcp.window_segment, HABIT_SEGMENT_MSS);
	assert_int_equal(p.tcp.window_buffer, 256000);
	assert_int_equal(p.tcp.window_unscaled, 1024);
	assert_int_equal(p.tcp.answers[HABIT_OPEN_SYN_FIN].kind, HABIT_ANSWER_SYN);
	assert_false(p.tcp.cases[0].any_offer);
	assert_int_equal(p.tcp.cases[0].offered[0].value, 265);
	assert_int_equal(p.tcp.cases[0].ecn, HABIT_NO);
	assert_true(p.tcp.cases[0].has_window && p.tcp.cases[0].window == 7 && p.tcp.cases[0].has_options);
	assert_true(p.tcp.cases[1].any_offer && p.tcp.cases[1].answer.kind == HABIT_ANSWER_SILENT);
	assert_int_equal(p.tcp.answers[HABIT_OPEN_NULL].kind, HABIT_ANSWER_SILENT);
	const struct habit_answer *a = &p.tcp.answers[HABIT_CLOSED_SYN];
	assert_int_equal(a->flags, 0x14);
	assert_int_equal(a->seq, HABIT_SEQ_ACK_1);
	assert_int_equal(a->ack, HABIT_ACK_OTHER);
	assert_int_equal(a->df, HABIT_NO);
	assert_int_equal(a->data_len, 3);
	assert_memory_equal(a->data, "\xc0\xff\xee", 3);
	assert_int_equal(p.icmp.echo_code.value, 3);
	assert_true(p.icmp.shared_ip_id && p.icmp.mask && !p.icmp.timestamp);
	assert_int_equal(p.udp.quote, PERSONALITY_QUOTE_ALL);
	assert_int_equal(p.udp.id.kind, QUOTED_SWAPPED);
	assert_int_equal(p.udp.length.value, 328);
}

static void
our_own_files_load(void **state)
{
	static const char *const names[] = { "linux-6", "linux-2.6", "linux-2.4", "windows-2000", "windows-server-2019",
		"freebsd-13", "openbsd-7", "cisco-ios-12" };
	struct json_error e = { "" };
	struct personalities *all = personalities_open(PERSONALITIES, &e);

	(void)state;
	assert_non_null(all);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		const struct personality *p = personalities_get(all, names[i], &e);

		if (p == NULL)
			fail_msg("%s", e.text);
		assert_ptr_equal(personalities_get(all, names[i], &e), p);
	}
	assert_int_equal(personalities_count(all), sizeof(names) / sizeof(names[0]));
	personalities_free(&all);
	assert_null(all);
}

static void
a_wrong_name_gets_the_nearest(void **state)
{
	struct json_error e = { "" };
	struct personalities *all = personalities_open("/tmp," PERSONALITIES, &e);

	(void)state;
	assert_null(personalities_get(all, "linux-66", &e));
	const char *first = "\"linux-66\" is no personality in personalities.dir; the nearest names are linux-6, ";
	if (strncmp(e.text, first, strlen(first)) != 0)
		fail_msg("%s", e.text);
	assert_null(personalities_get(all, "../personalities/linux-6", &e));
	assert_null(personalities_get(all, "", &e));
	personalities_free(&all);
}

static void
a_missing_directory_is_told(void **state)
{
	struct json_error e;

	(void)state;
	assert_null(personalities_open("/nonexistent/dir", &e));
	assert_string_equal(e.text, "/nonexistent/dir can't be opened: No such file or directory");
	assert_null(personalities_open("", &e));
	assert_string_equal(e.text, "personalities.dir names no directory");
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_good_file_fills_every_habit),
		cmocka_unit_test(mistakes_are_told_with_file_and_path),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(every_key_has_its_place),
		cmocka_unit_test(our_own_files_load),
		cmocka_unit_test(a_wrong_name_gets_the_nearest),
		cmocka_unit_test(a_missing_directory_is_told),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
