/*
 * tcp_handshake - a connection before it is one and after it was: SYN-RECEIVED
 * and TIME-WAIT (RFC 9293 3.10.7.4) in small entries of their own, and the
 * stateless handshakes when there is no room for those.
 */
#include "base/writer.h"
#include "fingerprintd/tcp_answer.h"
#include "fingerprintd/tcp_cookie.h"
#include "fingerprintd/tcp_internal.h"
#include "fingerprintd/tcp_seq.h"
#include "fingerprintd/tcp_syn_ack.h"

#include <string.h>

enum {
	WAIT_US = 60 * 1000 * 1000, /* 2 MSL (RFC 9293 3.4.2), as Linux takes it */
	/* For MSS, the only option of a stateless SYN+ACK. */
	COOKIE_OPTIONS = 4,
};

static void
send_entry(struct stack *s, struct tcp_entry *e, struct tcp_out *out, const void *options, size_t len)
{
	out->host = e->host;
	out->link = e->link;
	out->source = &e->destination;
	out->destination = &e->source;
	s->counters.segments_out++;
	s->ops.send(s->ops.ctx, e->host, e->link, s->emit.packet, tcp_emit_build(&s->emit, out, options, len));
}

/* ---- SYN-RECEIVED ---- */

static void
build_syn_ack(const struct stack *s, const struct tcp_handshake *h, struct tcp_syn_ack *out)
{
	const struct stack_host *host = h->entry.host;

	tcp_syn_ack_build(host->habits, h->which, &h->syn, tcp_emit_ts(host, h->ts_offset, s->now_us), out);
}

static void
send_syn_ack(struct stack *s, struct tcp_handshake *h)
{
	struct tcp_syn_ack a;

	build_syn_ack(s, h, &a);
	struct tcp_out out = { .tcp = a.tcp, .ids = &h->entry.host->habits->ip_id, .ttl = a.ttl, .df = a.df };

	out.tcp.seq = h->iss;
	out.tcp.ack = h->irs + 1;
	send_entry(s, &h->entry, &out, a.options, a.options_len);
}

/* Until the next SYN+ACK, or until we give up. */
static void
arm_handshake(struct stack *s, struct tcp_handshake *h)
{
	const uint16_t *gaps = h->entry.host->habits->gaps_ms;
	unsigned last = h->resent < HABITS_GAPS_MAX ? h->resent : HABITS_GAPS_MAX - 1U;
	uint64_t gap_ms = gaps[last];

	/* After the last one as long again as before it. */
	if (gap_ms == 0)
		gap_ms = last > 0 ? 2 * (uint64_t)gaps[last - 1] : TCP_RTO_FIRST_US / 1000;
	wheel_arm(&s->wheel, &h->entry.timer, s->now_us / 1000 + gap_ms);
}

static void
stateless(struct stack *s, const struct tcp_segment *seg)
{
	const struct habits *habits = seg->host->habits;
	struct tcp_cookie_syn syn = { seg->source, seg->destination, seg->tcp.seq };
	struct packet_tcp plain = { .mss = seg->tcp.mss };
	uint8_t options[COOKIE_OPTIONS];
	struct tcp_syn_ack a;
	struct tcp_entry e;
	struct writer w;

	tcp_entry_init(&e, TCP_HANDSHAKE, seg);
	tcp_syn_ack_build(habits, -1, &plain, 0, &a);
	struct tcp_out out = { .tcp = a.tcp, .ids = &habits->ip_id };

	out.tcp.seq =
	    tcp_cookie_make(s->cookie_key, &syn, seg->tcp.mss != 0 ? seg->tcp.mss : TCP_MSS_DEFAULT, s->now_us);
	out.tcp.ack = seg->tcp.seq + 1;
	writer_init(&w, options, sizeof(options));
	packet_tcp_option_mss(&w, habits->mss);
	send_entry(s, &e, &out, options, writer_len(&w));
	s->counters.cookies_sent++;
	s->cookies_until_us = s->now_us + (uint64_t)TCP_COOKIE_PERIODS * TCP_COOKIE_PERIOD_US;
}

