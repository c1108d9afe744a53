#include "fingerprintd/tcp_syn_ack.h"

#include "base/writer.h"
#include "fingerprintd/tcp_options.h"
#include "fingerprintd/tcp_send.h"

#include <string.h>

enum { TS_BYTES = 12 /* with the NOPs before it */, SHIFT_MAX = 14 /* RFC 7323 2.3 */ };

static bool
asks_for_ecn(const struct packet_tcp *syn)
{
	return (~syn->flags & (PACKET_TCP_ECE | PACKET_TCP_CWR)) == 0;
}

/* As bits of their kinds. */
static uint16_t
kinds_offered(const struct packet_tcp *syn)
{
	unsigned kinds = 0;

	if (syn->mss != 0)
		kinds |= 1U << HABIT_OPT_MSS;
	if (syn->sack_permitted)
		kinds |= 1U << HABIT_OPT_SACK;
	if (syn->has_ts)
		kinds |= 1U << HABIT_OPT_TS;
	if (syn->has_wscale)
		kinds |= 1U << HABIT_OPT_WSCALE;
	return (uint16_t)kinds;
}

int
tcp_syn_ack_case(const struct habits *h, const struct tcp_offer *offer)
{
	struct habit_opt offered[HABITS_OPTIONS_MAX];
	bool known = h->case_count > 0 && tcp_options_read(offer->options, offer->options_len, offered);
	uint16_t kinds = kinds_offered(offer->syn);

	for (int i = 0; i < h->case_count; i++) {
		const struct habit_case *c = &h->cases[i];

		if (c->ecn != HABIT_DEFAULT && (c->ecn == HABIT_YES) != asks_for_ecn(offer->syn))
			continue;
		if ((c->has & ~kinds) != 0 || (c->lacks & kinds) != 0)
			continue;
		if (c->any_offer || (known && tcp_options_equal(c->offered, offered)))
			return i;
	}
	return -1;
}

static bool
was_offered(uint8_t kind, const struct packet_tcp *syn)
{
	switch (kind) {
	case HABIT_OPT_SACK:
		return syn->sack_permitted;
	case HABIT_OPT_TS:
	case HABIT_OPT_TS_NO_ECHO:
	case HABIT_OPT_TS_NO_CLOCK:
	case HABIT_OPT_TS_EMPTY:
		return syn->has_ts;
	case HABIT_OPT_WSCALE:
		return syn->has_wscale;
	default:
		return true;
	}
}

/* What of the options this peer gets. A NOP aligns the option behind it: it is left out together with that. */
static void
choose_options(const struct habit_opt *from, const struct packet_tcp *syn, struct habit_opt out[HABITS_OPTIONS_MAX])
{
	size_t n = 0, nops = 0;

	memset(out, 0, HABITS_OPTIONS_MAX * sizeof(*out));
	for (const struct habit_opt *o = from; o->kind != HABIT_OPT_END; o++) {
		out[n++] = *o;
		if (o->kind == HABIT_OPT_NOP) {
			nops++;
			continue;
		}
		if (!was_offered(o->kind, syn)) {
			n -= nops + 1;
			memset(&out[n], 0, (nops + 1) * sizeof(*out));
		}
		nops = 0;
	}
}

static void
note_agreed(const struct habits *h, const struct habit_opt *options, const struct packet_tcp *syn,
    struct tcp_syn_ack *out)
{
	for (const struct habit_opt *o = options; o->kind != HABIT_OPT_END; o++) {
		if (o->kind == HABIT_OPT_SACK) {
			out->sack = syn->sack_permitted;
		} else if (o->kind == HABIT_OPT_WSCALE && syn->has_wscale) {
			out->wscale = true;
			out->shift = o->given ? (uint8_t)o->value : h->wscale;
		} else if (o->kind >= HABIT_OPT_TS_NO_ECHO || o->kind == HABIT_OPT_TS) {
			out->ts = syn->has_ts;
		}
	}
	if (out->shift > SHIFT_MAX)
		out->shift = SHIFT_MAX;
}

