/*
 * stack_test - the gateway's TCP against peers held in memory: packet scripts
 * in which each line is one segment with numbers relative to the handshake's,
 * and a small TCP of our own on a wire that loses, doubles and reorders.
 */
#include "base/reader.h"
#include "base/writer.h"
#include "fingerprintd/stack.h"
#include "fingerprintd/os_observe.h"
#include "fingerprintd/tcp_cookie.h"
#include "wire/packet_checksum.h"
#include "wire/packet_ip.h"
#include "wire/packet_tcp.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PACKET_MAX = 2048, SENT_MAX = 4096, BULK = 700 * 1000, F_MAX = 64 };

#define SYN PACKET_TCP_SYN
#define ACK PACKET_TCP_ACK
#define FIN PACKET_TCP_FIN
#define RST PACKET_TCP_RST
#define PSH PACKET_TCP_PSH

struct sent {
	struct packet_tcp tcp;
	uint8_t data[1500];
	size_t len;
};

static struct stack *stack;
static struct stack_host host;
static uint64_t now_us;
static struct sent sent[SENT_MAX];
static size_t sent_count, sent_read;
static enum stack_port port_is;
static struct stack_flow *flow; /* the one opened last */
static int opened, eofs, closed_count, probes;
static char syn_text[OS_TEXT_MAX]; /* of the flow opened last, or "" */
static enum stack_end closed_why;
static bool refuse, take_nothing, echo;
static struct packet_tcp_range sack; /* what the peer says it has; empty: nothing */
static uint32_t late_ms; /* the peer's timestamps lag behind */
static uint8_t *got;
static size_t got_len;
static const uint8_t link_bytes[STACK_LINK_BYTES] = { 2, 0, 0, 0, 0, 9 };

static const struct habits linux_habits = {
	.ttl = 64,
	.df = true,
	.mss = 1460,
	.window = 65160,
	.wscale = 7,
	.options = { { .kind = HABIT_OPT_MSS }, { .kind = HABIT_OPT_SACK }, { .kind = HABIT_OPT_TS },
	    { .kind = HABIT_OPT_NOP }, { .kind = HABIT_OPT_WSCALE } },
	.ts_hz = 1000,
	.gaps_ms = { 1000, 2000, 4000 },
};

/* ---- what the stack calls ---- */

static void
on_send(void *ctx, struct stack_host *h, const uint8_t link[STACK_LINK_BYTES], const void *packet, size_t len)
{
	struct sent *s = &sent[sent_count++ % SENT_MAX];
	struct packet_ip ip;
	struct reader r;

	(void)ctx;
	assert_ptr_equal(h, &host);
	assert_memory_equal(link, link_bytes, STACK_LINK_BYTES);
	reader_init(&r, packet, len);
	assert_true(packet_ip_parse(&r, &ip) && ip.checksum_ok);
	assert_int_equal(ip.ttl, 64);
	assert_true(ip.df);
	assert_int_equal(packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, r.at, reader_left(&r)),
	    0);
	assert_true(packet_tcp_parse(&r, &s->tcp));
	s->len = reader_left(&r);
	memcpy(s->data, r.at, s->len);
}

static enum stack_port
on_port(void *ctx, struct stack_host *h, uint16_t port)
{
	(void)ctx;
	(void)h;
	(void)port;
	return port_is;
}

static bool
on_opened(void *ctx, struct stack_flow *f)
{
	(void)ctx;
	if (refuse)
		return false;
	opened++;
	flow = f;
	syn_text[0] = '\0';
	if (stack_flow_syn(f) != NULL)
		os_observation_format(stack_flow_syn(f), syn_text);
	return true;
}

static void
on_data(void *ctx, struct stack_flow *f)
{
	const uint8_t *bytes;
	size_t len;

	(void)ctx;
	if (take_nothing)
		return;
	bytes = stack_peek(f, &len);
	memcpy(got + got_len, bytes, len);
	got_len += len;
	if (echo)
		assert_int_equal(stack_write(f, bytes, len), len);
	stack_consume(f, len);
}

static void
on_eof(void *ctx, struct stack_flow *f)
{
	(void)ctx;
	(void)f;
	eofs++;
}

static void
on_writable(void *ctx, struct stack_flow *f)
{
	(void)ctx;
	(void)f;
}

static void
on_closed(void *ctx, struct stack_flow *f, enum stack_end why)
{
	(void)ctx;
	(void)f;
	closed_count++;
	closed_why = why;
}

