/* Exim 4.96 as measured on Debian 12, set up as its default configuration's relay for everybody. */
#include "base/mem.h"
#include "base/str.h"
#include "relaytrap/looks/exim_address.h"
#include "relaytrap/smtp_internal.h"

#include <arpa/inet.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LINE_BYTES = SMTP_LINE_MAX - 2,
	MISTAKES_MAX = 3, /* of syntax and protocol */
	UNKNOWN_MAX = 3,
	OTHERS_MAX = 10, /* commands that aren't about a mail */
};

static const char exim_no_room[] = "452 space shortage, please try later";

/* ---- saying ---- */

/* A mistake is counted; with the fourth the conversation ends. what follows the code, which may quote a client. */
static void
mistake(struct smtp_session *s, const char *code, const char *what)
{
	char text[LOOK_REPLY_MAX];
	bool last = ++s->errors > MISTAKES_MAX;

	if (last)
		snprintf(text, sizeof(text), "%s-%.*s\r\n%s Too many syntax or protocol errors", code,
		    (int)sizeof(text) - 100, what, code);
	else
		snprintf(text, sizeof(text), "%s %.*s", code, (int)sizeof(text) - 100, what);
	smtp_say(s, "%a", text);
	if (last)
		smtp_hang_up(s);
}

/* Counted, but it is not said that it was one too many. */
static void
plain_mistake(struct smtp_session *s, const char *text, const char *arg)
{
	smtp_say(s, text, arg);
	if (++s->errors > MISTAKES_MAX)
		smtp_hang_up(s);
}

/* "WRITTEN: why" */
static void
about(struct smtp_session *s, bool counted, const char *written, const char *why)
{
	char text[2 * SMTP_LINE_MAX];

	snprintf(text, sizeof(text), "%s: %s", written, why);
	if (counted)
		mistake(s, "501", text);
	else
		smtp_say(s, "501 %a", text);
}

/* Blanks at the end don't count. */
static char *
trimmed(char *text)
{
	size_t len = strlen(text);

	while (len > 0 && isspace((unsigned char)text[len - 1]))
		text[--len] = '\0';
	return text;
}

static bool
no_argument(struct smtp_session *s, const char *arg)
{
	if (*arg == '\0')
		return true;
	mistake(s, "501", "unexpected argument data");
	return false;
}

/* Commands that aren't about a mail are few in a good client. */
static bool
one_more(struct smtp_session *s)
{
	if (++s->junk <= OTHERS_MAX)
		return true;
	smtp_goodbye(s, "554 Too many nonmail commands");
	return false;
}

/* The first RSET, HELO, EHLO, AUTH and STARTTLS of a mail are not counted. */
static bool
first_or_one_more(struct smtp_session *s, bool *seen)
{
	if (*seen)
		return one_more(s);
	*seen = true;
	return true;
}

/* ---- talk before its turn ---- */

static bool
pipelining(const struct smtp_session *s)
{
	return s->envelope.esmtp && s->envelope.helo[0] != '\0';
}

/*
 * Commands whose answer must be waited for are refused when more is there already; before the first message a client
 * may be ahead (PIPECONNECT). Within TLS nobody looks. always: also one that PIPELINING lets run ahead.
 */
static bool
out_of_sync(struct smtp_session *s, bool always)
{
	if (!s->more || !(s->sync || s->helo_sync) || s->envelope.tls || (!always && pipelining(s)))
		return false;
	smtp_goodbye(s, "554 SMTP synchronization error");
	return true;
}

/* ---- greetings ---- */

static bool
literal_good(const char *name)
{
	char text[64];
	uint8_t address[16];
	size_t len = strlen(name);
	bool v6 = str_starts_nocase(name, "[IPv6:"), v4 = str_starts_nocase(name, "[IPv4:");
	size_t from = v6 || v4 ? 6 : 1;

	if (name[len - 1] != ']' || len < from + 1 || !str_copy_bytes(text, sizeof(text), name + from, len - from - 1))
		return false;
	return (!v6 && inet_pton(AF_INET, text, address) == 1) || (!v4 && inet_pton(AF_INET6, text, address) == 1);
}

static bool
name_good(const char *name)
{
	if (*name == '[')
		return literal_good(name);
	for (const char *p = name; *p != '\0'; p++) {
		if (!isalnum((unsigned char)*p) && *p != '.' && *p != '-')
			return false;
	}
	return *name != '\0';
}

