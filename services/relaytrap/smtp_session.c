#include "relaytrap/smtp_session.h"

#include "base/mem.h"
#include "base/str.h"
#include "relaytrap/smtp_message.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum state {
	STATE_READY, /* no transaction */
	STATE_MAIL, /* MAIL accepted, no recipient yet */
	STATE_RCPT, /* at least one recipient */
	STATE_DATA, /* between 354 and the end of data */
	STATE_HANDSHAKE, /* 220 was said to STARTTLS */
	STATE_STORING, /* the end of data was seen, the answer is not known yet */
	STATE_CLOSED, /* goodbye was said: input is thrown away */
};

enum { DATA_CHUNK = 8192 };

struct smtp_session {
	struct smtp_settings settings;
	struct smtp_sink sink;
	enum state state;
	bool delayed;
	bool shutting_down;
	bool message_too_big;
	char line[SMTP_LINE_MAX + 1];
	size_t line_len;
	unsigned errors;
	uint32_t mails;
	uint64_t start_ms, active_ms, wall_us;
	struct smtp_envelope envelope;
	size_t recipient_room;
	struct smtp_message message;
};

static bool
tls_possible(const struct smtp_session *s)
{
	return s->settings.tls_offered && !s->envelope.tls;
}

static void
reply_with(struct smtp_session *s, enum look_text text, const char *argument, const char *word)
{
	char out[LOOK_REPLY_MAX], client[ADDR_TEXT_MAX];
	struct look_values v = {
		.host = s->settings.host,
		.client = s->envelope.helo,
		.address = addr_format(&s->settings.client, client),
		.argument = argument,
		.word = word,
		.queue_id = s->envelope.queue_id,
		.bytes = s->settings.message_max,
		.wall_ms = s->wall_us / 1000,
		.tls_possible = tls_possible(s),
	};

	s->sink.reply(s->sink.ctx, out, look_format(s->settings.look, text, &v, out));
}

static void
reply(struct smtp_session *s, enum look_text text)
{
	reply_with(s, text, "", "");
}

static void
say_goodbye(struct smtp_session *s, enum look_text text)
{
	reply(s, text);
	s->state = STATE_CLOSED;
	s->sink.close(s->sink.ctx);
}

static void
reset_transaction(struct smtp_session *s)
{
	struct smtp_envelope *e = &s->envelope;

	for (size_t i = 0; i < e->recipient_count; i++) {
		free(e->recipients[i]);
		free(e->dsn[i].notify);
		free(e->dsn[i].orcpt);
	}
	e->recipient_count = 0;
	e->mail_from[0] = e->queue_id[0] = e->ret[0] = e->envid[0] = '\0';
	e->smtputf8 = false;
	e->body = SMTP_BODY_NONE;
	if (s->state != STATE_CLOSED)
		s->state = STATE_READY;
}

/* A mistake: counted; after some of them the look slows down, then gives up. */
static void
refuse_with(struct smtp_session *s, enum look_text text, const char *argument, const char *word)
{
	const struct look *look = s->settings.look;

	s->errors++;
	reply_with(s, text, argument, word);
	if (s->errors > look->close_after) {
		say_goodbye(s, LOOK_TOO_MANY_ERRORS);
	} else if (look->slow_after > 0 && s->errors > look->slow_after) {
		s->delayed = true;
		s->sink.delay(s->sink.ctx, look->slow_ms);
	}
}

static void
refuse(struct smtp_session *s, enum look_text text, const char *argument)
{
	refuse_with(s, text, argument, "");
}

/* ---- the commands: arg is what follows the verb, without leading spaces ---- */

static void
greet(struct smtp_session *s, const char *arg, bool esmtp)
{
	if (*arg == '\0') {
		refuse(s, esmtp ? LOOK_EHLO_SYNTAX : LOOK_HELO_SYNTAX, arg);
		return;
	}
	reset_transaction(s);
	str_copy(s->envelope.helo, sizeof(s->envelope.helo), arg);
	s->envelope.esmtp = esmtp;
	reply(s, esmtp ? LOOK_EHLO : LOOK_HELO);
}