void
tcp_handshake_begin(struct stack *s, const struct tcp_segment *seg)
{
	struct tcp_offer offer = { &seg->tcp, seg->options, seg->options_len };
	int which = tcp_syn_ack_case(seg->host->habits, &offer);

	if (which >= 0 && seg->host->habits->cases[which].answer.kind != HABIT_ANSWER_USUAL) {
		tcp_answer_with(s, seg, &seg->host->habits->cases[which].answer);
		return;
	}
	struct tcp_handshake *h = slab_get(s->handshakes);

	if (h == NULL) {
		stateless(s, seg);
		return;
	}
	tcp_entry_init(&h->entry, TCP_HANDSHAKE, seg);
	h->irs = seg->tcp.seq;
	h->iss = seg->host->habits->isn.kind == HABIT_ISN_ACK
	    ? seg->tcp.ack
	    : tcp_isn_next(s->isn, seg->host, &seg->source, &seg->destination, s->now_us);
	h->syn = seg->tcp;
	h->has_seen = os_observe(seg->packet, seg->packet_len, &h->seen);
	h->which = (int8_t)which;
	h->ts_offset = tcp_isn_ts_offset(s->isn, seg->host, &seg->source, &seg->destination);
	h->sent_us = s->now_us;
	tcp_table_add(&s->table, &h->entry);
	send_syn_ack(s, h);
	arm_handshake(s, h);
}

void
tcp_handshake_free(struct stack *s, struct tcp_handshake *h)
{
	wheel_stop(&h->entry.timer);
	tcp_table_remove(&s->table, &h->entry);
	slab_put(s->handshakes, h);
}

static void
send_reset(struct stack *s, struct tcp_entry *e, uint32_t seq)
{
	struct tcp_out out = { .tcp = { .seq = seq, .flags = PACKET_TCP_RST }, .ids = &e->host->habits->reset_ip_id };

	send_entry(s, e, &out, NULL, 0);
}

void
tcp_handshake_timer(struct stack *s, struct tcp_handshake *h)
{
	const struct habits *habits = h->entry.host->habits;

	if (h->resent >= HABITS_GAPS_MAX || habits->gaps_ms[h->resent] == 0) {
		if (habits->final_reset)
			send_reset(s, &h->entry, h->iss + 1);
		tcp_handshake_free(s, h);
		return;
	}
	h->resent++;
	s->counters.retransmitted++;
	send_syn_ack(s, h);
	arm_handshake(s, h);
}

static uint16_t
first_window(const struct stack *s, const struct tcp_handshake *h)
{
	struct tcp_syn_ack a;

	build_syn_ack(s, h, &a);
	return a.tcp.window;
}

static void
send_ack(struct stack *s, struct tcp_entry *e, uint32_t seq, uint32_t ack, uint16_t window)
{
	struct tcp_out out = {
		.tcp = { .seq = seq, .ack = ack, .flags = PACKET_TCP_ACK, .window = window },
		.ids = &e->host->habits->reset_ip_id,
	};

	send_entry(s, e, &out, NULL, 0);
}

static void
challenge(struct stack *s, struct tcp_handshake *h)
{
	if (tcp_may_challenge(s, &h->entry))
		send_ack(s, &h->entry, h->iss + 1, h->irs + 1, first_window(s, h));
}

static void
agree(const struct stack *s, const struct tcp_handshake *h, struct tcp_agreed *out)
{
	struct tcp_syn_ack a;

	build_syn_ack(s, h, &a);
	*out = (struct tcp_agreed){
		.irs = h->irs,
		.iss = h->iss,
		.mss = h->syn.mss,
		.window = a.tcp.window,
		.sack = a.sack,
		.ts = a.ts,
		.wscale = a.wscale,
		.shift = a.shift,
		.peer_wscale = h->syn.wscale,
		.ts_offset = h->ts_offset,
		.rtt_us = h->resent == 0 ? s->now_us - h->sent_us : 0,
	};
}

/* h is gone when this returns. */
static void
complete(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg)
{
	struct os_observation seen = h->seen;
	struct tcp_agreed agreed;

	agree(s, h, &agreed);
	agreed.seen = h->has_seen ? &seen : NULL;
	tcp_handshake_free(s, h);
	tcp_flow_open(s, &agreed, seg);
}