static void
greet(struct smtp_session *s, char *arg, bool esmtp)
{
	if (out_of_sync(s, true) || !first_or_one_more(s, esmtp ? &s->first.ehlo : &s->first.helo))
		return;
	if (!name_good(trimmed(arg))) {
		plain_mistake(s, "501 Syntactically invalid %a argument(s)", esmtp ? "EHLO" : "HELO");
		return;
	}
	smtp_helo(s, arg, esmtp);
	s->helo_sync = s->helo_sync && !esmtp;
	if (esmtp)
		smtp_say_ehlo(s);
	else
		smtp_say(s, "250 %h Hello %c [%i]", "");
}

static void
helo(struct smtp_session *s, char *arg)
{
	greet(s, arg, false);
}

static void
ehlo(struct smtp_session *s, char *arg)
{
	greet(s, arg, true);
}

/* ---- parameters: taken from the end of the line, until one isn't known ---- */

struct option {
	char *name, *value; /* the same when there was no '=' */
};

static bool
last_option(char *text, struct option *o)
{
	char *v = trimmed(text) + strlen(text);

	if (v == text)
		return false;
	for (v--; v > text && *v != '=' && !isspace((unsigned char)*v); v--) {
		if (*v != '"')
			continue;
		do
			v--;
		while (v > text && *v != '"');
		if (v <= text)
			return false;
	}
	if (v <= text)
		return false;
	char *n = v;

	if (*v == '=') {
		while (n > text && isalpha((unsigned char)n[-1]))
			n--;
		if (n <= text || !isspace((unsigned char)n[-1]))
			return false;
		n[-1] = '\0';
	} else {
		n++;
	}
	*v++ = '\0';
	o->name = n;
	o->value = v;
	return true;
}

enum answer { TAKEN, NOT_KNOWN, ANSWERED };

static enum answer
take_body(struct smtp_session *s, const struct option *o)
{
	if (o->value != o->name && strcasecmp(o->value, "8BITMIME") == 0) {
		s->envelope.body = SMTP_BODY_8BITMIME;
	} else if (o->value != o->name && strcasecmp(o->value, "7BIT") == 0) {
		s->envelope.body = SMTP_BODY_7BIT;
	} else {
		mistake(s, "501", "invalid data for BODY");
		return ANSWERED;
	}
	return TAKEN;
}

/* RET and ENVID are let pass though DSN isn't offered. */
static enum answer
take_option(struct smtp_session *s, const struct option *o)
{
	bool bare = o->value == o->name;

	if (strcasecmp(o->name, "SIZE") == 0) {
		char *end;
		uint64_t size = strtoull(bare ? "" : o->value, &end, 10);

		s->declared_size = *end == '\0' ? size : 0;
	} else if (strcasecmp(o->name, "BODY") == 0) {
		return take_body(s, o);
	} else if (strcasecmp(o->name, "SMTPUTF8") == 0 && bare) {
		s->envelope.smtputf8 = true;
	} else if (strcasecmp(o->name, "RET") == 0) {
		str_copy(s->envelope.ret, sizeof(s->envelope.ret), o->value);
	} else if (strcasecmp(o->name, "ENVID") == 0) {
		str_copy(s->envelope.envid, sizeof(s->envelope.envid), o->value);
	} else if (strcasecmp(o->name, "AUTH") != 0 || bare) {
		return NOT_KNOWN;
	}
	return TAKEN;
}

/* False when it was answered. What isn't known stays, and the address will be malformed. */
static bool
mail_options(struct smtp_session *s, char *arg)
{
	struct option o;

	while (s->envelope.esmtp && last_option(arg, &o)) {
		enum answer a = take_option(s, &o);

		if (a == ANSWERED)
			return false;
		if (a == NOT_KNOWN) {
			if (o.value != o.name)
				o.value[-1] = '=';
			o.name[-1] = ' ';
			break;
		}
	}
	return true;
}

/* ---- MAIL ---- */

/* "a@b", but not "\"a@b\"". */
static bool
has_domain(const char *address)
{
	return strchr(address, '@') != NULL && address[strlen(address) - 1] != '"';
}

