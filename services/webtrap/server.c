#include "webtrap/server.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/slab.h"
#include "webtrap/body.h"
#include "webtrap/page.h"
#include "webtrap/visitor.h"
#include "wire/event.h"

#include <assert.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	FIRST_MS = 30000, /* until the first request is whole */
	NEXT_MS = PAGE_KEEP_S * 1000, /* until the next one is */
	SEND_IDLE_MS = 15000, /* a reader of our answers may stop for so long */
	SWEEP_MS = 1000,
};

/* A request whose head was read, and whose body is passed by as it comes. */
struct upload {
	struct body body;
	size_t head_len;
	char head[];
};

struct visit {
	struct list node; /* in one of the server's lists while it waits for a request, or for more of its body */
	struct server *server;
	struct loop_fd *watch; /* while it waits */
	struct conn *conn; /* while an answer is on its way that the socket didn't take at once, or that is the last */
	struct upload *upload; /* NULL: no body is being read */
	int fd; /* unless conn has it */
	int seen; /* bytes of the request so far */
	uint64_t deadline_ms;
	unsigned requests;
	bool last; /* the connection ends after this answer */
	struct flow_info flow;
	struct page_site site;
};

struct server {
	struct daemon *daemon;
	struct listener *listener;
	struct visitors *visitors;
	struct slab *visits;
	/* Waiting for a first request, the next one, more of a body; all of a list have the same time: it is the timer
	 */
	struct list fresh, kept, uploading;
	struct loop_timer *sweep;
	const char *domains;
	bool draining;
	/* Of the request that is handled now: */
	char input[REQUEST_HEAD_MAX];
	struct page_answer answer;
	char output[PAGE_ANSWER_HEAD_MAX + MAZE_PAGE_MAX];
};

static metric_value pages[PAGE_KIND_COUNT], refused[REQUEST_VERDICT_COUNT];
static metric_value harvesters, bytes_out, bodies_read;

static void
visit_end(void *ctx)
{
	struct visit *v = ctx;
	struct server *s = v->server;

	list_remove(&v->node);
	free(v->upload);
	slab_put(s->visits, v);
	listener_flow_ended(s->listener);
	if (s->draining && slab_used(s->visits) == 0)
		daemon_drained(s->daemon);
}

/* ---- what is told ---- */

static struct event *
new_event(struct visit *v, const char *action, const char *suffix)
{
	char id[EVENT_ID_MAX];

	snprintf(id, sizeof(id), "%.64s-%s%u", v->flow.id, suffix, v->requests);
	struct event *e = event_create("webtrap", daemon_site(v->server->daemon), action, id, clock_wall_ms());

	event_flow(e, &v->flow);
	return e;
}

static void
event_span(struct event *e, const char *path, struct span s)
{
	if (s.at != NULL && s.len > 0)
		event_bytes(e, path, s.at, s.len);
}

static void
add_url(struct event *e, const struct request *r)
{
	struct span path = r->target, query = { NULL, 0 };

	for (size_t i = 0; i < path.len; i++) {
		if (path.at[i] == '?') {
			query = (struct span){ path.at + i + 1, path.len - i - 1 };
			path.len = i;
			break;
		}
	}
	event_span(e, "url.original", r->target.at == NULL ? r->line : r->target);
	if (path.len > 0 && path.at[0] == '/')
		event_span(e, "url.path", path);
	event_span(e, "url.query", query);
	event_span(e, "url.domain", r->host);
}

static void
tell_request(struct visit *v, const struct request *r, enum request_verdict verdict, const struct page_answer *a)
{
	struct event *e = new_event(v, "web-request", "r");
	char version[8];

	add_url(e, r);
	snprintf(version, sizeof(version), verdict == REQUEST_SIMPLE ? "0.9" : "1.%u", r->minor % 1000);
	event_text(e, "http.version", version);
	event_span(e, "http.request.method", r->method);
	event_span(e, "http.request.referrer", r->referrer);
	event_number(e, "http.request.bytes", r->length);
	if (a->status != 0)
		event_number(e, "http.response.status_code", a->status);
	event_number(e, "http.response.bytes", a->no_body ? 0 : a->body_len);
	event_span(e, "user_agent.original", r->user_agent);
	event_text(e, "honeyspam.web.page", page_kind_name(a->kind));
	if (a->addresses > 0)
		event_number(e, "honeyspam.web.addresses", a->addresses);
	if (verdict != REQUEST_OK)
		event_text(e, "honeyspam.web.reason", request_verdict_name(verdict));
	events_emit(daemon_events(v->server->daemon), &e);
}

