/*
 * tcp_cookie - stateless answers to SYNs (RFC 4987 3.6): the initial sequence
 * number says, signed, when the SYN came and which segment size it offered, so
 * that the ACK alone makes a connection.  Window scaling, SACK and timestamps
 * find no place in it: such connections go without.
 */
#ifndef FINGERPRINTD_TCP_COOKIE_H
#define FINGERPRINTD_TCP_COOKIE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stdint.h>

enum { TCP_COOKIE_PERIOD_US = 64 * 1000 * 1000, TCP_COOKIE_PERIODS = 2 }; /* a cookie is good for one to two periods */

/* What a cookie is made for. */
struct tcp_cookie_syn {
	struct endpoint source;
	struct endpoint destination;
	uint32_t seq; /* of the SYN */
};

uint32_t tcp_cookie_make(const uint64_t key[2], const struct tcp_cookie_syn *syn, uint16_t mss, uint64_t now_us);
/* False: not one of ours, or too old. */
bool tcp_cookie_check(const uint64_t key[2], const struct tcp_cookie_syn *syn, uint32_t cookie, uint64_t now_us,
    uint16_t *mss);

#endif
