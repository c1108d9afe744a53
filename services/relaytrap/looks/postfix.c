/* Postfix: 3.7 as measured on Debian 12; 2.x, as its releases before SMTPUTF8 and CHUNKING answer. */
#include "base/str.h"
#include "relaytrap/looks/postfix_words.h"
#include "relaytrap/smtp_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LINE_MAX_BYTES = 2048,
	ERRORS_SOFT = 10, /* answers are late from here */
	ERRORS_HARD = 20, /* goodbye */
	ERROR_LATE_MS = 1000,
	JUNK_MAX = 100, /* commands without a mail, beyond which each is an error */
	HOPS_MAX = 50,
};

static const char unknown_user[] = "550 5.1.1 <%a>: Recipient address rejected: User unknown in local recipient table";

struct flavour {
	const char *unknown, *vrfy_syntax;
	bool utf8; /* SMTPUTF8, and the syntax is looked at */
	bool letters; /* a line that begins with another sign is bogus */
};

static const struct flavour *
flavour(const struct smtp_session *s)
{
	return s->settings.look->flavour;
}

/* Room for the words of a command: the longest line twice. */
struct words {
	struct postfix_words cut;
	char room[2 * LINE_MAX_BYTES + POSTFIX_WORDS_MAX];
};

static void
no_room(struct smtp_session *s)
{
	smtp_say(s, "452 4.3.1 Insufficient system storage", "");
}

/* ---- greetings ---- */

/* Commands that are no mistake, but shouldn't be all that a client does. */
static void
count_junk(struct smtp_session *s)
{
	if (++s->junk > JUNK_MAX)
		s->errors++;
}

static void
greet(struct smtp_session *s, const char *arg, bool esmtp)
{
	if (*arg == '\0') {
		smtp_refuse(s, esmtp ? "501 Syntax: EHLO hostname" : "501 Syntax: HELO hostname", "");
		return;
	}
	smtp_helo(s, arg, esmtp);
	if (esmtp)
		smtp_say_ehlo(s);
	else
		smtp_say(s, "250 %h", "");
	count_junk(s);
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

/* ---- MAIL ---- */

/* RFC 3461 4: hexadecimal pairs behind '+', no '='. */
static bool
xtext_good(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '=')
			return false;
		if (*text == '+' && !(isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])))
			return false;
	}
	return true;
}

static const char *
size_error(struct smtp_session *s, const char *value)
{
	if (*value == '\0' || strspn(value, "0123456789") != strlen(value) || strlen(value) > 18)
		return "501 5.5.4 Bad message size syntax";
	s->declared_size = strtoull(value, NULL, 10);
	return NULL;
}

/* What RET says is kept even if the command is refused later: Postfix remembers it until RSET. */
static const char *
ret_error(struct smtp_session *s, const char *value)
{
	if (s->envelope.ret[0] != '\0' || (strcasecmp(value, "FULL") != 0 && strcasecmp(value, "HDRS") != 0))
		return "501 5.5.4 Bad RET parameter syntax";
	str_copy(s->envelope.ret, sizeof(s->envelope.ret), value);
	return NULL;
}

static const char *
envid_error(struct smtp_session *s, const char *value)
{
	if (s->envelope.envid[0] != '\0' || *value == '\0' || !xtext_good(value))
		return "501 5.5.4 Bad ENVID parameter syntax";
	str_copy(s->envelope.envid, sizeof(s->envelope.envid), value);
	return NULL;
}

/* What is wrong with a parameter of MAIL; NULL: nothing. */
static const char *
mail_option_error(struct smtp_session *s, const char *option)
{
	if (strcasecmp(option, "BODY=8BITMIME") == 0)
		s->envelope.body = SMTP_BODY_8BITMIME;
	else if (strcasecmp(option, "BODY=7BIT") == 0)
		s->envelope.body = SMTP_BODY_7BIT;
	else if (str_starts_nocase(option, "SIZE="))
		return size_error(s, option + 5);
	else if (flavour(s)->utf8 && strcasecmp(option, "SMTPUTF8") == 0)
		s->envelope.smtputf8 = true;
	else if (str_starts_nocase(option, "RET="))
		return ret_error(s, option + 4);
	else if (str_starts_nocase(option, "ENVID="))
		return envid_error(s, option + 6);
	else if (!str_starts_nocase(option, "AUTH="))
		return "555 5.5.4 Unsupported option: %a";
	return NULL;
}

