/* habits_test - sequence numbers, IP ids, options and answers as a personality wants them, seen as a scanner sees them.
 */
#include "base/reader.h"
#include "base/writer.h"
#include "fingerprintd/stack.h"
#include "fingerprintd/tcp_answer.h"
#include "fingerprintd/tcp_isn.h"
#include "fingerprintd/tcp_options.h"
#include "fingerprintd/tcp_syn_ack.h"
#include "wire/packet_checksum.h"
#include "wire/packet_ip.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { STEPS = 5, ROUNDS = 200, GAP_US = 100 * 1000, PACKET_MAX = 256 };

static struct habits habits;
static struct stack_host host;
static const struct endpoint peer = { .addr = { { [10] = 0xff, [11] = 0xff, 203, 0, 113, 1 } }, .port = 40000 };
static const struct endpoint ours = { .addr = { { [10] = 0xff, [11] = 0xff, 203, 0, 113, 10 } }, .port = 25 };

static int
fresh(void **state)
{
	(void)state;
	habits = (struct habits){
		.ttl = 64,
		.df = true,
		.mss = 1460,
		.window = 5840,
		.wscale = 7,
		.options = { { .kind = HABIT_OPT_MSS }, { .kind = HABIT_OPT_SACK }, { .kind = HABIT_OPT_TS },
		    { .kind = HABIT_OPT_NOP }, { .kind = HABIT_OPT_WSCALE } },
		.ts_hz = 100,
		.isn = { .multiple_of = 1 },
		.gaps_ms = { 3000 },
	};
	host = (struct stack_host){ .address = ours.addr, .habits = &habits, .isn_secret = { 7, 9 } };
	return 0;
}

/* ---- sequence numbers ---- */

/* Rate and its deviation over five steps in a row, and what divides all steps. */
struct seen {
	double rate, deviation;
	uint32_t divisor;
};

static uint32_t
divisor(uint32_t a, uint32_t b)
{
	return b == 0 ? a : divisor(b, a % b);
}

static struct seen
look(struct tcp_isn *t, uint64_t *now_us)
{
	struct seen out = { 0 };
	double rate[STEPS], sum = 0;
	struct endpoint from = peer;
	uint32_t last = tcp_isn_next(t, &host, &from, &ours, *now_us);

	for (int i = 0; i < STEPS; i++) {
		*now_us += GAP_US;
		from.port++;
		uint32_t isn = tcp_isn_next(t, &host, &from, &ours, *now_us), up = isn - last, down = last - isn;
		uint32_t step = up < down ? up : down;

		out.divisor = divisor(out.divisor, step);
		rate[i] = step / (GAP_US / 1e6);
		out.rate += rate[i] / STEPS;
		last = isn;
	}
	for (int i = 0; i < STEPS; i++)
		sum += (rate[i] - out.rate) * (rate[i] - out.rate);
	out.deviation = sqrt(sum / (STEPS - 1));
	*now_us += 5 * 1000 * 1000;
	return out;
}

static void
check_isn(double per_second, double deviation, uint32_t multiple_of)
{
	struct tcp_isn *t = tcp_isn_new();
	uint64_t now_us = 123456789;

	habits.isn = (struct habit_isn){ HABIT_ISN_INCREMENTS, per_second, deviation, multiple_of };
	for (int round = 0; round < ROUNDS; round++) {
		struct seen s = look(t, &now_us);

		assert_true(fabs(s.rate - per_second) <= per_second * 0.02 + 20);
		/* One step in five may be a unit longer. */
		assert_true(fabs(s.deviation - deviation) <= deviation * 0.05 + 20 + 3 * multiple_of);
		assert_int_equal(s.divisor % multiple_of, 0);
		assert_true(deviation <= 0 || s.divisor == multiple_of);
		assert_true(multiple_of > 1 || s.divisor <= 6);
	}
	tcp_isn_free(&t);
}

static void
counters_grow_and_scatter_as_told(void **state)
{
	(void)state;
	check_isn(1.2e6, 4e4, 1);
	check_isn(1e10, 5e9, 1); /* as good as random: 2^30 a step */
	check_isn(1e5, 1.5e5, 1); /* more deviation than rate, never a step back */
	check_isn(6.4e5, 0, 64000);
	check_isn(6.4e7, 1.28e6, 64000);
}