static void
take_sender(struct smtp_session *s, const char *arg)
{
	char address[SMTP_LINE_MAX], why[EXIM_ERROR_MAX];

	if (s->declared_size > s->settings.message_max) {
		smtp_say(s, "552 Message size exceeds maximum permitted", "");
	} else if (!exim_address_parse(arg, true, address, why)) {
		about(s, true, arg, why);
	} else if (address[0] != '\0' && !has_domain(address)) {
		about(s, false, arg, "sender address must contain a domain");
	} else {
		str_copy(s->envelope.mail_from, sizeof(s->envelope.mail_from), address);
		s->mail_refused = false;
		s->state = SMTP_MAIL;
		s->helo_sync = !s->envelope.esmtp;
		smtp_say(s, "250 OK", "");
	}
}

static void
begin_mail(struct smtp_session *s, char *arg)
{
	s->refused_recipients = 0;
	if (mail_options(s, arg))
		take_sender(s, arg);
}

static void
mail(struct smtp_session *s, char *arg)
{
	if (out_of_sync(s, false))
		return;
	s->mail_refused = true;
	s->declared_size = 0;
	trimmed(arg);
	if (s->envelope.helo[0] == '\0')
		smtp_say(s, "503 HELO or EHLO required", "");
	else if (s->state == SMTP_MAIL)
		mistake(s, "503", "sender already given");
	else if (*arg == '\0')
		mistake(s, "501", "MAIL must have an address operand");
	else
		begin_mail(s, arg);
}

/* ---- RCPT ---- */

/* What all recipients heard is repeated at DATA if it was the same. */
static void
remember(struct smtp_session *s, const char *answer)
{
	if (s->refused_recipients++ == 0) {
		free(s->refusal);
		s->refusal = xstrdup(answer);
	} else if (s->refusal != NULL && strcmp(s->refusal, answer) != 0) {
		free(s->refusal);
		s->refusal = NULL;
	}
}

static void
refuse_recipient(struct smtp_session *s, bool counted, const char *code, const char *written, const char *why)
{
	char text[2 * SMTP_LINE_MAX];

	snprintf(text, sizeof(text), "%s %s%s%s", code, written, *written != '\0' ? ": " : "", why);
	remember(s, strcmp(code, "550") == 0 ? why : text); /* the rules' word has no code yet */
	if (counted)
		mistake(s, code, text + 4);
	else
		smtp_say(s, "%a", text);
}

/* The default configuration's first rules: signs that relays are tried with. */
static bool
restricted(const struct smtp_session *s, const char *address)
{
	const char *domain = smtp_address_domain(address);
	size_t len = domain == NULL ? strlen(address) : (size_t)(domain - address - 1);
	bool local = domain == NULL || smtp_is_local_domain(s, domain);

	if (address[0] == '.' || (!local && (address[0] == '/' || address[0] == '|')))
		return true;
	for (size_t i = 0; i < len; i++) {
		if (strchr(local ? "@%!/|" : "@%!", address[i]) != NULL)
			return true;
	}
	return false;
}

static void
take_recipient(struct smtp_session *s, const char *arg)
{
	char address[SMTP_LINE_MAX], why[EXIM_ERROR_MAX];

	if (!exim_address_parse(arg, false, address, why)) {
		refuse_recipient(s, true, "501", arg, why);
	} else if (!has_domain(address) && strcasecmp(address, "postmaster") != 0) {
		refuse_recipient(s, false, "501", arg, "recipient address must contain a domain");
	} else if (s->envelope.recipient_count >= SMTP_RECIPIENTS_MAX) {
		refuse_recipient(s, false, "452", "", "too many recipients");
	} else if (restricted(s, address)) {
		refuse_recipient(s, false, "550", "", "Restricted characters in address");
	} else if (!smtp_recipient_known(s, address)) {
		refuse_recipient(s, false, "550", "", "Unknown user");
	} else {
		smtp_add_recipient(s, address, arg, "", "");
		smtp_say(s, "250 Accepted", "");
	}
}

static void
rcpt(struct smtp_session *s, char *arg)
{
	struct option o;

	if (out_of_sync(s, false))
		return;
	trimmed(arg);
	s->is_rcpt = true;
	if (s->state != SMTP_MAIL) {
		bool counted = !(s->was_mail_refused && pipelining(s));

		s->is_rcpt = s->mail_refused = !counted;
		refuse_recipient(s, counted, "503", "", "sender not yet given");
		return;
	}
	if (*arg == '\0') {
		refuse_recipient(s, true, "501", "", "RCPT must have an address operand");
		return;
	}
	/* No parameter is known; what last_option cut is put back, in the server's own order. */
	if (s->envelope.esmtp && last_option(arg, &o)) {
		o.name[-1] = ' ';
		o.value[-1] = '=';
	}
	take_recipient(s, arg);
}

