#include "base/mem.h"
#include "base/str.h"
#include "relaytrap/smtp_internal.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { DATA_CHUNK = 8192, LINE_USUAL = 256 };

/* ---- saying ---- */

bool
smtp_tls_possible(const struct smtp_session *s)
{
	return s->settings.tls_offered && !s->envelope.tls;
}

static struct look_values
values(struct smtp_session *s, const char *arg, char client[ADDR_TEXT_MAX])
{
	return (struct look_values){
		.host = s->settings.host,
		.client = s->envelope.helo,
		.address = addr_format(&s->settings.client, client),
		.argument = arg,
		.queue_id = s->envelope.queue_id,
		.version = s->version,
		.bytes = s->settings.message_max,
		.wall_ms = s->wall_us / 1000,
		.tls_possible = smtp_tls_possible(s),
		.auth_possible = smtp_auth_offered(s),
		.sync = s->sync,
	};
}

/* Answers that are late are kept until the delay is over, as are all that follow them. */
static void
send_reply(struct smtp_session *s, const char *text, size_t len)
{
	if (s->settings.look->lateness != NULL)
		s->late_ms += s->settings.look->lateness(s);
	if (s->late_ms == 0) {
		s->sink.reply(s->sink.ctx, text, len);
		return;
	}
	if (len > SMTP_HELD_MAX - s->held_len)
		return; /* two answers a command at most: it fits */
	s->held = xrealloc(s->held, s->held_len + len);
	memcpy(s->held + s->held_len, text, len);
	s->held_len += len;
}

void
smtp_say(struct smtp_session *s, const char *text, const char *arg)
{
	char out[LOOK_REPLY_MAX], client[ADDR_TEXT_MAX];
	struct look_values v = values(s, arg, client);

	send_reply(s, out, look_format(text, &v, out));
}

void
smtp_say_ehlo(struct smtp_session *s)
{
	char out[LOOK_REPLY_MAX], client[ADDR_TEXT_MAX];
	struct look_values v = values(s, "", client);

	s->auth.offered = v.auth_possible;
	send_reply(s, out, look_format_ehlo(s->settings.look, &v, out));
}

void
smtp_refuse(struct smtp_session *s, const char *text, const char *arg)
{
	smtp_say(s, text, arg);
	s->errors++;
}

static void
leave_tls(struct smtp_session *s)
{
	if (s->envelope.tls)
		s->sink.leave_tls(s->sink.ctx);
}

static void
close_now(struct smtp_session *s)
{
	if (s->breaking_off)
		leave_tls(s);
	s->sink.close(s->sink.ctx);
}

static void
end_session(struct smtp_session *s)
{
	smtp_abort_message(s);
	s->state = SMTP_CLOSED;
	if (s->held_len > 0 || s->late_ms > 0)
		s->closing = true; /* behind the late answer */
	else
		close_now(s);
}

void
smtp_quit(struct smtp_session *s, const char *text)
{
	smtp_say(s, text, "");
	end_session(s);
}

void
smtp_hang_up(struct smtp_session *s)
{
	s->breaking_off = s->settings.look->tls_end != LOOK_TLS_ENDS;
	end_session(s);
}

void
smtp_goodbye_about(struct smtp_session *s, const char *text, const char *arg)
{
	if (s->settings.look->tls_end == LOOK_TLS_LEAVES)
		leave_tls(s);
	smtp_say(s, text, arg);
	smtp_hang_up(s);
}

void
smtp_goodbye(struct smtp_session *s, const char *text)
{
	smtp_goodbye_about(s, text, "");
}

/* ---- the transaction ---- */

void
smtp_abort_message(struct smtp_session *s)
{
	if (s->message_open)
		s->sink.message_abort(s->sink.ctx);
	s->message_open = false;
}

