#include "proxytrap/server.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/slab.h"
#include "base/str.h"
#include "daemon/replicas.h"
#include "daemon/splice.h"
#include "proxytrap/session.h"
#include "wire/event.h"

#include <assert.h>
#include <stdio.h>

enum {
	HANDSHAKE_MS = 30000, /* from the flow's beginning until it is joined to a relay */
	SWEEP_MS = 1000,
	DIAL_MS = 5000,
	DIALS_MAX = 3, /* replicas tried for one request */
	IDLE_MS = 600 * 1000,
	HOST_MAX = 16,
};

/* What a relay looks like from behind a proxy: the client chose the target, so its personality says nothing. */
static const char relay_look[] = "postfix";

struct client {
	struct list node; /* in server.handshakes until it is joined */
	struct server *server;
	struct conn *conn;
	struct conn *relay; /* while dialing */
	struct endpoint relay_at;
	unsigned dials;
	struct session *session; /* NULL once joined */
	uint64_t deadline_ms;
	struct flow_info flow;
	char host[HOST_MAX];
	bool closing;
	bool feeding; /* input is being given to the session: no re-entry */
};

struct server {
	struct daemon *daemon;
	struct listener *listener;
	struct replicas *replicas;
	struct slab *clients;
	struct list handshakes; /* oldest first: all have the same time, so the list is the timer */
	struct loop_timer *sweep;
	bool draining;
};

static metric_value answers[SESSION_ANSWER_COUNT];
static metric_value timeouts, relayed_bytes;

