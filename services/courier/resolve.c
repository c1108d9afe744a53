#define CARES_NO_DEPRECATED /* Debian 12's has no newer call for the same */
#include "courier/resolve.h"

#include "base/clock.h"
#include "base/str.h"
#include "courier/deny.h"

#include <ares.h>
#include <netdb.h>
#include <netinet/in.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>

enum { TRY_MS = 2000, TRIES = 2, TURN_MS = 1000, DNS_CLASS_IN = 1, DNS_TYPE_MX = 15 };

struct mx {
	char host[RESOLVE_NAME_MAX];
	unsigned short preference;
};

/* One question and what came of it. */
struct question {
	bool done;
	int status; /* ARES_... */
	struct mx hosts[RESOLVE_HOSTS_MAX];
	size_t host_count;
	struct resolve_answer *answer;
	const char *host;
};

static ares_channel
open_channel(const struct resolve_settings *s)
{
	struct ares_options options = { .flags = ARES_FLAG_NOSEARCH, .timeout = TRY_MS, .tries = TRIES };
	ares_channel channel = NULL;

	if (ares_init_options(&channel, &options, ARES_OPT_FLAGS | ARES_OPT_TIMEOUTMS | ARES_OPT_TRIES) != ARES_SUCCESS)
		return NULL;
	if (s->servers[0] != '\0' && ares_set_servers_ports_csv(channel, s->servers) != ARES_SUCCESS) {
		ares_destroy(channel);
		return NULL;
	}
	return channel;
}

/* Lets one turn pass: waits for an answer or a second. */
static void
turn(ares_channel channel)
{
	ares_socket_t sockets[ARES_GETSOCK_MAXNUM];
	struct pollfd fds[ARES_GETSOCK_MAXNUM];
	unsigned bits = (unsigned)ares_getsock(channel, sockets, ARES_GETSOCK_MAXNUM);
	struct timeval most = { .tv_sec = TURN_MS / 1000 }, left;
	const struct timeval *wait = ares_timeout(channel, &most, &left);
	nfds_t count = 0;

	/* As ARES_GETSOCK_READABLE and _WRITABLE would, whose last shift is one too far for an int. */
	for (unsigned i = 0; i < ARES_GETSOCK_MAXNUM; i++) {
		bool reads = bits >> i & 1, writes = bits >> (i + ARES_GETSOCK_MAXNUM) & 1;

		if (reads || writes)
			fds[count++] = (struct pollfd){ .fd = sockets[i],
				.events = (short)((reads ? POLLIN : 0) | (writes ? POLLOUT : 0)) };
	}
	poll(fds, count, (int)(wait->tv_sec * 1000 + wait->tv_usec / 1000 + 1));
	for (nfds_t i = 0; i < count; i++)
		ares_process_fd(channel,
		    (fds[i].revents & (POLLIN | POLLERR | POLLHUP)) != 0 ? fds[i].fd : ARES_SOCKET_BAD,
		    (fds[i].revents & POLLOUT) != 0 ? fds[i].fd : ARES_SOCKET_BAD);
	ares_process_fd(channel, ARES_SOCKET_BAD, ARES_SOCKET_BAD); /* time-outs */
}

static void
wait_for(const struct resolve_settings *s, ares_channel channel, struct question *q, uint64_t deadline_ms)
{
	while (!q->done && clock_ms() < deadline_ms) {
		turn(channel);
		s->alive(s->ctx);
	}
	if (!q->done)
		ares_cancel(channel); /* runs the callback */
}

static void
add_mx(struct question *q, const struct ares_mx_reply *r)
{
	size_t at = q->host_count;

	if (strlen(r->host) >= RESOLVE_NAME_MAX)
		return;
	while (at > 0 && q->hosts[at - 1].preference > r->priority)
		at--;
	if (at == RESOLVE_HOSTS_MAX)
		return;
	if (q->host_count < RESOLVE_HOSTS_MAX)
		q->host_count++;
	memmove(&q->hosts[at + 1], &q->hosts[at], (q->host_count - 1 - at) * sizeof(q->hosts[0]));
	str_copy(q->hosts[at].host, RESOLVE_NAME_MAX, r->host);
	q->hosts[at].preference = r->priority;
}