static void
do_helo(struct smtp_session *s, const char *arg)
{
	greet(s, arg, false);
}

static void
do_ehlo(struct smtp_session *s, const char *arg)
{
	greet(s, arg, true);
}

/* One ESMTP parameter of MAIL; false when it was answered. */
static bool
mail_option(struct smtp_session *s, const char *option)
{
	static const char *const known[] = { "BODY=7BIT", "BODY=8BITMIME", "SMTPUTF8", "RET=FULL", "RET=HDRS" };

	if (str_starts_nocase(option, "SIZE=")) {
		if (strtoull(option + 5, NULL, 10) <= s->settings.message_max)
			return true;
		refuse(s, LOOK_MAIL_TOO_BIG, option);
		return false;
	}
	if (str_starts_nocase(option, "ENVID=") || str_starts_nocase(option, "AUTH="))
		return true;
	for (size_t i = 0; i < sizeof(known) / sizeof(known[0]); i++) {
		if (strcasecmp(option, known[i]) == 0)
			return true;
	}
	refuse(s, LOOK_MAIL_OPTION, option);
	return false;
}

static bool
rcpt_option(struct smtp_session *s, const char *option)
{
	if (str_starts_nocase(option, "NOTIFY=") || str_starts_nocase(option, "ORCPT="))
		return true;
	refuse(s, LOOK_MAIL_OPTION, option);
	return false;
}

static bool
options_good(struct smtp_session *s, const char *rest, bool (*check)(struct smtp_session *, const char *))
{
	char copy[SMTP_LINE_MAX + 1], *save = NULL;

	str_copy(copy, sizeof(copy), rest);
	for (char *word = strtok_r(copy, " ", &save); word != NULL; word = strtok_r(NULL, " ", &save)) {
		if (!check(s, word))
			return false;
	}
	return true;
}

/* "FROM:<a@b> SIZE=1": the address and a good option list, or an answer was given. */
static bool
parse_path(struct smtp_session *s, const char *arg, const char *keyword, char address[SMTP_ADDRESS_MAX],
    enum look_text syntax, enum look_text bad, bool (*check)(struct smtp_session *, const char *))
{
	const char *rest = "";

	if (!str_starts_nocase(arg, keyword)) {
		refuse(s, syntax, arg);
		return false;
	}
	switch (smtp_address_parse(arg + strlen(keyword), address, &rest)) {
	case SMTP_ADDRESS_SYNTAX:
		refuse(s, syntax, arg);
		return false;
	case SMTP_ADDRESS_BAD:
		refuse(s, bad, address);
		return false;
	case SMTP_ADDRESS_OK:
		break;
	}
	return options_good(s, rest, check);
}

static void
do_mail(struct smtp_session *s, const char *arg)
{
	char address[SMTP_ADDRESS_MAX];

	if (s->state != STATE_READY) {
		refuse(s, LOOK_MAIL_NESTED, arg);
		return;
	}
	if (!parse_path(s, arg, "FROM:", address, LOOK_MAIL_SYNTAX, LOOK_MAIL_ADDRESS, mail_option))
		return;
	str_copy(s->envelope.mail_from, sizeof(s->envelope.mail_from), address);
	s->state = STATE_MAIL;
	reply_with(s, LOOK_MAIL_OK, address, "");
}

/* Postmaster is everybody's (RFC 5321 4.5.1); other bare names would be local users, and we have none. */
static bool
recipient_known(const struct smtp_session *s, const char *address)
{
	const char *domain = smtp_address_domain(address);

	if (s->settings.role == SMTP_ROLE_MX)
		return s->settings.recipient_ok(s->settings.recipient_ctx, address);
	if (domain == NULL)
		return strcasecmp(address, "postmaster") == 0;
	return strcasecmp(domain, s->settings.host) != 0 || str_starts_nocase(address, "postmaster@");
}

