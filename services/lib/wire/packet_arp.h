/*
 * packet_arp - ARP for IPv4 over Ethernet (RFC 826), and nothing else of it:
 * other hardware, protocols or lengths don't parse.
 */
#ifndef WIRE_PACKET_ARP_H
#define WIRE_PACKET_ARP_H

#include "base/addr.h"
#include "wire/packet_eth.h"

enum { PACKET_ARP_BYTES = 28, PACKET_ARP_REQUEST = 1, PACKET_ARP_REPLY = 2 };

struct packet_arp {
	uint16_t operation;
	uint8_t sender_mac[PACKET_ETH_ADDR];
	struct addr sender;
	uint8_t target_mac[PACKET_ETH_ADDR];
	struct addr target;
};

/* False: cut, or hardware is not Ethernet (1), protocol not IPv4 (0x0800), lengths not 6 and 4. */
bool packet_arp_parse(struct reader *r, struct packet_arp *out);
void packet_arp_format(struct writer *w, const struct packet_arp *a);

#endif
