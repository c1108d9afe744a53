/* request - what a client asks of a proxy, whatever the protocol. */
#ifndef PROXYTRAP_REQUEST_H
#define PROXYTRAP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REQUEST_HOST_MAX = 256, /* SOCKS5 counts a name's octets in one */
	REQUEST_USER_MAX = 256,
	REQUEST_PATH_MAX = 256, /* of a URI; what is longer is cut */
	REQUEST_TARGET_MAX = REQUEST_HOST_MAX + 9, /* [host]:port */
};

enum request_protocol { PROTOCOL_SOCKS4, PROTOCOL_SOCKS4A, PROTOCOL_SOCKS5, PROTOCOL_HTTP_CONNECT, PROTOCOL_HTTP_GET };

enum request_result {
	REQUEST_MORE, /* a prefix of a request so far */
	REQUEST_OK,
	REQUEST_BAD, /* not this protocol */
	REQUEST_NO_TARGET, /* HTTP: well-formed, but it names no host that a proxy could go to */
	REQUEST_UNSUPPORTED, /* SOCKS: BIND, UDP ASSOCIATE */
	REQUEST_NO_COMMAND, /* SOCKS: a command that doesn't exist */
	REQUEST_ADDRESS_TYPE, /* SOCKS5: an address type that doesn't exist */
	REQUEST_RESULTS
};

struct request {
	enum request_protocol protocol;
	char host[REQUEST_HOST_MAX]; /* a name or an address, as asked; "" when there is none */
	uint16_t port;
	char user[REQUEST_USER_MAX]; /* SOCKS4 user id, SOCKS5 user, "" for none */
	char path[REQUEST_PATH_MAX]; /* PROTOCOL_HTTP_GET */
	uint8_t http_minor; /* HTTP/1.x */
	bool head; /* a HEAD request */
};

/* For events: "socks4", "socks4a", "socks5", "http-connect", "http-get". */
const char *request_protocol_name(enum request_protocol p);
/* "host:port", "[v6]:port", or "" without a host; returns out. */
const char *request_target(const struct request *r, char out[REQUEST_TARGET_MAX]);
/* Only letters, digits and ".-_:": what goes into pages and PROXY headers must not mean anything there. */
bool request_host_valid(const struct request *r);
bool request_is_mail(const struct request *r); /* port 25, 465 or 587 */
bool request_is_chain(const struct request *r); /* the usual port of another proxy */

#endif
