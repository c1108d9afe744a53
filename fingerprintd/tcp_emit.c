#include "fingerprintd/tcp_emit.h"

#include "base/writer.h"
#include "wire/packet_checksum.h"
#include "wire/packet_ip.h"

#include <assert.h>

size_t
tcp_emit_build(struct tcp_emit *e, const struct tcp_out *o, const void *options, size_t options_len)
{
	struct ip_id_state *ids = &o->host->ids;
	struct packet_tcp tcp = o->tcp;
	struct packet_ip ip = {
		.source = o->source->addr,
		.destination = o->destination->addr,
		.ttl = o->ttl != 0 ? o->ttl : o->host->habits->ttl,
		.df = o->df == HABIT_DEFAULT ? o->host->habits->df : o->df == HABIT_YES,
		.protocol = PACKET_IP_TCP,
		.id = ip_id_next(ids, o->ids, o->id_counter != NULL ? o->id_counter : &ids->tcp),
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
tcp_emit_ts(const struct stack_host *h, uint32_t offset, uint64_t now_us)
{
	uint64_t up_us = now_us - h->boot_us, hz = h->habits->ts_hz;

	if (h->habits->ts_start == HABIT_TS_ZERO)
		return 0;
	/* In two steps: years of microseconds times the rate would overflow. */
	return offset + (uint32_t)(up_us / 1000000 * hz + up_us % 1000000 * hz / 1000000);
}
