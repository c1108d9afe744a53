#include "proxytrap/request.h"

#include <stdio.h>
#include <string.h>

static const uint16_t mail_ports[] = { 25, 465, 587 };
static const uint16_t proxy_ports[] = { 1080, 3128, 8080 };

const char *
request_protocol_name(enum request_protocol p)
{
	static const char *const names[] = {
		[PROTOCOL_SOCKS4] = "socks4",
		[PROTOCOL_SOCKS4A] = "socks4a",
		[PROTOCOL_SOCKS5] = "socks5",
		[PROTOCOL_HTTP_CONNECT] = "http-connect",
		[PROTOCOL_HTTP_GET] = "http-get",
	};

	return names[p];
}

const char *
request_target(const struct request *r, char out[REQUEST_TARGET_MAX])
{
	bool v6 = strchr(r->host, ':') != NULL;

	out[0] = '\0';
	if (r->host[0] != '\0')
		snprintf(out, REQUEST_TARGET_MAX, "%s%s%s:%u", v6 ? "[" : "", r->host, v6 ? "]" : "",
		    (unsigned)r->port);
	return out;
}

bool
request_host_valid(const struct request *r)
{
	size_t good = strspn(r->host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:");

	return good > 0 && r->host[good] == '\0';
}

static bool
port_among(uint16_t port, const uint16_t *ports, size_t count)
{
	for (size_t i = 0; i < count; i++) {
		if (ports[i] == port)
			return true;
	}
	return false;
}

bool
request_is_mail(const struct request *r)
{
	return port_among(r->port, mail_ports, sizeof(mail_ports) / sizeof(mail_ports[0]));
}

bool
request_is_chain(const struct request *r)
{
	return port_among(r->port, proxy_ports, sizeof(proxy_ports) / sizeof(proxy_ports[0]));
}