static bool
mail_options_good(struct smtp_session *s, const struct postfix_words *w)
{
	s->envelope.smtputf8 = false;
	s->envelope.envid[0] = '\0';
	s->envelope.body = SMTP_BODY_NONE;
	for (size_t i = 2; i < w->count; i++) {
		const char *error = mail_option_error(s, w->at[i].text);

		if (error != NULL) {
			smtp_refuse(s, error, w->at[i].text);
			return false;
		}
	}
	return true;
}

static void
mail(struct smtp_session *s, char *arg)
{
	struct words w;
	char address[LINE_MAX_BYTES + 1];

	postfix_words_cut(&w.cut, arg, w.room);
	if (s->state == SMTP_MAIL) {
		smtp_refuse(s, "503 5.5.1 Error: nested MAIL command", "");
	} else if (w.cut.count < 2 || strcasecmp(w.cut.at[0].text, "FROM:") != 0) {
		smtp_refuse(s, "501 5.5.4 Syntax: MAIL FROM:<address>", "");
	} else if (w.cut.at[1].bad) {
		smtp_refuse(s, "501 5.1.7 Bad sender address syntax", "");
	} else if (mail_options_good(s, &w.cut)) {
		if (!postfix_address(w.cut.at[1].text, true, s->envelope.smtputf8, address)) {
			smtp_refuse(s, "501 5.1.7 Bad sender address syntax", "");
		} else if (s->declared_size > s->settings.message_max) {
			smtp_refuse(s, "552 5.3.4 Message size exceeds fixed limit", "");
		} else {
			str_copy(s->envelope.mail_from, sizeof(s->envelope.mail_from), address);
			s->state = SMTP_MAIL;
			smtp_say(s, "250 2.1.0 Ok", "");
		}
	}
}

/* ---- RCPT ---- */

static bool
notify_good(const char *value)
{
	bool never = false, other = false;

	for (;;) {
		size_t len = strcspn(value, ",");

		if (len == 5 && strncasecmp(value, "NEVER", 5) == 0)
			never = true;
		else if ((len == 7 &&
			     (strncasecmp(value, "SUCCESS", 7) == 0 || strncasecmp(value, "FAILURE", 7) == 0)) ||
		    (len == 5 && strncasecmp(value, "DELAY", 5) == 0))
			other = true;
		else
			return false;
		if (value[len] == '\0')
			return never != other;
		value += len + 1;
	}
}

static bool
orcpt_good(const char *value)
{
	const char *semicolon = strchr(value, ';');

	return semicolon != NULL && semicolon != value && xtext_good(semicolon + 1);
}

static bool
rcpt_options_good(struct smtp_session *s, const struct postfix_words *w, const char **notify, const char **orcpt)
{
	for (size_t i = 2; i < w->count; i++) {
		const char *option = w->at[i].text, *error = NULL;

		if (str_starts_nocase(option, "NOTIFY=")) {
			if (**notify != '\0' || !notify_good(option + 7))
				error = "501 5.5.4 Error: Bad NOTIFY parameter syntax";
			*notify = option + 7;
		} else if (str_starts_nocase(option, "ORCPT=")) {
			if (**orcpt != '\0' || !orcpt_good(option + 6))
				error = "501 5.5.4 Error: Bad ORCPT parameter syntax";
			*orcpt = option + 6;
		} else {
			error = "555 5.5.4 Unsupported option: %a";
		}
		if (error != NULL) {
			smtp_refuse(s, error, option);
			return false;
		}
	}
	return true;
}