/* What a scanner takes five random numbers for, in units of an eighth of a doubling. */
static void
check_random(enum habit_isn_kind kind)
{
	struct tcp_isn *t = tcp_isn_new();
	uint64_t now_us = 123456789;
	uint32_t low = UINT32_MAX, high = 0;
	unsigned divisible = 0; /* by a larger number: one in ten thousand is, by chance */

	habits.isn.kind = (uint8_t)kind;
	for (int round = 0; round < ROUNDS; round++) {
		struct seen s = look(t, &now_us);
		uint32_t isn = tcp_isn_next(t, &host, &peer, &ours, now_us);

		host.isn_secret[0]++; /* another decoy each time */
		host.boot_us += 7777777;
		tcp_isn_free(&t);
		t = tcp_isn_new();
		assert_in_range((unsigned)(8 * log2(s.rate) + 0.5), 0x108, 0x10c);
		assert_in_range((unsigned)(8 * log2(s.deviation) + 0.5), 0x100, 0x107);
		divisible += s.divisor > 6;
		low = isn < low ? isn : low;
		high = isn > high ? isn : high;
	}
	assert_true(low < UINT32_MAX / 16 && high > UINT32_MAX / 16 * 15);
	assert_true(divisible <= 2);
	tcp_isn_free(&t);
}

static void
random_numbers_look_random_each_time(void **state)
{
	(void)state;
	check_random(HABIT_ISN_RANDOM);
	check_random(HABIT_ISN_HASH);
}

static void
no_two_steps_are_equal(void **state)
{
	struct tcp_isn *t = tcp_isn_new();
	uint32_t seen[STEPS], last;

	(void)state;
	habits.isn = (struct habit_isn){ HABIT_ISN_INCREMENTS, 1e10, 5e9, 1 };
	last = tcp_isn_next(t, &host, &peer, &ours, 1000000);
	for (uint64_t i = 0; i < STEPS; i++) {
		uint32_t isn = tcp_isn_next(t, &host, &peer, &ours, 1000000 + (i + 1) * GAP_US);

		seen[i] = isn - last;
		last = isn;
		for (uint64_t j = 0; j < i; j++)
			assert_int_not_equal(seen[i], seen[j]);
	}
	tcp_isn_free(&t);
}

static void
each_peer_has_its_own_counter(void **state)
{
	struct tcp_isn *t = tcp_isn_new();
	struct endpoint other = peer;
	uint64_t now_us = 5000000;

	(void)state;
	other.addr.b[15] = 2;
	habits.isn = (struct habit_isn){ HABIT_ISN_INCREMENTS, 1e6, 0, 1 };
	uint32_t first = tcp_isn_next(t, &host, &peer, &ours, now_us);
	for (int i = 0; i < 100; i++)
		tcp_isn_next(t, &host, &other, &ours, now_us + 50);
	assert_int_equal(tcp_isn_next(t, &host, &peer, &ours, now_us + GAP_US) - first, 100000);
	tcp_isn_free(&t);
}

/* A counter that stood still in a burst goes on with time; the search for a step that shares no divisor ends. */
static void
a_counter_goes_on_after_a_burst(void **state)
{
	struct tcp_isn *t = tcp_isn_new();
	uint64_t now_us = 5000000;

	(void)state;
	habits.isn = (struct habit_isn){ HABIT_ISN_INCREMENTS, 1e6, 0, 64000 };
	uint32_t first = tcp_isn_next(t, &host, &peer, &ours, now_us);

	for (int i = 1; i < STEPS; i++)
		assert_int_equal(tcp_isn_next(t, &host, &peer, &ours, now_us), first);
	assert_int_equal(tcp_isn_next(t, &host, &peer, &ours, now_us + 1000000), first + 16 * 64000);
	tcp_isn_free(&t);
}

static void
hashes_and_constants(void **state)
{
	struct tcp_isn *t = tcp_isn_new();
	struct endpoint other = peer;

	(void)state;
	other.port++;
	uint32_t a = tcp_isn_next(t, &host, &peer, &ours, 1000000);
	assert_int_equal(tcp_isn_next(t, &host, &peer, &ours, 1000400), a + 100); /* 4 us a step */
	assert_int_not_equal(tcp_isn_next(t, &host, &other, &ours, 1000000), a);
	habits.isn.kind = HABIT_ISN_CONSTANT;
	a = tcp_isn_next(t, &host, &peer, &ours, 1000000);
	assert_int_equal(tcp_isn_next(t, &host, &other, &ours, 9000000), a);
	tcp_isn_free(&t);
}

