#include "webtrap/http.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/slab.h"
#include "base/str.h"
#include "daemon/loop.h"

#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum {
	POOL_BYTES = 24 * 1024, /* of a connection: the head of a request and of its answer */
	TARGET_MAX = 8192,
};

struct http_conn {
	struct http *http;
	struct MHD_Connection *mhd;
	void *flow;
	int fd;
	uint64_t body_bytes;
	char target[TARGET_MAX]; /* as sent; libmicrohttpd cuts and changes its own copy */
};

struct http {
	struct loop *loop;
	struct MHD_Daemon *mhd;
	struct loop_fd *watch;
	struct loop_timer *timer;
	const struct http_ops *ops;
	struct slab *conns;
	struct http_conn **by_fd; /* libmicrohttpd tells the descriptor, and nothing else of ours */
	size_t fd_count;
	struct page_answer answer; /* of the request that is handled now */
};

static void
forget(struct http_conn *c)
{
	struct http *h = c->http;

	h->by_fd[c->fd] = NULL;
	slab_put(h->conns, c);
}

/* ---- the loop ---- */

static void
arm(struct http *h)
{
	MHD_UNSIGNED_LONG_LONG ms;

	if (MHD_get_timeout(h->mhd, &ms) == MHD_YES)
		loop_timer_once(h->timer, ms);
	else
		loop_timer_stop(h->timer);
}

static void
run(struct http *h)
{
	MHD_run(h->mhd);
	arm(h);
}

static void
on_ready(void *ctx, unsigned io)
{
	(void)io;
	run(ctx);
}

static void
on_timer(void *ctx)
{
	run(ctx);
}

/* ---- a request ---- */

static struct span
header_of(struct MHD_Connection *mhd, const char *name)
{
	const char *value = MHD_lookup_connection_value(mhd, MHD_HEADER_KIND, name);

	return (struct span){ value, value == NULL ? 0 : strlen(value) };
}

static void
read_request(const struct http_conn *c, const char *method, const char *version, struct request *r)
{
	memset(r, 0, sizeof(*r));
	r->method = (struct span){ method, strlen(method) };
	r->target = (struct span){ c->target, strlen(c->target) };
	r->minor = strcmp(version, MHD_HTTP_VERSION_1_0) == 0 ? 0 : 1;
	r->host = header_of(c->mhd, "Host");
	r->user_agent = header_of(c->mhd, "User-Agent");
	r->referrer = header_of(c->mhd, "Referer");
	r->connection = header_of(c->mhd, "Connection");
	r->if_none_match = header_of(c->mhd, "If-None-Match");
	r->if_modified_since = header_of(c->mhd, "If-Modified-Since");
	r->length = c->body_bytes;
}

/* libmicrohttpd writes Content-Length and Connection itself, the latter before all others. */
static void
add_fields(const struct page_answer *a, struct MHD_Response *response)
{
	for (size_t i = 0; i < a->field_count; i++) {
		const struct page_field *f = &a->fields[i];

		if (f->header != LOOK_CONTENT_LENGTH && f->header != LOOK_CONNECTION && f->header != LOOK_KEEP_ALIVE)
			MHD_add_response_header(response, f->name, f->value);
	}
	MHD_add_response_header(response, "Connection", "close");
}

static enum MHD_Result
send_answer(struct http *h, struct MHD_Connection *mhd)
{
	struct page_answer *a = &h->answer;
	size_t len = a->status == MHD_HTTP_NOT_MODIFIED ? 0 : a->body_len;
	struct MHD_Response *response = MHD_create_response_from_buffer(len, a->body, MHD_RESPMEM_MUST_COPY);

	if (response == NULL)
		return MHD_NO;
	add_fields(a, response);
	enum MHD_Result queued = MHD_queue_response(mhd, a->status, response);

	MHD_destroy_response(response);
	return queued;
}

static enum MHD_Result
on_request(void *ctx, struct MHD_Connection *mhd, const char *url, const char *method, const char *version,
    const char *body, size_t *body_len, void **state)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *c = info == NULL ? NULL : info->socket_context;
	struct http *h = ctx;
	struct request r;

	(void)url;
	(void)body;
	if (c == NULL)
		return MHD_NO;
	if (*state == NULL) { /* the head alone: the body follows */
		*state = c;
		return MHD_YES;
	}
	if (*body_len > 0) {
		c->body_bytes += *body_len;
		*body_len = 0;
		return MHD_YES;
	}
	read_request(c, method, version, &r);
	h->ops->request(c->flow, &r, c->body_bytes, &h->answer);
	return h->answer.status == 0 ? MHD_NO : send_answer(h, mhd);
}