/* ---- the message ---- */

/* Nobody to send to: false, and it was said why. */
static bool
has_recipients(struct smtp_session *s, const char *verb)
{
	char text[64];

	if (s->envelope.recipient_count > 0)
		return true;
	if (s->refused_recipients > 0 && s->refusal != NULL)
		smtp_say(s, "503-All RCPT commands were rejected with this error:\n503-%a", s->refusal);
	snprintf(text, sizeof(text), "Valid RCPT command must precede %s", verb);
	if (pipelining(s) && s->was_rcpt) {
		smtp_say(s, "503 %a", text);
	} else {
		text[0] = 'v';
		mistake(s, "503", text);
	}
	return false;
}

static void
data(struct smtp_session *s, char *arg)
{
	bool refused;

	if (out_of_sync(s, true) || !no_argument(s, trimmed(arg)))
		return;
	refused = !has_recipients(s, "DATA");
	s->sync = true;
	if (!refused && s->state != SMTP_CLOSED)
		smtp_begin_data(s, "354 Enter message, ending with \".\" on a line by itself", exim_no_room);
}

static void
stored(struct smtp_session *s, bool ok)
{
	char text[64];

	s->sync = true;
	s->first = (struct smtp_firsts){ 0 };
	if (ok && s->bdat) {
		/* What has no header is given the line that ends one; a CR at the end becomes CRLF. */
		uint64_t total = smtp_message_wire_size(&s->message) + (smtp_message_headless(&s->message) ? 1 : 0) -
		    (s->message.last == '\r' ? 1 : 0);

		snprintf(text, sizeof(text), "%llu byte chunk, total %llu", (unsigned long long)s->chunk_size,
		    (unsigned long long)total);
		smtp_say(s, "250- %a\n250 OK id=%q", text);
	} else {
		smtp_say(s, ok ? "250 OK id=%q" : exim_no_room, "");
	}
}

static void
too_big(struct smtp_session *s)
{
	smtp_say(s, "552 Message size exceeds maximum permitted", "");
}

static void
bdat(struct smtp_session *s, char *arg)
{
	char *end;
	uint64_t size = strtoull(arg, &end, 10);

	if (!pipelining(s)) {
		mistake(s, "503", "BDAT command used when CHUNKING not advertised");
		return;
	}
	if (end == arg || !isdigit((unsigned char)*arg)) {
		mistake(s, "501", "missing size for BDAT command");
		return;
	}
	end += strspn(end, " \t");
	bool last = str_starts_nocase(end, "LAST");
	bool lost = s->envelope.recipient_count == 0;

	if (!lost && !s->bdat && !smtp_begin_message(s, exim_no_room))
		return;
	s->bdat = s->bdat || !lost;
	smtp_begin_chunk(s, size, last, lost);
}

static void
chunk(struct smtp_session *s)
{
	char size[24];

	if (s->chunk_lost) {
		has_recipients(s, "BDAT");
		return;
	}
	snprintf(size, sizeof(size), "%llu", (unsigned long long)s->chunk_size);
	smtp_say(s, "250 %a byte chunk received", size);
}

/* ---- the rest ---- */

static void
rset(struct smtp_session *s, char *arg)
{
	if (out_of_sync(s, false) || !first_or_one_more(s, &s->first.rset) || !no_argument(s, trimmed(arg)))
		return;
	smtp_reset(s);
	smtp_say(s, "250 Reset OK", "");
}

static void
noop(struct smtp_session *s, char *arg)
{
	(void)arg;
	if (!out_of_sync(s, true) && one_more(s))
		smtp_say(s, "250 OK", "");
}

static void
vrfy(struct smtp_session *s, char *arg)
{
	char address[SMTP_LINE_MAX], why[EXIM_ERROR_MAX];

	if (out_of_sync(s, true) || !one_more(s))
		return;
	if (!exim_address_parse(trimmed(arg), false, address, why))
		smtp_say(s, "501 %a", why);
	else if (!has_domain(address) && strcasecmp(address, "postmaster") != 0)
		about(s, false, arg, "recipient address must contain a domain");
	else
		smtp_say(s, "252 Administrative prohibition", "");
}

