#include "daemon/listener.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "daemon/loop.h"
#include "daemon/metrics.h"

#include <errno.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { BACKLOG = 1024, ACCEPT_MAX = 64, FULL_PAUSE_MS = 100, ERROR_MAX = 256 };

/* A connection whose header isn't complete. */
struct pending {
	struct list node;
	struct event ev;
	struct listener *listener;
	int fd;
};

struct listener {
	struct loop *loop;
	struct loop_fd *watch;
	struct loop_timer *pause; /* out of descriptors: look again later */
	int fd;
	uint16_t port;
	bool proxy;
	bool uncounted;
	struct cidr networks[LISTENER_NETWORKS_MAX];
	size_t network_count;
	size_t capacity;
	size_t flows;
	size_t pending_count;
	struct list pending;
	listener_open_cb *opened;
	void *ctx;
};

static metric_value accepted, refused_full, refused_network, bad_headers, sessions;

static void
count(const struct listener *ln, metric_value *what)
{
	if (!ln->uncounted)
		metric_add(what, 1);
}

static void
pending_free(struct pending *p)
{
	event_del(&p->ev);
	list_remove(&p->node);
	p->listener->pending_count--;
	free(p);
}

static void
pending_close(struct pending *p)
{
	close(p->fd);
	pending_free(p);
}

static void
hand_over(struct listener *ln, int fd, const struct flow_info *info)
{
	struct conn *c = conn_new(ln->loop, fd, NULL, NULL);

	if (c == NULL) {
		close(fd);
		return;
	}
	ln->flows++;
	count(ln, &sessions);
	ln->opened(ln->ctx, c, info);
}

static void
complete(struct pending *p, struct flow_info *info, size_t used)
{
	struct listener *ln = p->listener;
	uint8_t waste[PROXY_HEADER_MAX];
	int fd = p->fd, low = 1;

	if (recv(fd, waste, used, 0) != (ssize_t)used) {
		pending_close(p);
		return;
	}
	setsockopt(fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	if (info->id[0] == '\0') /* v1, or a sender without our TLVs */
		ulid_new(clock_wall_ms(), info->id);
	pending_free(p);
	hand_over(ln, fd, info);
}

/*
 * Exactly the header is read: the peeked bytes behind it stay in the socket,
 * for a service that hands its descriptor on.  Until there is more than was
 * seen, SO_RCVLOWAT keeps the loop quiet; it would not if the peer has
 * finished, which is why finished (no more will come) ends the wait.
 */
static void
read_header(struct pending *p, bool finished)
{
	uint8_t head[PROXY_HEADER_MAX];
	struct flow_info info;
	size_t used;
	ssize_t n = recv(p->fd, head, sizeof(head), MSG_PEEK);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		pending_close(p);
		return;
	}
	enum proxy_result result = proxy_parse(head, (size_t)n, &info, &used);
	if (result == PROXY_OK) {
		complete(p, &info, used);
	} else if (result == PROXY_MORE && (size_t)n < sizeof(head) && !finished) {
		int low = (int)n + 1;

		setsockopt(p->fd, SOL_SOCKET, SO_RCVLOWAT, &low, sizeof(low));
	} else {
		if (result != PROXY_LOCAL)
			metric_add(&bad_headers, 1);
		pending_close(p);
	}
}

static void
on_pending(evutil_socket_t fd, short what, void *ctx)
{
	struct pending *p = ctx;

	(void)fd;
	if (what & EV_TIMEOUT) {
		metric_add(&bad_headers, 1);
		pending_close(p);
	} else {
		read_header(p, (what & EV_CLOSED) != 0);
	}
}