void
smtp_reset(struct smtp_session *s)
{
	struct smtp_envelope *e = &s->envelope;

	smtp_abort_message(s);
	for (size_t i = 0; i < e->recipient_count; i++) {
		free(e->recipients[i]);
		free(e->dsn[i].notify);
		free(e->dsn[i].orcpt);
		free(e->dsn[i].written);
	}
	e->recipient_count = 0;
	e->mail_from[0] = e->queue_id[0] = e->ret[0] = e->envid[0] = '\0';
	e->smtputf8 = false;
	e->body = SMTP_BODY_NONE;
	s->declared_size = 0;
	s->bdat = s->bdat_failed = false;
	s->refused_recipients = 0;
	s->envid_given = false;
	if (s->state != SMTP_CLOSED)
		s->state = SMTP_READY;
}

void
smtp_helo(struct smtp_session *s, const char *name, bool esmtp)
{
	smtp_reset(s);
	str_copy(s->envelope.helo, sizeof(s->envelope.helo), name);
	s->envelope.esmtp = esmtp;
}

void
smtp_add_recipient(struct smtp_session *s, const char *address, const char *written, const char *notify,
    const char *orcpt)
{
	struct smtp_envelope *e = &s->envelope;

	if (e->recipient_count == s->recipient_room) {
		s->recipient_room = s->recipient_room == 0 ? 8 : s->recipient_room * 2;
		e->recipients = xrealloc(e->recipients, s->recipient_room * sizeof(*e->recipients));
		e->dsn = xrealloc(e->dsn, s->recipient_room * sizeof(*e->dsn));
	}
	e->dsn[e->recipient_count] = (struct smtp_dsn){ xstrdup(notify), xstrdup(orcpt), xstrdup(written) };
	e->recipients[e->recipient_count++] = xstrdup(address);
}

/* "[203.0.113.25]" */
static bool
is_own_address(const struct smtp_session *s, const char *domain)
{
	char own[ADDR_TEXT_MAX];
	size_t len = strlen(domain);

	addr_format(&s->settings.own, own);
	return len == strlen(own) + 2 && domain[0] == '[' && domain[len - 1] == ']' &&
	    strncmp(domain + 1, own, len - 2) == 0;
}

bool
smtp_is_local_domain(const struct smtp_session *s, const char *domain)
{
	char name[LOOK_HOST_MAX];
	size_t len = strlen(domain);

	if (len > 0 && domain[len - 1] == '.' && str_copy_bytes(name, sizeof(name), domain, len - 1))
		domain = name; /* the root's dot */
	return strcasecmp(domain, s->settings.host) == 0 || strcasecmp(domain, "localhost") == 0 ||
	    is_own_address(s, domain);
}

/*
 * Postmaster is everybody's (RFC 5321 4.5.1). A real open relay refuses unknown users of its own, and relays what a
 * local part hides: user%domain, domain!user, "user@domain".
 */
static bool
relays_to(const struct smtp_session *s, const char *address)
{
	const char *domain = smtp_address_domain(address);
	size_t len = domain == NULL ? strlen(address) : (size_t)(domain - address - 1);

	if (domain != NULL && !smtp_is_local_domain(s, domain))
		return true;
	return memchr(address, '%', len) != NULL || memchr(address, '!', len) != NULL ||
	    memchr(address, '@', len) != NULL || look_local_user(address, len);
}

bool
smtp_recipient_known(const struct smtp_session *s, const char *address)
{
	if (s->settings.role == SMTP_ROLE_MX)
		return s->settings.recipient_ok(s->settings.recipient_ctx, address);
	return relays_to(s, address);
}

bool
smtp_begin_message(struct smtp_session *s, const char *try_later)
{
	smtp_abort_message(s); /* chunks that DATA takes the place of */
	s->bdat = false;
	if (!s->sink.message_begin(s->sink.ctx)) {
		smtp_say(s, try_later, "");
		smtp_reset(s);
		return false;
	}
	s->message_open = true;
	s->too_big = false;
	s->settings.look->queue_id(s->envelope.queue_id, s->wall_us, s->settings.host_secret, s->mails++);
	smtp_message_init(&s->message, s->settings.look->data_rules);
	return true;
}

