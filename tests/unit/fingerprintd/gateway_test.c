/*
 * gateway_test - frames in, frames out, byte for byte.  The expected bytes were
 * written by another program, checksums included.  The stack is made of paper:
 * only what reaches it is of interest here.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "fingerprintd/gateway.h"
#include "fingerprintd/personalities.h"
#include "fingerprintd/host.h"
#include "fingerprintd/os_observe.h"
#include "wire/packet_checksum.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FRAME_MAX = 4096 };

/* 203.0.113.99 (02:00:00:00:00:63) asks 203.0.113.10 (02:00:00:00:00:10). */
static const char arp_request[] = "ffffffffffff02000000006308060001080006040001020000000063cb007163000000000000cb00"
				  "710a";
static const char arp_reply[] = "02000000006302000000001008060001080006040002020000000010cb00710a020000000063cb00"
				"7163";
static const char arp_announcement[] = "ffffffffffff02000000001008060001080006040001020000000010cb00710a000000000000"
				       "cb00710a";
static const char echo[] = "020000000010020000000063080045040023000740003d01c560cb007163cb00710a080954941234"
			   "000161626364656667";
static const char echo_reply_linux[] =
    "020000000063020000000010080045040023100000004001f267cb00710acb00716300095c941234"
    "000161626364656667";
static const char echo_reply_w2k[] = "0200000000630200000000100800450000232164400080016107cb00710acb00716300005c9d1234"
				     "000161626364656667";
static const char udp[] = "020000000010020000000063080045000028104200003911f914cb007163cb00710a14e900a10014"
			  "de39434343434343434343434343";
static const char unreachable_linux[] =
    "020000000063020000000010080045c00044100000004001f18acb00710acb007163030375910000"
    "000045000028104200003911f914cb007163cb00710a14e900a10014de3943434343434343434343"
    "4343";
static const char unreachable_freebsd[] =
    "020000000063020000000010080045000038216400004001e0f2cb00710acb007163030309250000"
    "000045000028104200003911f914cb007163cb00710a14e900a10014de39";

/* ---- a stack of paper ---- */

static size_t segments;
static uint8_t segment_link[STACK_LINK_BYTES];
static size_t segment_len;
static struct stack_ops stack_ops;
static struct stack_host *flow_host;
static const struct os_observation *flow_syn;

struct stack *
stack_new(const struct stack_settings *s, const struct stack_ops *ops, uint64_t now_us)
{
	static char paper[1];

	(void)s;
	(void)now_us;
	stack_ops = *ops;
	return (struct stack *)(void *)paper;
}

void
stack_free(struct stack **sp)
{
	*sp = NULL;
}

void
stack_input(struct stack *s, struct stack_host *host, const uint8_t link[STACK_LINK_BYTES], const void *packet,
    size_t len, uint64_t now_us)
{
	(void)s;
	(void)packet;
	(void)now_us;
	assert_non_null(host->ctx);
	memcpy(segment_link, link, sizeof(segment_link));
	segment_len = len;
	segments++;
}

void
stack_advance(struct stack *s, uint64_t now_us)
{
	(void)s;
	(void)now_us;
}

struct stack_host *
stack_flow_host(const struct stack_flow *f)
{
	(void)f;
	return flow_host;
}

const struct endpoint *
stack_flow_destination(const struct stack_flow *f)
{
	static const struct endpoint smtp = { .port = 25 };

	(void)f;
	return &smtp;
}

const struct os_observation *
stack_flow_syn(const struct stack_flow *f)
{
	(void)f;
	return flow_syn;
}

/* ---- the gateway and its wire ---- */

static struct gateway *gateway;
static struct personalities *personalities;
static struct decoys *decoys;
static uint8_t sent[FRAME_MAX];
static size_t sent_len, sent_count;
static unsigned probes[PROBE_KINDS];
static uint16_t probe_port;
static uint64_t last_delay_us;

static void
on_send(void *ctx, const void *frame, size_t len, uint64_t delay_us)
{
	(void)ctx;
	last_delay_us = delay_us;
	assert_true(len <= sizeof(sent));
	memcpy(sent, frame, len);
	sent_len = len;
	sent_count++;
}