static void
start_pending(struct listener *ln, int fd)
{
	static const struct timeval patience = { .tv_sec = LISTENER_HEADER_MS / 1000,
		.tv_usec = LISTENER_HEADER_MS % 1000 * 1000 };
	struct pending *p = calloc(1, sizeof(*p));

	if (p == NULL) {
		close(fd);
		return;
	}
	p->listener = ln;
	p->fd = fd;
	list_append(&ln->pending, &p->node);
	ln->pending_count++;
	event_assign(&p->ev, loop_base(ln->loop), fd, EV_READ | EV_CLOSED | EV_PERSIST, on_pending, p);
	event_add(&p->ev, &patience);
}

static bool
network_allowed(const struct listener *ln, const struct addr *a)
{
	for (size_t i = 0; i < ln->network_count; i++) {
		if (cidr_contains(&ln->networks[i], a))
			return true;
	}
	return false;
}

static void
own_addresses(int fd, const struct endpoint *peer, struct flow_info *info)
{
	struct sockaddr_storage ss;
	socklen_t len = sizeof(ss);

	memset(info, 0, sizeof(*info));
	info->source = *peer;
	if (getsockname(fd, (struct sockaddr *)&ss, &len) == 0)
		endpoint_from_sockaddr((struct sockaddr *)&ss, &info->destination);
	ulid_new(clock_wall_ms(), info->id);
}

static void
take(struct listener *ln, int fd, const struct sockaddr_storage *ss)
{
	struct endpoint peer;
	struct flow_info info;

	count(ln, &accepted);
	if (!endpoint_from_sockaddr((const struct sockaddr *)ss, &peer) || !network_allowed(ln, &peer.addr)) {
		count(ln, &refused_network);
		close(fd);
	} else if (ln->flows + ln->pending_count >= ln->capacity) {
		count(ln, &refused_full);
		close(fd);
	} else if (ln->proxy) {
		start_pending(ln, fd);
	} else {
		own_addresses(fd, &peer, &info);
		hand_over(ln, fd, &info);
	}
}

static void on_accept(void *ctx, unsigned io);

static void
watch(struct listener *ln)
{
	ln->watch = loop_fd_new(ln->loop, ln->fd, LOOP_READ, on_accept, ln);
}

static void
resume_accepting(void *ctx)
{
	struct listener *ln = ctx;

	if (ln->fd >= 0 && ln->watch == NULL)
		watch(ln);
}

static void
on_accept(void *ctx, unsigned io)
{
	struct listener *ln = ctx;

	(void)io;
	for (unsigned i = 0; i < ACCEPT_MAX && ln->fd >= 0; i++) {
		struct sockaddr_storage ss;
		socklen_t len = sizeof(ss);
		int fd = accept4(ln->fd, (struct sockaddr *)&ss, &len, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd >= 0) {
			take(ln, fd, &ss);
		} else if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
			log_warn("msg=\"out of descriptors, accepting pauses\" error=\"%m\"");
			loop_fd_free(&ln->watch);
			loop_timer_once(ln->pause, FULL_PAUSE_MS);
			return;
		} else if (errno != ECONNABORTED && errno != EINTR) {
			return;
		}
	}
}

static bool
parse_networks(struct listener *ln, const char *text, char *error, size_t size)
{
	char *copy = xstrdup(text), *save = NULL;
	bool good = true;

	for (char *word = strtok_r(copy, ", ", &save); word != NULL && good; word = strtok_r(NULL, ", ", &save)) {
		good = ln->network_count < LISTENER_NETWORKS_MAX && cidr_parse(word, &ln->networks[ln->network_count]);
		if (good)
			ln->network_count++;
		else
			snprintf(error, size,
			    "listen.networks must be at most %d networks like 198.18.0.0/15, not '%.64s'",
			    (int)LISTENER_NETWORKS_MAX, word);
	}
	free(copy);
	return good;
}

static bool
bind_socket(struct listener *ln, const struct endpoint *at)
{
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)endpoint_to_sockaddr(at, &ss);
	struct endpoint got;
	int one = 1;

	ln->fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (ln->fd < 0 || setsockopt(ln->fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one)) != 0 ||
	    bind(ln->fd, (struct sockaddr *)&ss, len) != 0 || listen(ln->fd, BACKLOG) != 0)
		return false;
	setsockopt(ln->fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one)); /* those that it accepts inherit it */
	len = sizeof(ss);
	if (getsockname(ln->fd, (struct sockaddr *)&ss, &len) == 0 &&
	    endpoint_from_sockaddr((struct sockaddr *)&ss, &got))
		ln->port = got.port;
	return true;
}