void
smtp_begin_data(struct smtp_session *s, const char *go, const char *try_later)
{
	if (!smtp_begin_message(s, try_later))
		return;
	s->state = SMTP_DATA;
	smtp_say(s, go, "");
}

static void
finish_message(struct smtp_session *s)
{
	const struct look *look = s->settings.look;

	if (s->too_big) {
		look->too_big(s);
	} else if (look->acceptable == NULL || look->acceptable(s)) {
		s->envelope.subject = s->message.subject;
		s->envelope.subject_len = s->message.subject_len;
		s->message_open = false;
		s->state = SMTP_STORING;
		s->sink.message_end(s->sink.ctx, &s->envelope);
		return;
	}
	smtp_reset(s);
}

static void
end_chunk(struct smtp_session *s)
{
	s->state = s->mail_seen ? SMTP_MAIL : SMTP_READY;
	if (s->chunk_last && !s->chunk_lost)
		finish_message(s);
	else
		s->settings.look->chunk(s);
}

void
smtp_begin_chunk(struct smtp_session *s, uint64_t size, bool last, bool lost)
{
	s->mail_seen = s->state == SMTP_MAIL;
	s->chunk_left = s->chunk_size = size;
	s->chunk_last = last;
	s->chunk_lost = lost;
	s->state = SMTP_CHUNK;
	if (size == 0)
		end_chunk(s);
}

void
smtp_start_tls(struct smtp_session *s, const char *go)
{
	smtp_say(s, go, "");
	smtp_reset(s);
	s->state = SMTP_HANDSHAKE;
	s->sink.start_tls(s->sink.ctx);
}

/* ---- commands ---- */

/* The verb's row, or NULL; *arg: what follows it. */
static const struct look_command *
find_command(const struct look *look, char *line, char **arg)
{
	static const char blanks[] = " \t\r\v\f";
	char *verb = line + strspn(line, blanks);
	size_t len = strcspn(verb, blanks);

	*arg = verb + len + strspn(verb + len, blanks);
	for (size_t i = 0; i < look->command_count; i++) {
		if (strlen(look->commands[i].verb) == len && strncasecmp(look->commands[i].verb, verb, len) == 0)
			return &look->commands[i];
	}
	return NULL;
}

static void
run_command(struct smtp_session *s, char *line, size_t len)
{
	const struct look *look = s->settings.look;
	char *arg;

	if (look->line != NULL && look->line(s, line, len))
		return;
	if (s->state == SMTP_AUTH) {
		s->state = SMTP_READY;
		smtp_auth_line(s, line);
		return;
	}
	const struct look_command *c = find_command(look, line, &arg);

	if (c != NULL)
		c->run(s, arg);
	else
		look->unknown(s, line);
}

/* ---- bytes ---- */

/* A command has been answered: counters, then lateness. */
static void
settle(struct smtp_session *s)
{
	const struct look *look = s->settings.look;

	if (look->after != NULL && (s->state == SMTP_READY || s->state == SMTP_MAIL))
		look->after(s);
	if (s->late_ms == 0)
		return;
	s->delayed = true;
	s->sink.delay(s->sink.ctx, s->late_ms);
}

static void
end_line(struct smtp_session *s)
{
	size_t len = s->line_len;

	if (len > 0 && s->line[len - 1] == '\r')
		len--;
	s->line[len] = '\0';
	s->line_len = 0;
	run_command(s, s->line, len);
	s->line_cut = false;
	settle(s);
}

static void
make_room(struct smtp_session *s, size_t need)
{
	if (need <= s->line_room)
		return;
	s->line_room = need < LINE_USUAL ? LINE_USUAL : need;
	s->line = xrealloc(s->line, s->line_room);
}

