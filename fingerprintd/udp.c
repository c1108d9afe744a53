#include "fingerprintd/udp.h"

#include "base/writer.h"
#include "fingerprintd/host.h"
#include "wire/packet_icmp.h"
#include "wire/packet_udp.h"

/* RFC 1122 3.2.2: header and at least 8 bytes; RFC 1812 4.3.2.3: the error is at most 576 bytes. */
static size_t
quote_len(const struct udp_habits *habits, const struct packet_ip *ip, size_t len)
{
	size_t n = (size_t)ip->header_len + habits->quote;

	if (n > PERSONALITY_QUOTE_MAX)
		n = PERSONALITY_QUOTE_MAX;
	return n < len ? n : len;
}

enum answer
udp_input(struct host *h, const struct packet_ip *ip, const uint8_t *packet, size_t len, uint64_t now_us,
    struct packet_udp *udp, struct writer *out)
{
	const struct personality *p = h->group->personality;

	if (!packet_udp_parse(packet + ip->header_len, len - ip->header_len, &ip->source, &ip->destination, udp))
		return ANSWER_MALFORMED;
	if (!udp->checksum_ok)
		return ANSWER_BAD_CHECKSUM;
	if (p->udp.closed == UDP_CLOSED_SILENT || h->group->closed == DECOY_DROP)
		return ANSWER_NONE;
	if (!bucket_take(&h->errors, p->icmp.errors_per_second, p->icmp.errors_burst, now_us))
		return ANSWER_LIMITED;
	struct packet_icmp m = {
		.type = PACKET_ICMP_UNREACHABLE,
		.code = PACKET_ICMP_PORT,
		.data = packet,
		.data_len = quote_len(&p->udp, ip, len),
	};
	struct packet_ip error = {
		.source = ip->destination,
		.destination = ip->source,
		.tos = p->udp.tos,
		.ttl = p->icmp.ttl,
		.protocol = PACKET_IP_ICMP,
		.id = host_icmp_id(h, p->icmp.ip_id),
	};

	packet_ip_format(out, &error, PACKET_ICMP_HEADER + m.data_len);
	packet_icmp_format(out, &m);
	return ANSWER_SEND;
}