static void
on_probe(void *ctx, enum probe_kind kind, const struct addr *source, const struct addr *destination, uint16_t port)
{
	char text[ADDR_TEXT_MAX];

	(void)ctx;
	assert_string_equal(addr_format(source, text), "203.0.113.99");
	assert_string_equal(addr_format(destination, text), "203.0.113.10");
	probes[kind]++;
	probe_port = port;
}

static int syn_ttl; /* that the flow opened last is told to have begun with; 0: it isn't known */

static bool
on_opened(void *ctx, struct stack_flow *f, const struct flow_target *target)
{
	(void)ctx;
	(void)f;
	assert_string_equal(target->service, "relaytrap");
	assert_string_equal(target->look, "postfix");
	syn_ttl = target->syn != NULL ? target->syn->ttl : 0;
	return true;
}

static const char *behind = "[]", *ports = "[]";

static void
hold(const char *personality, const char *closed)
{
	static const uint8_t mac[] = { 2, 0, 0, 0, 0, 0x10 };
	static const struct site_key key = { .bytes = "0123456789abcdef", .len = 16 };
	struct host_world w = { .key = &key, .shared_mac = mac, .wall_ms = 1700000000000 };
	struct json_error e = { "" };
	char text[512];

	snprintf(text, sizeof(text),
	    "{\"version\":1,\"decoys\":[{\"addresses\":[\"203.0.113.10\"],\"personality\":\"%s\",\"closed\":\"%s\","
	    "\"behind\":%s,\"ports\":%s}]}",
	    personality, closed, behind, ports);
	decoys = decoys_parse("d.json", text, strlen(text), personalities, &e);
	if (decoys == NULL)
		fail_msg("%s", e.text);
	hosts_adopt(&w, decoys, NULL, NULL, NULL);
	decoys_at(decoys, 0)->host->stack.ids.icmp = 0x1000;
	gateway_set_decoys(gateway, decoys);
}

static int
begin(void **state)
{
	static const struct gateway_ops ops = { .send = on_send, .probe = on_probe, .opened = on_opened };
	static const struct stack_settings settings = { 16, 16 };

	(void)state;
	behind = ports = "[]";
	gateway = gateway_new(&ops, &settings, 0);
	sent_len = sent_count = segments = 0;
	memset(probes, 0, sizeof(probes));
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	gateway_free(&gateway);
	if (decoys != NULL)
		hosts_free(decoys);
	decoys_free(&decoys);
	return 0;
}

static size_t
unhex(const char *hex, uint8_t *out)
{
	size_t n = strlen(hex) / 2;

	for (size_t i = 0; i < n; i++)
		assert_int_equal(sscanf(hex + 2 * i, "%2hhx", &out[i]), 1);
	return n;
}

static void
input_at(const char *hex, uint64_t now_us)
{
	uint8_t frame[FRAME_MAX];
	size_t len = unhex(hex, frame);

	sent_len = 0;
	gateway_input(gateway, frame, len, now_us);
}

static void
input(const char *hex)
{
	input_at(hex, 1);
}

static void
assert_sent(const char *hex)
{
	char got[2 * FRAME_MAX + 1];

	str_hex(got, sent, sent_len);
	assert_string_equal(got, hex);
}

static void
assert_dropped(enum gateway_drop why)
{
	assert_int_equal(sent_len, 0);
	for (size_t i = 0; i < GATEWAY_DROP_KINDS; i++) {
		if (gateway_counters(gateway)->dropped[i] != (i == why))
			fail_msg("%s: counted %u", gateway_drop_name((enum gateway_drop)i),
			    (unsigned)gateway_counters(gateway)->dropped[i]);
	}
}

/* ---- stories ---- */

static void
who_has_a_decoy_is_answered(void **state)
{
	(void)state;
	hold("linux-6", "reset");
	input(arp_request);
	assert_sent(arp_reply);
	assert_int_equal(probes[PROBE_ARP], 1);
	assert_int_equal(gateway_counters(gateway)->arp_replies, 1);
}

