/* udp - no decoy serves UDP: a port unreachable in the personality's character and within its rate, or silence. */
#ifndef FINGERPRINTD_UDP_H
#define FINGERPRINTD_UDP_H

#include "fingerprintd/answer.h"
#include "wire/packet_ip.h"

struct host;
struct packet_udp;

/*
 * packet: the whole IP packet, of which ip is the header; its beginning is
 * quoted.  *udp gets the header unless the answer is MALFORMED or
 * BAD_CHECKSUM.  With ANSWER_SEND the IP packet of the error is in out.
 */
enum answer udp_input(struct host *h, const struct packet_ip *ip, const uint8_t *packet, size_t len, uint64_t now_us,
    struct packet_udp *udp, struct writer *out);

#endif