static void
clocks_of_connections_lie_apart(void **state)
{
	struct tcp_isn *t = tcp_isn_new();
	struct endpoint other = peer;

	(void)state;
	assert_int_equal(tcp_isn_ts_offset(t, &host, &peer, &ours), 0);
	habits.ts_start = HABIT_TS_RANDOM;
	other.port++;
	uint32_t a = tcp_isn_ts_offset(t, &host, &peer, &ours);
	assert_int_equal(tcp_isn_ts_offset(t, &host, &peer, &ours), a);
	assert_int_not_equal(tcp_isn_ts_offset(t, &host, &other, &ours), a);
	habits.ts_apart = 800000000;
	a = tcp_isn_ts_offset(t, &host, &peer, &ours);
	for (int i = 0; i < 100; i++) {
		uint32_t b = tcp_isn_ts_offset(t, &host, &other, &ours);

		assert_in_range(b - a, 700000000, 900000000);
		a = b;
	}
	tcp_isn_free(&t);
}

/* ---- IP ids ---- */

static void
ids_of_every_kind(void **state)
{
	struct ip_id_state s = { .tcp = 0x00fe, .random = 3 };
	struct habit_ids habit = { HABIT_IDS_INCREMENT, 0 };

	(void)state;
	assert_int_equal(ip_id_next(&s, &habit, &s.tcp), 0x00fe);
	assert_int_equal(ip_id_next(&s, &habit, &s.tcp), 0x00ff);
	habit.kind = HABIT_IDS_SWAPPED;
	assert_int_equal(ip_id_next(&s, &habit, &s.tcp), 0x0001);
	assert_int_equal(ip_id_next(&s, &habit, &s.tcp), 0x0101);
	habit.kind = HABIT_IDS_JUMPS;
	for (int i = 0; i < 1000; i++) {
		uint16_t id = ip_id_next(&s, &habit, &s.tcp);

		assert_in_range((uint16_t)(s.tcp - id), 1001, 1250);
	}
	habit = (struct habit_ids){ HABIT_IDS_CONSTANT, 0xabcd };
	assert_int_equal(ip_id_next(&s, &habit, &s.tcp), 0xabcd);
	habit.kind = HABIT_IDS_ZERO;
	assert_int_equal(ip_id_next(&s, &habit, &s.tcp), 0);
	habit.kind = HABIT_IDS_RANDOM;
	assert_int_not_equal(ip_id_next(&s, &habit, &s.tcp), ip_id_next(&s, &habit, &s.tcp));
}

/* ---- SYN+ACKs ---- */

static const uint8_t all_options[] = { 3, 3, 10, 1, 2, 4, 0x05, 0xb4, 8, 10, 255, 255, 255, 255, 0, 0, 0, 0, 4, 2 };

static void
parse_syn(struct packet_tcp *out, const uint8_t *options, size_t len, uint8_t flags)
{
	uint8_t segment[PACKET_TCP_HEADER + PACKET_TCP_OPTIONS_MAX];
	const struct packet_tcp syn = { .flags = flags, .window = 1024 };
	struct writer w;
	struct reader r;

	writer_init(&w, segment, sizeof(segment));
	packet_tcp_format(&w, &syn, options, len);
	reader_init(&r, segment, writer_len(&w));
	assert_true(packet_tcp_parse(&r, out));
}

static struct tcp_syn_ack
answer_syn(const uint8_t *options, size_t len, uint8_t flags)
{
	struct packet_tcp syn;
	struct tcp_offer offer = { &syn, options, len };
	struct tcp_syn_ack out;

	parse_syn(&syn, options, len, flags);
	tcp_syn_ack_build(&habits, tcp_syn_ack_case(&habits, &offer), &syn, 0x01020304, &out);
	return out;
}