static void
on_probe(void *ctx, struct stack_host *h, const struct endpoint *from, uint16_t port, uint8_t flags)
{
	(void)ctx;
	(void)h;
	(void)from;
	(void)port;
	(void)flags;
	probes++;
}

static struct stack_ops ops = { on_send, on_port, on_opened, on_data, on_eof, on_writable, on_closed, on_probe, NULL };

static int
begin(void **state)
{
	static const struct stack_settings settings = { 4, 4 };

	(void)state;
	memset(&host, 0, sizeof(host));
	addr_parse("203.0.113.10", &host.address);
	host.habits = &linux_habits;
	host.isn_secret[0] = 1;
	now_us = 1000 * 1000;
	ops.writable = on_writable;
	ops.data = on_data;
	stack = stack_new(&settings, &ops, now_us);
	sent_count = sent_read = got_len = 0;
	port_is = STACK_OPEN;
	flow = NULL;
	opened = eofs = closed_count = probes = 0;
	refuse = take_nothing = echo = false;
	late_ms = 0;
	sack = (struct packet_tcp_range){ 0, 0 };
	got = realloc(got, 2 * BULK);
	return 0;
}

static int
end(void **state)
{
	(void)state;
	stack_drop_host(stack, &host);
	stack_free(&stack);
	free(got);
	got = NULL;
	return 0;
}

static void
pass_ms(uint64_t ms)
{
	for (uint64_t i = 0; i < ms; i += 10) {
		now_us += 10000;
		stack_advance(stack, now_us);
	}
}

/* ---- a peer that sends what it is told ---- */

struct peer {
	uint16_t port;
	uint32_t iss;
	uint32_t irs;
	bool modern; /* all options */
};
static struct peer peer = { 4000, 0x70000000, 0, true };

static void
send_raw(const struct peer *p, uint32_t seq, uint32_t ack, uint8_t flags, uint16_t window, const void *data, size_t len)
{
	struct packet_ip ip = { .ttl = 60, .protocol = PACKET_IP_TCP, .destination = host.address };
	struct packet_tcp tcp = { .source = p->port,
		.destination = 25,
		.seq = seq,
		.ack = ack,
		.flags = flags,
		.window = window };
	uint8_t packet[PACKET_MAX], options[PACKET_TCP_OPTIONS_MAX];
	struct writer w, o;

	addr_parse("203.0.113.1", &ip.source);
	writer_init(&o, options, sizeof(options));
	if (flags & SYN)
		packet_tcp_option_mss(&o, 1400);
	if (flags & SYN && p->modern) {
		packet_tcp_option_sack_permitted(&o);
		packet_tcp_option_wscale(&o, 2);
	}
	if (p->modern)
		packet_tcp_option_ts(&o, (uint32_t)(now_us / 1000) - late_ms, 0);
	if (sack.left != sack.right)
		packet_tcp_option_sack(&o, &sack, 1);
	writer_init(&w, packet, sizeof(packet));
	packet_ip_format(&w, &ip, PACKET_TCP_HEADER + (writer_len(&o) + 3) / 4 * 4 + len);
	uint8_t *at = w.at;
	packet_tcp_format(&w, &tcp, options, writer_len(&o));
	writer_bytes(&w, data, len);
	uint16_t sum = packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, at, (size_t)(w.at - at));
	at[PACKET_TCP_CHECKSUM_AT] = (uint8_t)(sum >> 8);
	at[PACKET_TCP_CHECKSUM_AT + 1] = (uint8_t)sum;
	stack_input(stack, &host, link_bytes, packet, writer_len(&w), now_us);
}

/* Numbers relative to the handshake: 1 is the first byte. */
static void
send_rel(uint32_t seq, uint32_t ack, uint8_t flags, const char *text)
{
	send_raw(&peer, peer.iss + seq, peer.irs + ack, flags, 8192, text, strlen(text));
}

static const struct sent *
next_sent(void)
{
	if (sent_read == sent_count)
		fail_msg("the stack has sent nothing more");
	return &sent[sent_read++ % SENT_MAX];
}

static void
expect(uint32_t seq, uint32_t ack, uint8_t flags, const char *text)
{
	const struct sent *s = next_sent();

	assert_int_equal(s->tcp.flags, flags);
	assert_int_equal(s->tcp.seq - peer.irs, seq);
	if (flags & ACK)
		assert_int_equal(s->tcp.ack - peer.iss, ack);
	assert_int_equal(s->len, strlen(text));
	assert_memory_equal(s->data, text, s->len);
}