/* Called before the target is cut at '?': the first sign of a request. */
static void *
on_target(void *ctx, const char *target, struct MHD_Connection *mhd)
{
	const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_SOCKET_CONTEXT);
	struct http_conn *c = info == NULL ? NULL : info->socket_context;

	(void)ctx;
	if (c == NULL)
		return NULL;
	str_copy(c->target, sizeof(c->target), target);
	return NULL;
}

/* Paths are decoded by us, from the bytes that were sent. */
static size_t
leave_escaped(void *ctx, struct MHD_Connection *mhd, char *text)
{
	(void)ctx;
	(void)mhd;
	return strlen(text);
}

/* ---- connections ---- */

static void
on_connection(void *ctx, struct MHD_Connection *mhd, void **context, enum MHD_ConnectionNotificationCode what)
{
	struct http *h = ctx;

	if (what == MHD_CONNECTION_NOTIFY_STARTED) {
		const union MHD_ConnectionInfo *info = MHD_get_connection_info(mhd, MHD_CONNECTION_INFO_CONNECTION_FD);
		struct http_conn *c = h->by_fd[info->connect_fd];

		c->mhd = mhd;
		*context = c;
	} else if (*context != NULL) {
		struct http_conn *c = *context;
		void *flow = c->flow;

		*context = NULL;
		forget(c);
		h->ops->ended(flow);
	}
}

static void
remember(struct http *h, struct http_conn *c)
{
	size_t need = (size_t)c->fd + 1;

	if (need > h->fd_count) {
		h->by_fd = xrealloc(h->by_fd, need * sizeof(h->by_fd[0]));
		memset(h->by_fd + h->fd_count, 0, (need - h->fd_count) * sizeof(h->by_fd[0]));
		h->fd_count = need;
	}
	h->by_fd[c->fd] = c;
}

bool
http_add(struct http *h, int fd, void *flow)
{
	/* libmicrohttpd wants an address for logs that we don't have. */
	static const struct sockaddr nobody = { .sa_family = AF_UNSPEC };
	struct http_conn *c = slab_get(h->conns);

	if (c == NULL) {
		close(fd);
		return false;
	}
	c->http = h;
	c->fd = fd;
	c->flow = flow;
	remember(h, c);
	if (MHD_add_connection(h->mhd, fd, &nobody, sizeof(nobody)) != MHD_YES) { /* it has closed fd */
		if (h->by_fd[fd] != c)
			return true; /* it had begun: ended() was called */
		forget(c);
		return false;
	}
	loop_timer_once(h->timer, 0); /* its first request is there already */
	return true;
}

struct http *
http_new(struct loop *l, size_t capacity, const struct http_ops *ops)
{
	struct http *h = xcalloc(1, sizeof(*h));
	const union MHD_DaemonInfo *info;

	h->loop = l;
	h->ops = ops;
	h->conns = slab_new(sizeof(struct http_conn), capacity);
	/* Strictness -1: what can be judged by us comes to us, and is refused in character. */
	h->mhd = MHD_start_daemon(MHD_USE_EPOLL | MHD_USE_NO_LISTEN_SOCKET | MHD_USE_SUPPRESS_DATE_NO_CLOCK, 0, NULL,
	    NULL, on_request, h, MHD_OPTION_CONNECTION_LIMIT, (unsigned)capacity, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)PAGE_KEEP_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)POOL_BYTES, MHD_OPTION_STRICT_FOR_CLIENT,
	    -1, MHD_OPTION_URI_LOG_CALLBACK, on_target, h, MHD_OPTION_UNESCAPE_CALLBACK, leave_escaped, h,
	    MHD_OPTION_NOTIFY_CONNECTION, on_connection, h, MHD_OPTION_END);
	info = h->mhd == NULL ? NULL : MHD_get_daemon_info(h->mhd, MHD_DAEMON_INFO_EPOLL_FD);
	if (info == NULL)
		log_fatal("msg=\"libmicrohttpd can't start with epoll\"");
	h->watch = loop_fd_new(l, info->epoll_fd, LOOP_READ, on_ready, h);
	h->timer = loop_timer_new(l, on_timer, h);
	return h;
}

void
http_free(struct http **hp)
{
	struct http *h = *hp;

	if (h == NULL)
		return;
	loop_fd_free(&h->watch);
	loop_timer_free(&h->timer);
	MHD_stop_daemon(h->mhd);
	slab_free(&h->conns);
	free(h->by_fd);
	free(h);
	*hp = NULL;
}
