#include "fingerprintd/tcp_emit.h"

#include "base/writer.h"
#include "fingerprintd/siphash.h"
#include "fingerprintd/tcp_table.h"
#include "wire/packet_checksum.h"
#include "wire/packet_ip.h"

#include <assert.h>

/* splitmix64 (Steele, Lea, Flood 2014) */
static uint16_t
random_id(struct tcp_emit *e)
{
	uint64_t z = e->random += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint16_t)(z >> 48);
}

static uint16_t
next_ip_id(struct tcp_emit *e, struct stack_host *h)
{
	switch (h->habits.ip_id) {
	case STACK_IPID_INCREMENT:
		return h->ip_id_next++;
	case STACK_IPID_RANDOM:
		return random_id(e);
	default:
		return 0;
	}
}

size_t
tcp_emit_build(struct tcp_emit *e, const struct tcp_out *o, const void *options, size_t options_len)
{
	struct packet_tcp tcp = o->tcp;
	struct packet_ip ip = {
		.source = o->source->addr,
		.destination = o->destination->addr,
		.ttl = o->host->habits.ttl,
		.df = o->host->habits.df,
		.protocol = PACKET_IP_TCP,
		.id = next_ip_id(e, o->host),
	};
	size_t header = PACKET_TCP_HEADER + (options_len + 3) / 4 * 4;
	struct writer w;

	tcp.source = o->source->port;
	tcp.destination = o->destination->port;
	writer_init(&w, e->packet, sizeof(e->packet));
	packet_ip_format(&w, &ip, header + o->len);
	uint8_t *segment = w.at;
	packet_tcp_format(&w, &tcp, options, options_len);
	writer_bytes(&w, o->data, o->len);
	assert(!w.failed);
	uint16_t sum = packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, segment, header + o->len);
	segment[PACKET_TCP_CHECKSUM_AT] = (uint8_t)(sum >> 8);
	segment[PACKET_TCP_CHECKSUM_AT + 1] = (uint8_t)sum;
	return writer_len(&w);
}

uint32_t
tcp_emit_isn(const struct stack_host *h, const struct endpoint *peer, const struct endpoint *ours, uint64_t now_us)
{
	uint64_t words[TCP_TUPLE_WORDS];

	tcp_tuple_words(peer, ours, words);
	return (uint32_t)siphash(h->isn_secret, words, TCP_TUPLE_WORDS) + (uint32_t)((now_us - h->boot_us) / 4);
}

uint32_t
tcp_emit_ts(const struct stack_host *h, uint64_t now_us)
{
	uint64_t up_us = now_us - h->boot_us;

	/* In two steps: years of microseconds times the rate would overflow. */
	return (uint32_t)(up_us / 1000000 * h->habits.ts_hz + up_us % 1000000 * h->habits.ts_hz / 1000000);
}

uint16_t
tcp_emit_first_window(const struct stack_habits *h)
{
	uint32_t window = h->window_mss > 0 ? (uint32_t)h->window_mss * h->mss : h->window;

	return (uint16_t)(window < UINT16_MAX ? window : UINT16_MAX);
}

/* False: the peer didn't offer it. */
static bool
syn_option(struct writer *w, const struct stack_host *h, enum stack_option option, const struct packet_tcp *syn,
    uint64_t now_us)
{
	switch (option) {
	case STACK_OPT_MSS:
		packet_tcp_option_mss(w, h->habits.mss);
		return true;
	case STACK_OPT_SACK:
		if (syn->sack_permitted)
			packet_tcp_option_sack_permitted(w);
		return syn->sack_permitted;
	case STACK_OPT_TS:
		if (syn->has_ts)
			packet_tcp_option_ts(w, tcp_emit_ts(h, now_us), syn->ts_value);
		return syn->has_ts;
	case STACK_OPT_WSCALE:
		if (syn->has_wscale)
			packet_tcp_option_wscale(w, h->habits.wscale);
		return syn->has_wscale;
	default:
		return false;
	}
}

/* A NOP aligns the option behind it: it is left out together with that. */
void
tcp_emit_syn_options(struct writer *w, const struct stack_host *h, const struct packet_tcp *syn, uint64_t now_us)
{
	const uint8_t *options = h->habits.options;

	for (int i = 0; i < STACK_OPTIONS_MAX && options[i] != STACK_OPT_END; i++) {
		uint8_t room[PACKET_TCP_OPTIONS_MAX];
		struct writer one;
		int nops = 0;

		while (i + 1 < STACK_OPTIONS_MAX && options[i] == STACK_OPT_NOP) {
			nops++;
			i++;
		}
		writer_init(&one, room, sizeof(room));
		if (!syn_option(&one, h, options[i], syn, now_us) && options[i] != STACK_OPT_END)
			continue;
		while (nops-- > 0)
			packet_tcp_option_nop(w);
		writer_bytes(w, room, writer_len(&one));
		if (options[i] == STACK_OPT_END)
			return;
	}
}
