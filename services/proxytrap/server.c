#include "proxytrap/server.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "daemon/replicas.h"
#include "daemon/splice.h"
#include "proxytrap/session.h"
#include "wire/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	HANDSHAKE_MS = 30000,	/* from the flow's beginning to a whole request */
	DIAL_MS = 5000,
	DIALS_MAX = 3,	/* replicas tried for one request */
	IDLE_MS = 600 * 1000,
};

struct client {
	struct server *server;
	struct conn *conn;
	struct conn *relay;	/* while dialing */
	struct endpoint relay_at;
	unsigned dials;
	struct request request;	/* what the relay is dialled for */
	struct session *session;
	struct flow_info flow;
	char host[64];
	unsigned events;
	bool closing;
	bool feeding;
};

struct server {
	struct daemon *daemon;
	struct listener *listener;
	struct replicas *replicas;
	size_t count;
	bool draining;
};

static metric_value relayed, refused, relayed_bytes;

static void
client_free(struct client *c)
{
	struct server *s = c->server;

	session_free(&c->session);
	free(c);
	listener_flow_ended(s->listener);
	if (--s->count == 0 && s->draining)
		daemon_drained(s->daemon);
}

/* ---- the session's sink ---- */

static void
on_reply(void *ctx, const void *data, size_t len)
{
	struct client *c = ctx;

	conn_write(c->conn, data, len);
}

static void
on_observe(void *ctx, const struct request *r, const char *answer)
{
	struct client *c = ctx;
	char id[EVENT_ID_MAX], asked[REQUEST_HOST_MAX + 8];

	metric_add(strcmp(answer, "relayed") == 0 ? &relayed : &refused, 1);
	snprintf(id, sizeof(id), "%.64s-request-%u", c->flow.id, ++c->events);
	snprintf(asked, sizeof(asked), "%s:%u", r->host, (unsigned)r->port);
	struct event *e = event_create("proxytrap", daemon_site(c->server->daemon), "proxy-request", id, clock_wall_ms());

	event_flow(e, &c->flow);
	event_text(e, "honeyspam.proxy.protocol", request_protocol_name(r->protocol));
	event_bytes(e, "honeyspam.proxy.asked", asked, strlen(asked));
	event_text(e, "honeyspam.proxy.answer", answer);
	if (r->user[0] != '\0')
		event_bytes(e, "honeyspam.proxy.user", r->user, strlen(r->user));
	events_emit(daemon_events(c->server->daemon), &e);
}

static void
on_close(void *ctx)
{
	struct client *c = ctx;

	c->closing = true;
}

/* The inner flow: an id of its own, and where it came through. */
static void
write_header(struct client *c)
{
	const struct request *r = &c->request;
	struct flow_info inner = c->flow;
	uint8_t header[PROXY_HEADER_MAX];
	struct addr address;

	str_copy(inner.via, sizeof(inner.via), c->flow.id);
	ulid_new(clock_wall_ms(), inner.id);
	str_copy(inner.look, sizeof(inner.look), "postfix");
	snprintf(inner.asked, sizeof(inner.asked), "%.240s:%u", r->host, (unsigned)r->port);
	if (!addr_parse(r->host, &address))
		str_copy(inner.authority, sizeof(inner.authority), r->host);
	conn_write(c->relay, header, proxy_format(&inner, header, sizeof(header)));
}

static void feed(struct client *c);
static void dial_next(struct client *c);

static void
on_relay_closed(void *ctx, enum conn_end why)
{
	struct client *c = ctx;

	(void)why;
	c->relay = NULL;
	dial_next(c);
}

static void
on_spliced(void *ctx, const struct splice_result *r)
{
	metric_add(&relayed_bytes, r->bytes_ab + r->bytes_ba);
	client_free(ctx);
}

/* As a real proxy: success is said when the other side is there, then the two flows are one. */
static void
on_relay_connected(void *ctx)
{
	struct client *c = ctx;

	session_connected(c->session, clock_wall_ms());
	splice_new(c->conn, c->relay, IDLE_MS, on_spliced, c);
}

static void
on_relay_data(void *ctx)
{
	(void)ctx;	/* the splice that is made at once will pass it on */
}