static void
expect_nothing(void)
{
	assert_int_equal(sent_read, sent_count);
}

static void
shake_hands(void)
{
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	const struct sent *s = next_sent();

	assert_int_equal(s->tcp.flags, SYN | ACK);
	assert_int_equal(s->tcp.ack, peer.iss + 1);
	peer.irs = s->tcp.seq;
	send_rel(1, 1, ACK, "");
	assert_int_equal(opened, 1);
	expect_nothing();
}

/* ---- the handshake ---- */

static void
syn_ack_carries_the_personality(void **state)
{
	(void)state;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	const struct packet_tcp *t = &next_sent()->tcp;
	assert_int_equal(t->window, 65160);
	assert_int_equal(t->mss, 1460);
	assert_true(t->sack_permitted && t->has_ts && t->has_wscale);
	assert_int_equal(t->wscale, 7);
	assert_int_equal(t->ts_echo, now_us / 1000);
	assert_int_equal(probes, 1);
	assert_int_equal(stack_counters(stack)->half_open, 1);
}

static void
only_what_was_offered_is_agreed_to(void **state)
{
	struct peer old = { 4001, 77, 0, false };

	(void)state;
	send_raw(&old, old.iss, 0, SYN, 8192, "", 0);
	const struct packet_tcp *t = &next_sent()->tcp;
	assert_int_equal(t->mss, 1460);
	assert_false(t->sack_permitted || t->has_ts || t->has_wscale);
}

static void
syn_ack_is_sent_again_as_often_as_the_personality_does(void **state)
{
	(void)state;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	uint32_t isn = next_sent()->tcp.seq;
	pass_ms(900);
	expect_nothing();
	pass_ms(200);
	assert_int_equal(next_sent()->tcp.seq, isn);
	pass_ms(2100);
	next_sent();
	pass_ms(4100);
	next_sent();
	pass_ms(60000);
	expect_nothing();
	assert_int_equal(stack_counters(stack)->half_open, 0);
}

static void
some_say_goodbye_to_who_never_answers(void **state)
{
	struct habits solaris = linux_habits;

	(void)state;
	solaris.final_reset = true;
	host.habits = &solaris;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	peer.irs = next_sent()->tcp.seq;
	for (int i = 0; i < 3; i++) {
		pass_ms(1000U << i);
		pass_ms(100);
		assert_int_equal(next_sent()->tcp.flags, SYN | ACK);
	}
	pass_ms(7400);
	expect_nothing();
	pass_ms(700);
	expect(1, 0, RST, "");
	pass_ms(60000);
	expect_nothing();
}

static void
a_syn_that_comes_again_gets_the_same_answer(void **state)
{
	(void)state;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	uint32_t isn = next_sent()->tcp.seq;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	assert_int_equal(next_sent()->tcp.seq, isn);
	assert_int_equal(stack_counters(stack)->half_open, 1);
}

static void
a_wrong_ack_in_the_handshake_is_reset(void **state)
{
	(void)state;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	peer.irs = next_sent()->tcp.seq;
	send_rel(1, 500, ACK, "");
	expect(500, 0, RST, "");
	assert_int_equal(opened, 0);
	send_rel(1, 1, ACK, "");
	assert_int_equal(opened, 1);
}

static void
data_may_come_with_the_handshakes_ack(void **state)
{
	(void)state;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	peer.irs = next_sent()->tcp.seq;
	send_rel(1, 1, ACK | PSH, "GET /");
	assert_int_equal(opened, 1);
	assert_memory_equal(got, "GET /", 5);
}

static void
a_refused_flow_is_reset(void **state)
{
	(void)state;
	refuse = true;
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	peer.irs = next_sent()->tcp.seq;
	send_rel(1, 1, ACK, "");
	expect(1, 0, RST, "");
	assert_int_equal(closed_count, 0);
	assert_int_equal(stack_counters(stack)->flows, 0);
}

static void
established_flows_are_capped_and_never_evicted(void **state)
{
	(void)state;
	for (uint16_t i = 0; i < 6; i++) {
		struct peer p = { (uint16_t)(5000 + i), 100, 0, true };

		send_raw(&p, p.iss, 0, SYN, 8192, "", 0);
		send_raw(&p, p.iss + 1, next_sent()->tcp.seq + 1, ACK, 8192, "", 0);
		if (i >= 4)
			assert_int_equal(next_sent()->tcp.flags, RST);
	}
	assert_int_equal(opened, 4);
	assert_int_equal(closed_count, 0);
	assert_int_equal(stack_counters(stack)->flows, 4);
	assert_int_equal(stack_counters(stack)->flows_refused, 2);
}

