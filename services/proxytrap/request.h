/* request - what a client asks of a proxy, whatever the protocol. */
#ifndef PROXYTRAP_REQUEST_H
#define PROXYTRAP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { REQUEST_HOST_MAX = 256, REQUEST_USER_MAX = 256, REQUEST_PATH_MAX = 1024 };

enum request_protocol { PROTOCOL_SOCKS4, PROTOCOL_SOCKS4A, PROTOCOL_SOCKS5, PROTOCOL_HTTP_CONNECT, PROTOCOL_HTTP_GET };

enum request_result {
	REQUEST_MORE,	/* a prefix of a request so far */
	REQUEST_OK,
	REQUEST_BAD,
	REQUEST_UNSUPPORTED,	/* well-formed, and nothing that we do: BIND, UDP */
};

struct request {
	enum request_protocol protocol;
	char host[REQUEST_HOST_MAX];	/* a name or an address, as asked */
	uint16_t port;
	char user[REQUEST_USER_MAX];	/* SOCKS4 user id, SOCKS5 user, "" for none */
	char path[REQUEST_PATH_MAX];	/* PROTOCOL_HTTP_GET */
	bool head;	/* a HEAD request */
};

/* For events: "socks4", "socks4a", "socks5", "http-connect", "http-get". */
const char *request_protocol_name(enum request_protocol p);

#endif
