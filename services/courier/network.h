/* network - the network that a source belongs to: its /24, for IPv6 its /48. One tester has many addresses in it. */
#ifndef COURIER_NETWORK_H
#define COURIER_NETWORK_H

#include "base/addr.h"

enum { NETWORK_TEXT_MAX = 24 };

/* The same for every address of the network, another for others; a key of a bucket: "v4-cb0071", "v6-20010db80001". */
const char *network_key(const struct addr *source, char out[NETWORK_TEXT_MAX]);

#endif