static void
usual_options_are_what_was_offered(void **state)
{
	static const uint8_t all[] = { 2, 4, 5, 0xb4, 4, 2, 8, 10, 1, 2, 3, 4, 255, 255, 255, 255, 1, 3, 3, 7 };
	static const uint8_t small[] = { 2, 4, 2, 0x18 }, answer_small[] = { 2, 4, 2, 0x18 };

	(void)state;
	struct tcp_syn_ack a = answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN);
	assert_int_equal(a.options_len, sizeof(all));
	assert_memory_equal(a.options, all, sizeof(all));
	assert_true(a.sack && a.ts && a.wscale && a.shift == 7);
	habits.mss_of = HABIT_MSS_LEAST;
	habits.window_mss = 4;
	a = answer_syn(small, sizeof(small), PACKET_TCP_SYN);
	assert_int_equal(a.options_len, sizeof(answer_small));
	assert_memory_equal(a.options, answer_small, sizeof(answer_small));
	assert_int_equal(a.tcp.window, 4 * 536);
	assert_false(a.sack || a.ts || a.wscale);
	a = answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN);
	assert_int_equal(a.tcp.window, 4 * 1448);
}

static void
a_case_is_found_by_its_offer_and_by_ecn(void **state)
{
	static const uint8_t nops[] = { 1, 1 };
	uint8_t ecn = PACKET_TCP_SYN | PACKET_TCP_ECE | PACKET_TCP_CWR;

	(void)state;
	habits.ecn = HABIT_ECN_ECE;
	habits.case_count = 2;
	habits.cases[0] = (struct habit_case){
		.offered = { { HABIT_OPT_WSCALE, true, 10 }, { .kind = HABIT_OPT_NOP }, { HABIT_OPT_MSS, true, 1460 },
		    { .kind = HABIT_OPT_TS }, { .kind = HABIT_OPT_SACK } },
		.ecn = HABIT_NO,
		.has_window = true,
		.window = 99,
		.has_options = true,
		.options = { { .kind = HABIT_OPT_NOP }, { .kind = HABIT_OPT_NOP } },
		.ttl = 255,
		.df = HABIT_NO,
		.ecn_flags = HABIT_ECN_DEFAULT,
		.urgent = true,
	};
	habits.cases[1] = (struct habit_case){ .any_offer = true, .ecn = HABIT_YES, .ecn_flags = HABIT_ECN_BOTH };
	struct tcp_syn_ack a = answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN);
	assert_int_equal(a.tcp.window, 99);
	assert_memory_equal(a.options, nops, sizeof(nops));
	assert_int_equal(a.options_len, sizeof(nops));
	assert_true(a.ttl == 255 && a.df == HABIT_NO && a.tcp.urgent != 0 && !a.ts && !a.sack);
	a = answer_syn(all_options, sizeof(all_options), ecn);
	assert_int_equal(a.tcp.flags, PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_ECE | PACKET_TCP_CWR);
	assert_int_equal(a.tcp.window, 5840);
	a = answer_syn(all_options, sizeof(all_options) - 2, PACKET_TCP_SYN);
	assert_int_equal(a.tcp.window, 5840);
	habits.case_count = 0;
	a = answer_syn(all_options, sizeof(all_options), ecn);
	assert_int_equal(a.tcp.flags, PACKET_TCP_SYN | PACKET_TCP_ACK | PACKET_TCP_ECE);
}

static void
a_case_is_found_by_kinds(void **state)
{
	static const uint8_t no_ts[] = { 4, 2, 2, 4, 5, 0xb4, 3, 3, 2 },
			     aligned[] = { 2, 4, 5, 0xb4, 1, 1, 4, 2, 1, 3, 3, 7 };
	static const uint8_t no_scale[] = { 2, 4, 5, 0xb4, 4, 2 };

	(void)state;
	habits.case_count = 1;
	habits.cases[0] = (struct habit_case){
		.any_offer = true,
		.has = 1 << HABIT_OPT_SACK,
		.lacks = 1 << HABIT_OPT_TS,
		.has_order = true,
		.options = { { .kind = HABIT_OPT_MSS }, { .kind = HABIT_OPT_NOP }, { .kind = HABIT_OPT_NOP },
		    { .kind = HABIT_OPT_SACK }, { .kind = HABIT_OPT_NOP }, { .kind = HABIT_OPT_WSCALE } },
		.ecn_flags = HABIT_ECN_DEFAULT,
		.has_window = true,
		.window = 5792,
	};
	struct tcp_syn_ack a = answer_syn(no_ts, sizeof(no_ts), PACKET_TCP_SYN);
	assert_int_equal(a.options_len, sizeof(aligned));
	assert_memory_equal(a.options, aligned, sizeof(aligned));
	assert_true(a.sack && a.wscale && a.tcp.window == 5792);
	a = answer_syn(no_scale, sizeof(no_scale), PACKET_TCP_SYN);
	assert_int_equal(a.options_len, 8);
	assert_memory_equal(a.options, aligned, 8);
	a = answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN);
	assert_int_equal(a.tcp.window, 5840);
	a = answer_syn(no_ts, 0, PACKET_TCP_SYN);
	assert_int_equal(a.tcp.window, 5840);
}

