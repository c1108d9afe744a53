/* arp - who has a decoy's address? Answers as Linux and Windows do: only well-formed requests of sane senders. */
#ifndef FINGERPRINTD_ARP_H
#define FINGERPRINTD_ARP_H

#include "wire/packet_arp.h"

struct host;
struct writer;

/* Could a host have sent this request? Its target may be anybody. */
bool arp_request_sane(const struct packet_arp *a);
/* The whole Ethernet frame of h's reply. */
void arp_reply(const struct host *h, const struct packet_arp *request, struct writer *out);

#endif