/* Eats up to one line; what goes beyond the look's limit is dropped. */
static size_t
input_command(struct smtp_session *s, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t take = end == NULL ? len : (size_t)(end - data);
	size_t room = s->settings.look->line_max - s->line_len;

	if (take > room)
		s->line_cut = true;
	make_room(s, s->line_len + (take < room ? take : room) + 1);
	memcpy(s->line + s->line_len, data, take < room ? take : room);
	s->line_len += take < room ? take : room;
	if (take > room && s->settings.look->line_split)
		take = room - 1; /* the octet behind is no line's end */
	else if (end == NULL)
		return take;
	s->more = take + 1 < len;
	s->sink.command(s->sink.ctx, s->line, s->line_len);
	end_line(s);
	return take + 1;
}

static void
keep(struct smtp_session *s, const uint8_t *data, size_t len)
{
	if (s->message.size > s->settings.message_max)
		s->too_big = true;
	else if (len > 0)
		s->sink.message_data(s->sink.ctx, data, len);
}

static size_t
input_data(struct smtp_session *s, const uint8_t *data, size_t len)
{
	uint8_t out[DATA_CHUNK + SMTP_HELD_CRS_MAX + 2];
	size_t out_len;
	size_t eaten = smtp_message_input(&s->message, data, len < DATA_CHUNK ? len : DATA_CHUNK, out, &out_len);

	keep(s, out, out_len);
	if (s->message.place == SMTP_AT_END) {
		s->more = eaten < len;
		finish_message(s);
		settle(s);
	} else if (s->message.place == SMTP_AT_BARE) {
		smtp_goodbye(s,
		    s->message.bare == '\n' ? "421 4.5.0 Bare linefeed (LF) not allowed"
					    : "421 4.5.0 Bare carriage return (CR) not allowed");
	}
	return eaten;
}

static size_t
input_chunk(struct smtp_session *s, const uint8_t *data, size_t len)
{
	size_t n = len < s->chunk_left ? len : (size_t)s->chunk_left;

	s->chunk_left -= n;
	if (!s->chunk_lost && n > 0) {
		smtp_message_chunk(&s->message, data, n);
		keep(s, data, n);
	}
	if (s->chunk_left == 0) {
		end_chunk(s);
		settle(s);
	}
	return n;
}

static bool
eats(const struct smtp_session *s)
{
	return s->state != SMTP_STORING && s->state != SMTP_HANDSHAKE && !s->delayed;
}

static size_t
input_some(struct smtp_session *s, const uint8_t *data, size_t len)
{
	switch (s->state) {
	case SMTP_CLOSED:
		return len;
	case SMTP_DATA:
		return input_data(s, data, len);
	case SMTP_CHUNK:
		return input_chunk(s, data, len);
	default:
		return input_command(s, (const char *)data, len);
	}
}

size_t
smtp_session_input(struct smtp_session *s, const void *data, size_t len, uint64_t now_ms, uint64_t wall_us)
{
	const uint8_t *p = data;
	size_t used = 0;

	s->active_ms = now_ms;
	s->wall_us = wall_us;
	while (used < len && eats(s))
		used += input_some(s, p + used, len - used);
	return used;
}

/* ---- what the transport says ---- */

void
smtp_session_stored(struct smtp_session *s, bool ok)
{
	if (s->state != SMTP_STORING)
		return;
	s->settings.look->stored(s, ok);
	smtp_reset(s);
	if (s->shutting_down)
		smtp_goodbye(s, s->settings.look->shutdown);
	if (s->late_ms > 0 && !s->delayed)
		settle(s);
}

/* What the client said in the clear is forgotten (RFC 3207 4.2), but by some not who has logged in. */
void
smtp_session_tls_started(struct smtp_session *s)
{
	if (s->state != SMTP_HANDSHAKE)
		return;
	s->state = SMTP_READY;
	s->envelope.tls = true;
	s->envelope.helo[0] = '\0';
	s->envelope.esmtp = false;
	if (s->settings.look->auth == NULL || s->settings.look->auth->ends_with_tls)
		s->envelope.auth_user[0] = '\0';
	s->spoke = false;
}

