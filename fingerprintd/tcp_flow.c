/*
 * tcp_flow - a connection from the handshake's end to the last FIN: the checks
 * of RFC 9293 3.10.7.4 with RFC 5961's against forgers, acknowledgements and
 * timers.  Which bytes wait where is tcp_recv.c's and tcp_send.c's; states are
 * what these two say: who has finished and whose end was acknowledged.
 */
#include "base/writer.h"
#include "fingerprintd/tcp_answer.h"
#include "fingerprintd/tcp_internal.h"
#include "fingerprintd/tcp_seq.h"

#include <string.h>

enum {
	ACK_DELAY_US = 40 * 1000, /* RFC 9293 3.8.6.3 wants less than 500 ms; Linux' minimum */
	/* A trap gives up earlier: this finds peers that vanished while it is still allowed to be silent. */
	KEEPALIVE_IDLE_US = 10 * 60 * 1000 * 1000,
	KEEPALIVE_GAP_US = 60 * 1000 * 1000,
	KEEPALIVES = 5,
	TS_OPTION_BYTES = 12, /* with two NOPs */
	SHIFT_MAX = 14, /* RFC 7323 2.3 */
	RELEASE_BYTES = 32 * 1024, /* buffers touched further than this go back to the system at the end */
};
static const uint64_t paws_us = 24ULL * 86400 * 1000000; /* RFC 7323 5.5: an older ts_recent says nothing */

/* ---- out ---- */

static size_t
segment_options(const struct stack_flow *f, uint8_t options[PACKET_TCP_OPTIONS_MAX], bool with_sack)
{
	size_t sacks = f->recv.ranges, max = f->ts ? PACKET_TCP_SACKS - 1 : PACKET_TCP_SACKS;
	struct writer w;

	writer_init(&w, options, PACKET_TCP_OPTIONS_MAX);
	if (f->ts) {
		packet_tcp_option_nop(&w);
		packet_tcp_option_nop(&w);
		packet_tcp_option_ts(&w, tcp_emit_ts(f->entry.host, f->ts_offset, f->stack->now_us), f->ts_recent);
	}
	if (with_sack && f->send.sack && sacks > 0) {
		packet_tcp_option_nop(&w);
		packet_tcp_option_nop(&w);
		packet_tcp_option_sack(&w, f->recv.range, sacks < max ? sacks : max);
	}
	return writer_len(&w);
}

static void
send_segment(struct stack_flow *f, uint32_t seq, uint8_t flags, const void *data, size_t len)
{
	struct stack *s = f->stack;
	bool per_flow = f->entry.host->habits->flow_ip_id.kind == HABIT_IDS_PER_FLOW;
	uint8_t options[PACKET_TCP_OPTIONS_MAX];
	struct tcp_out out = {
		.host = f->entry.host,
		.link = f->entry.link,
		.source = &f->entry.destination,
		.destination = &f->entry.source,
		.tcp = { .seq = seq,
		    .ack = f->recv.next,
		    .flags = flags | PACKET_TCP_ACK,
		    .window = tcp_recv_announce(&f->recv) },
		.ids = &f->entry.host->habits->flow_ip_id,
		.id_counter = per_flow ? &f->ip_id : NULL,
		.data = data,
		.len = len,
	};

	s->counters.segments_out++;
	f->ack_sent = f->recv.next;
	f->ack_due_us = 0;
	f->ack_now = false;
	size_t n = tcp_emit_build(&s->emit, &out, options, segment_options(f, options, len == 0));
	s->ops.send(s->ops.ctx, f->entry.host, f->entry.link, s->emit.packet, n);
}

static void
send_pieces(struct stack_flow *f)
{
	struct tcp_piece piece;

	while (tcp_send_next(&f->send, f->stack->now_us, &piece)) {
		uint8_t flags = (uint8_t)((piece.push ? PACKET_TCP_PSH : 0) | (piece.fin ? PACKET_TCP_FIN : 0));

		f->stack->counters.retransmitted += piece.again;
		send_segment(f, piece.seq, flags, piece.data, piece.len);
	}
}