static void
take_recipient(struct smtp_session *s, const char *text, const char *notify, const char *orcpt)
{
	char address[LINE_MAX_BYTES + 1];

	if (!postfix_address(text, false, s->envelope.smtputf8, address)) {
		smtp_refuse(s, "501 5.1.3 Bad recipient address syntax", "");
	} else if (s->envelope.recipient_count >= SMTP_RECIPIENTS_MAX) {
		smtp_refuse(s, "452 4.5.3 Error: too many recipients", "");
	} else if (!smtp_recipient_known(s, address)) {
		smtp_refuse(s, unknown_user, address);
	} else {
		smtp_add_recipient(s, address, text, notify, orcpt);
		smtp_say(s, "250 2.1.5 Ok", "");
	}
}

static void
rcpt(struct smtp_session *s, char *arg)
{
	struct words w;
	const char *notify = "", *orcpt = "";

	postfix_words_cut(&w.cut, arg, w.room);
	if (s->state != SMTP_MAIL)
		smtp_refuse(s, "503 5.5.1 Error: need MAIL command", "");
	else if (s->bdat || s->bdat_failed)
		smtp_refuse(s, "503 5.5.1 Error: RCPT after BDAT", "");
	else if (w.cut.count < 2 || strcasecmp(w.cut.at[0].text, "TO:") != 0)
		smtp_refuse(s, "501 5.5.4 Syntax: RCPT TO:<address>", "");
	else if (w.cut.at[1].bad)
		smtp_refuse(s, "501 5.1.3 Bad recipient address syntax", "");
	else if (rcpt_options_good(s, &w.cut, &notify, &orcpt))
		take_recipient(s, w.cut.at[1].text, notify, orcpt);
}

/* ---- the message ---- */

/* DATA and BDAT need recipients; what they hear without. */
static const char *
recipients_missing(const struct smtp_session *s)
{
	if (s->state != SMTP_MAIL)
		return "503 5.5.1 Error: need RCPT command";
	return s->envelope.recipient_count == 0 ? "554 5.5.1 Error: no valid recipients" : NULL;
}

static void
data(struct smtp_session *s, char *arg)
{
	const char *missing = recipients_missing(s);

	if (s->bdat)
		smtp_refuse(s, "503 5.5.1 Error: DATA after BDAT", "");
	else if (missing != NULL)
		smtp_refuse(s, missing, "");
	else if (*arg != '\0')
		smtp_refuse(s, "501 5.5.4 Syntax: DATA", "");
	else
		smtp_begin_data(s, "354 End data with <CR><LF>.<CR><LF>", "452 4.3.1 Insufficient system storage");
}

static void
stored(struct smtp_session *s, bool ok)
{
	char size[24];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)smtp_message_wire_size(&s->message));
	if (!ok) {
		no_room(s);
		return;
	}
	s->errors = s->junk = 0;
	smtp_say(s, s->bdat ? "250 2.0.0 Ok: %a bytes queued as %q" : "250 2.0.0 Ok: queued as %q", size);
}

static void
too_big(struct smtp_session *s)
{
	smtp_refuse(s, s->bdat ? "552 5.3.4 Chunk exceeds message size limit" : "552 5.3.4 Error: message file too big",
	    "");
}

static bool
acceptable(struct smtp_session *s)
{
	if (s->message.hops <= HOPS_MAX)
		return true;
	smtp_refuse(s, "554 5.4.0 Error: too many hops", "");
	return false;
}

/* "count" or "count LAST"; false: neither. */
static bool
bdat_parse(const char *arg, uint64_t *size, bool *last)
{
	char *end;

	if (!isdigit((unsigned char)*arg))
		return false;
	*size = strtoull(arg, &end, 10);
	if (end - arg > 18)
		return false;
	*last = false;
	if (*end == '\0')
		return true;
	if (*end != ' ' && *end != '\t')
		return false;
	end += strspn(end, " \t");
	*last = strcasecmp(end, "LAST") == 0;
	return *last;
}

