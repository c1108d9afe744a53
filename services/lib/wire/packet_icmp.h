/* packet_icmp - ICMP messages for IPv4 (RFC 792). Bytes to value and back. */
#ifndef WIRE_PACKET_ICMP_H
#define WIRE_PACKET_ICMP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct writer;

enum {
	PACKET_ICMP_HEADER = 8,
	PACKET_ICMP_ECHO_REPLY = 0,
	PACKET_ICMP_UNREACHABLE = 3,
	PACKET_ICMP_PORT = 3, /* code of an unreachable */
	PACKET_ICMP_ECHO = 8,
	PACKET_ICMP_TIME_EXCEEDED = 11,
	PACKET_ICMP_TIMESTAMP = 13,
	PACKET_ICMP_INFORMATION = 15,
	PACKET_ICMP_MASK = 17, /* RFC 950 */
};

struct packet_icmp {
	uint8_t type;
	uint8_t code;
	uint32_t rest; /* of the header: identifier and sequence number of an echo */
	const uint8_t *data; /* borrowed */
	size_t data_len;
	bool checksum_ok; /* set by parsing */
};

/* False when it is cut. */
bool packet_icmp_parse(const void *message, size_t len, struct packet_icmp *out);
/* With its checksum. */
void packet_icmp_format(struct writer *w, const struct packet_icmp *m);

#endif