static void
a_flow_is_told_with_its_syn(void **state)
{
	(void)state;
	shake_hands();
	assert_string_equal(syn_text, "4:60+4:0:1400:8192,2:mss,sok,ws,ts,eol+0:id-:0");
	assert_null(stack_flow_syn(flow)); /* not kept beyond that */
}

static void
beyond_the_cap_syns_are_answered_without_memory(void **state)
{
	struct sent s;

	(void)state;
	for (uint16_t i = 0; i < 1000; i++) {
		struct peer p = { (uint16_t)(6000 + i), 100, 0, true };

		send_raw(&p, p.iss, 0, SYN, 8192, "", 0);
		s = *next_sent();
	}
	assert_int_equal(stack_counters(stack)->half_open, 4);
	assert_int_equal(stack_counters(stack)->cookies_sent, 996);
	assert_false(s.tcp.has_wscale || s.tcp.sack_permitted || s.tcp.has_ts);
	struct peer last = { 6999, 100, 0, true };
	send_raw(&last, 101, s.tcp.seq + 2, ACK, 8192, "", 0);
	assert_int_equal(opened, 0);
	assert_int_equal(next_sent()->tcp.flags, RST);
	send_raw(&last, 101, s.tcp.seq + 1, ACK, 8192, "hi", 2);
	assert_int_equal(opened, 1);
	assert_string_equal(syn_text, ""); /* nothing was kept of the SYN */
	assert_memory_equal(got, "hi", 2);
	assert_int_equal(stack_counters(stack)->cookies_ok, 1);
	assert_int_equal(stack_counters(stack)->cookies_bad, 1);
}

static void
cookies_grow_old(void **state)
{
	const uint64_t key[2] = { 3, 4 };
	struct tcp_cookie_syn syn = { .seq = 9 };
	uint16_t mss = 0;

	(void)state;
	uint32_t cookie = tcp_cookie_make(key, &syn, 1452, 0);
	assert_true(tcp_cookie_check(key, &syn, cookie, TCP_COOKIE_PERIOD_US, &mss));
	assert_int_equal(mss, 1440);
	assert_false(tcp_cookie_check(key, &syn, cookie, 2ULL * TCP_COOKIE_PERIOD_US, &mss));
	syn.seq++;
	assert_false(tcp_cookie_check(key, &syn, cookie, 0, &mss));
}

/* ---- what is for no connection ---- */