static void
bdat(struct smtp_session *s, char *arg)
{
	uint64_t size;
	bool last;

	if (!bdat_parse(arg, &size, &last)) {
		smtp_goodbye(s, "521 5.5.4 Syntax: BDAT count [LAST]");
		return;
	}
	if (size == 0 && !last && !s->bdat_failed) {
		s->bdat_failed = true;
		smtp_refuse(s, "551 5.7.1 Null BDAT request", "");
		return;
	}
	bool lost = recipients_missing(s) != NULL || s->bdat_failed;

	if (!lost && !s->bdat && !smtp_begin_message(s, "452 4.3.1 Insufficient system storage"))
		return;
	s->bdat = s->bdat || !lost;
	smtp_begin_chunk(s, size, last, lost);
}

/* A chunk was read that doesn't end a message. */
static void
chunk(struct smtp_session *s)
{
	char size[24];

	snprintf(size, sizeof(size), "%llu", (unsigned long long)s->chunk_size);
	if (!s->chunk_lost) {
		smtp_say(s, "250 2.0.0 Ok: %a bytes", size);
	} else if (s->bdat_failed) {
		s->bdat_failed = !s->chunk_last;
		smtp_refuse(s, "551 5.0.0 Discarded %a bytes after earlier error", size);
	} else {
		s->bdat_failed = !s->chunk_last;
		smtp_refuse(s, recipients_missing(s), "");
	}
}

/* ---- the rest ---- */

static void
rset(struct smtp_session *s, char *arg)
{
	if (*arg != '\0') {
		smtp_refuse(s, "501 5.5.4 Syntax: RSET", "");
		return;
	}
	smtp_reset(s);
	smtp_say(s, "250 2.0.0 Ok", "");
	count_junk(s);
}

static void
noop(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_say(s, "250 2.0.0 Ok", "");
	count_junk(s);
}

static void
vrfy(struct smtp_session *s, char *arg)
{
	char address[LINE_MAX_BYTES + 1];
	bool open = *arg == '<' && strchr(arg, '>') == NULL; /* "<root": the bracket becomes part of the name */

	if (*arg == '\0') {
		smtp_refuse(s, flavour(s)->vrfy_syntax, "");
	} else if (!postfix_address(arg, false, false, address)) {
		smtp_refuse(s, "501 5.1.3 Bad recipient address syntax", "");
	} else if (open || !smtp_recipient_known(s, address)) {
		smtp_refuse(s, unknown_user, open ? arg : address);
	} else {
		smtp_say(s, "252 2.0.0 %a", arg);
		count_junk(s);
	}
}