static void
a_buffer_is_told_in_whole_segments(void **state)
{
	static const uint8_t bare[] = { 2, 4, 1, 9 }, none[] = { 1, 1, 1, 1 };

	(void)state;
	habits.window_buffer = 49152;
	habits.wscale = 0;
	assert_int_equal(answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN).tcp.window, 34 * 1448);
	assert_int_equal(answer_syn(bare, sizeof(bare), PACKET_TCP_SYN).tcp.window, 186 * 265);
	habits.window_segment = HABIT_SEGMENT_MSS;
	assert_int_equal(answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN).tcp.window, 34 * 1460);
	habits.window_segment = HABIT_SEGMENT_DATA;
	habits.window_buffer = 256000;
	habits.wscale = 2;
	assert_int_equal(answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN).tcp.window, 177 * 1448 / 4);
	assert_int_equal(answer_syn(bare, sizeof(bare), PACKET_TCP_SYN).tcp.window, 247 * 265);
	habits.mss_of = HABIT_MSS_LEAST;
	assert_int_equal(answer_syn(none, sizeof(none), PACKET_TCP_SYN).tcp.window, 122 * 536);
	habits.mss_default = 512;
	struct tcp_syn_ack a = answer_syn(none, sizeof(none), PACKET_TCP_SYN);
	assert_int_equal(a.tcp.window, 127 * 512);
	assert_memory_equal(a.options, ((const uint8_t[]){ 2, 4, 2, 0 }), 4);
	habits.mss = 1;
	assert_int_equal(answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN).tcp.window, 256000 / 4);
}

static void
without_a_scale_a_window_is_whole_segments(void **state)
{
	static const uint8_t usual[] = { 2, 4, 5, 0xb4 }, least[] = { 2, 4, 1, 9 },
			     with_ts[] = { 2, 4, 1, 9, 8, 10, 0, 0, 0, 1, 0, 0, 0, 0, 1, 1 };

	(void)state;
	habits.window = 65535;
	habits.window_unscaled = 536;
	assert_int_equal(answer_syn(all_options, sizeof(all_options), PACKET_TCP_SYN).tcp.window, 65535);
	assert_int_equal(answer_syn(usual, sizeof(usual), PACKET_TCP_SYN).tcp.window, 44 * 1460);
	assert_int_equal(answer_syn(least, sizeof(least), PACKET_TCP_SYN).tcp.window, 122 * 536);
	assert_int_equal(answer_syn(with_ts, sizeof(with_ts), PACKET_TCP_SYN).tcp.window, 125 * 524);
	habits.window = 512;
	assert_int_equal(answer_syn(least, sizeof(least), PACKET_TCP_SYN).tcp.window, 512);
}

static void
option_lists_read_back(void **state)
{
	struct habit_opt list[HABITS_OPTIONS_MAX], again[HABITS_OPTIONS_MAX];
	uint8_t bytes[PACKET_TCP_OPTIONS_MAX];
	struct tcp_option_values v = { 0 };
	struct writer w;

	(void)state;
	assert_true(tcp_options_read(all_options, sizeof(all_options), list));
	assert_int_equal(tcp_options_len(list), sizeof(all_options));
	writer_init(&w, bytes, sizeof(bytes));
	tcp_options_write_all(&w, list, &v);
	assert_true(tcp_options_read(bytes, writer_len(&w), again));
	assert_true(tcp_options_equal(list, again));
	for (size_t len = 0; len < sizeof(all_options); len++) {
		uint8_t *exact = malloc(len + 1);

		assert_non_null(exact);
		memcpy(exact, all_options, len);
		bool read = tcp_options_read(exact, len, again);
		assert_false(read && tcp_options_equal(list, again));
		free(exact);
	}
}