static void
strangers_are_answered_by_the_ports_state(void **state)
{
	static const struct {
		const char *name;
		enum stack_port port;
		uint8_t flags, answer; /* 0: none */
	} rows[] = {
		{ "SYN to a closed port", STACK_CLOSED, SYN, RST | ACK },
		{ "ACK to a closed port", STACK_CLOSED, ACK, RST },
		{ "nothing to a closed port", STACK_CLOSED, 0, RST | ACK },
		{ "FIN to a closed port", STACK_CLOSED, FIN, RST | ACK },
		{ "RST to a closed port", STACK_CLOSED, RST, 0 },
		{ "SYN to a filtered port", STACK_FILTERED, SYN, 0 },
		{ "ACK to a filtered port", STACK_FILTERED, ACK, 0 },
		{ "ACK to an open port", STACK_OPEN, ACK, RST },
		{ "SYN+ACK to an open port", STACK_OPEN, SYN | ACK, RST },
		{ "FIN to an open port", STACK_OPEN, FIN, 0 },
		{ "SYN+FIN to an open port", STACK_OPEN, SYN | FIN, 0 },
		{ "RST to an open port", STACK_OPEN, RST, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		port_is = rows[i].port;
		send_raw(&peer, 1000, 2000, rows[i].flags, 1024, "", 0);
		if (rows[i].answer == 0) {
			if (sent_read != sent_count)
				fail_msg("%s: answered", rows[i].name);
			continue;
		}
		const struct packet_tcp *t = &next_sent()->tcp;
		if (t->flags != rows[i].answer)
			fail_msg("%s: flags %x", rows[i].name, t->flags);
		assert_int_equal(t->window, 0);
		assert_int_equal(t->seq, rows[i].flags & ACK ? 2000 : 0);
	}
	assert_int_equal(probes, sizeof(rows) / sizeof(rows[0]));
}

static void
a_drained_stack_takes_no_syn(void **state)
{
	(void)state;
	stack_drain(stack, true);
	send_raw(&peer, peer.iss, 0, SYN, 8192, "", 0);
	expect_nothing();
}

/* ---- data ---- */

static void
data_in_order_is_given_and_acknowledged(void **state)
{
	(void)state;
	shake_hands();
	send_rel(1, 1, ACK | PSH, "hello");
	assert_int_equal(got_len, 5);
	expect_nothing();
	pass_ms(60);
	expect(1, 6, ACK, "");
	assert_memory_equal(got, "hello", 5);
}

static void
an_answer_carries_the_acknowledgement(void **state)
{
	(void)state;
	shake_hands();
	echo = true;
	send_rel(1, 1, ACK | PSH, "ping");
	expect(1, 5, ACK | PSH, "ping");
	pass_ms(60);
	expect_nothing();
}

static void
early_data_waits_for_what_is_missing(void **state)
{
	(void)state;
	shake_hands();
	send_rel(6, 1, ACK, "world");
	const struct sent *s = next_sent();
	assert_int_equal(s->tcp.ack - peer.iss, 1);
	assert_int_equal(s->tcp.sacks, 1);
	assert_int_equal(s->tcp.sack[0].left - peer.iss, 6);
	assert_int_equal(s->tcp.sack[0].right - peer.iss, 11);
	assert_int_equal(got_len, 0);
	send_rel(1, 1, ACK, "hello");
	expect(1, 11, ACK, "");
	assert_int_equal(got_len, 10);
	assert_memory_equal(got, "helloworld", 10);
}

static void
what_comes_again_is_acknowledged_again_and_given_once(void **state)
{
	(void)state;
	shake_hands();
	send_rel(1, 1, ACK, "hello");
	send_rel(1, 1, ACK, "hello");
	expect(1, 6, ACK, "");
	send_rel(3, 1, ACK, "lloworld");
	pass_ms(60);
	expect(1, 11, ACK, "");
	assert_int_equal(got_len, 10);
	assert_memory_equal(got, "helloworld", 10);
}

static void
the_window_closes_and_opens_again(void **state)
{
	static char block[1000];
	uint32_t at = 1;

	(void)state;
	memset(block, 'x', sizeof(block));
	shake_hands();
	take_nothing = true;
	for (; at + sizeof(block) <= 65160; at += sizeof(block))
		send_raw(&peer, peer.iss + at, peer.irs + 1, ACK, 8192, block, sizeof(block));
	pass_ms(60);
	sent_read = sent_count;
	send_raw(&peer, peer.iss + at, peer.irs + 1, ACK, 8192, block, 600);
	pass_ms(60);
	const struct sent *s = &sent[(sent_count - 1) % SENT_MAX];
	assert_true(s->tcp.window << 7 < 1400);
	sent_read = sent_count;
	size_t len;
	assert_non_null(stack_peek(flow, &len));
	assert_true(len <= STACK_RECEIVE_MAX && len >= 65000);
	stack_consume(flow, len);
	assert_true(next_sent()->tcp.window << 7 > 32000);
}

static void
a_closed_window_is_probed_until_it_opens(void **state)
{
	(void)state;
	shake_hands();
	send_raw(&peer, peer.iss + 1, peer.irs + 1, ACK, 0, "", 0);
	assert_int_equal(stack_write(flow, "data", 4), 4);
	expect_nothing();
	pass_ms(3000);
	assert_true(sent_count - sent_read >= 1);
	assert_int_equal(next_sent()->len, 0);
	for (int i = 0; i < 100; i++) {
		pass_ms(10000);
		send_raw(&peer, peer.iss + 1, peer.irs + 1, ACK, 0, "", 0);
	}
	assert_int_equal(closed_count, 0);
	assert_true(sent_count - sent_read < 100);
	sent_read = sent_count;
	send_rel(1, 1, ACK, "");
	expect(1, 1, ACK | PSH, "data");
}

static void
lost_data_is_sent_again_and_given_up_in_the_end(void **state)
{
	(void)state;
	shake_hands();
	stack_write(flow, "data", 4);
	expect(1, 1, ACK | PSH, "data");
	pass_ms(2000);
	expect(1, 1, ACK | PSH, "data");
	pass_ms(600 * 1000);
	assert_int_equal(closed_count, 1);
	assert_int_equal(closed_why, STACK_END_TIMEOUT);
	assert_true(stack_counters(stack)->retransmitted >= 8);
}

static void
writing_is_bounded(void **state)
{
	static char big[2 * STACK_SEND_MAX];

	(void)state;
	shake_hands();
	assert_int_equal(stack_write(flow, big, sizeof(big)), STACK_SEND_MAX);
	assert_int_equal(stack_write(flow, big, 1), 0);
	assert_int_equal(stack_unsent(flow), STACK_SEND_MAX);
}

/* ---- the end ---- */

static void
the_peer_finishes_first(void **state)
{
	(void)state;
	shake_hands();
	send_rel(1, 1, ACK | FIN, "bye");
	expect(1, 5, ACK, "");
	assert_int_equal(eofs, 1);
	assert_int_equal(got_len, 3);
	stack_write(flow, "late", 4);
	expect(1, 5, ACK | PSH, "late");
	stack_shutdown(flow);
	expect(5, 5, ACK | FIN, "");
	assert_int_equal(closed_count, 0);
	send_rel(5, 6, ACK, "");
	assert_int_equal(closed_count, 1);
	assert_int_equal(closed_why, STACK_END_FIN);
	send_rel(5, 6, ACK, "");
	expect(6, 0, RST, "");
}

static void
we_finish_first_and_wait(void **state)
{
	(void)state;
	shake_hands();
	stack_shutdown(flow);
	expect(1, 1, ACK | FIN, "");
	send_rel(1, 2, ACK, "");
	send_rel(1, 2, ACK | PSH, "more");
	assert_int_equal(got_len, 4);
	send_rel(5, 2, ACK | FIN, "");
	expect(2, 6, ACK, "");
	assert_int_equal(closed_why, STACK_END_FIN);
	/* Our last ACK was lost. */
	send_rel(5, 2, ACK | FIN, "");
	expect(2, 6, ACK, "");
	/* A forged reset doesn't end the wait; a new connection may. */
	send_rel(6, 2, RST, "");
	send_rel(5, 2, ACK | FIN, "");
	expect(2, 6, ACK, "");
	send_raw(&peer, peer.iss + 1000, 0, SYN, 8192, "", 0);
	assert_int_equal(next_sent()->tcp.flags, SYN | ACK);
}

static void
both_finish_at_once(void **state)
{
	(void)state;
	shake_hands();
	stack_shutdown(flow);
	expect(1, 1, ACK | FIN, "");
	send_rel(1, 1, ACK | FIN, "");
	expect(2, 2, ACK, "");
	assert_int_equal(closed_count, 0);
	send_rel(2, 2, ACK, "");
	assert_int_equal(closed_why, STACK_END_FIN);
}

static void
the_fin_waits_for_the_bytes_before_it(void **state)
{
	(void)state;
	shake_hands();
	send_rel(6, 1, ACK | FIN, "world");
	next_sent();
	assert_int_equal(eofs, 0);
	send_rel(1, 1, ACK, "hello");
	expect(1, 12, ACK, "");
	assert_int_equal(eofs, 1);
	assert_memory_equal(got, "helloworld", 10);
}

static void
a_reset_from_the_caller(void **state)
{
	(void)state;
	shake_hands();
	stack_reset(flow);
	expect(1, 1, RST | ACK, "");
	assert_int_equal(closed_why, STACK_END_LOCAL);
	assert_int_equal(stack_counters(stack)->flows, 0);
}

static void
resets_must_hit_the_number(void **state)
{
	(void)state;
	shake_hands();
	send_rel(100, 1, RST, "");
	expect(1, 1, ACK, "");
	assert_int_equal(closed_count, 0);
	send_rel(200000, 1, RST, "");
	send_rel(101, 1, RST, "");
	expect_nothing(); /* no more than one challenge in a while */
	assert_int_equal(stack_counters(stack)->blind_resets, 3);
	send_rel(1, 1, RST, "");
	assert_int_equal(closed_why, STACK_END_RESET);
}

static void
a_syn_in_the_middle_is_challenged(void **state)
{
	(void)state;
	shake_hands();
	send_rel(50, 0, SYN, "");
	expect(1, 1, ACK, "");
	assert_int_equal(closed_count, 0);
}

static void
blind_data_is_not_taken(void **state)
{
	(void)state;
	shake_hands();
	send_rel(1, 70000, ACK, "evil");
	assert_int_equal(got_len, 0);
	expect(1, 1, ACK, "");
	send_rel(200000, 1, ACK, "evil");
	assert_int_equal(got_len, 0);
}

static void
a_silent_peer_is_asked_and_then_given_up(void **state)
{
	(void)state;
	shake_hands();
	pass_ms(601 * 1000);
	expect(0, 1, ACK, "");
	send_rel(1, 1, ACK, "");
	pass_ms(601 * 1000);
	expect(0, 1, ACK, "");
	pass_ms(400 * 1000);
	assert_int_equal(closed_count, 1);
	assert_int_equal(closed_why, STACK_END_TIMEOUT);
}

static void
the_peers_keep_alive_is_answered(void **state)
{
	(void)state;
	shake_hands();
	send_rel(0, 1, ACK, "");
	expect(1, 1, ACK, "");
}

static void
an_old_timestamp_is_an_old_segment(void **state)
{
	(void)state;
	shake_hands();
	send_rel(1, 1, ACK, "new");
	late_ms = 100;
	send_rel(4, 1, ACK, "old");
	assert_int_equal(got_len, 3);
}

static void
bad_checksums_and_prefixes_are_counted_only(void **state)
{
	uint8_t packet[60] = { 0x45, 0, 0, 40, 0, 0, 0, 0, 64, 6 };

	(void)state;
	for (size_t len = 0; len < sizeof(packet); len++)
		stack_input(stack, &host, link_bytes, packet, len, now_us);
	expect_nothing();
	assert_true(stack_counters(stack)->malformed >= 40);
	assert_true(stack_counters(stack)->bad_checksum >= 1);
}

/* ---- both directions over a bad wire ---- */

struct rng {
	uint64_t s;
};

static uint32_t
rng_next(struct rng *r)
{
	uint64_t z = r->s += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)(z >> 33);
}

