/*
 * tcp_handshake - a connection before it is one and after it was: SYN-RECEIVED
 * and TIME-WAIT (RFC 9293 3.10.7.4) in small entries of their own, and the
 * stateless handshakes when there is no room for those.
 */
#include "base/writer.h"
#include "fingerprintd/tcp_cookie.h"
#include "fingerprintd/tcp_internal.h"
#include "fingerprintd/tcp_seq.h"

#include <string.h>

enum {
	GAPS_MAX = sizeof(((struct stack_habits *)0)->rto_ms) / sizeof(uint16_t),
	WAIT_US = 60 * 1000 * 1000, /* 2 MSL (RFC 9293 3.4.2), as Linux takes it */
	/* For MSS, the only option of a stateless SYN+ACK. */
	COOKIE_OPTIONS = 4,
};

static bool
offers(const struct stack_host *h, enum stack_option option)
{
	for (int i = 0; i < STACK_OPTIONS_MAX && h->habits.options[i] != STACK_OPT_END; i++) {
		if (h->habits.options[i] == (uint8_t)option)
			return true;
	}
	return false;
}

static void
send_entry(struct stack *s, const struct tcp_entry *e, const struct packet_tcp *tcp, const void *options, size_t len)
{
	struct tcp_out out = {
		.host = e->host,
		.link = e->link,
		.source = &e->destination,
		.destination = &e->source,
		.tcp = *tcp,
	};

	s->counters.segments_out++;
	size_t n = tcp_emit_build(&s->emit, &out, options, len);
	s->ops.send(s->ops.ctx, e->host, e->link, s->emit.packet, n);
}

/* ---- SYN-RECEIVED ---- */

static void
send_syn_ack(struct stack *s, struct tcp_handshake *h)
{
	uint8_t options[PACKET_TCP_OPTIONS_MAX];
	struct writer w;
	struct packet_tcp tcp = {
		.seq = h->iss,
		.ack = h->irs + 1,
		.flags = PACKET_TCP_SYN | PACKET_TCP_ACK,
		.window = tcp_emit_first_window(&h->entry.host->habits),
	};

	writer_init(&w, options, sizeof(options));
	tcp_emit_syn_options(&w, h->entry.host, &h->syn, s->now_us);
	send_entry(s, &h->entry, &tcp, options, writer_len(&w));
}

/* Until the next SYN+ACK, or until we give up. */
static void
arm_handshake(struct stack *s, struct tcp_handshake *h)
{
	const uint16_t *gaps = h->entry.host->habits.rto_ms;
	unsigned last = h->resent < GAPS_MAX ? h->resent : GAPS_MAX - 1U;
	uint64_t gap_ms = gaps[last];

	/* After the last one as long again as before it. */
	if (gap_ms == 0)
		gap_ms = last > 0 ? 2 * (uint64_t)gaps[last - 1] : TCP_RTO_FIRST_US / 1000;
	wheel_arm(&s->wheel, &h->entry.timer, s->now_us / 1000 + gap_ms);
}

static void
stateless(struct stack *s, const struct tcp_segment *seg)
{
	struct tcp_cookie_syn syn = { seg->source, seg->destination, seg->tcp.seq };
	uint16_t mss = seg->tcp.mss != 0 ? seg->tcp.mss : TCP_MSS_DEFAULT;
	uint8_t options[COOKIE_OPTIONS];
	struct tcp_entry e;
	struct writer w;
	struct packet_tcp tcp = {
		.seq = tcp_cookie_make(s->cookie_key, &syn, mss, s->now_us),
		.ack = seg->tcp.seq + 1,
		.flags = PACKET_TCP_SYN | PACKET_TCP_ACK,
		.window = tcp_emit_first_window(&seg->host->habits),
	};

	tcp_entry_init(&e, TCP_HANDSHAKE, seg);
	writer_init(&w, options, sizeof(options));
	packet_tcp_option_mss(&w, seg->host->habits.mss);
	send_entry(s, &e, &tcp, options, writer_len(&w));
	s->counters.cookies_sent++;
	s->cookies_until_us = s->now_us + (uint64_t)TCP_COOKIE_PERIODS * TCP_COOKIE_PERIOD_US;
}