static uint64_t
keepalive_due(const struct stack_flow *f)
{
	return f->heard_us + KEEPALIVE_IDLE_US + (uint64_t)f->probes * KEEPALIVE_GAP_US;
}

static void
arm(struct stack_flow *f)
{
	uint64_t due = keepalive_due(f), send = tcp_send_due(&f->send);

	if (send != 0 && send < due)
		due = send;
	if (f->ack_due_us != 0 && f->ack_due_us < due)
		due = f->ack_due_us;
	wheel_arm(&f->stack->wheel, &f->entry.timer, due / 1000 + (due % 1000 != 0));
}

/* Everything that may go out now goes out; data carries acknowledgements along. */
static void
output(struct stack_flow *f)
{
	if (f->dead)
		return;
	send_pieces(f);
	if (f->ack_now)
		send_segment(f, f->send.nxt, 0, NULL, 0);
	arm(f);
}

static void
challenge(struct stack_flow *f)
{
	if (tcp_may_challenge(f->stack, &f->entry))
		f->ack_now = true;
}

/* ---- the beginning ---- */

static uint16_t
segment_size(const struct stack_host *h, const struct tcp_agreed *a)
{
	uint16_t mss = a->mss == 0 ? TCP_MSS_DEFAULT : a->mss;

	if (mss > h->habits->mss)
		mss = h->habits->mss;
	if (mss > TCP_MSS_MAX)
		mss = TCP_MSS_MAX;
	if (mss < TCP_MSS_MIN)
		mss = TCP_MSS_MIN;
	/* A peer's MSS doesn't count options (RFC 6691). */
	return a->ts && mss > TCP_MSS_MIN + TS_OPTION_BYTES ? (uint16_t)(mss - TS_OPTION_BYTES) : mss;
}

static void
init_flow(struct stack_flow *f, const struct tcp_agreed *a, const struct tcp_segment *seg)
{
	uint16_t mss = segment_size(f->entry.host, a);
	uint8_t shift = a->wscale ? (a->peer_wscale < SHIFT_MAX ? a->peer_wscale : SHIFT_MAX) : 0;

	f->ts = a->ts;
	f->ts_offset = a->ts_offset;
	f->ip_id = (uint16_t)(a->iss ^ a->iss >> 16); /* as unlike from one to the next as ISNs are */
	f->ts_recent = seg->tcp.has_ts ? seg->tcp.ts_value : 0;
	f->send_shift = shift;
	f->recv.memory = f->buffers->recv;
	f->recv.next = f->ack_sent = a->irs + 1;
	f->recv.edge = f->recv.next + a->window;
	f->recv.mss = mss;
	f->recv.shift = a->wscale ? a->shift : 0;
	f->send.memory = &f->buffers->send;
	tcp_send_init(&f->send, a->iss + 1, mss, a->sack);
	f->send.wnd = f->send.wnd_max = (uint32_t)seg->tcp.window << shift;
	f->send.wl1 = seg->tcp.seq;
	f->send.wl2 = seg->tcp.ack;
	if (a->rtt_us != 0)
		tcp_send_rtt(&f->send, a->rtt_us);
}

static void
refuse(struct stack *s, const struct tcp_segment *seg)
{
	s->counters.flows_refused++;
	tcp_answer_reset(s, seg);
}

bool
tcp_flow_open(struct stack *s, const struct tcp_agreed *a, const struct tcp_segment *seg)
{
	struct stack_flow *f = slab_get(s->flows);

	if (f == NULL) {
		refuse(s, seg);
		return false;
	}
	tcp_entry_init(&f->entry, TCP_FLOW, seg);
	f->stack = s;
	f->buffers = pages_get(s->buffers); /* as many as flows */
	list_init(&f->dead_node);
	init_flow(f, a, seg);
	f->heard_us = s->now_us;
	tcp_table_add(&s->table, &f->entry);
	arm(f);
	f->seen = a->seen;
	bool taken = s->ops.opened(s->ops.ctx, f);

	f->seen = NULL;
	if (!taken) {
		wheel_stop(&f->entry.timer);
		tcp_table_remove(&s->table, &f->entry);
		tcp_flow_free(f);
		refuse(s, seg);
		return false;
	}
	if (!f->dead)
		tcp_flow_input(f, seg);
	return true;
}