static uint16_t
least(uint16_t a, uint16_t b)
{
	return a < b ? a : b;
}

/* Solaris rounds its buffer up to whole segments, and says it in the scale that was just agreed upon. */
static uint32_t
buffer_window(uint32_t buffer, uint32_t segment, uint8_t shift)
{
	uint32_t window = (buffer + segment - 1) / segment * segment >> shift;

	return window <= UINT16_MAX ? window : UINT16_MAX / segment * segment;
}

static uint16_t
usual_window(const struct habits *h, uint16_t mss, const struct tcp_syn_ack *agreed)
{
	bool unscaled = h->window_unscaled != 0 && !agreed->wscale;

	if (unscaled && mss < h->window_unscaled)
		mss = h->window_unscaled;
	bool less = agreed->ts && h->window_segment == HABIT_SEGMENT_DATA && mss > TS_BYTES;
	uint32_t segment = less ? mss - TS_BYTES : mss;
	uint32_t window = h->window;

	if (h->window_buffer != 0)
		window = buffer_window(h->window_buffer, segment, agreed->shift);
	else if (h->window_mss != 0)
		window = segment * h->window_mss;
	else if (unscaled && segment < window)
		window -= window % segment;
	return (uint16_t)(window < UINT16_MAX ? window : UINT16_MAX);
}

static uint16_t
mss_of_peer(const struct habits *h, const struct packet_tcp *syn)
{
	if (syn->mss != 0)
		return syn->mss;
	return h->mss_default != 0 ? h->mss_default : TCP_MSS_DEFAULT;
}

static uint8_t
ecn_flags(uint8_t habit)
{
	static const uint8_t flags[] = {
		[HABIT_ECN_ECE] = PACKET_TCP_ECE,
		[HABIT_ECN_BOTH] = PACKET_TCP_ECE | PACKET_TCP_CWR,
		[HABIT_ECN_CWR] = PACKET_TCP_CWR,
		[HABIT_ECN_DEFAULT] = 0,
	};

	return flags[habit];
}

void
tcp_syn_ack_build(const struct habits *h, int which, const struct packet_tcp *syn, uint32_t ts_value,
    struct tcp_syn_ack *out)
{
	static const struct habit_case usual = { .any_offer = true, .ecn_flags = HABIT_ECN_DEFAULT };
	const struct habit_case *c = which >= 0 && which < h->case_count ? &h->cases[which] : &usual;
	uint16_t peer_mss = mss_of_peer(h, syn);
	struct tcp_option_values values = {
		.mss = h->mss_of == HABIT_MSS_LEAST ? least(h->mss, peer_mss) : h->mss,
		.wscale = h->wscale,
		.ts_value = ts_value,
		.ts_echo = syn->ts_value,
	};
	struct habit_opt chosen[HABITS_OPTIONS_MAX];
	const struct habit_opt *options = chosen;
	struct writer w;

	memset(out, 0, sizeof(*out));
	if (c->has_options)
		options = c->options;
	else
		choose_options(c->has_order ? c->options : h->options, syn, chosen);
	note_agreed(h, options, syn, out);
	writer_init(&w, out->options, sizeof(out->options));
	tcp_options_write_all(&w, options, &values);
	out->options_len = writer_len(&w);
	out->tcp.flags = PACKET_TCP_SYN | PACKET_TCP_ACK;
	if (asks_for_ecn(syn))
		out->tcp.flags |= ecn_flags(c->ecn_flags != HABIT_ECN_DEFAULT ? c->ecn_flags : h->ecn);
	out->tcp.window = c->has_window ? c->window : usual_window(h, least(h->mss, peer_mss), out);
	out->tcp.reserved = c->reserved ? 8 : 0;
	out->tcp.urgent = c->urgent ? 1 : 0;
	out->ttl = c->ttl;
	out->df = c->df;
}