void
tcp_handshake_begin(struct stack *s, const struct tcp_segment *seg)
{
	struct tcp_handshake *h = slab_get(s->handshakes);

	if (h == NULL) {
		stateless(s, seg);
		return;
	}
	tcp_entry_init(&h->entry, TCP_HANDSHAKE, seg);
	h->irs = seg->tcp.seq;
	h->iss = tcp_emit_isn(seg->host, &seg->source, &seg->destination, s->now_us);
	h->syn = seg->tcp;
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

void
tcp_handshake_timer(struct stack *s, struct tcp_handshake *h)
{
	if (h->resent >= GAPS_MAX || h->entry.host->habits.rto_ms[h->resent] == 0) {
		tcp_handshake_free(s, h);
		return;
	}
	h->resent++;
	s->counters.retransmitted++;
	send_syn_ack(s, h);
	arm_handshake(s, h);
}

static void
send_ack(struct stack *s, const struct tcp_entry *e, uint32_t seq, uint32_t ack)
{
	struct packet_tcp tcp = {
		.seq = seq,
		.ack = ack,
		.flags = PACKET_TCP_ACK,
		.window = tcp_emit_first_window(&e->host->habits),
	};

	send_entry(s, e, &tcp, NULL, 0);
}

static void
send_reset(struct stack *s, const struct tcp_entry *e, uint32_t seq)
{
	struct packet_tcp tcp = { .seq = seq, .flags = PACKET_TCP_RST };

	send_entry(s, e, &tcp, NULL, 0);
}

static void
agree(const struct stack *s, const struct tcp_handshake *h, struct tcp_agreed *out)
{
	const struct stack_host *host = h->entry.host;

	*out = (struct tcp_agreed){
		.irs = h->irs,
		.iss = h->iss,
		.mss = h->syn.mss,
		.window = tcp_emit_first_window(&host->habits),
		.sack = h->syn.sack_permitted && offers(host, STACK_OPT_SACK),
		.ts = h->syn.has_ts && offers(host, STACK_OPT_TS),
		.wscale = h->syn.has_wscale && offers(host, STACK_OPT_WSCALE),
		.peer_wscale = h->syn.wscale,
		.rtt_us = h->resent == 0 ? s->now_us - h->sent_us : 0,
	};
}

/* The SYN came again, or another one that must prove that it isn't forged (RFC 5961 4.2). */
static void
another_syn(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg)
{
	if (seg->tcp.seq == h->irs && (seg->tcp.flags & PACKET_TCP_ACK) == 0)
		send_syn_ack(s, h);
	else if (tcp_may_challenge(s, &h->entry))
		send_ack(s, &h->entry, h->iss + 1, h->irs + 1);
}

static void
reset_handshake(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg)
{
	uint32_t window = tcp_emit_first_window(&h->entry.host->habits);

	if (seg->tcp.seq == h->irs + 1) {
		tcp_handshake_free(s, h);
		return;
	}
	s->counters.blind_resets++;
	if (seg->tcp.seq - (h->irs + 1) < window && tcp_may_challenge(s, &h->entry))
		send_ack(s, &h->entry, h->iss + 1, h->irs + 1);
}

void
tcp_handshake_input(struct stack *s, struct tcp_handshake *h, const struct tcp_segment *seg)
{
	uint32_t window = tcp_emit_first_window(&h->entry.host->habits);
	struct tcp_agreed agreed;

	if (seg->tcp.flags & PACKET_TCP_RST) {
		reset_handshake(s, h, seg);
	} else if (seg->tcp.flags & PACKET_TCP_SYN) {
		another_syn(s, h, seg);
	} else if (seg->tcp.seq - (h->irs + 1) > window) {
		if (tcp_may_challenge(s, &h->entry))
			send_ack(s, &h->entry, h->iss + 1, h->irs + 1);
	} else if ((seg->tcp.flags & PACKET_TCP_ACK) == 0) {
		return;
	} else if (seg->tcp.ack != h->iss + 1) {
		send_reset(s, &h->entry, seg->tcp.ack);
	} else {
		agree(s, h, &agreed);
		tcp_handshake_free(s, h);
		tcp_flow_open(s, &agreed, seg);
	}
}

bool
tcp_handshake_cookie(struct stack *s, const struct tcp_segment *seg)
{
	struct tcp_cookie_syn syn = { seg->source, seg->destination, seg->tcp.seq - 1 };
	struct tcp_agreed agreed = {
		.irs = seg->tcp.seq - 1,
		.iss = seg->tcp.ack - 1,
		.window = tcp_emit_first_window(&seg->host->habits),
	};

	if (s->now_us >= s->cookies_until_us)
		return false;
	if (!tcp_cookie_check(s->cookie_key, &syn, agreed.iss, s->now_us, &agreed.mss)) {
		s->counters.cookies_bad++;
		return false;
	}
	s->counters.cookies_ok++;
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
		send_ack(s, &w->entry, w->sent, w->next);
	return false;
}