static void
expn(struct smtp_session *s, char *arg)
{
	(void)arg;
	if (!out_of_sync(s, true) && one_more(s))
		smtp_say(s, "550 Administrative prohibition", "");
}

static void
help(struct smtp_session *s, char *arg)
{
	(void)arg;
	if (one_more(s))
		smtp_say(s,
		    "214-Commands supported:\n214 AUTH%a HELO EHLO MAIL RCPT DATA BDAT NOOP QUIT RSET HELP ETRN",
		    smtp_tls_possible(s) ? " STARTTLS" : "");
}

static void
etrn(struct smtp_session *s, char *arg)
{
	if (out_of_sync(s, true) || !one_more(s))
		return;
	if (s->state == SMTP_MAIL)
		mistake(s, "503", "ETRN is not permitted inside a transaction");
	else if (*arg != '#')
		mistake(s, "501", "argument must begin with #");
	else
		smtp_say(s, "250 OK", "");
}

static void
unknown_mechanism(struct smtp_session *s, const char *mechanism)
{
	char text[300];

	snprintf(text, sizeof(text), "%.200s authentication mechanism not supported", mechanism);
	mistake(s, "504", text);
}

static void
auth(struct smtp_session *s, char *arg)
{
	size_t len = strcspn(trimmed(arg), " \t");
	char *initial = arg + len + strspn(arg + len, " \t");
	bool has_initial = *initial != '\0';

	if (!first_or_one_more(s, &s->first.auth))
		return;
	arg[len] = '\0';
	if (!s->auth.offered || !pipelining(s))
		mistake(s, "503", "AUTH command used when not advertised");
	else if (s->envelope.auth_user[0] != '\0')
		mistake(s, "503", "already authenticated");
	else if (s->state == SMTP_MAIL)
		mistake(s, "503", "not permitted in mail transaction");
	else if (!smtp_auth_mechanism(arg))
		unknown_mechanism(s, arg);
	else
		smtp_auth_begin(s, arg, has_initial ? initial : NULL);
}

static void
starttls(struct smtp_session *s, char *arg)
{
	if (out_of_sync(s, true) || !first_or_one_more(s, &s->first.starttls) || !no_argument(s, trimmed(arg)))
		return;
	if (s->envelope.tls && !s->settings.tls_active && s->envelope.helo[0] == '\0')
		smtp_say(s, "554 Already in TLS", ""); /* what EHLO offered before still counts */
	else if (!smtp_tls_possible(s) || !pipelining(s))
		mistake(s, "503", "STARTTLS command used when not advertised");
	else
		smtp_start_tls(s, "220 TLS go ahead");
}

static void
quit(struct smtp_session *s, char *arg)
{
	if (no_argument(s, trimmed(arg)))
		smtp_quit(s, "221 %h closing connection");
}

static void
unknown(struct smtp_session *s, char *text)
{
	(void)text;
	if (out_of_sync(s, true))
		return;
	if (++s->unknowns > UNKNOWN_MAX)
		smtp_goodbye(s, "500 Too many unrecognized commands");
	else
		mistake(s, "500", "unrecognized command");
}

/* Between the chunks of a message nothing else is heard; after a try only RSET is. */
static bool
between_chunks(struct smtp_session *s, const char *text)
{
	static const char *const heard[] = { "BDAT", "NOOP", "RSET", "QUIT" };

	if (s->bdat_failed && !str_starts_nocase(text, "RSET") && !str_starts_nocase(text, "QUIT")) {
		smtp_say(s, "503 only RSET accepted now", "");
		return true;
	}
	for (size_t i = 0; i < sizeof(heard) / sizeof(heard[0]); i++) {
		if (!s->bdat || str_starts_nocase(text, heard[i]))
			return false;
	}
	s->bdat_failed = true;
	smtp_say(s, "503 only BDAT permissible after non-LAST BDAT", "");
	return true;
}