void
smtp_session_eof(struct smtp_session *s)
{
	if (s->state == SMTP_CLOSED || s->state == SMTP_STORING || s->state == SMTP_HANDSHAKE)
		return;
	if (s->settings.look->eof_ends_line && s->line_len > 0)
		end_line(s);
	if (s->state != SMTP_CLOSED) {
		leave_tls(s); /* nobody says TLS' goodbye to one who is gone */
		if (s->settings.look->eof != NULL)
			s->settings.look->eof(s);
	}
	smtp_session_resume(s); /* nobody is left who could be slowed down */
}

void
smtp_session_resume(struct smtp_session *s)
{
	s->delayed = false;
	s->late_ms = 0;
	if (s->held_len > 0)
		s->sink.reply(s->sink.ctx, s->held, s->held_len);
	free(s->held);
	s->held = NULL;
	s->held_len = 0;
	if (s->closing)
		close_now(s);
	s->closing = false;
}

/* Some servers have another word for a message that stops coming, some none at all for silence. */
static void
lose_patience(struct smtp_session *s, uint64_t now_ms)
{
	const struct look *look = s->settings.look;
	bool data = s->state == SMTP_DATA || s->state == SMTP_CHUNK;
	const char *text = data && look->data_timeout != NULL ? look->data_timeout : look->timeout;

	if (look->eof_ends_line && s->line_len > 0 && !data) {
		s->active_ms = now_ms;
		end_line(s);
	} else if (text == NULL) {
		smtp_hang_up(s);
	} else {
		smtp_goodbye_about(s, text, s->envelope.mail_from);
	}
}

static unsigned
patience(const struct smtp_session *s)
{
	unsigned own = s->settings.look->idle_ms, most = s->settings.idle_max_ms;

	return most > 0 && most < own ? most : own;
}

void
smtp_session_sweep(struct smtp_session *s, uint64_t now_ms)
{
	/* A handshake's own time limit is the transport's. */
	if (s->state == SMTP_CLOSED || s->state == SMTP_STORING || s->state == SMTP_HANDSHAKE || s->delayed)
		return;
	if (now_ms - s->active_ms >= patience(s) || now_ms - s->start_ms >= SMTP_LIFETIME_MS)
		lose_patience(s, now_ms);
	smtp_session_resume(s);
}

void
smtp_session_shutdown(struct smtp_session *s)
{
	s->shutting_down = true;
	if (s->delayed)
		smtp_session_resume(s);
	if (s->state == SMTP_HANDSHAKE) {
		s->state = SMTP_CLOSED;
		s->sink.close(s->sink.ctx);
	} else if (s->state != SMTP_STORING && s->state != SMTP_CLOSED) {
		smtp_goodbye(s, s->settings.look->shutdown);
		smtp_session_resume(s);
	}
}

bool
smtp_session_delayed(const struct smtp_session *s)
{
	return s->delayed;
}

bool
smtp_session_storing(const struct smtp_session *s)
{
	return s->state == SMTP_STORING;
}

struct smtp_session *
smtp_session_new(const struct smtp_settings *settings, const struct smtp_sink *sink, uint64_t now_ms, uint64_t wall_us)
{
	struct smtp_session *s = xcalloc(1, sizeof(*s));

	s->settings = *settings;
	s->sink = *sink;
	s->start_ms = now_ms;
	s->active_ms = now_ms;
	s->wall_us = wall_us;
	s->envelope.tls = settings->tls_active;
	s->version = look_version(settings->look, settings->host_secret);
	smtp_say(s, settings->look->banner, "");
	return s;
}

void
smtp_session_free(struct smtp_session **sp)
{
	struct smtp_session *s = *sp;

	if (s == NULL)
		return;
	smtp_reset(s);
	free(s->envelope.recipients);
	free(s->envelope.dsn);
	free(s->refusal);
	free(s->held);
	free(s->line);
	free(s);
	*sp = NULL;
}
