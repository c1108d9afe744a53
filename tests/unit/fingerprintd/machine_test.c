/*
 * machine_test - decoys over minutes, as a patient scanner sees them: every
 * ten seconds a ping, a SYN to an open port and one to a closed port, each from
 * another port of its.  Clocks, sequence numbers and IP ids go on as that OS's do,
 * and two machines of one kind are two.
 */
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/reader.h"
#include "base/writer.h"
#include "fingerprintd/decoys.h"
#include "fingerprintd/host.h"
#include "fingerprintd/icmp.h"
#include "fingerprintd/personalities.h"
#include "fingerprintd/stack.h"
#include "wire/packet_checksum.h"
#include "wire/packet_icmp.h"
#include "wire/packet_ip.h"
#include "wire/packet_tcp.h"

#include <stdio.h>

enum { ROUNDS = 60, ROUND_US = 10 * 1000 * 1000, TICK_US = 10 * 1000, PACKET_MAX = 256, OPEN = 25, CLOSED = 26 };

/* What came back in one round. */
struct seen {
	uint64_t at_us;
	uint32_t isn, clock;
	uint16_t syn_ack_id, reset_id, icmp_id;
};

static struct personalities *personalities;
static const struct site_key key = { .len = 32, .bytes = { 7 } };
static struct decoys *decoys;
static struct stack *stack;
static struct packet_ip sent_ip;
static struct packet_tcp sent_tcp;

static void
on_send(void *ctx, struct stack_host *h, const uint8_t link[STACK_LINK_BYTES], const void *packet, size_t len)
{
	struct packet_tcp tcp;
	struct reader r;

	(void)ctx;
	(void)h;
	(void)link;
	reader_init(&r, packet, len);
	assert_true(packet_ip_parse(&r, &sent_ip));
	assert_true(packet_tcp_parse(&r, &tcp));
	sent_tcp = tcp;
}

static enum stack_port
on_port(void *ctx, struct stack_host *h, uint16_t port)
{
	(void)ctx;
	(void)h;
	return port == OPEN ? STACK_OPEN : STACK_CLOSED;
}

static void
on_probe(void *ctx, struct stack_host *h, const struct endpoint *from, uint16_t port, uint8_t flags)
{
	(void)ctx;
	(void)h;
	(void)from;
	(void)port;
	(void)flags;
}

static struct addr
address(const char *text)
{
	struct addr a;

	assert_true(addr_parse(text, &a));
	return a;
}

/* ---- what the scanner sends ---- */

static void
send_segment(struct host *h, uint16_t from, uint16_t to, uint32_t seq, uint8_t flags, uint64_t now_us)
{
	static const uint8_t link[STACK_LINK_BYTES];
	const struct packet_ip ip = { .source = address("203.0.113.1"),
		.destination = h->stack.address,
		.ttl = 64,
		.protocol = PACKET_IP_TCP };
	const struct packet_tcp tcp = { .source = from, .destination = to, .seq = seq, .flags = flags, .window = 1024 };
	uint8_t packet[PACKET_MAX], options[PACKET_TCP_OPTIONS_MAX];
	struct writer w, o;

	writer_init(&o, options, sizeof(options));
	packet_tcp_option_mss(&o, 1460);
	packet_tcp_option_nop(&o);
	packet_tcp_option_nop(&o);
	packet_tcp_option_ts(&o, 1, 0);
	size_t len = PACKET_TCP_HEADER + writer_len(&o);

	writer_init(&w, packet, sizeof(packet));
	packet_ip_format(&w, &ip, len);
	uint8_t *segment = w.at;

	packet_tcp_format(&w, &tcp, options, writer_len(&o));
	uint16_t sum = packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, segment, len);

	segment[PACKET_TCP_CHECKSUM_AT] = (uint8_t)(sum >> 8);
	segment[PACKET_TCP_CHECKSUM_AT + 1] = (uint8_t)sum;
	stack_input(stack, &h->stack, link, packet, writer_len(&w), now_us);
}

