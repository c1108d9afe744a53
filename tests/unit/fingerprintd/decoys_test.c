#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/decoys.h"
#include "fingerprintd/host.h"
#include "fingerprintd/personalities.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static struct personalities *personalities;

#define GROUP(addresses, ports)                                                                                        \
	"{\"addresses\": [" addresses "], \"personality\": \"linux-6\", \"closed\": \"reset\", \"ports\": [" ports "]" \
	"}"
#define FILE_OF(groups) "{\"version\": 1, \"decoys\": [" groups "]}"
#define SMTP "{\"port\": 25, \"proto\": \"tcp\", \"service\": \"relaytrap\", \"look\": \"postfix\"}"

static struct decoys *
parse(const char *text, struct json_error *e)
{
	return decoys_parse("d.json", text, strlen(text), personalities, e);
}

static bool
holds(const struct decoys *d, const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return decoys_find(d, &a) != NULL;
}

static void
addresses_and_blocks_are_held(void **state)
{
	struct json_error e = { "" };
	struct decoys *d = parse(FILE_OF(GROUP("\"203.0.113.10\", \"203.0.113.16/29\"", SMTP)), &e);

	(void)state;
	if (d == NULL)
		fail_msg("%s", e.text);
	assert_int_equal(decoys_count(d), 9);
	assert_true(holds(d, "203.0.113.10") && holds(d, "203.0.113.16") && holds(d, "203.0.113.23"));
	assert_false(holds(d, "203.0.113.15") || holds(d, "203.0.113.24") || holds(d, "203.0.113.11"));
	const struct decoy_group *g = decoys_at(d, 0)->group;
	assert_string_equal(g->personality->name, "linux-6");
	assert_non_null(decoy_port_find(g, 25));
	assert_string_equal(decoy_port_find(g, 25)->look, "postfix");
	assert_string_equal(decoy_service_name(decoy_port_find(g, 25)->service), "relaytrap");
	assert_null(decoy_port_find(g, 26));
	decoys_free(&d);
	assert_null(d);
}

static void
no_decoys_is_a_good_file(void **state)
{
	struct json_error e;
	struct decoys *d = parse(FILE_OF(""), &e);

	(void)state;
	assert_non_null(d);
	assert_int_equal(decoys_count(d), 0);
	assert_false(holds(d, "203.0.113.10"));
	decoys_free(&d);
}

