#include "fingerprintd/tcp_answer.h"

#include "base/writer.h"
#include "fingerprintd/tcp_isn.h"
#include "fingerprintd/tcp_options.h"

#include <string.h>

enum habit_class
tcp_answer_class(uint8_t flags, bool open)
{
	bool syn = flags & PACKET_TCP_SYN, fin = flags & PACKET_TCP_FIN;

	if (flags & PACKET_TCP_ACK)
		return open ? HABIT_OPEN_ACK : HABIT_CLOSED_ACK;
	if (!open)
		return syn && !fin ? HABIT_CLOSED_SYN : HABIT_CLOSED_FIN;
	if (syn)
		return fin ? HABIT_OPEN_SYN_FIN : HABIT_OPEN_SYN;
	return fin ? HABIT_OPEN_FIN : HABIT_OPEN_NULL;
}

static bool usually_silent(enum habit_class class)
{
	return class == HABIT_OPEN_NULL || class == HABIT_OPEN_SYN_FIN || class == HABIT_OPEN_FIN;
}

/* A number that is neither the peer's nor zero. */
static uint32_t
other_number(struct stack *s, const struct tcp_segment *seg)
{
	return tcp_isn_next(s->isn, seg->host, &seg->source, &seg->destination, s->now_us);
}

static uint32_t
answer_seq(struct stack *s, const struct tcp_segment *seg, uint8_t habit)
{
	bool acked = seg->tcp.flags & PACKET_TCP_ACK;

	switch (habit) {
	case HABIT_SEQ_ZERO:
		return 0;
	case HABIT_SEQ_ACK:
		return seg->tcp.ack;
	case HABIT_SEQ_ACK_1:
		return seg->tcp.ack + 1;
	case HABIT_SEQ_OTHER:
		return other_number(s, seg);
	default:
		return acked ? seg->tcp.ack : 0;
	}
}

static uint32_t
answer_ack(struct stack *s, const struct tcp_segment *seg, uint8_t habit)
{
	uint32_t flags = (seg->tcp.flags & PACKET_TCP_SYN ? 1U : 0) + (seg->tcp.flags & PACKET_TCP_FIN ? 1U : 0);

	switch (habit) {
	case HABIT_ACK_ZERO:
		return 0;
	case HABIT_ACK_SEQ:
		return seg->tcp.seq + seg->len;
	case HABIT_ACK_SEQ_1:
		return seg->tcp.seq + seg->len + 1;
	case HABIT_ACK_OTHER:
		return other_number(s, seg) ^ 0x5a5a5a5a;
	default:
		return seg->tcp.flags & PACKET_TCP_ACK ? 0 : seg->tcp.seq + seg->len + flags;
	}
}

static void
send(struct stack *s, const struct tcp_segment *seg, const struct habit_answer *a)
{
	const struct habits *h = seg->host->habits;
	uint8_t usual = seg->tcp.flags & PACKET_TCP_ACK ? PACKET_TCP_RST : PACKET_TCP_RST | PACKET_TCP_ACK;
	uint8_t flags = a->has_flags ? a->flags : usual, options[PACKET_TCP_OPTIONS_MAX];
	struct tcp_option_values values = { h->mss, h->wscale, tcp_emit_ts(seg->host, 0, s->now_us),
		seg->tcp.ts_value };
	struct writer w;
	struct tcp_out out = {
		.host = seg->host,
		.link = seg->link,
		.source = &seg->destination,
		.destination = &seg->source,
		.tcp = {
			.seq = answer_seq(s, seg, a->seq),
			.ack = answer_ack(s, seg, a->ack),
			.flags = flags,
			.window = a->window,
			.reserved = a->reserved ? 8 : 0,
			.urgent = a->urgent ? 1 : 0,
		},
		.ids = flags & PACKET_TCP_SYN ? &h->ip_id : &h->reset_ip_id,
		.ttl = a->ttl,
		.df = a->df,
		.data = a->data,
		.len = a->data_len,
	};

	writer_init(&w, options, sizeof(options));
	tcp_options_write_all(&w, a->options, &values);
	s->counters.segments_out++;
	s->ops.send(s->ops.ctx, seg->host, seg->link, s->emit.packet,
	    tcp_emit_build(&s->emit, &out, options, writer_len(&w)));
}

void
tcp_answer(struct stack *s, const struct tcp_segment *seg, enum habit_class class)
{
	const struct habit_answer *a = &seg->host->habits->answers[class];

	if (a->kind == HABIT_ANSWER_GIVEN || (a->kind == HABIT_ANSWER_USUAL && !usually_silent(class)))
		send(s, seg, a);
}

void
tcp_answer_with(struct stack *s, const struct tcp_segment *seg, const struct habit_answer *a)
{
	if (a->kind != HABIT_ANSWER_SILENT)
		send(s, seg, a);
}

void
tcp_answer_reset(struct stack *s, const struct tcp_segment *seg)
{
	static const struct habit_answer reset;

	send(s, seg, &reset);
}
