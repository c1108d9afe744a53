/* arp - who has a decoy's address? Well-formed requests of sane senders are answered as Linux and Windows do. */
#ifndef FINGERPRINTD_ARP_H
#define FINGERPRINTD_ARP_H

#include "wire/packet_arp.h"

struct host;
struct writer;

/* Could a host have sent this request? Its target may be anybody. */
bool arp_request_sane(const struct packet_arp *a);
/* The whole Ethernet frame of h's reply. */
void arp_reply(const struct host *h, const struct packet_arp *request, struct writer *out);
/* An ARP Announcement (RFC 5227 2.3), to all: h's address is here. */
void arp_announcement(const struct host *h, struct writer *out);

#endif
