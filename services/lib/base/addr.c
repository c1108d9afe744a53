#include "base/addr.h"

#include "base/str.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

static const uint8_t mapped_prefix[12] = { 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff };

struct addr
addr_from_v4(uint32_t host_order)
{
	struct addr a;

	memcpy(a.b, mapped_prefix, sizeof(mapped_prefix));
	for (unsigned i = 0; i < 4; i++)
		a.b[12 + i] = (uint8_t)(host_order >> (24 - 8 * i));
	return a;
}

bool
addr_is_v4(const struct addr *a)
{
	return memcmp(a->b, mapped_prefix, sizeof(mapped_prefix)) == 0;
}

uint32_t
addr_v4(const struct addr *a)
{
	return (uint32_t)a->b[12] << 24 | (uint32_t)a->b[13] << 16 | (uint32_t)a->b[14] << 8 | a->b[15];
}

bool
addr_equal(const struct addr *a, const struct addr *b)
{
	return memcmp(a->b, b->b, sizeof(a->b)) == 0;
}

bool
addr_is_loopback(const struct addr *a)
{
	static const struct addr v6 = { { [15] = 1 } };

	return addr_is_v4(a) ? a->b[12] == 127 : addr_equal(a, &v6);
}

bool
addr_parse(const char *text, struct addr *out)
{
	struct in_addr v4;

	if (inet_pton(AF_INET, text, &v4) == 1) {
		*out = addr_from_v4(ntohl(v4.s_addr));
		return true;
	}
	return inet_pton(AF_INET6, text, out->b) == 1;
}

/* By hand, for every event and reply names addresses, and inet_ntop() goes through printf. */
static void
v4_format(const uint8_t *b, char *out)
{
	for (size_t i = 0; i < 4; i++) {
		out += str_decimal(out, b[i]);
		*out++ = i < 3 ? '.' : '\0';
	}
}

const char *
addr_format(const struct addr *a, char buf[ADDR_TEXT_MAX])
{
	if (addr_is_v4(a))
		v4_format(a->b + 12, buf);
	else
		(void)inet_ntop(AF_INET6, a->b, buf, ADDR_TEXT_MAX);
	return buf;
}

/* Decimal without sign or space, 0..max. */
static bool
number_parse(const char *text, unsigned long max, unsigned long *out)
{
	char *end;

	if (text[0] < '0' || text[0] > '9')
		return false;
	*out = strtoul(text, &end, 10);
	return *end == '\0' && *out <= max;
}

bool
cidr_parse(const char *text, struct cidr *out)
{
	char host[ADDR_TEXT_MAX];
	const char *slash = strchr(text, '/');
	size_t len = slash == NULL ? strlen(text) : (size_t)(slash - text);
	unsigned long prefix;

	if (len >= sizeof(host))
		return false;
	memcpy(host, text, len);
	host[len] = '\0';
	if (!addr_parse(host, &out->net))
		return false;
	bool v4 = addr_is_v4(&out->net);
	prefix = v4 ? 32 : 128;
	if (slash != NULL && !number_parse(slash + 1, prefix, &prefix))
		return false;
	out->prefix = (uint8_t)(prefix + (v4 ? 96 : 0));
	return true;
}

bool
cidr_contains(const struct cidr *c, const struct addr *a)
{
	size_t whole = c->prefix / 8;
	unsigned rest = c->prefix % 8;

	if (memcmp(c->net.b, a->b, whole) != 0)
		return false;
	return rest == 0 || (c->net.b[whole] ^ a->b[whole]) >> (8 - rest) == 0;
}

bool
endpoint_parse(const char *text, struct endpoint *out)
{
	char host[ADDR_TEXT_MAX];
	const char *colon = strrchr(text, ':');
	const char *start = text;
	unsigned long port;

	if (colon == NULL || colon == text)
		return false;
	size_t len = (size_t)(colon - text);
	if (text[0] == '[') {
		if (colon[-1] != ']' || len < 2)
			return false;
		start++;
		len -= 2;
	}
	if (len == 0 || len >= sizeof(host))
		return false;
	memcpy(host, start, len);
	host[len] = '\0';
	if (!addr_parse(host, &out->addr) || !number_parse(colon + 1, 65535, &port))
		return false;
	out->port = (uint16_t)port;
	return true;
}

const char *
endpoint_format(const struct endpoint *e, char buf[ENDPOINT_TEXT_MAX])
{
	char host[ADDR_TEXT_MAX];

	addr_format(&e->addr, host);
	snprintf(buf, ENDPOINT_TEXT_MAX, addr_is_v4(&e->addr) ? "%s:%u" : "[%s]:%u", host, (unsigned)e->port);
	return buf;
}

bool
endpoint_from_sockaddr(const struct sockaddr *sa, struct endpoint *out)
{
	if (sa->sa_family == AF_INET) {
		struct sockaddr_in v4;

		memcpy(&v4, sa, sizeof(v4));
		out->addr = addr_from_v4(ntohl(v4.sin_addr.s_addr));
		out->port = ntohs(v4.sin_port);
		return true;
	}
	if (sa->sa_family == AF_INET6) {
		struct sockaddr_in6 v6;

		memcpy(&v6, sa, sizeof(v6));
		memcpy(out->addr.b, &v6.sin6_addr, sizeof(out->addr.b));
		out->port = ntohs(v6.sin6_port);
		return true;
	}
	return false;
}

size_t
endpoint_to_sockaddr(const struct endpoint *e, struct sockaddr_storage *ss)
{
	memset(ss, 0, sizeof(*ss));
	if (addr_is_v4(&e->addr)) {
		struct sockaddr_in v4 = { .sin_family = AF_INET, .sin_port = htons(e->port) };

		v4.sin_addr.s_addr = htonl(addr_v4(&e->addr));
		memcpy(ss, &v4, sizeof(v4));
		return sizeof(v4);
	}
	struct sockaddr_in6 v6 = { .sin6_family = AF_INET6, .sin6_port = htons(e->port) };

	memcpy(&v6.sin6_addr, e->addr.b, sizeof(e->addr.b));
	memcpy(ss, &v6, sizeof(v6));
	return sizeof(v6);
}