static void
tell_harvester(struct visit *v, const struct request *r, const struct visitor *who)
{
	struct event *e = new_event(v, "web-harvester", "h");

	add_url(e, r);
	event_span(e, "user_agent.original", r->user_agent);
	event_text(e, "honeyspam.web.visitor", "harvester");
	event_text(e, "honeyspam.web.page", page_kind_name(PAGE_MAZE));
	event_number(e, "honeyspam.web.addresses", who->addresses);
	event_text(e, "honeyspam.web.reason",
	    who->read_robots ? "read robots.txt and entered what it forbids" : "entered what robots.txt forbids");
	events_emit(daemon_events(v->server->daemon), &e);
	metric_add(&harvesters, 1);
}

static void
note(struct visit *v, const struct request *r, enum request_verdict verdict, const struct page_answer *a)
{
	struct visitor *who = visitors_see(v->server->visitors, &v->flow.source.addr);

	v->requests++;
	metric_add(&pages[a->kind], 1);
	metric_add(&refused[verdict], verdict == REQUEST_OK ? 0 : 1);
	metric_add(&bytes_out, a->no_body ? 0 : a->body_len);
	tell_request(v, r, verdict, a);
	if (a->kind == PAGE_ROBOTS)
		who->read_robots = true;
	if (a->kind == PAGE_MAZE && visitor_trespass(who, a->addresses, clock_ms() + 1))
		tell_harvester(v, r, who);
}

/* ---- waiting ---- */

static void on_readable(void *ctx, unsigned io);

static void
start_waiting(struct visit *v, struct list *list, uint64_t patience_ms)
{
	struct server *s = v->server;

	v->seen = 0;
	v->deadline_ms = clock_ms() + patience_ms;
	list_append(list, &v->node);
	v->watch = loop_fd_new(daemon_loop(s->daemon), v->fd, LOOP_READ, on_readable, v);
}

static void
stop_waiting(struct visit *v)
{
	list_remove(&v->node);
	loop_fd_free(&v->watch);
}

/* What is unread would turn our FIN into a reset. */
static void
leave(struct visit *v)
{
	stop_waiting(v);
	recv(v->fd, v->server->output, sizeof(v->server->output), MSG_DONTWAIT);
	close(v->fd);
	visit_end(v);
}

/* The loop stays quiet until there is more than was seen. */
static void
set_low_water(struct visit *v, int bytes)
{
	setsockopt(v->fd, SOL_SOCKET, SO_RCVLOWAT, &bytes, sizeof(bytes));
}

static void
wait_for_more(struct visit *v, int have)
{
	if (have <= v->seen) { /* readable, and nothing new: the peer has finished or gone */
		leave(v);
		return;
	}
	v->seen = have;
	set_low_water(v, have + 1);
}

static void
wait_for_next(struct visit *v)
{
	struct server *s = v->server;

	if (v->seen > 0)
		set_low_water(v, 1);
	list_remove(&v->node);
	list_append(&s->kept, &v->node);
	v->deadline_ms = clock_ms() + NEXT_MS;
	v->seen = 0;
}

/* ---- answering ---- */

static void
on_sent(void *ctx)
{
	struct visit *v = ctx;

	if (v->last || v->server->draining) {
		conn_close(v->conn);
		visit_end(v);
		return;
	}
	v->fd = conn_release(v->conn);
	v->conn = NULL;
	start_waiting(v, &v->server->kept, NEXT_MS);
}

static void
on_data(void *ctx)
{
	(void)ctx; /* reading is paused */
}

static void
on_closed(void *ctx, enum conn_end why)
{
	(void)why;
	visit_end(ctx);
}

/* A conn takes what the socket didn't, and closes so that the peer can read the last answer. */
static void
send_rest(struct visit *v, const char *data, size_t len)
{
	static const struct conn_ops ops = { .data = on_data, .writable = on_sent, .closed = on_closed };

	stop_waiting(v);
	set_low_water(v, 1);
	v->conn = conn_new(daemon_loop(v->server->daemon), v->fd, &ops, v);
	if (v->conn == NULL) {
		close(v->fd);
		visit_end(v);
		return;
	}
	conn_pause(v->conn);
	conn_set_idle(v->conn, SEND_IDLE_MS);
	conn_write(v->conn, data, len);
	if (len == 0)
		on_sent(v);
}

