#include "relaytrap/server.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "daemon/tls.h"
#include "relaytrap/binding.h"
#include "relaytrap/certs.h"
#include "relaytrap/look_tls.h"
#include "relaytrap/smtp_session.h"
#include "relaytrap/sources.h"
#include "relaytrap/store.h"
#include "relaytrap/traced.h"
#include "relaytrap/transcript.h"
#include "wire/event.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	SWEEP_MS = 1000,
	TLS_POLICIES_MAX = 16,
	DECOYS_REMEMBERED = 256, /* by the address' last byte */
	EVENT_RECIPIENTS_MAX = 32,
	OUTPUT_MAX = 64 * 1024, /* replies that the client doesn't read: then we stop reading it */
};

enum tls_step {
	TLS_STEP_NONE,
	TLS_STEP_WANTED, /* as soon as the input at hand is dealt with */
	TLS_STEP_CERTIFICATE, /* waits for it */
	TLS_STEP_HANDSHAKE,
	TLS_STEP_DONE,
};

struct client {
	struct list node;
	struct server *server;
	struct conn *conn; /* NULL: gone, a store may still answer */
	struct smtp_session *session; /* NULL until a handshake that comes first is done */
	struct store_mail *mail;
	struct source *source;
	struct loop_timer *delay; /* a late reply of the look's own; NULL until the first */
	struct loop_timer *tarpit; /* NULL until the source is slowed down */
	bool tarpitted; /* input waits for the tarpit */
	bool served; /* the tarpit is over for the input at hand */
	struct flow_info flow;
	struct binding binding;
	char host[LOOK_HOST_MAX];
	unsigned mails; /* begun: numbers the mail ids */
	unsigned stored;
	unsigned mail_events;
	unsigned auth_events;
	uint64_t start_ms;
	bool closing;
	enum tls_step tls;
	bool feeding; /* input is being given to the session: no re-entry */
	struct transcript transcript;
	struct traced *traced; /* of the mail that is being received; NULL until the first */
	struct event *mail_event; /* prepared at the end of data, emitted when stored */
};

/* What the site key says of a decoy: two digests that need not be made again for each session. */
struct decoy {
	struct addr address;
	char host[LOOK_HOST_MAX];
	uint32_t secret;
	bool known;
};

struct server {
	struct daemon *daemon;
	struct listener *listener;
	struct store *store;
	struct server_settings settings;
	struct loop_timer *sweep;
	struct sources *sources;
	struct certs *certs;
	struct tls_server *tls[TLS_POLICIES_MAX]; /* look_tls()'s */
	size_t tls_count; /* sessions that speak TLS or are about to */
	struct decoy decoys[DECOYS_REMEMBERED];
	struct list clients;
	size_t count;
	bool draining;
};

/*
 * How a loaded server of each kind gets slower; a client's patience is minutes (RFC 5321 4.5.3.2).
 *
 * Postfix: its incoming queue fills, in_flow_delay and the disk take a little more for each mail. Sendmail: DelayLA and
 * its other brakes sleep whole seconds. Exim: smtp_ratelimit_mail, half a second that grows by 5 %. Exchange 2019: back
 * pressure, steep and long (delays of 10 s and more); the older one had no brakes, its disk was slow.
 */
static const struct slowness {
	const char *look; /* a name's beginning */
	struct sources_growth growth;
} slownesses[] = {
	{ "sendmail", { .step_ms = 2, .grain_ms = 1000, .max_ms = 6000 } },
	{ "exim", { .first_ms = 500, .percent = 5, .mails = 20, .grain_ms = 1, .max_ms = 5000 } },
	{ "exchange-5.0", { .step_ms = 1, .grain_ms = 1, .max_ms = 3000 } },
	{ "exchange", { .step_ms = 5, .grain_ms = 1, .max_ms = 10000 } },
	{ "", { .step_ms = 2, .grain_ms = 1, .max_ms = 4000 } },
};

static metric_value mails_stored, mails_refused, mail_bytes, sources_refused, tarpitted;

static struct event *
new_event(struct client *c, const char *action, const char *suffix)
{
	char id[EVENT_ID_MAX];

	snprintf(id, sizeof(id), "%.64s-%s", c->flow.id, suffix);
	struct event *e = event_create("relaytrap", daemon_site(c->server->daemon), action, id, clock_wall_ms());

	event_flow(e, &c->flow);
	return e;
}

