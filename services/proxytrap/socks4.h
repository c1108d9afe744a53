/*
 * socks4 - SOCKS 4 and 4a requests (Ying-Da Lee's memos; 4a: a name follows
 * behind an address 0.0.0.x).  Bytes to value and back, no decisions.
 */
#ifndef PROXYTRAP_SOCKS4_H
#define PROXYTRAP_SOCKS4_H

#include "base/addr.h"
#include "proxytrap/request.h"

enum { SOCKS4_REPLY_BYTES = 8, SOCKS4_GRANTED = 0x5a, SOCKS4_REJECTED = 0x5b };

enum request_result socks4_parse(const uint8_t *data, size_t len, struct request *out, size_t *used);
/* bound: the address that the client is told; one that is not IPv4 becomes zeros. */
void socks4_reply(uint8_t code, const struct endpoint *bound, uint8_t out[SOCKS4_REPLY_BYTES]);

#endif