static void
dial_next(struct client *c)
{
	static const struct conn_ops relay_ops = { .connected = on_relay_connected, .data = on_relay_data, .closed = on_relay_closed };
	const struct endpoint *except = c->dials == 0 ? NULL : &c->relay_at;
	struct endpoint to;

	while (c->dials++ < DIALS_MAX && replicas_pick(c->server->replicas, "relaytrap", except, &to)) {
		c->relay_at = to;
		c->relay = conn_dial(daemon_loop(c->server->daemon), &to, DIAL_MS, &relay_ops, c);
		if (c->relay != NULL) {
			write_header(c);
			return;
		}
		except = &c->relay_at;
	}
	session_refused(c->session, clock_wall_ms());
	feed(c);
}

static void
on_dial(void *ctx, const struct request *r)
{
	struct client *c = ctx;

	c->request = *r;
	conn_pause(c->conn);
	dial_next(c);
}

/* ---- the connection ---- */

static void
end_client(struct client *c)
{
	if (c->relay != NULL)
		conn_reset(c->relay);
	client_free(c);
}

static void
feed(struct client *c)
{
	const uint8_t *data;
	size_t len, used = 1;

	if (c->feeding)
		return;
	c->feeding = true;
	while (!c->closing && used > 0 && !session_dialing(c->session) && (data = conn_peek(c->conn, SESSION_INPUT_MAX, &len)) != NULL) {
		used = session_input(c->session, data, len, clock_wall_ms());
		conn_consume(c->conn, used);
	}
	c->feeding = false;
	if (!c->closing && conn_got_eof(c->conn) && !session_dialing(c->session))
		c->closing = true;	/* it went without a whole request */
	if (c->closing) {
		conn_close(c->conn);
		end_client(c);
	}
}

static void
on_data(void *ctx)
{
	feed(ctx);
}

static void
on_closed(void *ctx, enum conn_end why)
{
	(void)why;
	end_client(ctx);
}

static const struct conn_ops client_ops = { .data = on_data, .eof = on_data, .closed = on_closed };

static void
start_session(struct client *c)
{
	const struct site_key *key = daemon_site_key(c->server->daemon);
	const struct session_sink sink = { .reply = on_reply, .dial = on_dial, .observe = on_observe, .close = on_close, .ctx = c };
	const struct session_settings settings = {
		.look = look_find(c->flow.look),
		.host = c->host,
		.bound = { .addr = c->flow.destination.addr, .port = (uint16_t)(32768 + c->flow.source.port % 28000) },
		.page_secret = identity_u64(key, &c->flow.destination.addr, "proxy page"),
	};

	snprintf(c->host, sizeof(c->host), "proxy%u", (unsigned)(identity_u64(key, &c->flow.destination.addr, "proxy host") % 90 + 1));
	c->session = session_new(&settings, &sink);
}

static void
on_open(void *ctx, struct conn *conn, const struct flow_info *info)
{
	struct server *s = ctx;
	struct client *c = xcalloc(1, sizeof(*c));

	c->server = s;
	c->conn = conn;
	c->flow = *info;
	s->count++;
	conn_set_ops(conn, &client_ops, c);
	conn_set_idle(conn, HANDSHAKE_MS);
	start_session(c);
	if (conn_input_len(conn) > 0)
		feed(c);
}

struct server *
server_new(struct daemon *d, const struct server_settings *settings)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->daemon = d;
	s->replicas = replicas_new(daemon_loop(d), daemon_bus(d), daemon_site(d), settings->networks, settings->fallback);
	s->listener = listener_new(daemon_loop(d), &settings->listen, on_open, s);
	metrics_register("requests_total", "answer=\"relayed\"", METRIC_COUNTER, "Proxy requests by answer.", &relayed);
	metrics_register("requests_total", "answer=\"other\"", METRIC_COUNTER, "Proxy requests by answer.", &refused);
	metrics_register("relayed_bytes_total", NULL, METRIC_COUNTER, "Octets passed between clients and relays.", &relayed_bytes);
	return s;
}

void
server_drain(struct server *s)
{
	s->draining = true;
	listener_stop(s->listener);
	if (s->count == 0)
		daemon_drained(s->daemon);
}

size_t
server_sessions(const struct server *s)
{
	return listener_flows(s->listener);
}

uint16_t
server_port(const struct server *s)
{
	return listener_port(s->listener);
}