/* TLS as the Elastic Common Schema says it; JA4 has no field there. */
static void
tell_tls(const struct client *c, struct event *e)
{
	const struct tls_facts *f = c->conn == NULL ? NULL : conn_tls(c->conn);

	if (f == NULL)
		return;
	event_bool(e, "tls.established", c->tls == TLS_STEP_DONE);
	if (c->tls == TLS_STEP_DONE) {
		event_text(e, "tls.version_protocol", "tls");
		event_text(e, "tls.version", strcmp(f->version, "TLSv1") == 0 ? "1.0" : f->version + strlen("TLSv"));
		event_text(e, "tls.cipher", f->cipher);
	}
	if (f->ja3[0] != '\0') {
		event_text(e, "tls.client.ja3", f->ja3);
		event_text(e, "honeyspam.tls.ja4", f->ja4);
	}
	if (f->server_name[0] != '\0')
		event_text(e, "tls.client.server_name", f->server_name);
}

/* ---- the session's sink ---- */

static void
on_reply(void *ctx, const char *text, size_t len)
{
	struct client *c = ctx;

	if (c->conn != NULL)
		conn_write(c->conn, text, len);
	transcript_add(&c->transcript, false, text, len);
}

static void
on_command(void *ctx, const char *line, size_t len)
{
	struct client *c = ctx;

	transcript_add(&c->transcript, true, line, len);
}

static bool
on_message_begin(void *ctx)
{
	struct client *c = ctx;

	c->mail = store_begin(c->server->store, &c->flow, c->mails + 1);
	if (c->mail == NULL) {
		metric_add(&mails_refused, 1);
		return false;
	}
	c->mails++;
	if (c->traced == NULL)
		c->traced = xcalloc(1, sizeof(*c->traced));
	traced_init(c->traced);
	return true;
}

static void
on_message_data(void *ctx, const void *data, size_t len)
{
	struct client *c = ctx;

	store_add(c->mail, data, len);
	traced_scan(c->traced, daemon_site_key(c->server->daemon), data, len);
}

static void
on_message_abort(void *ctx)
{
	struct client *c = ctx;

	store_abort(c->mail);
	c->mail = NULL;
}

static const struct decoy *decoy_of(struct client *c);

static void
prepare_mail_event(struct client *c, const struct smtp_envelope *e)
{
	const char *version = look_version(c->binding.look, decoy_of(c)->secret);
	char suffix[32];

	snprintf(suffix, sizeof(suffix), "mail-%u", ++c->mail_events);
	event_destroy(&c->mail_event);
	c->mail_event = new_event(c, "relay-mail", suffix);
	event_bytes(c->mail_event, "honeyspam.mail.envelope.mail_from", e->mail_from, strlen(e->mail_from));
	event_bytes(c->mail_event, "honeyspam.mail.envelope.helo", e->helo, strlen(e->helo));
	for (size_t i = 0; i < e->recipient_count; i++)
		traced_address(c->traced, daemon_site_key(c->server->daemon), e->recipients[i]);
	traced_tell(c->traced, c->mail_event, "honeyspam.mail.traced");
	for (size_t i = 0; i < e->recipient_count; i++)
		event_append(c->mail_event, "honeyspam.mail.envelope.rcpt_to", e->recipients[i],
		    strlen(e->recipients[i]), EVENT_RECIPIENTS_MAX);
	event_number(c->mail_event, "honeyspam.mail.recipients", e->recipient_count);
	event_bytes(c->mail_event, "honeyspam.mail.subject", e->subject, e->subject_len);
	event_text(c->mail_event, "honeyspam.mail.queue_id", e->queue_id);
	event_text(c->mail_event, "honeyspam.mail.host", c->host);
	if (version != NULL)
		event_text(c->mail_event, "honeyspam.mail.version", version);
	tell_tls(c, c->mail_event);
}

static void client_free(struct client *c);
static void feed(struct client *c);

/* The message's fate is told to the client, or to nobody if it is gone. */
static void
answer(struct client *c, bool stored)
{
	if (c->conn == NULL) {
		client_free(c);
		return;
	}
	smtp_session_stored(c->session, stored);
	if (!c->feeding)
		feed(c);
}