/* ---- the end ---- */

void
tcp_flow_free(struct stack_flow *f)
{
	struct stack *s = f->stack;

	if (f->recv.touched + f->send.touched > RELEASE_BYTES)
		pages_release(s->buffers, f->buffers);
	pages_put(s->buffers, f->buffers);
	slab_put(s->flows, f);
}

void
tcp_flow_end(struct stack_flow *f, enum stack_end why)
{
	struct stack *s = f->stack;

	if (f->dead)
		return;
	f->dead = true;
	wheel_stop(&f->entry.timer);
	tcp_table_remove(&s->table, &f->entry);
	list_append(&s->dead, &f->dead_node);
	s->dead_count++;
	/* Who finished first waits for late segments (RFC 9293 3.6). */
	if (why == STACK_END_FIN && !f->peer_first)
		tcp_wait_begin(s, f);
	s->ops.closed(s->ops.ctx, f, why);
}

void
tcp_flow_reset(struct stack_flow *f)
{
	if (f->dead)
		return;
	send_segment(f, f->send.nxt, PACKET_TCP_RST, NULL, 0);
	tcp_flow_end(f, STACK_END_LOCAL);
}

/* ---- in ---- */

/* RFC 9293 3.4: does any part of the segment lie in the window? */
static bool
acceptable(const struct stack_flow *f, const struct tcp_segment *seg)
{
	uint32_t len = seg->len + !!(seg->tcp.flags & PACKET_TCP_SYN) + !!(seg->tcp.flags & PACKET_TCP_FIN);
	uint32_t next = f->recv.next, edge = seq_max(f->recv.edge, next);
	uint32_t seq = seg->tcp.seq, last = seq + len - (len > 0);

	if (len > 0 && edge == next)
		return false;
	if (edge == next)
		return seq == next;
	return (seq_leq(next, seq) && seq_lt(seq, edge)) || (len > 0 && seq_leq(next, last) && seq_lt(last, edge));
}

/* RFC 7323 5.3: an old duplicate by its timestamp. Resets are not judged by theirs. */
static bool
too_old(const struct stack_flow *f, const struct tcp_segment *seg)
{
	return f->ts && seg->tcp.has_ts && (seg->tcp.flags & PACKET_TCP_RST) == 0 &&
	    seq_lt(seg->tcp.ts_value, f->ts_recent) && f->stack->now_us - f->heard_us < paws_us;
}

/* Data that comes again is acknowledged again, for our acknowledgement may be lost. */
static void
unacceptable(struct stack_flow *f, const struct tcp_segment *seg)
{
	if (seg->tcp.flags & PACKET_TCP_RST) {
		f->stack->counters.blind_resets++;
	} else if (seg->len > 0 || seg->tcp.flags & PACKET_TCP_FIN) {
		f->stack->counters.duplicates++;
		f->heard_us = f->stack->now_us;
		f->ack_now = true;
	} else {
		f->heard_us = f->stack->now_us;
		challenge(f);
	}
}

/* RFC 5961 3.2, 4.2: only the exact number resets; anything near it must prove itself. */
static bool
reset_or_syn(struct stack_flow *f, const struct tcp_segment *seg)
{
	if ((seg->tcp.flags & (PACKET_TCP_RST | PACKET_TCP_SYN)) == 0)
		return false;
	if (seg->tcp.flags & PACKET_TCP_RST && seg->tcp.seq == f->recv.next) {
		tcp_flow_end(f, STACK_END_RESET);
		return true;
	}
	f->stack->counters.blind_resets++;
	challenge(f);
	return true;
}