static bool
chance(struct rng *r, unsigned per_cent)
{
	return rng_next(r) % 100 < per_cent;
}

static uint8_t
pattern(size_t i)
{
	return (uint8_t)(i * 7 + i / 251);
}

/* The stack sends BULK bytes to a peer that acknowledges what it has, with or without SACK. */
static size_t bulk_written;

static void
write_bulk(void *ctx, struct stack_flow *f)
{
	uint8_t block[4096];

	(void)ctx;
	while (bulk_written < BULK) {
		size_t n = BULK - bulk_written < sizeof(block) ? BULK - bulk_written : sizeof(block);

		for (size_t i = 0; i < n; i++)
			block[i] = pattern(bulk_written + i);
		size_t took = stack_write(f, block, n);
		bulk_written += took;
		if (took < n)
			return;
	}
	stack_shutdown(f);
}

/* The island around this byte, as a receiver tells it (RFC 2018 4). */
static void
tell_island(const uint8_t *have, size_t at, size_t next, uint32_t first)
{
	size_t left = at, right = at;

	sack = (struct packet_tcp_range){ 0, 0 };
	if (at < next)
		return;
	while (left > next && have[left - 1])
		left--;
	while (have[right])
		right++;
	sack = (struct packet_tcp_range){ first + (uint32_t)left, first + (uint32_t)right };
}