static void
mistakes_are_told_with_file_and_path(void **state)
{
	static const struct {
		const char *story, *text, *sentence;
	} rows[] = {
		{ "not an address", FILE_OF(GROUP("\"here\"", "")),
		    "d.json: $.decoys[0].addresses[0] must be an IPv4 address or a block like \"203.0.113.16/29\", not "
		    "\"here\"" },
		{ "IPv6 is a later capability", FILE_OF(GROUP("\"2001:db8::1\"", "")),
		    "d.json: $.decoys[0].addresses[0] must be an IPv4 address or a block like \"203.0.113.16/29\", not "
		    "\"2001:db8::1\"" },
		{ "a block that begins in its middle", FILE_OF(GROUP("\"203.0.113.17/29\"", "")),
		    "d.json: $.decoys[0].addresses[0] is not the first address of a /29" },
		{ "an address twice", FILE_OF(GROUP("\"203.0.113.16/29\"", "") "," GROUP("\"203.0.113.18\"", "")),
		    "d.json: $.decoys[1].addresses[0] holds 203.0.113.18, which is listed before" },
		{ "a multicast address", FILE_OF(GROUP("\"224.0.0.1\"", "")),
		    "d.json: $.decoys[0].addresses[0] holds 224.0.0.1, which no host can have" },
		{ "the whole Internet", FILE_OF(GROUP("\"0.0.0.0/0\"", "")),
		    "d.json: $.decoys[0].addresses[0] is larger than a /16" },
		{ "more than we hold", FILE_OF(GROUP("\"198.18.0.0/16\", \"203.0.113.1\"", "")),
		    "d.json: $.decoys[0].addresses[1] is one too many: a gateway holds at most 65536 addresses" },
		{ "no address", FILE_OF(GROUP("", "")),
		    "d.json: $.decoys[0].addresses must be a list of 1 to 65536, not []" },
		{ "a port twice", FILE_OF(GROUP("\"203.0.113.1\"", SMTP "," SMTP)),
		    "d.json: $.decoys[0].ports[1] has the port 25, which is listed before" },
		{ "port zero",
		    FILE_OF(GROUP("\"203.0.113.1\"", "{\"port\": 0, \"proto\": \"tcp\", \"service\": \"webtrap\"}")),
		    "d.json: $.decoys[0].ports[0].port must be a whole number from 1 to 65535, not 0" },
		{ "an unknown service",
		    FILE_OF(GROUP("\"203.0.113.1\"", "{\"port\": 1, \"proto\": \"tcp\", \"service\": \"relay\"}")),
		    "d.json: $.decoys[0].ports[0].service must be one of \"webtrap\", \"proxytrap\", \"relaytrap\", "
		    "not \"relay\"" },
		{ "UDP is a later capability",
		    FILE_OF(GROUP("\"203.0.113.1\"", "{\"port\": 1, \"proto\": \"udp\", \"service\": \"webtrap\"}")),
		    "d.json: $.decoys[0].ports[0].proto must be one of \"tcp\", not \"udp\"" },
		{ "a look that can't be a header",
		    FILE_OF(GROUP("\"203.0.113.1\"",
			"{\"port\": 1, \"proto\": \"tcp\", \"service\": \"webtrap\", \"look\": \"a\\nb\"}")),
		    "d.json: $.decoys[0].ports[0] has a look with spaces, control characters or letters beyond ASCII" },
		{ "an unknown personality",
		    FILE_OF(
			"{\"addresses\": [\"203.0.113.1\"], \"personality\": \"windows-server-2018\", \"ports\": []}"),
		    "d.json: $.decoys[0].personality can't be had: \"windows-server-2018\" is no personality in "
		    "personalities.dir; the nearest names are windows-server-2008, windows-server-2012, "
		    "windows-server-2016, windows-server-2019, windows-server-2003" },
		{ "an unknown closed",
		    FILE_OF("{\"addresses\": [\"203.0.113.1\"], \"personality\": \"linux-6\", \"closed\": \"no\", "
			    "\"ports\": []}"),
		    "d.json: $.decoys[0].closed must be \"reset\" or \"drop\", not \"no\"" },
		{ "a key that nobody knows", FILE_OF("{\"adresses\": []}"),
		    "d.json: $.decoys[0] has an unknown key \"adresses\"; known are personality, closed, behind, "
		    "ports, "
		    "addresses" },
		{ "no version", "{\"decoys\": []}", "d.json: $.version is missing" },
		{ "a list", "[]", "d.json: $ must be an object, not []" },
		{ "an unclosed brace", "{\n\"version\": 1,\n", "d.json: line 2 is not valid JSON" },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct json_error e = { "" };
		struct decoys *d = parse(rows[i].text, &e);

		if (d != NULL || strcmp(e.text, rows[i].sentence) != 0)
			fail_msg("%s: got \"%s\"", rows[i].story, e.text);
	}
}

static void
every_prefix_is_refused(void **state)
{
	static const char good[] = FILE_OF(GROUP("\"203.0.113.10\"", SMTP));
	struct json_error e;

	(void)state;
	for (size_t len = 0; len < sizeof(good) - 1; len++)
		assert_null(decoys_parse("d.json", good, len, personalities, &e));
}

/* ---- hosts ---- */

static const struct site_key key = { .bytes = "0123456789abcdef", .len = 16 };
static size_t gone;

static void
count_gone(void *ctx, struct host *h)
{
	(void)ctx;
	assert_non_null(h);
	gone++;
}