static void
add_recipient(struct smtp_session *s, const char *address)
{
	struct smtp_envelope *e = &s->envelope;

	if (e->recipient_count == s->recipient_room) {
		s->recipient_room = s->recipient_room == 0 ? 8 : s->recipient_room * 2;
		e->recipients = xrealloc(e->recipients, s->recipient_room * sizeof(*e->recipients));
		e->dsn = xrealloc(e->dsn, s->recipient_room * sizeof(*e->dsn));
	}
	e->dsn[e->recipient_count] = (struct smtp_dsn){ xstrdup(""), xstrdup("") };
	e->recipients[e->recipient_count++] = xstrdup(address);
}

static void
do_rcpt(struct smtp_session *s, const char *arg)
{
	char address[SMTP_ADDRESS_MAX];

	if (s->state == STATE_READY) {
		refuse(s, LOOK_RCPT_EARLY, arg);
		return;
	}
	if (!parse_path(s, arg, "TO:", address, LOOK_RCPT_SYNTAX, LOOK_RCPT_ADDRESS, rcpt_option))
		return;
	if (address[0] == '\0') {
		refuse(s, LOOK_RCPT_ADDRESS, address);
	} else if (s->settings.look->refuses_double_at && strchr(address, '@') != strrchr(address, '@')) {
		refuse(s, LOOK_RCPT_ROUTE, address);
	} else if (!recipient_known(s, address)) {
		refuse(s, LOOK_RCPT_UNKNOWN, address);
	} else if (s->envelope.recipient_count >= SMTP_RECIPIENTS_MAX) {
		refuse(s, LOOK_RCPT_TOO_MANY, address);
	} else {
		add_recipient(s, address);
		s->state = STATE_RCPT;
		reply_with(s, LOOK_RCPT_OK, address, "");
	}
}

static void
do_data(struct smtp_session *s, const char *arg)
{
	if (s->state != STATE_RCPT) {
		refuse(s, s->state == STATE_MAIL ? LOOK_DATA_NO_RCPT : LOOK_DATA_EARLY, arg);
		return;
	}
	if (!s->sink.message_begin(s->sink.ctx)) {
		reply(s, LOOK_TRY_LATER);
		reset_transaction(s);
		return;
	}
	s->message_too_big = false;
	s->settings.look->queue_id(s->envelope.queue_id, s->wall_us, s->settings.host_secret, s->mails++);
	smtp_message_init(&s->message);
	s->state = STATE_DATA;
	reply(s, LOOK_DATA_GO);
}

static void
do_rset(struct smtp_session *s, const char *arg)
{
	if (*arg != '\0') {
		reply(s, LOOK_RSET_SYNTAX);
		return;
	}
	reset_transaction(s);
	reply(s, LOOK_RSET);
}

static void
do_noop(struct smtp_session *s, const char *arg)
{
	(void)arg;
	reply(s, LOOK_NOOP);
}

/* VRFY and EXPN know root, postmaster and nobody else. */
static void
look_up(struct smtp_session *s, const char *arg, enum look_text found, enum look_text syntax)
{
	if (*arg == '\0')
		refuse(s, syntax, arg);
	else if (strcasecmp(arg, "root") == 0 || strcasecmp(arg, "postmaster") == 0)
		reply_with(s, found, arg, "");
	else
		refuse(s, LOOK_VRFY_UNKNOWN, arg);
}

static void
do_vrfy(struct smtp_session *s, const char *arg)
{
	look_up(s, arg, LOOK_VRFY_OK, LOOK_VRFY_SYNTAX);
}

static void
do_expn(struct smtp_session *s, const char *arg)
{
	look_up(s, arg, LOOK_EXPN, LOOK_EXPN_SYNTAX);
}

static void
do_help(struct smtp_session *s, const char *arg)
{
	reply_with(s, *arg == '\0' ? LOOK_HELP : LOOK_HELP_TOPIC, arg, "");
}

static void
do_etrn(struct smtp_session *s, const char *arg)
{
	if (*arg == '\0')
		refuse(s, LOOK_ETRN_SYNTAX, arg);
	else
		reply_with(s, LOOK_ETRN, arg, "");
}