static void
on_mx(void *ctx, int status, int timeouts, unsigned char *data, int len)
{
	struct question *q = ctx;
	struct ares_mx_reply *list = NULL;

	(void)timeouts;
	q->done = true;
	q->status = status;
	if (status != ARES_SUCCESS)
		return;
	q->status = ares_parse_mx_reply(data, len, &list);
	for (const struct ares_mx_reply *r = list; r != NULL; r = r->next)
		add_mx(q, r);
	if (list != NULL)
		ares_free_data(list);
}

static void
on_addresses(void *ctx, int status, int timeouts, struct ares_addrinfo *info)
{
	struct question *q = ctx;
	struct resolve_answer *a = q->answer;

	(void)timeouts;
	q->done = true;
	q->status = status;
	if (status != ARES_SUCCESS)
		return;
	for (const struct ares_addrinfo_node *n = info->nodes; n != NULL && a->count < RESOLVE_TARGETS_MAX;
	     n = n->ai_next) {
		struct endpoint at;

		if (!endpoint_from_sockaddr(n->ai_addr, &at))
			continue;
		a->targets[a->count].addr = at.addr;
		str_copy(a->targets[a->count++].host, RESOLVE_NAME_MAX, q->host);
	}
	ares_freeaddrinfo(info);
}

static enum resolve_result
result_of(int status)
{
	switch (status) {
	case ARES_SUCCESS:
		return RESOLVE_OK;
	case ARES_ENOTFOUND:
	case ARES_ENODATA:
	case ARES_ENONAME:
	case ARES_EBADNAME:
	case ARES_EFORMERR:
		return RESOLVE_NO_DOMAIN;
	default:
		return RESOLVE_LATER;
	}
}

static enum resolve_result
ask_host(const struct resolve_settings *s, ares_channel channel, const char *host, uint64_t deadline_ms,
    struct resolve_answer *out)
{
	struct question q = { .status = ARES_ETIMEOUT, .answer = out, .host = host };
	const struct ares_addrinfo_hints hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };

	ares_getaddrinfo(channel, host, NULL, &hints, on_addresses, &q);
	wait_for(s, channel, &q, deadline_ms);
	return result_of(q.status);
}

/* Every host's addresses, the best host's first. One that answers is enough; else it may be a passing trouble. */
static enum resolve_result
ask_hosts(const struct resolve_settings *s, ares_channel channel, const struct question *mx, uint64_t deadline_ms,
    struct resolve_answer *out)
{
	enum resolve_result result = RESOLVE_NO_DOMAIN;

	for (size_t i = 0; i < mx->host_count && out->count < RESOLVE_TARGETS_MAX; i++) {
		if (deny_domain_valid(mx->hosts[i].host) &&
		    ask_host(s, channel, mx->hosts[i].host, deadline_ms, out) == RESOLVE_LATER)
			result = RESOLVE_LATER;
	}
	return out->count > 0 ? RESOLVE_OK : result;
}

static enum resolve_result
ask_domain(const struct resolve_settings *s, ares_channel channel, const char *domain, uint64_t deadline_ms,
    struct resolve_answer *out)
{
	struct question mx = { .status = ARES_ETIMEOUT };

	ares_query(channel, domain, DNS_CLASS_IN, DNS_TYPE_MX, on_mx, &mx);
	wait_for(s, channel, &mx, deadline_ms);
	if (mx.status == ARES_SUCCESS && mx.host_count == 1 && mx.hosts[0].host[0] == '\0')
		return RESOLVE_NULL_MX;
	if (mx.status == ARES_SUCCESS && mx.host_count > 0)
		return ask_hosts(s, channel, &mx, deadline_ms, out);
	if (mx.status == ARES_ENODATA || mx.status == ARES_SUCCESS)
		return ask_host(s, channel, domain, deadline_ms, out); /* no MX: the domain itself */
	return result_of(mx.status);
}

enum resolve_result
resolve_mx(const struct resolve_settings *s, const char *domain, uint64_t deadline_ms, struct resolve_answer *out)
{
	ares_channel channel = open_channel(s);
	enum resolve_result result = RESOLVE_LATER;

	out->count = 0;
	if (channel == NULL)
		return result;
	result = ask_domain(s, channel, domain, deadline_ms, out);
	ares_destroy(channel);
	return result;
}

enum resolve_result
resolve_host(const struct resolve_settings *s, const char *host, uint64_t deadline_ms, struct resolve_answer *out)
{
	ares_channel channel = open_channel(s);
	enum resolve_result result = RESOLVE_LATER;

	out->count = 0;
	if (channel == NULL)
		return result;
	result = ask_host(s, channel, host, deadline_ms, out);
	ares_destroy(channel);
	return result;
}