static void
send_answer(struct visit *v, const struct page_answer *a)
{
	struct server *s = v->server;
	size_t len = page_head_format(a, s->output), sent;

	if (!a->no_body) {
		memcpy(s->output + len, a->body, a->body_len);
		len += a->body_len;
	}
	ssize_t n = send(v->fd, s->output, len, MSG_DONTWAIT | MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN && errno != EINTR) {
		leave(v);
		return;
	}
	sent = n < 0 ? 0 : (size_t)n;
	v->last = a->closes || s->draining;
	if (sent == len && !v->last)
		wait_for_next(v);
	else
		send_rest(v, s->output + sent, len - sent);
}

static void
answer(struct visit *v, struct request *r, enum request_verdict verdict)
{
	struct page_answer *a = &v->server->answer;

	r->number = v->requests;
	page_answer(&v->site, r, verdict, &v->flow.source.addr, clock_wall_ms(), a);
	note(v, r, verdict, a);
	if (a->status == 0)
		leave(v);
	else
		send_answer(v, a);
}

/* ---- reading ---- */

/* Takes out of the socket what was seen in it. */
static void
consume(struct visit *v, size_t len)
{
	char *waste = v->server->output;

	while (len > 0) {
		ssize_t n = recv(v->fd, waste, len, MSG_DONTWAIT);

		if (n <= 0)
			return; /* can't be: it was seen there */
		len -= (size_t)n;
	}
}

/* The request is answered when its body is over, or is none. */
static void
answer_upload(struct visit *v, enum request_verdict verdict)
{
	struct upload *u = v->upload;
	struct request r;

	request_check(&v->site.look->rules, u->head, u->head_len, &r);
	r.length = u->body.bytes;
	v->upload = NULL;
	answer(v, &r, verdict);
	free(u);
}

static void
wait_for_body(struct visit *v)
{
	list_remove(&v->node);
	list_append(&v->server->uploading, &v->node);
	v->deadline_ms = clock_ms() + NEXT_MS;
}

static void
begin_upload(struct visit *v, const struct request *r)
{
	static const char go_on[] = "HTTP/1.1 100 Continue\r\n\r\n";
	struct upload *u = malloc(sizeof(*u) + r->head_len);

	if (u == NULL) {
		leave(v);
		return;
	}
	u->head_len = r->head_len;
	memcpy(u->head, v->server->input, r->head_len);
	body_init(&u->body, &v->site.look->rules, r);
	consume(v, r->head_len);
	set_low_water(v, 1);
	v->seen = 0;
	v->upload = u;
	metric_add(&bodies_read, 1);
	wait_for_body(v);
	if (r->expects &&
	    r->minor > 0) /* RFC 9110 10.1.1; a socket that takes nothing now has a peer that isn't waiting */
		send(v->fd, go_on, sizeof(go_on) - 1, MSG_DONTWAIT | MSG_NOSIGNAL);
}

static void
take_body(struct visit *v, size_t have)
{
	size_t used;
	enum body_result result = body_input(&v->upload->body, v->server->input, have, &used);

	consume(v, used);
	if (result == BODY_MORE)
		wait_for_body(v);
	else
		answer_upload(v, result == BODY_DONE ? REQUEST_OK : REQUEST_BAD_LENGTH);
}

static void
take_request(struct visit *v, struct request *r, size_t have)
{
	size_t whole = r->head_len + (size_t)(r->chunked ? 0 : r->length);
	bool fits = !r->chunked && whole <= REQUEST_HEAD_MAX;

	if (!request_has_body(r) || (fits && have >= whole)) {
		consume(v, whole);
		answer(v, r, REQUEST_OK);
	} else if (fits && !r->expects) {
		wait_for_more(v, (int)have);
	} else {
		begin_upload(v, r);
	}
}

static void
on_readable(void *ctx, unsigned io)
{
	struct visit *v = ctx;
	struct server *s = v->server;
	ssize_t n = recv(v->fd, s->input, sizeof(s->input), MSG_PEEK | MSG_DONTWAIT);
	struct request r;

	(void)io;
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		leave(v);
		return;
	}
	if (v->upload != NULL) {
		take_body(v, (size_t)n);
		return;
	}
	enum request_verdict verdict = request_check(&v->site.look->rules, s->input, (size_t)n, &r);

	if (verdict == REQUEST_MORE)
		wait_for_more(v, (int)n);
	else if (verdict == REQUEST_OK)
		take_request(v, &r, (size_t)n);
	else
		answer(v, &r, verdict);
}