/* The SYN came again, or another one that must prove that it isn't forged (RFC 5961 4.2). */
static void
another_syn(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg)
{
	if (seg->tcp.seq == h->irs && (seg->tcp.flags & PACKET_TCP_ACK) == 0)
		send_syn_ack(s, h);
	else
		challenge(s, h);
}

static void
reset_handshake(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg)
{
	if (seg->tcp.seq == h->irs + 1) {
		tcp_handshake_free(s, h);
		return;
	}
	s->counters.blind_resets++;
	if (seg->tcp.seq - (h->irs + 1) < first_window(s, h))
		challenge(s, h);
}

void
tcp_handshake_input(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg)
{
	if (seg->tcp.flags & PACKET_TCP_RST) {
		reset_handshake(s, h, seg);
	} else if (seg->tcp.flags & PACKET_TCP_SYN) {
		another_syn(s, h, seg);
	} else if (seg->tcp.seq - (h->irs + 1) > first_window(s, h)) {
		challenge(s, h);
	} else if ((seg->tcp.flags & PACKET_TCP_ACK) == 0) {
		return;
	} else if (seg->tcp.ack != h->iss + 1) {
		send_reset(s, &h->entry, seg->tcp.ack);
	} else {
		complete(s, h, seg);
	}
}

bool
tcp_handshake_cookie(struct stack *s, const struct tcp_segment *seg)
{
	struct tcp_cookie_syn syn = { seg->source, seg->destination, seg->tcp.seq - 1 };
	struct packet_tcp plain = { 0 };
	struct tcp_agreed agreed = { .irs = seg->tcp.seq - 1, .iss = seg->tcp.ack - 1 };
	struct tcp_syn_ack a;

	if (s->now_us >= s->cookies_until_us)
		return false;
	if (!tcp_cookie_check(s->cookie_key, &syn, agreed.iss, s->now_us, &agreed.mss)) {
		s->counters.cookies_bad++;
		return false;
	}
	s->counters.cookies_ok++;
	plain.mss = agreed.mss;
	tcp_syn_ack_build(seg->host->habits, -1, &plain, 0, &a);
	agreed.window = a.tcp.window;
	tcp_flow_open(s, &agreed, seg);
	return true;
}

/* ---- TIME-WAIT ---- */

/* Full: then it is forgotten early, as under any OS with too many of them. */
void
tcp_wait_begin(struct stack *s, const struct stack_flow *f)
{
	struct tcp_wait *w = slab_get(s->waits);

	if (w == NULL)
		return;
	w->entry = f->entry;
	w->entry.kind = TCP_WAIT;
	wheel_timer_init(&w->entry.timer);
	w->next = f->recv.next;
	w->sent = f->send.nxt;
	tcp_table_add(&s->table, &w->entry);
	wheel_arm(&s->wheel, &w->entry.timer, (s->now_us + WAIT_US) / 1000);
}

void
tcp_wait_free(struct stack *s, struct tcp_wait *w)
{
	wheel_stop(&w->entry.timer);
	tcp_table_remove(&s->table, &w->entry);
	slab_put(s->waits, w);
}

bool
tcp_wait_input(struct stack *s, struct tcp_wait *w, const struct tcp_segment *seg)
{
	uint8_t flags = seg->tcp.flags;

	if (flags & PACKET_TCP_RST)
		return false; /* RFC 1337: it must not cut the wait short */
	if ((flags & (PACKET_TCP_SYN | PACKET_TCP_ACK)) == PACKET_TCP_SYN && seq_lt(w->next, seg->tcp.seq)) {
		tcp_wait_free(s, w);
		return true;
	}
	/* Our last ACK was lost: once more, and wait anew (RFC 9293 3.10.7.4). */
	if (flags & PACKET_TCP_FIN)
		wheel_arm(&s->wheel, &w->entry.timer, (s->now_us + WAIT_US) / 1000);
	if (seg->len > 0 || flags & (PACKET_TCP_FIN | PACKET_TCP_SYN))
		send_ack(s, &w->entry, w->sent, w->next, w->entry.host->habits->window);
	return false;
}