static uint16_t
ping(struct host *h, uint64_t now_us)
{
	const struct packet_ip ip = { .source = address("203.0.113.1"),
		.destination = h->stack.address,
		.ttl = 64,
		.protocol = PACKET_IP_ICMP };
	const struct packet_icmp echo = { .type = PACKET_ICMP_ECHO };
	uint8_t message[PACKET_MAX], answer[PACKET_MAX];
	struct packet_ip out;
	struct writer w;
	struct reader r;

	writer_init(&w, message, sizeof(message));
	packet_icmp_format(&w, &echo);
	size_t len = writer_len(&w);

	writer_init(&w, answer, sizeof(answer));
	assert_int_equal(icmp_input(h, &ip, message, len, now_us, &w), ANSWER_SEND);
	reader_init(&r, answer, writer_len(&w));
	assert_true(packet_ip_parse(&r, &out));
	return out.id;
}

static void
wait_until(uint64_t *now_us, uint64_t then_us)
{
	for (; *now_us < then_us; *now_us += TICK_US)
		stack_advance(stack, *now_us);
}

/* ---- what it sees ---- */

static void
look(struct host *h, uint16_t port, uint64_t now_us, struct seen *out)
{
	out->at_us = now_us;
	out->icmp_id = ping(h, now_us);
	send_segment(h, port, OPEN, 1000, PACKET_TCP_SYN, now_us);
	assert_int_equal(sent_tcp.flags & (PACKET_TCP_SYN | PACKET_TCP_ACK), PACKET_TCP_SYN | PACKET_TCP_ACK);
	out->isn = sent_tcp.seq;
	out->clock = sent_tcp.ts_value;
	out->syn_ack_id = sent_ip.id;
	send_segment(h, port, OPEN, 1001, PACKET_TCP_RST, now_us); /* so that nothing is sent again */
	send_segment(h, port, CLOSED, 1000, PACKET_TCP_SYN, now_us);
	assert_true(sent_tcp.flags & PACKET_TCP_RST);
	out->reset_id = sent_ip.id;
}

static struct host *
decoy(size_t i)
{
	return decoys_at(decoys, i)->host;
}

static void
watch(struct host *h, bool one_port, struct seen seen[ROUNDS])
{
	uint64_t start_us = 1000 * 1000 * 1000, now_us = start_us;

	for (unsigned i = 0; i < ROUNDS; i++) {
		wait_until(&now_us, start_us + (uint64_t)i * ROUND_US);
		look(h, (uint16_t)(40000 + (one_port ? 0 : i)), now_us, &seen[i]);
	}
}

/* Three decoys of that kind. */
static void
hold(const char *personality)
{
	static const struct stack_ops ops = { .send = on_send, .port = on_port, .probe = on_probe };
	static const struct stack_settings settings = { 4, 4 };
	const struct host_world world = { .key = &key, .now_us = 1000 * 1000, .wall_ms = 1700000000000 };
	struct json_error e = { "" };
	char text[512];
	int len = snprintf(text, sizeof(text),
	    "{\"version\": 1, \"decoys\": [{\"addresses\": [\"203.0.113.16/30\"], \"personality\": \"%s\", "
	    "\"ports\": []}]}",
	    personality);

	decoys = decoys_parse("d.json", text, (size_t)len, personalities, &e);
	if (decoys == NULL)
		fail_msg("%s", e.text);
	hosts_adopt(&world, decoys, NULL, NULL, NULL);
	stack = stack_new(&settings, &ops, world.now_us);
}

static int
let_go(void **state)
{
	(void)state;
	stack_free(&stack);
	hosts_free(decoys);
	decoys_free(&decoys);
	return 0;
}

/* ---- what it must see ---- */