static void
client_free(struct client *c)
{
	struct server *s = c->server;

	session_free(&c->session);
	list_remove(&c->node);
	slab_put(s->clients, c);
	listener_flow_ended(s->listener);
	if (s->draining && slab_used(s->clients) == 0)
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
on_observe(void *ctx, const struct request *r, enum session_answer answer)
{
	struct client *c = ctx;
	char id[EVENT_ID_MAX], asked[REQUEST_TARGET_MAX];

	metric_add(&answers[answer], 1);
	snprintf(id, sizeof(id), "%.64s-request", c->flow.id);
	struct event *e =
	    event_create("proxytrap", daemon_site(c->server->daemon), "proxy-request", id, clock_wall_ms());

	event_flow(e, &c->flow);
	event_text(e, "honeyspam.proxy.protocol", request_protocol_name(r->protocol));
	event_text(e, "honeyspam.proxy.asked", request_target(r, asked));
	event_text(e, "honeyspam.proxy.answer", session_answer_name(answer));
	if (r->user[0] != '\0')
		event_text(e, "honeyspam.proxy.user", r->user);
	events_emit(daemon_events(c->server->daemon), &e);
}

static void
on_close(void *ctx)
{
	struct client *c = ctx;

	c->closing = true;
}

/* ---- dialing ---- */

/* The inner flow: an id of its own, and where it came through. */
static void
write_header(struct client *c)
{
	const struct request *r = session_request(c->session);
	struct flow_info inner = c->flow;
	uint8_t header[PROXY_HEADER_MAX];
	char asked[REQUEST_TARGET_MAX];
	struct addr address;

	str_copy(inner.via, sizeof(inner.via), c->flow.id);
	ulid_new(clock_wall_ms(), inner.id);
	str_copy(inner.look, sizeof(inner.look), relay_look);
	str_copy(inner.asked, sizeof(inner.asked), request_target(r, asked));
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
	session_free(&c->session);
	list_remove(&c->node);
	splice_new(c->conn, c->relay, IDLE_MS, on_spliced, c);
}

/* conn wants one; nothing can come before the splice takes over. */
static void
on_relay_data(void *ctx)
{
	(void)ctx;
}

static void
dial_next(struct client *c)
{
	static const struct conn_ops relay_ops = { .connected = on_relay_connected,
		.data = on_relay_data,
		.closed = on_relay_closed };
	struct server *s = c->server;
	const struct endpoint *except = c->dials == 0 ? NULL : &c->relay_at;
	struct endpoint to;

	while (c->dials++ < DIALS_MAX && replicas_pick(s->replicas, "relaytrap", except, &to)) {
		c->relay_at = to;
		except = &c->relay_at;
		c->relay = conn_dial(daemon_loop(s->daemon), &to, DIAL_MS, &relay_ops, c);
		if (c->relay != NULL) {
			write_header(c);
			return;
		}
	}
	session_refused(c->session, clock_wall_ms());
	feed(c);
}

static void
on_dial(void *ctx, const struct request *r)
{
	struct client *c = ctx;

	(void)r;
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
	while (!c->closing && used > 0 && !session_dialing(c->session) &&
	    (data = conn_peek(c->conn, SESSION_INPUT_MAX, &len)) != NULL) {
		used = session_input(c->session, data, len, clock_wall_ms());
		conn_consume(c->conn, used);
	}
	c->feeding = false;
	if (conn_got_eof(c->conn) && !session_dialing(c->session))
		c->closing = true; /* it went without a whole request */
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

/* A plausible source of our connections: the decoy and a high port. Never a loopback address (listen.proxy=off). */
static struct endpoint
bound_endpoint(const struct flow_info *flow)
{
	struct endpoint bound = { .addr = flow->destination.addr,
		.port = (uint16_t)(32768 + flow->source.port % 28232) };

	if (addr_is_loopback(&bound.addr))
		bound = (struct endpoint){ .addr = addr_from_v4(0) };
	return bound;
}

static void
start_session(struct client *c)
{
	const struct site_key *key = daemon_site_key(c->server->daemon);
	const struct addr *decoy = &c->flow.destination.addr;
	const struct session_sink sink = {
		.reply = on_reply,
		.dial = on_dial,
		.observe = on_observe,
		.close = on_close,
		.ctx = c,
	};
	const struct session_settings settings = {
		.look = look_find(c->flow.look),
		.host = c->host,
		.local = c->flow.destination,
		.bound = bound_endpoint(&c->flow),
		.page_secret = identity_u64(key, decoy, "proxy page"),
	};

	snprintf(c->host, sizeof(c->host), "proxy%u", (unsigned)(identity_u64(key, decoy, "proxy host") % 90 + 1));
	c->session = session_new(&settings, &sink);
}

static void
on_open(void *ctx, struct conn *conn, const struct flow_info *info)
{
	struct server *s = ctx;
	struct client *c = slab_get(s->clients);

	assert(c != NULL); /* the listener holds to the same capacity */
	c->server = s;
	c->conn = conn;
	c->flow = *info;
	c->deadline_ms = clock_ms() + HANDSHAKE_MS;
	list_append(&s->handshakes, &c->node);
	conn_set_ops(conn, &client_ops, c);
	start_session(c);
	if (conn_input_len(conn) > 0)
		feed(c);
}

static void
sweep(void *ctx)
{
	struct server *s = ctx;
	uint64_t now = clock_ms();

	while (!list_empty(&s->handshakes)) {
		struct client *c = LIST_OWNER(s->handshakes.next, struct client, node);

		if (now < c->deadline_ms)
			break;
		metric_add(&timeouts, 1);
		conn_close(c->conn);
		end_client(c);
	}
}

static void
register_metrics(void)
{
	static const char *const labels[] = {
#define X(name, text) [SESSION_##name] = "answer=\"" text "\"",
		SESSION_ANSWERS(X)
#undef X
	};

	for (size_t i = 0; i < SESSION_ANSWER_COUNT; i++)
		metrics_register("requests_total", labels[i], METRIC_COUNTER, "Requests by what became of them.",
		    &answers[i]);
	metrics_register("handshake_timeouts_total", NULL, METRIC_COUNTER, "Clients that made no request in time.",
	    &timeouts);
	metrics_register("relayed_bytes_total", NULL, METRIC_COUNTER, "Octets passed between clients and relays.",
	    &relayed_bytes);
}

struct server *
server_new(struct daemon *d, const struct server_settings *settings)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->daemon = d;
	s->clients = slab_new(sizeof(struct client), (size_t)settings->listen.capacity);
	list_init(&s->handshakes);
	s->replicas = replicas_new(daemon_loop(d), daemon_bus(d), daemon_site(d), "relaytrap", settings->networks,
	    settings->fallback);
	s->listener = listener_new(daemon_loop(d), &settings->listen, on_open, s);
	s->sweep = loop_timer_new(daemon_loop(d), sweep, s);
	loop_timer_every(s->sweep, SWEEP_MS);
	register_metrics();
	return s;
}

void
server_drain(struct server *s)
{
	s->draining = true;
	listener_stop(s->listener);
	if (slab_used(s->clients) == 0)
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