/* RFC 9293 3.10.7.4 with RFC 5961 5.2. False: the segment is not to be used. */
static bool
take_ack(struct stack_flow *f, const struct tcp_segment *seg)
{
	struct tcp_send *s = &f->send;
	uint32_t ack = seg->tcp.ack, window = (uint32_t)seg->tcp.window << f->send_shift;
	bool newest = seq_lt(s->wl1, seg->tcp.seq) || (s->wl1 == seg->tcp.seq && seq_leq(s->wl2, ack));

	if (seq_lt(s->nxt, ack) || seq_lt(ack, s->una - s->wnd_max)) {
		challenge(f);
		return false;
	}
	if (seq_lt(ack, s->una))
		return true;
	bool duplicate = ack == s->una && seg->len == 0 && (seg->tcp.flags & PACKET_TCP_FIN) == 0 && window == s->wnd &&
	    s->nxt != s->una;
	if (newest) {
		s->wnd = window;
		s->wnd_max = window > s->wnd_max ? window : s->wnd_max;
		s->wl1 = seg->tcp.seq;
		s->wl2 = ack;
	}
	tcp_send_ack(s, ack, seg->tcp.sack, seg->tcp.sacks, duplicate, f->stack->now_us);
	return true;
}

/* RFC 9293 3.8.6.3: at least every second full segment at once, gaps at once (RFC 5681 4.2). */
static void
owe_ack(struct stack_flow *f, enum tcp_put put, bool islands_before)
{
	struct stack_counters *c = &f->stack->counters;

	if (put != TCP_PUT_IN_ORDER || islands_before) {
		c->out_of_order += put == TCP_PUT_ISLAND;
		f->ack_now = true;
	} else if (f->recv.next - f->ack_sent >= 2U * f->recv.mss) {
		f->ack_now = true;
	} else if (f->ack_due_us == 0) {
		f->ack_due_us = f->stack->now_us + ACK_DELAY_US;
	}
}

/* The FIN's place is remembered; it counts when everything before it is here. */
static bool
take_fin(struct stack_flow *f, const struct tcp_segment *seg)
{
	if (seg->tcp.flags & PACKET_TCP_FIN && !f->fin_known) {
		f->fin_known = true;
		f->fin_seq = seg->tcp.seq + seg->len;
	}
	if (f->peer_fin || !f->fin_known || f->recv.next != f->fin_seq)
		return false;
	f->recv.next++;
	f->peer_fin = true;
	f->peer_first = !f->send.fin_sent;
	f->ack_now = true;
	return true;
}

static void
take_data(struct stack_flow *f, const struct tcp_segment *seg)
{
	const struct stack_ops *ops = &f->stack->ops;
	uint32_t len = seg->len;
	bool islands = f->recv.ranges > 0;
	enum tcp_put put = TCP_PUT_NOTHING;

	/* Nothing comes after a FIN. */
	if (f->fin_known && seq_lt(f->fin_seq, seg->tcp.seq + len))
		len = seq_lt(seg->tcp.seq, f->fin_seq) ? f->fin_seq - seg->tcp.seq : 0;
	if (len > 0 && !f->peer_fin) {
		put = tcp_recv_put(&f->recv, seg->tcp.seq, seg->data, len);
		owe_ack(f, put, islands);
	}
	bool fin = take_fin(f, seg);
	if (put == TCP_PUT_IN_ORDER)
		ops->data(ops->ctx, f);
	if (fin && !f->dead)
		ops->eof(ops->ctx, f);
}

static void
after_ack(struct stack_flow *f)
{
	const struct stack_ops *ops = &f->stack->ops;

	if (f->send.starved && tcp_send_room(&f->send) > 0) {
		f->send.starved = false;
		ops->writable(ops->ctx, f);
	}
}