static void
check_clock(const struct seen seen[ROUNDS], unsigned hz)
{
	for (unsigned i = 1; i < ROUNDS; i++) {
		double ticks = (double)(seen[i].at_us - seen[0].at_us) * hz / 1e6;

		assert_true(fabs((double)(seen[i].clock - seen[0].clock) - ticks) <= 1);
	}
}

static void
one_counter_of_windows_numbers_tcp_and_icmp(void **state)
{
	struct seen seen[ROUNDS];

	(void)state;
	hold("windows-2000");
	watch(decoy(0), false, seen);
	for (unsigned i = 0; i < ROUNDS; i++) {
		/* Ping, SYN+ACK, reset, and again. */
		assert_int_equal(seen[i].icmp_id, (uint16_t)(seen[0].icmp_id + 3 * i));
		assert_int_equal(seen[i].syn_ack_id, (uint16_t)(seen[i].icmp_id + 1));
		assert_int_equal(seen[i].reset_id, (uint16_t)(seen[i].icmp_id + 2));
	}
}

static void
linux_numbers_icmp_alone(void **state)
{
	struct seen seen[ROUNDS];

	(void)state;
	hold("linux-5");
	watch(decoy(0), true, seen);
	for (unsigned i = 0; i < ROUNDS; i++) {
		assert_int_equal(seen[i].icmp_id, (uint16_t)(seen[0].icmp_id + i));
		assert_int_equal(seen[i].syn_ack_id, 0);
		/* RFC 6528: the same connection's numbers grow with a clock of 4 us. */
		assert_int_equal(seen[i].isn - seen[0].isn, (uint32_t)((seen[i].at_us - seen[0].at_us) / 4));
	}
	check_clock(seen, 1000);
}

static void
counted_numbers_keep_their_rate(void **state)
{
	struct seen seen[ROUNDS];
	uint64_t grown = 0;

	(void)state;
	hold("solaris-9");
	watch(decoy(0), false, seen);
	for (unsigned i = 1; i < ROUNDS; i++)
		grown += seen[i].isn - seen[i - 1].isn;
	double rate = (double)grown * 1e6 / (double)(seen[ROUNDS - 1].at_us - seen[0].at_us);

	assert_true(fabs(rate / 1500000 - 1) < 0.05);
	check_clock(seen, 100);
}

static void
random_ids_stay_random(void **state)
{
	struct seen seen[ROUNDS];
	unsigned near = 0;

	(void)state;
	hold("openbsd-7");
	watch(decoy(0), false, seen);
	for (unsigned i = 1; i < ROUNDS; i++)
		near += (uint16_t)(seen[i].syn_ack_id - seen[i - 1].syn_ack_id) < 1000;
	assert_true(near < ROUNDS / 6);
}

static void
two_machines_of_a_kind_are_two(void **state)
{
	struct seen a[ROUNDS], b[ROUNDS];

	(void)state;
	hold("freebsd-4");
	watch(decoy(0), false, a);
	watch(decoy(1), false, b);
	/* Days apart since they were booted, and numbers of their own. */
	assert_true(a[0].clock - b[0].clock + 100 * 3600 > 2 * 100 * 3600U);
	assert_int_not_equal(a[0].isn, b[0].isn);
	assert_int_not_equal(a[0].icmp_id, b[0].icmp_id);
	assert_int_equal((uint32_t)(a[ROUNDS - 1].clock - a[0].clock), (uint32_t)(b[ROUNDS - 1].clock - b[0].clock));
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
		cmocka_unit_test_teardown(one_counter_of_windows_numbers_tcp_and_icmp, let_go),
		cmocka_unit_test_teardown(linux_numbers_icmp_alone, let_go),
		cmocka_unit_test_teardown(counted_numbers_keep_their_rate, let_go),
		cmocka_unit_test_teardown(random_ids_stay_random, let_go),
		cmocka_unit_test_teardown(two_machines_of_a_kind_are_two, let_go),
	};

	return cmocka_run_group_tests(tests, load_personalities, free_personalities);
}