static void
do_auth(struct smtp_session *s, const char *arg)
{
	refuse(s, LOOK_AUTH_OFF, arg);
}

static void
do_starttls(struct smtp_session *s, const char *arg)
{
	if (!tls_possible(s)) {
		refuse(s, LOOK_STARTTLS_OFF, arg);
		return;
	}
	reply(s, LOOK_STARTTLS_GO);
	reset_transaction(s);
	s->state = STATE_HANDSHAKE;
	s->sink.start_tls(s->sink.ctx);
}

static void
do_verb(struct smtp_session *s, const char *arg)
{
	reply_with(s, LOOK_VERB, arg, "");
}

static void
do_http(struct smtp_session *s, const char *arg)
{
	(void)arg;
	say_goodbye(s, LOOK_HTTP);
}

static void
do_quit(struct smtp_session *s, const char *arg)
{
	(void)arg;
	say_goodbye(s, LOOK_BYE);
}

static const struct command {
	const char *verb;
	void (*run)(struct smtp_session *s, const char *arg);
} commands[] = {
	{ "HELO", do_helo },
	{ "EHLO", do_ehlo },
	{ "MAIL", do_mail },
	{ "RCPT", do_rcpt },
	{ "DATA", do_data },
	{ "RSET", do_rset },
	{ "NOOP", do_noop },
	{ "QUIT", do_quit },
	{ "VRFY", do_vrfy },
	{ "EXPN", do_expn },
	{ "HELP", do_help },
	{ "ETRN", do_etrn },
	{ "VERB", do_verb },
	{ "AUTH", do_auth },
	{ "STARTTLS", do_starttls },
	{ "GET", do_http },
	{ "POST", do_http },
	{ "CONNECT", do_http },
};

static const char *const unimplemented[] = { "TURN", "SEND", "SAML", "SOML" };

static bool
listed(const char *verb)
{
	for (size_t i = 0; i < sizeof(unimplemented) / sizeof(unimplemented[0]); i++) {
		if (strcasecmp(unimplemented[i], verb) == 0)
			return true;
	}
	return false;
}

static void
run_command(struct smtp_session *s, char *line)
{
	size_t verb_len = strcspn(line, " \t");
	char verb[16];

	if (line[0] == '\0') {
		refuse(s, LOOK_EMPTY, "");
		return;
	}
	str_copy_bytes(verb, sizeof(verb), line, verb_len);
	const char *arg = line + verb_len + strspn(line + verb_len, " \t");

	for (size_t i = 0; i < sizeof(commands) / sizeof(commands[0]); i++) {
		if (verb_len < sizeof(verb) && strcasecmp(commands[i].verb, verb) == 0) {
			commands[i].run(s, arg);
			return;
		}
	}
	refuse_with(s, listed(verb) ? LOOK_UNIMPLEMENTED : LOOK_UNKNOWN, line, verb);
}

/* ---- bytes ---- */

static void
end_line(struct smtp_session *s)
{
	size_t len = s->line_len;

	if (len > 0 && s->line[len - 1] == '\r')
		len--;
	while (len > 0 && (s->line[len - 1] == ' ' || s->line[len - 1] == '\t'))
		len--;
	for (size_t i = 0; i < len; i++) {
		if (s->line[i] == '\0')
			s->line[i] = '?'; /* the verbs work on text; the transcript had the octet */
	}
	s->line[len] = '\0';
	s->line_len = 0;
	run_command(s, s->line);
}

/* Eats up to one line; what goes beyond SMTP_LINE_MAX is dropped, as Postfix does. */
static size_t
input_command(struct smtp_session *s, const char *data, size_t len)
{
	const char *end = memchr(data, '\n', len);
	size_t take = end == NULL ? len : (size_t)(end - data);
	size_t room = SMTP_LINE_MAX - s->line_len;

	memcpy(s->line + s->line_len, data, take < room ? take : room);
	s->line_len += take < room ? take : room;
	if (end == NULL)
		return take;
	s->sink.command(s->sink.ctx, s->line, s->line_len);
	end_line(s);
	return take + 1;
}

