/*
 * packet_ip - IPv4 headers (RFC 791). Bytes to value and back; options are
 * skipped, fragments are told apart but not put together here.
 */
#ifndef WIRE_PACKET_IP_H
#define WIRE_PACKET_IP_H

#include "base/addr.h"

struct reader;
struct writer;

enum {
	PACKET_IP_HEADER = 20, /* what packet_ip_format() writes */
	PACKET_IP_ICMP = 1,
	PACKET_IP_TCP = 6,
	PACKET_IP_UDP = 17,
};

struct packet_ip {
	struct addr source;
	struct addr destination;
	uint8_t tos;
	uint8_t ttl;
	uint8_t protocol;
	uint16_t id;
	bool reserved; /* must be zero; a scanner may set it */
	bool df;
	bool more; /* fragments follow */
	uint16_t offset; /* of a fragment, in bytes */
	/* Set by parsing, not used by formatting: */
	uint8_t header_len; /* with options */
	bool checksum_ok;
};

/*
 * False: cut, not version 4, or lengths that contradict each other.  A wrong
 * checksum only clears checksum_ok.  Afterwards r holds the payload and
 * nothing else: the link's padding is cut off.
 */
bool packet_ip_parse(struct reader *r, struct packet_ip *out);
bool packet_ip_is_fragment(const struct packet_ip *ip);
/* A header without options, with its checksum, for a payload of payload_len bytes that the caller writes next. */
void packet_ip_format(struct writer *w, const struct packet_ip *ip, size_t payload_len);

#endif
