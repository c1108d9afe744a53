/* packet_udp - UDP headers (RFC 768). Bytes to value; nothing here sends UDP. */
#ifndef WIRE_PACKET_UDP_H
#define WIRE_PACKET_UDP_H

#include "base/addr.h"

enum { PACKET_UDP_HEADER = 8 };

struct packet_udp {
	uint16_t source;
	uint16_t destination;
	const uint8_t *data; /* borrowed */
	size_t data_len;
	bool checksum_ok; /* also when the sender left it out, as IPv4 allows */
};

/* False: cut, or its length contradicts the packet's. */
bool packet_udp_parse(const void *datagram, size_t len, const struct addr *source, const struct addr *destination,
    struct packet_udp *out);

#endif
