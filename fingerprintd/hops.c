#include "fingerprintd/hops.h"

#include "base/writer.h"
#include "wire/packet_checksum.h"
#include "wire/packet_icmp.h"

enum {
	TTL_AT = 8,
	CHECKSUM_AT = 10,
	ROUTER_TTL = 255,
	QUOTED_BYTES = 8, /* after the IP header, as most routers do (RFC 792) */
};

uint64_t
hops_delay_us(const struct decoy_group *g, size_t routers)
{
	uint64_t us = 0;

	for (size_t i = 0; i < routers; i++)
		us += 2 * 1000 * (uint64_t)g->hops[i].ms;
	return us;
}

bool
hops_lower_ttl(uint8_t *packet, uint8_t by)
{
	size_t header = (size_t)(packet[0] & 0xf) * 4;

	if (by == 0)
		return true;
	if (packet[TTL_AT] <= by)
		return false;
	packet[TTL_AT] = (uint8_t)(packet[TTL_AT] - by);
	packet[CHECKSUM_AT] = packet[CHECKSUM_AT + 1] = 0;
	uint16_t sum = packet_checksum(packet, header);
	packet[CHECKSUM_AT] = (uint8_t)(sum >> 8);
	packet[CHECKSUM_AT + 1] = (uint8_t)sum;
	return true;
}

void
hops_expired(const struct decoy_group *g, const struct packet_ip *ip, const uint8_t *packet, size_t len, uint16_t id,
    struct writer *out)
{
	size_t at = ip->ttl == 0 ? 0 : ip->ttl - 1U, quoted = (size_t)ip->header_len + QUOTED_BYTES;
	struct packet_icmp m = {
		.type = PACKET_ICMP_TIME_EXCEEDED,
		.data = packet,
		.data_len = quoted < len ? quoted : len,
	};
	struct packet_ip header = {
		.source = g->hops[at].address,
		.destination = ip->source,
		.ttl = (uint8_t)(ROUTER_TTL - at),
		.protocol = PACKET_IP_ICMP,
		.id = id,
	};

	packet_ip_format(out, &header, PACKET_ICMP_HEADER + m.data_len);
	packet_icmp_format(out, &m);
}