static bool
usable(struct stack_flow *f, const struct tcp_segment *seg)
{
	if (too_old(f, seg) || !acceptable(f, seg)) {
		unacceptable(f, seg);
		return false;
	}
	if (reset_or_syn(f, seg) || (seg->tcp.flags & PACKET_TCP_ACK) == 0)
		return false;
	return take_ack(f, seg);
}

void
tcp_flow_input(struct stack_flow *f, const struct tcp_segment *seg)
{
	if (usable(f, seg)) {
		memcpy(f->entry.link, seg->link, STACK_LINK_BYTES);
		f->heard_us = f->stack->now_us;
		f->probes = 0;
		if (f->ts && seg->tcp.has_ts && seq_leq(seg->tcp.seq, f->ack_sent))
			f->ts_recent = seg->tcp.ts_value;
		if (seg->len > f->recv.mss)
			f->recv.mss = (uint16_t)(seg->len < TCP_MSS_MAX ? seg->len : TCP_MSS_MAX);
		if (seg->len > 0 || seg->tcp.flags & PACKET_TCP_FIN)
			take_data(f, seg);
		if (!f->dead)
			after_ack(f);
	}
	output(f);
	if (!f->dead && f->peer_fin && f->send.fin_acked)
		tcp_flow_end(f, STACK_END_FIN);
}

/* ---- time ---- */

/* One byte before the window: whoever is there says what it expects instead (RFC 9293 3.8.4). */
static void
send_probe(struct stack_flow *f)
{
	send_segment(f, f->send.una - 1, 0, NULL, 0);
}

static void
keepalive(struct stack_flow *f)
{
	if (f->stack->now_us < keepalive_due(f))
		return;
	if (f->probes++ >= KEEPALIVES)
		tcp_flow_end(f, STACK_END_TIMEOUT);
	else
		send_probe(f);
}

void
tcp_flow_timer(struct stack_flow *f)
{
	struct stack *s = f->stack;

	if (f->ack_due_us != 0 && f->ack_due_us <= s->now_us)
		f->ack_now = true;
	switch (tcp_send_timer(&f->send, s->now_us)) {
	case TCP_SEND_GIVE_UP:
		tcp_flow_end(f, STACK_END_TIMEOUT);
		return;
	case TCP_SEND_PROBE:
		if (f->send.wnd == 0)
			send_probe(f);
		break;
	case TCP_SEND_MORE:
	case TCP_SEND_NOTHING:
		break;
	}
	keepalive(f);
	output(f);
}

/* ---- what the caller asks ---- */

struct stack_host *
stack_flow_host(const struct stack_flow *f)
{
	return f->entry.host;
}

const struct endpoint *
stack_flow_source(const struct stack_flow *f)
{
	return &f->entry.source;
}

const struct endpoint *
stack_flow_destination(const struct stack_flow *f)
{
	return &f->entry.destination;
}

const struct os_observation *
stack_flow_syn(const struct stack_flow *f)
{
	return f->seen;
}

void
stack_flow_set_ctx(struct stack_flow *f, void *ctx)
{
	f->ctx = ctx;
}

void *
stack_flow_ctx(const struct stack_flow *f)
{
	return f->ctx;
}

const uint8_t *
stack_peek(struct stack_flow *f, size_t *len)
{
	return tcp_recv_peek(&f->recv, len);
}

void
stack_consume(struct stack_flow *f, size_t len)
{
	tcp_recv_consume(&f->recv, len);
	if (f->dead || f->peer_fin || !tcp_recv_update_due(&f->recv))
		return;
	f->ack_now = true;
	output(f);
}

size_t
stack_write(struct stack_flow *f, const void *data, size_t len)
{
	if (f->dead || f->send.fin)
		return 0;
	size_t n = tcp_send_write(&f->send, data, len);

	output(f);
	return n;
}

size_t
stack_unsent(const struct stack_flow *f)
{
	return f->send.len;
}

void
stack_shutdown(struct stack_flow *f)
{
	f->send.fin = true;
	output(f);
}

void
stack_reset(struct stack_flow *f)
{
	tcp_flow_reset(f);
}