/* Verbs begin the line; MAIL and RCPT include their word and colon, to the blank. */
static bool
line(struct smtp_session *s, char *text, size_t len)
{
	s->was_rcpt = s->is_rcpt;
	s->was_mail_refused = s->mail_refused;
	s->is_rcpt = s->mail_refused = false;
	if (s->line_cut) {
		unknown(s, text);
		return true;
	}
	if (memchr(text, '\0', len) != NULL) {
		plain_mistake(s, "501 NUL characters are not allowed in SMTP commands", "");
		return true;
	}
	if (s->state == SMTP_AUTH)
		return false;
	if (between_chunks(s, text))
		return true;
	if (str_starts_nocase(text, "MAIL FROM:")) {
		mail(s, text + 10 + strspn(text + 10, " \t"));
		return true;
	}
	if (str_starts_nocase(text, "RCPT TO:")) {
		rcpt(s, text + 8 + strspn(text + 8, " \t"));
		return true;
	}
	if (isspace((unsigned char)text[0]) || strchr(text, '\r') != NULL) {
		unknown(s, text);
		return true;
	}
	return false;
}

static void
eof(struct smtp_session *s)
{
	bool message = s->state == SMTP_DATA || s->state == SMTP_CHUNK || s->bdat;

	smtp_say(s, message ? "421 Lost incoming connection" : "421 %h lost input connection", "");
}

static void
base62(char *out, size_t digits, uint64_t value)
{
	static const char signs[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

	while (digits > 0) {
		out[--digits] = signs[value % 62];
		value /= 62;
	}
}

/* Seconds, process id, and the fraction of the second in 1/2000, each in base 62. */
static void
queue_id(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter)
{
	memcpy(out, "xxxxxx-xxxxxx-xx", 17);
	base62(out, 6, wall_us / 1000000);
	base62(out + 7, 6, host_secret % 30000 + 300 + counter);
	base62(out + 14, 2, wall_us % 1000000 / 500);
}

static const struct look_keyword keywords[] = {
	{ "SIZE %n", LOOK_ALWAYS },
	{ "8BITMIME", LOOK_ALWAYS },
	{ "ETRN", LOOK_ALWAYS },
	{ "PIPELINING", LOOK_ALWAYS },
	{ "PIPECONNECT", LOOK_BEFORE_SYNC },
	{ "AUTH PLAIN LOGIN CRAM-MD5", LOOK_WITH_AUTH },
	{ "CHUNKING", LOOK_ALWAYS },
	{ "STARTTLS", LOOK_WITHOUT_TLS },
	{ "SMTPUTF8", LOOK_ALWAYS },
	{ "HELP", LOOK_ALWAYS },
};

/* MAIL FROM: and RCPT TO: are found by line(). */
static const struct look_command commands[] = {
	{ "HELO", helo },
	{ "EHLO", ehlo },
	{ "DATA", data },
	{ "BDAT", bdat },
	{ "RSET", rset },
	{ "NOOP", noop },
	{ "VRFY", vrfy },
	{ "EXPN", expn },
	{ "HELP", help },
	{ "ETRN", etrn },
	{ "AUTH", auth },
	{ "STARTTLS", starttls },
	{ "QUIT", quit },
};

static const struct smtp_auth_texts auth_texts = {
	.ok = "235 Authentication succeeded",
	.failed = "535 Incorrect authentication data",
	.cancelled = "501 Authentication cancelled",
	.bad_initial = "501 Invalid base64 data",
	.bad_line = "501 Invalid base64 data",
	.cram_initial = "553 Initial data not expected",
	.equals_is_empty = true,
	.ends_with_tls = true,
	.offered_once = true,
};

static const char *const versions[] = { "4.96", "4.96.2", "4.97.1" };

const struct look look_exim = {
	.name = "exim",
	.versions = versions,
	.version_count = sizeof(versions) / sizeof(versions[0]),
	.keywords = keywords,
	.keyword_count = sizeof(keywords) / sizeof(keywords[0]),
	.commands = commands,
	.command_count = sizeof(commands) / sizeof(commands[0]),
	.banner = "220 %h ESMTP Exim %v %D",
	.ehlo = "250-%h Hello %c [%i]",
	.timeout = "421 %h: SMTP command timeout - closing connection",
	.data_timeout = "421 %h SMTP incoming data timeout - closing connection.",
	.shutdown = "421 %h Service not available - closing connection",
	.crowded = "421 Too many concurrent SMTP connections from this IP address; please try again later.",
	.auth = &auth_texts,
	.idle_ms = 300 * 1000,
	.data_rules = LOOK_DATA_FIRST_LINE,
	.tls_end = LOOK_TLS_LEAVES,
	.line_max = LINE_BYTES,
	.line_split = true,
	.line = line,
	.unknown = unknown,
	.stored = stored,
	.too_big = too_big,
	.chunk = chunk,
	.eof = eof,
	.queue_id = queue_id,
};
