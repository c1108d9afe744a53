/*
 * hops - the routers before a decoy that seems to be far away: each takes one
 * from the TTL, both ways, and some time.  They have no address of ours; all
 * that is seen of them is what traceroute shows.
 */
#ifndef FINGERPRINTD_HOPS_H
#define FINGERPRINTD_HOPS_H

#include "fingerprintd/decoys.h"
#include "wire/packet_ip.h"

struct writer;

/* Over the first so many routers and back. */
uint64_t hops_delay_us(const struct decoy_group *g, size_t routers);
/* packet: a whole IPv4 packet. False: its time ends on the way. */
bool hops_lower_ttl(uint8_t *packet, uint8_t by);
/* What the router where the packet's TTL ended says (RFC 792, time exceeded); ip is the packet's header. */
void hops_expired(const struct decoy_group *g, const struct packet_ip *ip, const uint8_t *packet, size_t len,
    uint16_t id, struct writer *out);

#endif