static void
etrn(struct smtp_session *s, char *arg)
{
	const char *domain = arg + (*arg == '@' || *arg == '#');

	if (s->state == SMTP_MAIL) {
		smtp_refuse(s, "503 Error: MAIL transaction in progress", "");
	} else if (*arg == '\0' || strpbrk(arg, " \t") != NULL) {
		smtp_refuse(s, "500 Syntax: ETRN domain", "");
	} else if (*domain == '\0' ||
	    strspn(domain, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_[]:") != strlen(domain)) {
		smtp_refuse(s, "501 Error: invalid parameter syntax", "");
	} else {
		smtp_refuse(s, "459 <%a>: service unavailable", domain);
	}
}

static void
auth(struct smtp_session *s, char *arg)
{
	size_t len = strcspn(arg, " \t");
	char *initial = arg + len + strspn(arg + len, " \t");

	if (!smtp_auth_possible(s)) {
		smtp_refuse(s, "503 5.5.1 Error: authentication not enabled", "");
	} else if (s->state == SMTP_MAIL) {
		smtp_refuse(s, "503 5.5.1 Error: MAIL transaction in progress", "");
	} else if (s->envelope.auth_user[0] != '\0') {
		smtp_refuse(s, "503 5.5.1 Error: already authenticated", "");
	} else if (*arg == '\0' || strpbrk(initial, " \t") != NULL) {
		smtp_refuse(s, "501 5.5.4 Syntax: AUTH mechanism", "");
	} else {
		bool has_initial = *initial != '\0';

		arg[len] = '\0';
		if (!smtp_auth_mechanism(arg))
			smtp_refuse(s, "535 5.7.8 Error: authentication failed: no mechanism available", "");
		else
			smtp_auth_begin(s, arg, has_initial ? initial : NULL);
	}
}

static void
starttls(struct smtp_session *s, char *arg)
{
	if (*arg != '\0')
		smtp_refuse(s, "501 5.5.4 Syntax: STARTTLS", "");
	else if (s->envelope.tls)
		smtp_refuse(s, "554 5.5.1 Error: TLS already active", "");
	else if (!s->settings.tls_offered)
		smtp_refuse(s, "502 5.5.1 Error: command not implemented", "");
	else
		smtp_start_tls(s, "220 2.0.0 Ready to start TLS");
}

static void
refuse_privileged(struct smtp_session *s, const char *arg, const char *syntax)
{
	if (s->state == SMTP_MAIL)
		smtp_refuse(s, "503 5.5.1 Error: MAIL transaction in progress", "");
	else if (*arg == '\0')
		smtp_refuse(s, syntax, "");
	else
		smtp_refuse(s, "550 5.7.0 Error: insufficient authorization", "");
}

static void
xclient(struct smtp_session *s, char *arg)
{
	refuse_privileged(s, arg, "501 5.5.4 Syntax: XCLIENT attribute=value...");
}

static void
xforward(struct smtp_session *s, char *arg)
{
	refuse_privileged(s, arg, "501 5.5.4 Syntax: XFORWARD attribute=value...");
}

static void
quit(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_quit(s, "221 2.0.0 Bye");
}

static void
forbidden(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_goodbye(s, "221 2.7.0 Error: I can break rules, too. Goodbye.");
}

/* "Subject: x", a header field where a command should be, or what doesn't even begin with a letter. */
static bool
is_bogus(const struct smtp_session *s, const char *text)
{
	text += strspn(text, " ");
	size_t len = strcspn(text, ": ");

	return (len > 0 && text[len + strspn(text + len, " ")] == ':') ||
	    (flavour(s)->letters && !isalpha((unsigned char)*text));
}

static void
unknown(struct smtp_session *s, char *line)
{
	if (is_bogus(s, line))
		forbidden(s, line);
	else
		smtp_refuse(s, flavour(s)->unknown, "");
}

/* Ends at a NUL, as a C program's string does; white space around doesn't count. */
static bool
line(struct smtp_session *s, char *text, size_t len)
{
	if (flavour(s)->utf8 && !str_is_utf8(text, len)) {
		s->state = s->state == SMTP_AUTH ? SMTP_READY : s->state;
		smtp_refuse(s, "500 5.5.2 Error: bad UTF-8 syntax", "");
		return true;
	}
	if (s->state == SMTP_AUTH)
		return false;
	for (len = strlen(text); len > 0 && isspace((unsigned char)text[len - 1]); len--)
		text[len - 1] = '\0';
	for (char *p = text; *p != '\0'; p++) {
		if (isspace((unsigned char)*p))
			*p = ' ';
	}
	if (text[strspn(text, " ")] != '\0')
		return false;
	smtp_refuse(s, "500 5.5.2 Error: bad syntax", "");
	return true;
}

static unsigned
lateness(struct smtp_session *s)
{
	return s->errors >= ERRORS_SOFT ? ERROR_LATE_MS : 0;
}

static void
after(struct smtp_session *s)
{
	if (s->errors >= ERRORS_HARD)
		smtp_goodbye(s, "421 4.7.0 %h Error: too many errors");
}

/* Short queue id: five hexadecimal digits of microseconds, then the queue file's inode. */
static void
queue_id(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter)
{
	snprintf(out, LOOK_QUEUE_ID_MAX, "%05X%X", (unsigned)(wall_us % 1000000),
	    0xa0000u + host_secret % 0x50000u + counter % 64);
}

static const struct look_keyword keywords[] = {
	{ "PIPELINING", LOOK_ALWAYS },
	{ "SIZE %n", LOOK_ALWAYS },
	{ "VRFY", LOOK_ALWAYS },
	{ "ETRN", LOOK_ALWAYS },
	{ "STARTTLS", LOOK_WITHOUT_TLS },
	{ "AUTH PLAIN LOGIN CRAM-MD5", LOOK_WITH_AUTH },
	{ "ENHANCEDSTATUSCODES", LOOK_ALWAYS },
	{ "8BITMIME", LOOK_ALWAYS },
	{ "DSN", LOOK_ALWAYS },
	{ "SMTPUTF8", LOOK_ALWAYS },
	{ "CHUNKING", LOOK_ALWAYS },
};

/* The last row is missing in versions without chunking. */
static const struct look_command commands[] = {
	{ "HELO", helo },
	{ "EHLO", ehlo },
	{ "MAIL", mail },
	{ "RCPT", rcpt },
	{ "DATA", data },
	{ "RSET", rset },
	{ "NOOP", noop },
	{ "VRFY", vrfy },
	{ "ETRN", etrn },
	{ "AUTH", auth },
	{ "STARTTLS", starttls },
	{ "XCLIENT", xclient },
	{ "XFORWARD", xforward },
	{ "QUIT", quit },
	{ "CONNECT", forbidden },
	{ "GET", forbidden },
	{ "POST", forbidden },
	{ "BDAT", bdat },
};

static const struct smtp_auth_texts auth_texts = {
	.ok = "235 2.7.0 Authentication successful",
	.failed = "535 5.7.8 Error: authentication failed: authentication failure",
	.cancelled = "501 5.7.0 Authentication aborted",
	.bad_initial = "535 5.7.8 Error: authentication failed: bad protocol / cancel",
	.bad_line = "535 5.7.8 Error: authentication failed: bad protocol / cancel",
	.incomplete = "535 5.7.8 Error: authentication failed: another step is needed in authentication",
	.malformed = "535 5.7.8 Error: authentication failed: bad protocol / cancel",
	.nobody = "454 4.7.0 Temporary authentication failure: generic failure",
	.own_name_only = true,
	.counted = true,
	.ends_with_tls = true,
};

static const struct flavour flavour_3 = {
	.unknown = "500 5.5.2 Error: command not recognized",
	.vrfy_syntax = "501 5.5.4 Syntax: VRFY address [SMTPUTF8]",
	.utf8 = true,
	.letters = true,
};

static const struct flavour flavour_2 = {
	.unknown = "502 5.5.2 Error: command not recognized",
	.vrfy_syntax = "501 5.5.4 Syntax: VRFY address",
};

enum {
	COUNT_KEYWORDS = sizeof(keywords) / sizeof(keywords[0]),
	COUNT_COMMANDS = sizeof(commands) / sizeof(commands[0])
};

#define POSTFIX(name_, flavour_, keywords_less, commands_less)                                                         \
	{                                                                                                              \
		.name = (name_), .flavour = &(flavour_), .keywords = keywords,                                         \
		.keyword_count = COUNT_KEYWORDS - (keywords_less), .commands = commands,                               \
		.command_count = COUNT_COMMANDS - (commands_less), .banner = "220 %h ESMTP Postfix", .ehlo = "250-%h", \
		.timeout = "421 4.4.2 %h Error: timeout exceeded", .shutdown = "421 4.3.2 Service shutting down",      \
		.crowded = "421 4.7.0 %h Error: too many connections from %i", .auth = &auth_texts,                    \
		.idle_ms = 300 * 1000, .data_rules = LOOK_DATA_LF_ENDS, .line_max = LINE_MAX_BYTES, .line = line,      \
		.unknown = unknown, .lateness = lateness, .after = after, .stored = stored, .too_big = too_big,        \
		.chunk = chunk, .acceptable = acceptable, .queue_id = queue_id,                                        \
	}

const struct look look_postfix = POSTFIX("postfix", flavour_3, 0, 0);
const struct look look_postfix_2 = POSTFIX("postfix-2", flavour_2, 2, 1);