/* Its time is over: some servers say so to who has begun a request. */
static void
give_up(struct visit *v)
{
	struct server *s = v->server;
	struct request r;

	if (v->upload != NULL) {
		answer_upload(v, REQUEST_LATE);
		return;
	}
	ssize_t n = recv(v->fd, s->input, sizeof(s->input), MSG_PEEK | MSG_DONTWAIT);

	if (n <= 0) {
		leave(v);
		return;
	}
	request_check(&v->site.look->rules, s->input, (size_t)n, &r);
	answer(v, &r, REQUEST_LATE);
}

static void
sweep_list(struct list *list, uint64_t now)
{
	while (!list_empty(list)) {
		struct visit *v = LIST_OWNER(list->next, struct visit, node);

		if (now < v->deadline_ms)
			break;
		give_up(v);
	}
}

static void
sweep(void *ctx)
{
	struct server *s = ctx;
	uint64_t now = clock_ms();

	sweep_list(&s->fresh, now);
	sweep_list(&s->kept, now);
	sweep_list(&s->uploading, now);
}

static void
on_open(void *ctx, struct conn *conn, const struct flow_info *info)
{
	struct server *s = ctx;
	struct visit *v = slab_get(s->visits);

	assert(v != NULL); /* the listener holds to the same capacity */
	conn_pause(conn);
	v->fd = conn_release(conn);
	v->server = s;
	v->flow = *info;
	page_site_init(&v->site, look_find(info->look), daemon_site_key(s->daemon), &info->destination, s->domains);
	start_waiting(v, &s->fresh, FIRST_MS);
}

static void
register_metrics(void)
{
	static const char *const kinds[] = {
#define X(name, text) [PAGE_##name] = "page=\"" text "\"",
		PAGE_KINDS(X)
#undef X
	};
	static const char *const reasons[] = {
#define X(name, text) [REQUEST_##name] = "reason=\"" text "\"",
		REQUEST_VERDICTS(X)
#undef X
	};

	for (size_t i = 0; i < PAGE_KIND_COUNT; i++)
		metrics_register("requests_total", kinds[i], METRIC_COUNTER, "Requests by the page they got.",
		    &pages[i]);
	for (size_t i = REQUEST_SIMPLE; i < REQUEST_VERDICT_COUNT; i++)
		metrics_register("odd_requests_total", reasons[i], METRIC_COUNTER, "Requests that no browser sends.",
		    &refused[i]);
	metrics_register("bodies_read_total", NULL, METRIC_COUNTER, "Requests with a chunked, long or announced body.",
	    &bodies_read);
	metrics_register("harvesters_total", NULL, METRIC_COUNTER, "Sources called harvesters.", &harvesters);
	metrics_register("body_bytes_total", NULL, METRIC_COUNTER, "Octets of pages sent.", &bytes_out);
}

struct server *
server_new(struct daemon *d, const struct server_settings *settings)
{
	struct server *s = xcalloc(1, sizeof(*s));
	uint64_t seed;

	rand_bytes(&seed, sizeof(seed));
	s->daemon = d;
	s->domains = settings->domains;
	s->visits = slab_new(sizeof(struct visit), (size_t)settings->listen.capacity);
	s->visitors = visitors_new((size_t)settings->visitors, seed);
	list_init(&s->fresh);
	list_init(&s->kept);
	list_init(&s->uploading);
	s->listener = listener_new(daemon_loop(d), &settings->listen, on_open, s);
	s->sweep = loop_timer_new(daemon_loop(d), sweep, s);
	loop_timer_every(s->sweep, SWEEP_MS);
	register_metrics();
	return s;
}

static void
leave_list(struct list *list, bool quiet_only)
{
	for (struct list *n = list->next, *next; n != list; n = next) {
		struct visit *v = LIST_OWNER(n, struct visit, node);

		next = n->next;
		if (v->seen == 0 || !quiet_only)
			leave(v);
	}
}

/* Who has begun a request is still answered; who has said nothing is not waited for. */
void
server_drain(struct server *s)
{
	listener_stop(s->listener);
	leave_list(&s->fresh, true);
	leave_list(&s->kept, true);
	s->draining = true;
	if (slab_used(s->visits) == 0)
		daemon_drained(s->daemon);
}

void
server_shutdown(struct server *s)
{
	s->draining = false;
	listener_stop(s->listener);
	leave_list(&s->fresh, false);
	leave_list(&s->kept, false);
	leave_list(&s->uploading, false);
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