static bool
open_socket(struct listener *ln, const struct listener_settings *s, char *error, size_t size)
{
	struct endpoint at;

	if (!endpoint_parse(s->address, &at)) {
		snprintf(error, size, "listen.address must be address:port, not '%.64s'", s->address);
		return false;
	}
	if (!s->proxy && !s->anywhere && !addr_is_loopback(&at.addr)) {
		snprintf(error, size, "listen.proxy=off is allowed on a loopback address only, not on %s", s->address);
		return false;
	}
	if (!bind_socket(ln, &at)) {
		snprintf(error, size, "can't listen on %s (%m): is the address here, the port free and above 1023?",
		    s->address);
		return false;
	}
	return true;
}

static void
register_metrics(void)
{
	static bool done; /* a process may have several listeners: they count together */

	if (done)
		return;
	done = true;
	metrics_register("accepted_total", NULL, METRIC_COUNTER, "Connections accepted.", &accepted);
	metrics_register("refused_total", "reason=\"full\"", METRIC_COUNTER, "Connections refused.", &refused_full);
	metrics_register("refused_total", "reason=\"network\"", METRIC_COUNTER, "Connections refused.",
	    &refused_network);
	metrics_register("refused_total", "reason=\"proxy_header\"", METRIC_COUNTER, "Connections refused.",
	    &bad_headers);
	metrics_register("sessions", NULL, METRIC_GAUGE, "Flows that are open now.", &sessions);
}

struct listener *
listener_try(struct loop *l, const struct listener_settings *s, listener_open_cb *opened, void *ctx, char *error,
    size_t size)
{
	struct listener *ln = xcalloc(1, sizeof(*ln));

	ln->loop = l;
	ln->fd = -1;
	ln->proxy = s->proxy;
	ln->uncounted = s->uncounted;
	ln->capacity = (size_t)s->capacity;
	ln->opened = opened;
	ln->ctx = ctx;
	list_init(&ln->pending);
	if (!parse_networks(ln, s->networks, error, size) || !open_socket(ln, s, error, size)) {
		if (ln->fd >= 0)
			close(ln->fd);
		free(ln);
		return NULL;
	}
	ln->pause = loop_timer_new(l, resume_accepting, ln);
	watch(ln);
	if (!ln->uncounted)
		register_metrics();
	return ln;
}

struct listener *
listener_new(struct loop *l, const struct listener_settings *s, listener_open_cb *opened, void *ctx)
{
	char error[ERROR_MAX];
	struct listener *ln = listener_try(l, s, opened, ctx, error, sizeof(error));

	if (ln == NULL)
		log_fatal("msg=\"%s\"", error);
	return ln;
}

void
listener_stop(struct listener *ln)
{
	if (ln->fd < 0)
		return;
	loop_timer_stop(ln->pause);
	loop_fd_free(&ln->watch);
	close(ln->fd);
	ln->fd = -1;
	while (!list_empty(&ln->pending))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it can't follow lists */
		pending_close(LIST_OWNER(ln->pending.next, struct pending, node));
}

void
listener_free(struct listener **lp)
{
	if (*lp == NULL)
		return;
	listener_stop(*lp);
	loop_timer_free(&(*lp)->pause);
	free(*lp);
	*lp = NULL;
}

uint16_t
listener_port(const struct listener *ln)
{
	return ln->port;
}

void
listener_flow_ended(struct listener *ln)
{
	ln->flows--;
	if (!ln->uncounted)
		metric_sub(&sessions, 1);
}

size_t
listener_flows(const struct listener *ln)
{
	return ln->flows;
}