static void
pings_are_answered_in_character(void **state)
{
	(void)state;
	hold("linux-6", "reset");
	input(echo);
	assert_sent(echo_reply_linux);
	assert_int_equal(probes[PROBE_PING], 1);
}

/* The echo request with another TTL. */
static void
ping_with_ttl(uint8_t ttl)
{
	uint8_t frame[FRAME_MAX];
	size_t len = unhex(echo, frame);
	uint8_t *ip = frame + PACKET_ETH_HEADER;

	ip[8] = ttl;
	ip[10] = ip[11] = 0;
	uint16_t sum = packet_checksum(ip, 20);
	ip[10] = (uint8_t)(sum >> 8);
	ip[11] = (uint8_t)sum;
	sent_len = 0;
	gateway_input(gateway, frame, len, 1);
}

static void
a_far_decoy_has_routers_before_it(void **state)
{
	enum { IP = PACKET_ETH_HEADER, ICMP = IP + 20, QUOTED = ICMP + 8 };

	(void)state;
	behind = "[{\"address\":\"198.51.100.1\",\"ms\":2},{\"address\":\"198.51.100.2\",\"ms\":30}]";
	hold("linux-6", "reset");
	ping_with_ttl(1);
	assert_int_equal(sent[ICMP], 11);
	assert_memory_equal(sent + IP + 12, "\xc6\x33\x64\x01", 4);
	assert_int_equal(sent[IP + 8], 255);
	assert_int_equal(sent_len, QUOTED + 20 + 8);
	assert_int_equal(last_delay_us, 4000);
	ping_with_ttl(2);
	assert_memory_equal(sent + IP + 12, "\xc6\x33\x64\x02", 4);
	assert_int_equal(sent[IP + 8], 254);
	assert_int_equal(last_delay_us, 64000);
	ping_with_ttl(3);
	assert_int_equal(sent[ICMP], 0);
	assert_int_equal(sent[IP + 8], 62);
	assert_int_equal(packet_checksum(sent + IP, 20), 0);
	assert_int_equal(last_delay_us, 64000);
	assert_int_equal(gateway_counters(gateway)->expired, 2);
}

static void
another_character_answers_otherwise(void **state)
{
	(void)state;
	hold("windows-2000", "reset");
	input(echo);
	assert_sent(echo_reply_w2k);
}

static void
closed_udp_ports_are_unreachable(void **state)
{
	(void)state;
	hold("linux-6", "reset");
	input(udp);
	assert_sent(unreachable_linux);
	assert_int_equal(probes[PROBE_UDP], 1);
	assert_int_equal(probe_port, 161);
}

static void
another_character_quotes_less(void **state)
{
	(void)state;
	hold("freebsd-4", "reset");
	input(udp);
	assert_sent(unreachable_freebsd);
}

static void
a_decoy_that_drops_is_silent_to_udp(void **state)
{
	(void)state;
	hold("linux-6", "drop");
	input(udp);
	assert_dropped(GATEWAY_UNANSWERED);
}

static void
unreachables_are_limited_as_in_linux(void **state)
{
	(void)state;
	hold("linux-6", "reset");
	for (unsigned i = 0; i < 20; i++)
		input_at(udp, 1000);
	assert_int_equal(sent_count, 6);
	assert_int_equal(gateway_counters(gateway)->dropped[GATEWAY_LIMITED], 14);
	input_at(udp, 1000 + 999999);
	assert_int_equal(sent_count, 6);
	input_at(udp, 1000 + 1000000);
	assert_int_equal(sent_count, 7);
}

