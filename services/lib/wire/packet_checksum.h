/*
 * packet_checksum - the Internet checksum (RFC 1071), alone and over the
 * pseudo-headers of IPv4 (RFC 9293 3.1) and IPv6 (RFC 8200 8.1).
 */
#ifndef WIRE_PACKET_CHECKSUM_H
#define WIRE_PACKET_CHECKSUM_H

#include "base/addr.h"

/* Value for the field, to be written in network order; 0 over data that holds a right checksum. */
uint16_t packet_checksum(const void *data, size_t len);
/*
 * The same for a TCP segment, UDP datagram or ICMPv6 message with its
 * pseudo-header; the width follows the addresses.  UDP over IPv4 sends 0 as
 * 0xffff (RFC 768): the caller's business.
 */
uint16_t packet_checksum_transport(const struct addr *source, const struct addr *destination, uint8_t protocol,
    const void *data, size_t len);

#endif
