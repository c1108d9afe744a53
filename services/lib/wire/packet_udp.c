#include "wire/packet_udp.h"

#include "base/reader.h"
#include "wire/packet_checksum.h"
#include "wire/packet_ip.h"

bool
packet_udp_parse(const void *datagram, size_t len, const struct addr *source, const struct addr *destination,
    struct packet_udp *out)
{
	struct reader r;

	reader_init(&r, datagram, len);
	out->source = reader_u16(&r);
	out->destination = reader_u16(&r);
	size_t total = reader_u16(&r);
	uint16_t checksum = reader_u16(&r);

	if (r.failed || total < PACKET_UDP_HEADER || total > len)
		return false;
	out->data_len = total - PACKET_UDP_HEADER;
	out->data = reader_bytes(&r, out->data_len);
	out->checksum_ok =
	    checksum == 0 || packet_checksum_transport(source, destination, PACKET_IP_UDP, datagram, total) == 0;
	return true;
}