static void
on_event_safe(void *ctx)
{
	answer(ctx, true);
}

/* A mail whose client heard 250 has its event too, whenever this process is killed: so the event goes first. */
static void
on_stored(void *ctx, const struct store_result *r)
{
	struct client *c = ctx;

	c->mail = NULL;
	if (!r->ok) {
		metric_add(&mails_refused, 1);
		event_destroy(&c->mail_event);
		answer(c, false);
		return;
	}
	c->stored++;
	sources_mail(c->source, clock_ms());
	metric_add(&mails_stored, 1);
	metric_add(&mail_bytes, r->size);
	event_text(c->mail_event, "honeyspam.mail.id", r->mail_id);
	event_text(c->mail_event, "honeyspam.mail.sha256", r->sha256);
	event_number(c->mail_event, "honeyspam.mail.size", r->size);
	event_number(c->mail_event, "honeyspam.mail.sequence", r->sequence);
	if (!events_emit_then(daemon_events(c->server->daemon), &c->mail_event, on_event_safe, c))
		answer(c, true);
}

static void
on_message_end(void *ctx, const struct smtp_envelope *e)
{
	struct client *c = ctx;

	prepare_mail_event(c, e);
	store_commit(c->mail, e, c->binding.look->name, clock_wall_ms(), on_stored, c);
}

static void
on_auth(void *ctx, const struct smtp_auth *attempt)
{
	struct client *c = ctx;
	char suffix[32];

	snprintf(suffix, sizeof(suffix), "auth-%u", ++c->auth_events);
	struct event *e = new_event(c, "relay-auth", suffix);
	event_text(e, "honeyspam.auth.mechanism", attempt->mechanism);
	event_bytes(e, "honeyspam.auth.user", attempt->user, strlen(attempt->user));
	event_bytes(e, "honeyspam.auth.password", attempt->password, strlen(attempt->password));
	event_bytes(e, "honeyspam.auth.challenge", attempt->challenge, strlen(attempt->challenge));
	event_bytes(e, "honeyspam.auth.response", attempt->response, strlen(attempt->response));
	event_bool(e, "honeyspam.auth.accepted", attempt->accepted);
	event_number(e, "honeyspam.auth.tries", c->auth_events);
	events_emit(daemon_events(c->server->daemon), &e);
}

static void
on_start_tls(void *ctx)
{
	struct client *c = ctx;

	c->tls = TLS_STEP_WANTED;
}

static void
on_leave_tls(void *ctx)
{
	struct client *c = ctx;

	if (c->conn != NULL)
		conn_leave_tls(c->conn);
}

static void
on_close(void *ctx)
{
	struct client *c = ctx;

	c->closing = true;
}

static void delay_over(void *ctx);

static void
on_delay(void *ctx, unsigned ms)
{
	struct client *c = ctx;

	if (c->delay == NULL)
		c->delay = loop_timer_new(daemon_loop(c->server->daemon), delay_over, c);
	conn_pause(c->conn);
	loop_timer_once(c->delay, ms);
}

static void
delay_over(void *ctx)
{
	struct client *c = ctx;

	smtp_session_resume(c->session);
	conn_resume(c->conn);
	feed(c);
}

/* ---- the connection ---- */

static void
emit_session(struct client *c)
{
	struct event *e = new_event(c, "relay-session", "session");

	tell_tls(c, e);
	transcript_tell(&c->transcript, e, "honeyspam.smtp.transcript");
	event_number(e, "honeyspam.smtp.mails", c->stored);
	event_number(e, "event.duration", (clock_ms() - c->start_ms) * 1000000); /* ECS: nanoseconds */
	events_emit(daemon_events(c->server->daemon), &e);
}

static void
client_free(struct client *c)
{
	struct server *s = c->server;

	smtp_session_free(&c->session);
	transcript_fini(&c->transcript);
	event_destroy(&c->mail_event);
	free(c->traced);
	loop_timer_free(&c->delay);
	loop_timer_free(&c->tarpit);
	sources_leave(c->source);
	list_remove(&c->node);
	free(c);
	if (--s->count == 0 && s->draining)
		daemon_drained(s->daemon);
}