static void
send_to_a_bad_wire(bool modern, unsigned loss, uint64_t seed)
{
	static uint8_t have[BULK + 2000];
	struct rng r = { seed };
	size_t next = 0, bad = 0;
	uint64_t start = now_us;
	struct peer p = { 4100, 0x100, 0, modern };

	memset(have, 0, sizeof(have));
	sack = (struct packet_tcp_range){ 0, 0 };
	bulk_written = 0;
	ops.writable = write_bulk;
	stack_free(&stack);
	stack = stack_new(&(struct stack_settings){ 4, 4 }, &ops, now_us);
	sent_read = sent_count;
	send_raw(&p, p.iss, 0, SYN, 65535, "", 0);
	p.irs = next_sent()->tcp.seq;
	send_raw(&p, p.iss + 1, p.irs + 1, ACK, 65535, "", 0);
	write_bulk(NULL, flow);
	while (next < BULK && now_us - start < 600 * 1000000ULL) {
		size_t until = sent_count;

		pass_ms(10);
		for (; sent_read < until; sent_read++) {
			const struct sent *s = &sent[sent_read % SENT_MAX];
			size_t at = s->tcp.seq - p.irs - 1;

			if (s->len == 0 || chance(&r, loss))
				continue;
			for (size_t i = 0; i < s->len; i++)
				bad += s->data[i] != pattern(at + i);
			memset(have + at, 1, s->len);
			while (next < BULK && have[next])
				next++;
			if (modern)
				tell_island(have, at, next, p.irs + 1);
			if (!chance(&r, loss))
				send_raw(&p, p.iss + 1, p.irs + 1 + (uint32_t)next, ACK, 65535, "", 0);
		}
	}
	assert_int_equal(bad, 0);
	assert_int_equal(next, BULK);
	printf("  %s peer, %u %% loss: %.1f s of its time\n", modern ? "modern" : "old", loss,
	    (double)(now_us - start) / 1e6);
}