static void
a_reload_keeps_the_hosts_that_stay(void **state)
{
	struct host_world w = { .key = &key, .now_us = 1, .wall_ms = 1700000000000 };
	struct json_error e;
	struct decoys *before = parse(FILE_OF(GROUP("\"203.0.113.8/30\"", SMTP)), &e);
	struct decoys *now = parse(FILE_OF(GROUP("\"203.0.113.10/31\", \"203.0.113.20\"", "")), &e);
	struct addr stays = addr_from_v4(0xcb00710a);

	(void)state;
	gone = 0;
	hosts_adopt(&w, before, NULL, count_gone, NULL);
	struct host *kept = decoys_find(before, &stays)->host;

	hosts_adopt(&w, now, before, count_gone, NULL);
	assert_int_equal(gone, 2);
	assert_ptr_equal(decoys_find(now, &stays)->host, kept);
	assert_ptr_equal(kept->group, decoys_find(now, &stays)->group);
	decoys_free(&before);
	assert_null(decoy_port_find(kept->group, 25));
	hosts_free(now);
	decoys_free(&now);
}

static int
mac_compare(const void *a, const void *b)
{
	return memcmp(a, b, PACKET_ETH_ADDR);
}

static void
macs_are_stable_and_no_two_are_alike(void **state)
{
	enum { COUNT = 65536 };
	struct host_world w = { .key = &key, .now_us = 1, .wall_ms = 1700000000000 };
	struct json_error e;
	struct decoys *d = parse(FILE_OF(GROUP("\"198.18.0.0/16\"", "")), &e);
	uint8_t(*macs)[PACKET_ETH_ADDR] = calloc(COUNT, sizeof(*macs));

	(void)state;
	assert_non_null(macs);
	hosts_adopt(&w, d, NULL, count_gone, NULL);
	for (size_t i = 0; i < COUNT; i++)
		memcpy(macs[i], decoys_at(d, i)->host->mac, sizeof(macs[i]));
	struct host *again = host_new(&w, &decoys_at(d, 77)->address, decoys_at(d, 77)->group);
	assert_memory_equal(again->mac, macs[77], PACKET_ETH_ADDR);
	assert_memory_equal(again->mac, again->group->personality->mac_prefix, PERSONALITY_PREFIX);
	assert_int_equal(again->stack.isn_secret[0], decoys_at(d, 77)->host->stack.isn_secret[0]);
	host_free(&again);
	qsort(macs, COUNT, sizeof(*macs), mac_compare);
	for (size_t i = 1; i < COUNT; i++)
		assert_int_not_equal(mac_compare(macs[i - 1], macs[i]), 0);
	free(macs);
	hosts_free(d);
	decoys_free(&d);
}

static void
another_gateway_continues_the_uptime(void **state)
{
	struct host_world here = { .key = &key, .now_us = 5000000, .wall_ms = 1700000000000 };
	struct host_world there = { .key = &key,
		.now_us = 900000,
		.wall_ms = 1700000060000 }; /* a minute later, its own clock */
	struct json_error e;
	struct decoys *d = parse(FILE_OF(GROUP("\"203.0.113.10\"", "")), &e);
	struct host *a = host_new(&here, &decoys_at(d, 0)->address, decoys_at(d, 0)->group);
	struct host *b = host_new(&there, &decoys_at(d, 0)->address, decoys_at(d, 0)->group);

	(void)state;
	assert_int_equal(there.now_us - b->stack.boot_us, here.now_us - a->stack.boot_us + 60000000);
	host_free(&a);
	host_free(&b);
	decoys_free(&d);
}

static int
load_personalities(void **state)
{
	struct json_error e;

	(void)state;
	personalities = personalities_open(PERSONALITIES, &e);
	return personalities == NULL;
}

static int
free_personalities(void **state)
{
	(void)state;
	personalities_free(&personalities);
	return 0;
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(addresses_and_blocks_are_held),
		cmocka_unit_test(no_decoys_is_a_good_file),
		cmocka_unit_test(mistakes_are_told_with_file_and_path),
		cmocka_unit_test(every_prefix_is_refused),
		cmocka_unit_test(a_reload_keeps_the_hosts_that_stay),
		cmocka_unit_test(macs_are_stable_and_no_two_are_alike),
		cmocka_unit_test(another_gateway_continues_the_uptime),
	};

	return cmocka_run_group_tests(tests, load_personalities, free_personalities);
}