/* The connection is over. A mail that is being stored is waited for: its event must come. */
static void
client_gone(struct client *c)
{
	emit_session(c);
	c->conn = NULL;
	listener_flow_ended(c->server->listener);
	if (c->tls != TLS_STEP_NONE)
		c->server->tls_count--;
	if (c->delay != NULL)
		loop_timer_stop(c->delay);
	if (c->tarpit != NULL)
		loop_timer_stop(c->tarpit);
	if (c->session == NULL || !smtp_session_storing(c->session))
		client_free(c);
}

static void
hang_up(struct client *c)
{
	struct conn *conn = c->conn;

	client_gone(c);
	conn_close(conn);
}

static const struct decoy *
decoy_of(struct client *c)
{
	const struct addr *a = &c->flow.destination.addr;
	const struct site_key *key = daemon_site_key(c->server->daemon);
	struct decoy *d = &c->server->decoys[a->b[sizeof(a->b) - 1]];

	if (d->known && memcmp(&d->address, a, sizeof(*a)) == 0)
		return d;
	d->known = true;
	d->address = *a;
	d->secret = (uint32_t)identity_u64(key, a, "queue id");
	look_host(key, a, c->server->settings.host_domain, d->host);
	return d;
}

/* ---- TLS ---- */

static bool
proxied(const struct client *c)
{
	struct addr address;

	return c->flow.authority[0] != '\0' && !addr_parse(c->flow.authority, &address);
}

/* The decoy's own certificate; the client of a proxy gets one of the name that it believes to talk to. */
static bool
shake_hands(struct client *c, const struct tls_identity *own)
{
	struct server *s = c->server;
	struct tls_identity *other = NULL;

	if (proxied(c) && (other = certs_other(s->certs, &c->flow.destination.addr, c->host)) == NULL)
		return false;
	c->tls = TLS_STEP_HANDSHAKE;
	bool good = conn_start_tls(c->conn, s->tls[look_tls(c->binding.look)], other == NULL ? own : other);
	tls_identity_free(&other);
	conn_resume(c->conn);
	return good;
}

/* Goes as far as the certificate allows; the client's own bytes wait in the socket meanwhile. */
static void
advance_tls(struct client *c)
{
	const struct tls_identity *identity = NULL;

	switch (certs_get(c->server->certs, &c->flow.destination.addr, decoy_of(c)->host, &identity)) {
	case CERTS_READY:
		if (!shake_hands(c, identity))
			hang_up(c);
		break;
	case CERTS_WAITING:
		c->tls = TLS_STEP_CERTIFICATE;
		break;
	case CERTS_FAILED:
		hang_up(c);
		break;
	}
}

/* What the client said in plain before it could have heard our 220 is thrown away (RFC 3207 4.2 and 6). */
static void
begin_tls(struct client *c)
{
	c->server->tls_count++;
	conn_consume(c->conn, conn_input_len(c->conn));
	conn_pause(c->conn);
	advance_tls(c);
}

static void
on_certs_changed(void *ctx)
{
	struct server *s = ctx;
	struct list *node = s->clients.next;

	while (node != &s->clients) {
		struct client *c = LIST_OWNER(node, struct client, node);

		node = node->next;
		if (c->conn != NULL && c->tls == TLS_STEP_CERTIFICATE)
			advance_tls(c);
	}
}

/* Input belongs to the session: not while hands are shaken. */
static bool
talking(const struct client *c)
{
	return c->tls == TLS_STEP_NONE || c->tls == TLS_STEP_DONE;
}

/* ---- the tarpit: commands of a source that sends much are read late ---- */

static void
tarpit_over(void *ctx)
{
	struct client *c = ctx;

	c->tarpitted = false;
	c->served = true;
	conn_resume(c->conn);
	feed(c);
}

static const struct sources_growth *
growth_of(const struct look *look)
{
	size_t i = 0;

	while (strncmp(look->name, slownesses[i].look, strlen(slownesses[i].look)) != 0)
		i++;
	return &slownesses[i].growth;
}

/* False: now. The octets of a message are not held up, they are many. Up to a quarter of chance hides the pattern, but
 * not where a server sleeps by the clock. */