static void
finish_message(struct smtp_session *s)
{
	if (s->message_too_big) {
		s->sink.message_abort(s->sink.ctx);
		reply(s, LOOK_TOO_BIG);
		reset_transaction(s);
		return;
	}
	s->envelope.subject = s->message.subject;
	s->envelope.subject_len = s->message.subject_len;
	s->state = STATE_STORING;
	s->sink.message_end(s->sink.ctx, &s->envelope);
}

static size_t
input_data(struct smtp_session *s, const uint8_t *data, size_t len)
{
	uint8_t out[DATA_CHUNK + 2];
	size_t out_len;
	size_t eaten = smtp_message_input(&s->message, data, len < DATA_CHUNK ? len : DATA_CHUNK, out, &out_len);

	if (s->message.size > s->settings.message_max)
		s->message_too_big = true;
	else if (out_len > 0)
		s->sink.message_data(s->sink.ctx, out, out_len);
	if (s->message.place == SMTP_AT_END)
		finish_message(s);
	return eaten;
}

static bool
eats(const struct smtp_session *s)
{
	return s->state != STATE_STORING && s->state != STATE_HANDSHAKE && !s->delayed;
}

size_t
smtp_session_input(struct smtp_session *s, const void *data, size_t len, uint64_t now_ms, uint64_t wall_us)
{
	const uint8_t *p = data;
	size_t used = 0;

	s->active_ms = now_ms;
	s->wall_us = wall_us;
	while (used < len && eats(s)) {
		if (s->state == STATE_CLOSED)
			return len;
		if (s->state == STATE_DATA)
			used += input_data(s, p + used, len - used);
		else
			used += input_command(s, (const char *)p + used, len - used);
	}
	return used;
}

void
smtp_session_stored(struct smtp_session *s, bool ok)
{
	if (s->state != STATE_STORING)
		return;
	reply(s, ok ? LOOK_QUEUED : LOOK_TRY_LATER);
	reset_transaction(s);
	if (s->shutting_down)
		say_goodbye(s, LOOK_SHUTDOWN);
}

/* What the client said in the clear is forgotten (RFC 3207 4.2). */
void
smtp_session_tls_started(struct smtp_session *s)
{
	if (s->state != STATE_HANDSHAKE)
		return;
	s->state = STATE_READY;
	s->envelope.tls = true;
	s->envelope.helo[0] = '\0';
	s->envelope.esmtp = false;
}

void
smtp_session_resume(struct smtp_session *s)
{
	s->delayed = false;
}

void
smtp_session_sweep(struct smtp_session *s, uint64_t now_ms)
{
	/* A handshake's own time limit is the transport's. */
	if (s->state == STATE_CLOSED || s->state == STATE_STORING || s->state == STATE_HANDSHAKE)
		return;
	if (now_ms - s->active_ms >= s->settings.look->idle_ms || now_ms - s->start_ms >= SMTP_LIFETIME_MS)
		say_goodbye(s, LOOK_TIMEOUT);
}

void
smtp_session_shutdown(struct smtp_session *s)
{
	s->shutting_down = true;
	if (s->state == STATE_HANDSHAKE) {
		s->state = STATE_CLOSED;
		s->sink.close(s->sink.ctx);
	} else if (s->state != STATE_STORING && s->state != STATE_CLOSED) {
		say_goodbye(s, LOOK_SHUTDOWN);
	}
}

bool
smtp_session_storing(const struct smtp_session *s)
{
	return s->state == STATE_STORING;
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
	reply(s, LOOK_BANNER);
	return s;
}

void
smtp_session_free(struct smtp_session **sp)
{
	struct smtp_session *s = *sp;

	if (s == NULL)
		return;
	if (s->state == STATE_DATA)
		s->sink.message_abort(s->sink.ctx);
	reset_transaction(s);
	free(s->envelope.recipients);
	free(s->envelope.dsn);
	free(s);
	*sp = NULL;
}