/* ---- answers, through the stack ---- */

static struct packet_ip sent_ip;
static struct packet_tcp sent_tcp;
static uint8_t sent_data[PACKET_MAX];
static size_t sent_len;
static int sent;
static enum stack_port port_is;

static void
on_send(void *ctx, struct stack_host *h, const uint8_t link[STACK_LINK_BYTES], const void *packet, size_t len)
{
	struct reader r;

	(void)ctx;
	(void)h;
	(void)link;
	sent++;
	reader_init(&r, packet, len);
	assert_true(packet_ip_parse(&r, &sent_ip));
	assert_true(packet_tcp_parse(&r, &sent_tcp));
	sent_len = reader_left(&r);
	memcpy(sent_data, r.at, sent_len);
}

static enum stack_port
on_port(void *ctx, struct stack_host *h, uint16_t port)
{
	(void)ctx;
	(void)h;
	(void)port;
	return port_is;
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

/* True: it was answered. */
static bool
probe(enum stack_port state, uint8_t flags)
{
	static const struct stack_ops ops = { .send = on_send, .port = on_port, .probe = on_probe };
	static const struct stack_settings settings = { 4, 4 };
	static const uint8_t link[STACK_LINK_BYTES];
	struct stack *s = stack_new(&settings, &ops, 1000000);
	const struct packet_ip ip = { .source = peer.addr,
		.destination = ours.addr,
		.ttl = 64,
		.protocol = PACKET_IP_TCP };
	const struct packet_tcp tcp = { .source = peer.port,
		.destination = ours.port,
		.seq = 1000,
		.ack = 2000,
		.flags = flags };
	uint8_t packet[PACKET_MAX];
	struct writer w;

	port_is = state;
	sent = 0;
	writer_init(&w, packet, sizeof(packet));
	packet_ip_format(&w, &ip, PACKET_TCP_HEADER + 3);
	uint8_t *segment = w.at;
	packet_tcp_format(&w, &tcp, NULL, 0);
	writer_bytes(&w, "abc", 3);
	uint16_t sum =
	    packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, segment, PACKET_TCP_HEADER + 3);
	segment[PACKET_TCP_CHECKSUM_AT] = (uint8_t)(sum >> 8);
	segment[PACKET_TCP_CHECKSUM_AT + 1] = (uint8_t)sum;
	stack_input(s, &host, link, packet, writer_len(&w), 1000000);
	stack_free(&s);
	return sent > 0;
}

static void
answers_are_the_standard_s_unless_told(void **state)
{
	(void)state;
	assert_false(probe(STACK_OPEN, 0));
	assert_false(probe(STACK_OPEN, PACKET_TCP_FIN));
	assert_false(probe(STACK_OPEN, PACKET_TCP_SYN | PACKET_TCP_FIN));
	assert_false(probe(STACK_FILTERED, PACKET_TCP_SYN));
	assert_false(probe(STACK_CLOSED, PACKET_TCP_RST));
	assert_true(probe(STACK_OPEN, PACKET_TCP_ACK));
	assert_int_equal(sent_tcp.flags, PACKET_TCP_RST);
	assert_int_equal(sent_tcp.seq, 2000);
	assert_true(probe(STACK_CLOSED, PACKET_TCP_SYN));
	assert_int_equal(sent_tcp.flags, PACKET_TCP_RST | PACKET_TCP_ACK);
	assert_int_equal(sent_tcp.seq, 0);
	assert_int_equal(sent_tcp.ack, 1004);
	assert_true(probe(STACK_CLOSED, 0));
	assert_int_equal(sent_tcp.ack, 1003);
}