static bool
hold_up(struct client *c)
{
	if (c->served || c->mail != NULL || conn_input_len(c->conn) == 0)
		return false;
	const struct sources_growth *growth = growth_of(c->binding.look);
	unsigned ms = sources_delay(c->source, growth, clock_ms());
	if (ms == 0)
		return false;
	if (growth->grain_ms == 1)
		ms -= rand_u32() % (ms / 4 + 1);
	if (c->tarpit == NULL)
		c->tarpit = loop_timer_new(daemon_loop(c->server->daemon), tarpit_over, c);
	c->tarpitted = true;
	metric_add(&tarpitted, 1);
	conn_pause(c->conn);
	loop_timer_once(c->tarpit, ms);
	return true;
}

/* Gives the session what waits, as far as it wants; closes when it said so. */
static void
feed(struct client *c)
{
	const uint8_t *data;
	size_t len = 1, used = 1;

	if (c->feeding || c->conn == NULL || !talking(c))
		return;
	if (!c->closing && (c->tarpitted || hold_up(c)))
		return;
	c->served = false;
	c->feeding = true;
	while (!c->closing && talking(c) && used > 0 && conn_output_len(c->conn) < OUTPUT_MAX &&
	    (data = conn_peek(c->conn, 0, &len)) != NULL) {
		used =
		    smtp_session_input(c->session, data, len, clock_ms(), clock_wall_ms() * 1000 + clock_us() % 1000);
		conn_consume(c->conn, used);
	}
	c->feeding = false;
	if (c->tls == TLS_STEP_WANTED && !c->closing) {
		begin_tls(c);
		return;
	}
	/* The client has finished talking, and every answer is given. */
	if (!c->closing && conn_got_eof(c->conn) && conn_input_len(c->conn) == 0 && !smtp_session_storing(c->session) &&
	    !smtp_session_delayed(c->session)) {
		smtp_session_eof(c->session);
		c->closing = true;
	}
	if (c->closing)
		hang_up(c);
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
	client_gone(ctx);
}

static void start_session(struct client *c);

static void
on_secured(void *ctx)
{
	struct client *c = ctx;

	c->tls = TLS_STEP_DONE;
	if (c->session == NULL)
		start_session(c);
	else
		smtp_session_tls_started(c->session);
	feed(c);
}

static const struct conn_ops client_ops = {
	.data = on_data,
	.secured = on_secured,
	.eof = on_data,
	.writable = on_data,
	.closed = on_closed,
};

/* A proxy's client believes that it reached the host it asked for. */
static void
choose_host(struct client *c)
{
	str_copy(c->host, sizeof(c->host), proxied(c) ? c->flow.authority : decoy_of(c)->host);
}

/* Offered is what will work: certificates come from NATS, and memory is bounded. */
static bool
tls_possible(const struct server *s)
{
	return s->tls_count < s->settings.tls_sessions && bus_connected(daemon_bus(s->daemon));
}

/* As an MX we know those whom our own pages named, and the postmaster (RFC 5321 4.5.1); the domain must be ours. */
static bool
on_recipient(void *ctx, const char *address)
{
	const struct client *c = ctx;
	const char *domain = smtp_address_domain(address);
	char local[SMTP_ADDRESS_MAX];
	struct token token;

	if (domain != NULL && !str_listed(c->server->settings.mx_domains, domain))
		return false;
	str_copy_bytes(local, sizeof(local), address, strcspn(address, "@"));
	return strcasecmp(local, "postmaster") == 0 || token_open(daemon_site_key(c->server->daemon), local, &token);
}

static void
start_session(struct client *c)
{
	const struct smtp_sink sink = {
		.reply = on_reply,
		.command = on_command,
		.message_begin = on_message_begin,
		.message_data = on_message_data,
		.message_end = on_message_end,
		.message_abort = on_message_abort,
		.auth = on_auth,
		.start_tls = on_start_tls,
		.leave_tls = on_leave_tls,
		.close = on_close,
		.delay = on_delay,
		.ctx = c,
	};
	const struct smtp_settings settings = {
		.look = c->binding.look,
		.host = c->host,
		.client = c->flow.source.addr,
		.own = c->flow.destination.addr,
		.idle_max_ms = c->server->settings.idle_max_ms,
		.auth_offered = c->server->settings.auth_offered,
		.auth_weak = c->server->settings.auth_weak,
		.auth_after = c->server->settings.auth_after,
		.message_max = c->server->settings.message_max,
		.role = c->binding.mx ? SMTP_ROLE_MX : SMTP_ROLE_RELAY,
		.recipient_ok = on_recipient,
		.recipient_ctx = c,
		.tls_offered = tls_possible(c->server),
		.tls_active = c->tls == TLS_STEP_DONE,
		.host_secret = decoy_of(c)->secret,
	};

	c->session = smtp_session_new(&settings, &sink, clock_ms(), clock_wall_ms() * 1000);
}