static void
bytes_arrive_over_a_wire_that_loses(void **state)
{
	(void)state;
	send_to_a_bad_wire(true, 0, 1);
	send_to_a_bad_wire(true, 8, 2);
	send_to_a_bad_wire(false, 8, 3);
	send_to_a_bad_wire(true, 25, 4);
	assert_true(stack_counters(stack)->retransmitted > 0);
}

/* The peer sends BULK bytes in a window of its own, each segment lost, doubled or late by chance. */
static void
bytes_come_in_over_a_wire_that_loses_and_reorders(void **state)
{
	enum { MSS = 1000, WINDOW = 40 };
	struct rng r = { 5 };
	uint8_t block[MSS];
	uint64_t start = now_us;
	struct peer p = { 4200, 0xfffff000, 0, true };
	size_t acked = 0;

	(void)state;
	send_raw(&p, p.iss, 0, SYN, 65535, "", 0);
	p.irs = next_sent()->tcp.seq;
	send_raw(&p, p.iss + 1, p.irs + 1, ACK, 65535, "", 0);
	while (acked < BULK && now_us - start < 600 * 1000000ULL) {
		for (unsigned k = 0; k < WINDOW; k++) {
			size_t at = acked + (rng_next(&r) % WINDOW) * MSS;

			if (at >= BULK || chance(&r, 8))
				continue;
			for (size_t i = 0; i < MSS; i++)
				block[i] = pattern(at + i);
			send_raw(&p, p.iss + 1 + (uint32_t)at, p.irs + 1, ACK, 65535, block, MSS);
		}
		pass_ms(50);
		for (; sent_read < sent_count; sent_read++) {
			size_t ack = sent[sent_read % SENT_MAX].tcp.ack - p.iss - 1;

			acked = ack > acked ? ack : acked;
		}
	}
	assert_int_equal(got_len, BULK);
	for (size_t i = 0; i < BULK; i++) {
		if (got[i] != pattern(i))
			fail_msg("byte %zu is wrong", i);
	}
	assert_true(stack_counters(stack)->out_of_order > 0);
	assert_true(stack_counters(stack)->duplicates > 0);
}

int
main(void)
{
#define T(f) cmocka_unit_test_setup_teardown(f, begin, end)
	const struct CMUnitTest tests[] = {
		T(syn_ack_carries_the_personality),
		T(only_what_was_offered_is_agreed_to),
		T(syn_ack_is_sent_again_as_often_as_the_personality_does),
		T(some_say_goodbye_to_who_never_answers),
		T(a_syn_that_comes_again_gets_the_same_answer),
		T(a_wrong_ack_in_the_handshake_is_reset),
		T(data_may_come_with_the_handshakes_ack),
		T(a_refused_flow_is_reset),
		T(established_flows_are_capped_and_never_evicted),
		T(a_flow_is_told_with_its_syn),
		T(beyond_the_cap_syns_are_answered_without_memory),
		T(cookies_grow_old),
		T(strangers_are_answered_by_the_ports_state),
		T(a_drained_stack_takes_no_syn),
		T(data_in_order_is_given_and_acknowledged),
		T(an_answer_carries_the_acknowledgement),
		T(early_data_waits_for_what_is_missing),
		T(what_comes_again_is_acknowledged_again_and_given_once),
		T(the_window_closes_and_opens_again),
		T(a_closed_window_is_probed_until_it_opens),
		T(lost_data_is_sent_again_and_given_up_in_the_end),
		T(writing_is_bounded),
		T(the_peer_finishes_first),
		T(we_finish_first_and_wait),
		T(both_finish_at_once),
		T(the_fin_waits_for_the_bytes_before_it),
		T(a_reset_from_the_caller),
		T(resets_must_hit_the_number),
		T(a_syn_in_the_middle_is_challenged),
		T(blind_data_is_not_taken),
		T(a_silent_peer_is_asked_and_then_given_up),
		T(the_peers_keep_alive_is_answered),
		T(an_old_timestamp_is_an_old_segment),
		T(bad_checksums_and_prefixes_are_counted_only),
		T(bytes_arrive_over_a_wire_that_loses),
		T(bytes_come_in_over_a_wire_that_loses_and_reorders),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
