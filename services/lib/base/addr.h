/*
 * addr - network addresses, 128 bits wide everywhere.
 *
 * IPv4 is kept in its mapped form (::ffff:a.b.c.d, RFC 4291 2.5.5.2), so that
 * no struct or table assumes a width.  No name resolution here.
 */
#ifndef BASE_ADDR_H
#define BASE_ADDR_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct sockaddr;
struct sockaddr_storage;

enum { ADDR_TEXT_MAX = 46 }; /* INET6_ADDRSTRLEN */
enum { ENDPOINT_TEXT_MAX = 54 }; /* [address]:port */

struct addr {
	uint8_t b[16];
};

struct endpoint {
	struct addr addr;
	uint16_t port; /* host order */
};

struct cidr {
	struct addr net;
	uint8_t prefix; /* of 128: an IPv4 /24 is 120 */
};

struct addr addr_from_v4(uint32_t host_order);
bool addr_is_v4(const struct addr *a);
uint32_t addr_v4(const struct addr *a); /* host order; only when addr_is_v4() */
bool addr_equal(const struct addr *a, const struct addr *b);
bool addr_is_loopback(const struct addr *a);
/* "203.0.113.1" or "2001:db8::1"; false when it is neither. */
bool addr_parse(const char *text, struct addr *out);
/* Writes into buf (at least ADDR_TEXT_MAX) and returns it; IPv4 as dotted quad. */
const char *addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX]);

/* "a.b.c.d/n", or an address alone (whole length). */
bool cidr_parse(const char *text, struct cidr *out);
bool cidr_contains(const struct cidr *c, const struct addr *a);

/* "203.0.113.1:25", "[2001:db8::1]:25". */
bool endpoint_parse(const char *text, struct endpoint *out);
const char *endpoint_format(const struct endpoint *e, char buf[ENDPOINT_TEXT_MAX]);
bool endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out);
/* Fills ss (AF_INET for mapped addresses) and returns its length. */
size_t endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ss);

#endif