/* A source at its cap hears what the look says to such; who must speak TLS first hears nothing. */
static void
turn_away(struct server *s, struct conn *conn, const struct flow_info *info)
{
	struct client c = { .server = s, .flow = *info, .binding = binding_parse(info) };
	char text[LOOK_REPLY_MAX], address[ADDR_TEXT_MAX];

	choose_host(&c);
	const struct look_values v = { .host = c.host, .address = addr_format(&info->source.addr, address) };

	if (!c.binding.implicit_tls)
		conn_write(conn, text, look_format(c.binding.look->crowded, &v, text));
	metric_add(&sources_refused, 1);
	listener_flow_ended(s->listener);
	conn_close(conn);
}

static void
on_open(void *ctx, struct conn *conn, const struct flow_info *info)
{
	struct server *s = ctx;
	struct source *source = sources_enter(s->sources, &info->source.addr, clock_ms());

	if (source == NULL) {
		turn_away(s, conn, info);
		return;
	}
	struct client *c = xcalloc(1, sizeof(*c));
	c->server = s;
	c->source = source;
	c->conn = conn;
	c->flow = *info;
	c->binding = binding_parse(info);
	c->start_ms = clock_ms();
	list_append(&s->clients, &c->node);
	s->count++;
	choose_host(c);
	conn_set_ops(conn, &client_ops, c);
	if (!c->binding.implicit_tls) {
		start_session(c);
		feed(c);
	} else if (tls_possible(s)) {
		begin_tls(c);
	} else {
		hang_up(c);
	}
}

static void
sweep(void *ctx)
{
	struct server *s = ctx;
	uint64_t now = clock_ms();
	struct list *node = s->clients.next;

	while (node != &s->clients) {
		struct client *c = LIST_OWNER(node, struct client, node);

		node = node->next;
		if (c->conn == NULL || !talking(c))
			continue;
		smtp_session_sweep(c->session, now);
		feed(c);
	}
}

struct server *
server_new(struct daemon *d, const struct server_settings *settings)
{
	struct server *s = xcalloc(1, sizeof(*s));

	s->daemon = d;
	s->settings = *settings;
	list_init(&s->clients);
	s->store = store_new(daemon_bus(d), daemon_site(d), settings->memory_max);
	s->sources = sources_new(&settings->sources);
	s->certs = certs_new(daemon_loop(d), daemon_bus(d), daemon_site_key(d), on_certs_changed, s);
	for (size_t i = 0; look_tls_at(i) != NULL; i++) {
		assert(i < TLS_POLICIES_MAX);
		s->tls[i] = tls_server_new(look_tls_at(i));
	}
	s->listener = listener_new(daemon_loop(d), &settings->listen, on_open, s);
	s->sweep = loop_timer_new(daemon_loop(d), sweep, s);
	loop_timer_every(s->sweep, SWEEP_MS);
	metrics_register("mails_total", "result=\"stored\"", METRIC_COUNTER, "Mails by result.", &mails_stored);
	metrics_register("mails_total", "result=\"refused\"", METRIC_COUNTER, "Mails by result.", &mails_refused);
	metrics_register("refused_total", "reason=\"source\"", METRIC_COUNTER, "Connections refused.",
	    &sources_refused);
	metrics_register("tarpitted_total", NULL, METRIC_COUNTER, "Commands that were read late on purpose.",
	    &tarpitted);
	metrics_register("mail_bytes_total", NULL, METRIC_COUNTER, "Octets of stored mails.", &mail_bytes);
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

void
server_shutdown(struct server *s)
{
	struct list *node = s->clients.next;

	while (node != &s->clients) {
		struct client *c = LIST_OWNER(node, struct client, node);

		node = node->next;
		if (c->conn == NULL)
			continue;
		if (!talking(c)) {
			hang_up(c);
			continue;
		}
		smtp_session_shutdown(c->session);
		feed(c);
	}
}

void
server_stop(struct server *s)
{
	certs_free(&s->certs);
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
