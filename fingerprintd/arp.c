#include "fingerprintd/arp.h"

#include "base/writer.h"
#include "fingerprintd/host.h"

#include <string.h>

/* 0.0.0.0 is a probe for a free address (RFC 5227 2.1.1): it is taken, so it is answered. */
static bool
sender_sane(const struct addr *a)
{
	uint32_t v4 = addr_v4(a);

	return v4 >> 24 != 127 && v4 >> 28 < 0xe; /* no loopback, multicast or broadcast */
}

bool
arp_request_sane(const struct packet_arp *a)
{
	return a->operation == PACKET_ARP_REQUEST && !packet_eth_is_group(a->sender_mac) && sender_sane(&a->sender) &&
	    !addr_equal(&a->sender, &a->target);
}

void
arp_reply(const struct host *h, const struct packet_arp *request, struct writer *out)
{
	struct packet_eth eth = { .type = PACKET_ETH_ARP };
	struct packet_arp reply = { .operation = PACKET_ARP_REPLY,
		.sender = request->target,
		.target = request->sender };

	memcpy(eth.destination, request->sender_mac, sizeof(eth.destination));
	memcpy(eth.source, h->mac, sizeof(eth.source));
	memcpy(reply.sender_mac, h->mac, sizeof(reply.sender_mac));
	memcpy(reply.target_mac, request->sender_mac, sizeof(reply.target_mac));
	packet_eth_format(out, &eth);
	packet_arp_format(out, &reply);
}

void
arp_announcement(const struct host *h, struct writer *out)
{
	struct packet_eth eth = { .type = PACKET_ETH_ARP };
	struct packet_arp a = { .operation = PACKET_ARP_REQUEST,
		.sender = h->stack.address,
		.target = h->stack.address };

	memset(eth.destination, 0xff, sizeof(eth.destination));
	memcpy(eth.source, h->mac, sizeof(eth.source));
	memcpy(a.sender_mac, h->mac, sizeof(a.sender_mac));
	packet_eth_format(out, &eth);
	packet_arp_format(out, &a);
}