static void
answers_are_as_told(void **state)
{
	(void)state;
	habits.reset_ip_id = (struct habit_ids){ HABIT_IDS_CONSTANT, 77 };
	habits.answers[HABIT_OPEN_NULL] = (struct habit_answer){
		.kind = HABIT_ANSWER_GIVEN,
		.has_flags = true,
		.flags = PACKET_TCP_RST | PACKET_TCP_PSH,
		.seq = HABIT_SEQ_ACK_1,
		.ack = HABIT_ACK_SEQ,
		.window = 4128,
		.df = HABIT_NO,
		.ttl = 255,
		.reserved = true,
		.urgent = true,
		.options = { { HABIT_OPT_MSS, true, 7 } },
		.data = "gone",
		.data_len = 4,
	};
	habits.answers[HABIT_CLOSED_ACK].kind = HABIT_ANSWER_SILENT;
	assert_true(probe(STACK_OPEN, PACKET_TCP_PSH));
	assert_int_equal(sent_tcp.flags, PACKET_TCP_RST | PACKET_TCP_PSH);
	assert_int_equal(sent_tcp.seq, 2001);
	assert_int_equal(sent_tcp.ack, 1003);
	assert_int_equal(sent_tcp.window, 4128);
	assert_int_equal(sent_tcp.mss, 7);
	assert_true(sent_tcp.reserved != 0 && sent_tcp.urgent != 0 && !sent_ip.df);
	assert_int_equal(sent_ip.ttl, 255);
	assert_int_equal(sent_ip.id, 77);
	assert_int_equal(sent_len, 4);
	assert_memory_equal(sent_data, "gone", 4);
	assert_false(probe(STACK_CLOSED, PACKET_TCP_ACK));
	assert_true(probe(STACK_OPEN, PACKET_TCP_SYN));
	assert_int_equal(sent_tcp.flags, PACKET_TCP_SYN | PACKET_TCP_ACK);
	habits.case_count = 1;
	habits.cases[0] = (struct habit_case){ .any_offer = true, .answer = { .kind = HABIT_ANSWER_GIVEN } };
	assert_true(probe(STACK_OPEN, PACKET_TCP_SYN));
	assert_int_equal(sent_tcp.flags, PACKET_TCP_RST | PACKET_TCP_ACK);
	habits.cases[0] = (struct habit_case){ .any_offer = true, .answer = { .kind = HABIT_ANSWER_SILENT } };
	assert_false(probe(STACK_OPEN, PACKET_TCP_SYN));
	habits.case_count = 0;
	assert_false(probe(STACK_OPEN, PACKET_TCP_SYN | PACKET_TCP_FIN));
	habits.answers[HABIT_OPEN_SYN_FIN].kind = HABIT_ANSWER_SYN;
	assert_true(probe(STACK_OPEN, PACKET_TCP_SYN | PACKET_TCP_FIN));
	assert_int_equal(sent_tcp.flags, PACKET_TCP_SYN | PACKET_TCP_ACK);
	assert_int_equal(sent_tcp.ack, 1001);
	habits.answers[HABIT_OPEN_SYN] = (struct habit_answer){ .kind = HABIT_ANSWER_GIVEN, .seq = HABIT_SEQ_OTHER };
	assert_true(probe(STACK_OPEN, PACKET_TCP_SYN));
	assert_int_equal(sent_tcp.flags, PACKET_TCP_RST | PACKET_TCP_ACK);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(counters_grow_and_scatter_as_told, fresh),
		cmocka_unit_test_setup(random_numbers_look_random_each_time, fresh),
		cmocka_unit_test_setup(no_two_steps_are_equal, fresh),
		cmocka_unit_test_setup(each_peer_has_its_own_counter, fresh),
		cmocka_unit_test_setup(a_counter_goes_on_after_a_burst, fresh),
		cmocka_unit_test_setup(hashes_and_constants, fresh),
		cmocka_unit_test_setup(clocks_of_connections_lie_apart, fresh),
		cmocka_unit_test_setup(ids_of_every_kind, fresh),
		cmocka_unit_test_setup(usual_options_are_what_was_offered, fresh),
		cmocka_unit_test_setup(a_case_is_found_by_its_offer_and_by_ecn, fresh),
		cmocka_unit_test_setup(a_case_is_found_by_kinds, fresh),
		cmocka_unit_test_setup(a_buffer_is_told_in_whole_segments, fresh),
		cmocka_unit_test_setup(without_a_scale_a_window_is_whole_segments, fresh),
		cmocka_unit_test_setup(option_lists_read_back, fresh),
		cmocka_unit_test_setup(answers_are_the_standard_s_unless_told, fresh),
		cmocka_unit_test_setup(answers_are_as_told, fresh),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
