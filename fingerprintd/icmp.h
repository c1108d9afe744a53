/*
 * icmp - echo requests, answered in the personality's character and within its
 * rate.  Other types get no answer yet: address mask and timestamp requests
 * are a later capability.
 */
#ifndef FINGERPRINTD_ICMP_H
#define FINGERPRINTD_ICMP_H

#include "fingerprintd/answer.h"
#include "wire/packet_ip.h"

struct host;

/* message: the payload of ip. With ANSWER_SEND the whole IP packet of the reply is in out. */
enum answer icmp_input(struct host *h, const struct packet_ip *ip, const uint8_t *message, size_t len, uint64_t now_us,
    struct writer *out);

#endif
