/* socks4 - SOCKS 4 and 4a requests (Ying-Da Lee's memo; 4a: names behind address 0.0.0.x). */
#ifndef PROXYTRAP_SOCKS4_H
#define PROXYTRAP_SOCKS4_H

#include "proxytrap/request.h"

enum { SOCKS4_REPLY_BYTES = 8, SOCKS4_GRANTED = 0x5a, SOCKS4_REJECTED = 0x5b };

enum request_result socks4_parse(const uint8_t *data, size_t len, struct request *out, size_t *used);
/* bound: the address that the client is told; zero as most servers say with 5b. */
void socks4_reply(uint8_t code, uint16_t bound_port, uint32_t bound_v4, uint8_t out[SOCKS4_REPLY_BYTES]);

#endif
