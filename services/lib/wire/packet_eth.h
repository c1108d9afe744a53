/* packet_eth - Ethernet II headers (IEEE 802.3 3.2.6 with a type); no tags, no 802.2. Bytes to value and back. */
#ifndef WIRE_PACKET_ETH_H
#define WIRE_PACKET_ETH_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader;
struct writer;

enum {
	PACKET_ETH_ADDR = 6,
	PACKET_ETH_HEADER = 14,
	PACKET_ETH_IP4 = 0x0800,
	PACKET_ETH_ARP = 0x0806,
};

struct packet_eth {
	uint8_t destination[PACKET_ETH_ADDR];
	uint8_t source[PACKET_ETH_ADDR];
	uint16_t type;
};

/* False when it is cut. */
bool packet_eth_parse(struct reader *r, struct packet_eth *out);
void packet_eth_format(struct writer *w, const struct packet_eth *e);
bool packet_eth_is_broadcast(const uint8_t mac[PACKET_ETH_ADDR]);
bool packet_eth_is_group(const uint8_t mac[PACKET_ETH_ADDR]); /* multicast or broadcast */

#endif