/* The good frame with some bytes written over, and what becomes of it. */
static void
strange_frames_get_no_answer(void **state)
{
	static const struct {
		const char *story, *frame;
		size_t at;
		const char *bytes;
		enum gateway_drop why;
	} rows[] = {
		{ "ARP for another address", arp_request, 38, "cb00710b", GATEWAY_NOT_OURS },
		{ "ARP of another hardware", arp_request, 14, "0006", GATEWAY_MALFORMED },
		{ "ARP of another protocol", arp_request, 16, "86dd", GATEWAY_MALFORMED },
		{ "ARP with a wrong hardware length", arp_request, 18, "05", GATEWAY_MALFORMED },
		{ "ARP with a wrong protocol length", arp_request, 19, "10", GATEWAY_MALFORMED },
		{ "an ARP reply", arp_request, 20, "0002", GATEWAY_UNANSWERED },
		{ "an unknown ARP operation", arp_request, 20, "00ff", GATEWAY_UNANSWERED },
		{ "ARP from loopback", arp_request, 28, "7f000001", GATEWAY_BAD_SOURCE },
		{ "ARP from broadcast", arp_request, 28, "ffffffff", GATEWAY_BAD_SOURCE },
		{ "ARP from a group MAC", arp_request, 22, "01", GATEWAY_BAD_SOURCE },
		{ "gratuitous ARP for a decoy", arp_request, 28, "cb00710a", GATEWAY_BAD_SOURCE },
		{ "ARP to a MAC that only a promiscuous card hears", arp_request, 0, "fffffffffffe",
		    GATEWAY_WRONG_MAC },
		{ "a ping to another MAC", echo, 0, "020000000011", GATEWAY_WRONG_MAC },
		{ "a ping by broadcast", echo, 0, "ffffffffffff", GATEWAY_WRONG_MAC },
		{ "a ping to another address", echo, 30, "cb00710b", GATEWAY_NOT_OURS },
		{ "a wrong IP checksum", echo, 24, "c561", GATEWAY_BAD_CHECKSUM },
		{ "a wrong ICMP checksum", echo, 36, "5495", GATEWAY_BAD_CHECKSUM },
		{ "IP version 6", echo, 14, "65", GATEWAY_MALFORMED },
		{ "a header shorter than twenty bytes", echo, 14, "44", GATEWAY_MALFORMED },
		{ "longer than the frame", echo, 16, "0024", GATEWAY_MALFORMED },
		{ "IPX", echo, 12, "8137", GATEWAY_UNANSWERED },
		{ "a wrong UDP checksum", udp, 40, "de3a", GATEWAY_BAD_CHECKSUM },
		{ "a UDP length that is too long", udp, 38, "0015", GATEWAY_MALFORMED },
		{ "a UDP length that is too short", udp, 38, "0007", GATEWAY_MALFORMED },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		char frame[2 * FRAME_MAX];

		finish(NULL);
		begin(NULL);
		hold("linux-6", "reset");
		str_copy(frame, sizeof(frame), rows[i].frame);
		memcpy(frame + 2 * rows[i].at, rows[i].bytes, strlen(rows[i].bytes));
		input(frame);
		if (sent_count != 0 || gateway_counters(gateway)->dropped[rows[i].why] != 1)
			fail_msg("%s: %zu answers, %s counted %u", rows[i].story, sent_count,
			    gateway_drop_name(rows[i].why), (unsigned)gateway_counters(gateway)->dropped[rows[i].why]);
	}
}

static void
every_prefix_of_a_frame_is_survived(void **state)
{
	static const char *const frames[] = { arp_request, echo, udp };

	(void)state;
	hold("linux-6", "reset");
	for (size_t i = 0; i < sizeof(frames) / sizeof(frames[0]); i++) {
		uint8_t frame[FRAME_MAX];
		size_t len = unhex(frames[i], frame);

		for (size_t n = 0; n < len; n++) {
			uint8_t *exact = malloc(n + 1);

			assert_non_null(exact);
			memcpy(exact + 1, frame, n); /* ends where the block ends, so that ASan sees a read beyond */
			gateway_input(gateway, exact + 1, n, 1);
			free(exact);
		}
	}
	assert_int_equal(sent_count, 0);
	assert_int_equal(segments, 0);
}

static void
the_links_padding_is_no_data(void **state)
{
	char frame[2 * FRAME_MAX];

	(void)state;
	hold("linux-6", "reset");
	snprintf(frame, sizeof(frame), "%s%s", echo, "00000000000000000000");
	input(frame);
	assert_sent(echo_reply_linux);
}

/* The echo in two fragments of 8 and 7 bytes, the second first. */
static void
a_fragmented_ping_is_put_together(void **state)
{
	static const char second[] = "0200000000100200000000630800"
				     "4504001b000700013d010568cb007163cb00710a"
				     "61626364656667";
	static const char first[] = "0200000000100200000000630800"
				    "4504001c000720003d01e567cb007163cb00710a"
				    "0809549412340001";

	(void)state;
	hold("linux-6", "reset");
	input(second);
	assert_int_equal(sent_len, 0);
	input(first);
	assert_sent(echo_reply_linux);
	assert_int_equal(gateway_counters(gateway)->reassembled, 1);
}

static void
tcp_goes_to_the_stack_with_the_way_back(void **state)
{
	/* 203.0.113.99 -> 203.0.113.10, protocol 6, twenty bytes that only the stack reads. */
	static const char tcp[] = "0200000000100200000000630800"
				  "450000280001000040060261cb007163cb00710a"
				  "0000000000000000000000000000000000000000"
				  "000000000000";

	(void)state;
	hold("linux-6", "reset");
	input(tcp);
	if (segments != 1)
		fail_msg("bad checksum counted %u", (unsigned)gateway_counters(gateway)->dropped[GATEWAY_BAD_CHECKSUM]);
	assert_int_equal(segment_len, 40);
	assert_memory_equal(segment_link, "\x02\x00\x00\x00\x00\x63\x00\x00", STACK_LINK_BYTES);
}

/* The stack sees packets behind the routers; whoever guesses wants to see them before. */
static void
a_flow_is_told_with_its_syn_as_on_the_wire(void **state)
{
	static const struct os_observation syn = { .ttl = 60 };

	(void)state;
	behind = "[{\"address\":\"198.51.100.1\",\"ms\":2},{\"address\":\"198.51.100.2\",\"ms\":30}]";
	ports = "[{\"port\":25,\"proto\":\"tcp\",\"service\":\"relaytrap\",\"look\":\"postfix\"}]";
	hold("linux-6", "reset");
	flow_host = &decoys_at(decoys, 0)->host->stack;
	flow_syn = &syn;
	assert_true(stack_ops.opened(stack_ops.ctx, NULL));
	assert_int_equal(syn_ttl, 62);
	flow_syn = NULL;
	assert_true(stack_ops.opened(stack_ops.ctx, NULL));
	assert_int_equal(syn_ttl, 0);
}

static void
without_decoys_nothing_is_ours(void **state)
{
	(void)state;
	input(arp_request);
	assert_dropped(GATEWAY_NOT_OURS);
	hold("linux-6", "reset");
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

static void
announces_twice_where_decoys_are(void **state)
{
	const uint64_t later = 2000000;

	(void)state;
	hold("linux-6", "reset");
	gateway_advance(gateway, 1);
	assert_int_equal(sent_count, 0);
	gateway_announce(gateway, 2);
	gateway_advance(gateway, 2);
	assert_sent(arp_announcement);
	assert_int_equal(sent_count, 1);
	gateway_advance(gateway, 1 + later);
	assert_int_equal(sent_count, 1);
	gateway_advance(gateway, 2 + later);
	assert_sent(arp_announcement);
	assert_int_equal(sent_count, 2);
	gateway_advance(gateway, 3 * later);
	assert_int_equal(sent_count, 2);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, finish)
	const struct CMUnitTest tests[] = {
		STORY(announces_twice_where_decoys_are),
		STORY(who_has_a_decoy_is_answered),
		STORY(pings_are_answered_in_character),
		STORY(another_character_answers_otherwise),
		STORY(a_far_decoy_has_routers_before_it),
		STORY(closed_udp_ports_are_unreachable),
		STORY(another_character_quotes_less),
		STORY(a_decoy_that_drops_is_silent_to_udp),
		STORY(unreachables_are_limited_as_in_linux),
		STORY(strange_frames_get_no_answer),
		STORY(every_prefix_of_a_frame_is_survived),
		STORY(the_links_padding_is_no_data),
		STORY(a_fragmented_ping_is_put_together),
		STORY(tcp_goes_to_the_stack_with_the_way_back),
		STORY(a_flow_is_told_with_its_syn_as_on_the_wire),
		STORY(without_decoys_nothing_is_ours),
	};

	return cmocka_run_group_tests(tests, load_personalities, free_personalities);
}
