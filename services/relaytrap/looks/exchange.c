/*
 * Microsoft's SMTP service: of Windows 2000 (5.0) and of Exchange 2019, from published dialogues. No such server runs
 * where we are built, so these two are held against nothing but those. Of the mechanisms and extensions that only
 * Microsoft's own clients speak (NTLM, GSSAPI, X-EXPS, XRDST) none is offered: what is offered works.
 */
#include "base/str.h"
#include "relaytrap/smtp_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum {
	LINE_BYTES = 2048,
	ERRORS_MAX = 20,
	TARPIT_MS = 5000, /* Exchange's TarpitInterval */
};

struct flavour {
	const char *sender_ok, *rcpt_ok, *unknown, *unknown_user, *vrfy, *help, *queued, *chunk, *bye, *too_many,
	    *need_mail, *need_rcpt;
	bool tarpit; /* refusals are late */
	bool utf8;
};

static const struct flavour *
flavour(const struct smtp_session *s)
{
	return s->settings.look->flavour;
}

static const char no_room[] = "452 4.3.1 Insufficient system resources";
static const char bad_arguments[] = "501 5.5.4 Invalid arguments";

static void
refuse(struct smtp_session *s, const char *text, const char *arg)
{
	s->late_ms += flavour(s)->tarpit ? TARPIT_MS : 0;
	smtp_refuse(s, text, arg);
}

/* ---- greetings ---- */

static void
greet(struct smtp_session *s, const char *arg, bool esmtp)
{
	if (*arg == '\0' || strpbrk(arg, "<>@,;\"") != NULL) {
		refuse(s, "501 5.5.4 Invalid domain name", "");
		return;
	}
	smtp_helo(s, arg, esmtp);
	if (esmtp)
		smtp_say_ehlo(s);
	else
		smtp_say(s, "250 %h Hello [%i]", "");
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

/* ---- paths and parameters ---- */

/* "WORD:<a@b> PARAMETERS" is cut in place; NULL: it isn't that. *rest: the parameters. */
static char *
cut_path(char *arg, const char *word, char **rest)
{
	if (!str_starts_nocase(arg, word))
		return NULL;
	arg += strlen(word);
	arg += strspn(arg, " \t");
	bool bracket = *arg == '<';
	char *end = bracket ? strchr(arg, '>') : arg + strcspn(arg, " \t");

	if (end == NULL || *arg == '\0' || (bracket && end[1] != '\0' && !isspace((unsigned char)end[1])))
		return NULL;
	*rest = end + (*end != '\0');
	*end = '\0';
	return arg + bracket;
}

/* One '@' with something on both sides, or no '@' at all; printable. */
static bool
address_good(const struct smtp_session *s, const char *address)
{
	const char *at = strrchr(address, '@');
	bool quoted = address[0] == '"';

	for (const char *p = address; *p != '\0'; p++) {
		unsigned char c = (unsigned char)*p;

		if (c < ' ' || c == 0x7f || (c > 0x7f && !s->envelope.smtputf8) ||
		    (!quoted && strchr(" <>,;", c) != NULL))
			return false;
	}
	if (at == NULL)
		return address[0] != '\0';
	return at != address && at[1] != '\0' && at[1] != '.' && strstr(at, "..") == NULL &&
	    (quoted || strchr(address, '@') == at);
}

static bool
take_body(struct smtp_session *s, const char *value)
{
	static const struct {
		const char *name;
		enum smtp_body body;
	} bodies[] = {
		{ "7BIT", SMTP_BODY_7BIT },
		{ "8BITMIME", SMTP_BODY_8BITMIME },
		{ "BINARYMIME", SMTP_BODY_BINARYMIME },
	};

	for (size_t i = 0; i < sizeof(bodies) / sizeof(bodies[0]); i++) {
		if (strcasecmp(bodies[i].name, value) == 0) {
			s->envelope.body = bodies[i].body;
			return true;
		}
	}
	return false;
}

static bool
take_size(struct smtp_session *s, const char *value)
{
	if (*value == '\0' || strspn(value, "0123456789") != strlen(value) || strlen(value) > 18)
		return false;
	s->declared_size = strtoull(value, NULL, 10);
	return true;
}

static bool
take_mail_option(struct smtp_session *s, const char *option)
{
	if (str_starts_nocase(option, "SIZE="))
		return take_size(s, option + 5);
	if (str_starts_nocase(option, "BODY="))
		return take_body(s, option + 5);
	if (str_starts_nocase(option, "RET=")) {
		str_copy(s->envelope.ret, sizeof(s->envelope.ret), option + 4);
		return strcasecmp(option + 4, "FULL") == 0 || strcasecmp(option + 4, "HDRS") == 0;
	}
	if (str_starts_nocase(option, "ENVID=")) {
		str_copy(s->envelope.envid, sizeof(s->envelope.envid), option + 6);
		return option[6] != '\0';
	}
	if (flavour(s)->utf8 && strcasecmp(option, "SMTPUTF8") == 0)
		return s->envelope.smtputf8 = true;
	return str_starts_nocase(option, "AUTH=");
}

static void
mail(struct smtp_session *s, char *arg)
{
	char *rest, *save = NULL, *address;

	if (s->envelope.helo[0] == '\0') {
		refuse(s, "503 5.5.2 Send hello first", "");
		return;
	}
	if (s->state == SMTP_MAIL) {
		refuse(s, "503 5.5.2 Sender already specified", "");
		return;
	}
	if ((address = cut_path(arg, "FROM:", &rest)) == NULL) {
		refuse(s, bad_arguments, "");
		return;
	}
	smtp_reset(s);
	for (char *word = strtok_r(rest, " \t", &save); word != NULL; word = strtok_r(NULL, " \t", &save)) {
		if (!take_mail_option(s, word)) {
			refuse(s, bad_arguments, "");
			return;
		}
	}
	if (address[0] != '\0' && !address_good(s, address)) {
		refuse(s, "501 5.1.7 Invalid address", "");
	} else if (s->declared_size > s->settings.message_max) {
		refuse(s, "552 5.3.4 Message size exceeds fixed maximum message size", "");
	} else {
		str_copy(s->envelope.mail_from, sizeof(s->envelope.mail_from), address);
		s->state = SMTP_MAIL;
		smtp_say(s, flavour(s)->sender_ok, address);
	}
}

static void
rcpt(struct smtp_session *s, char *arg)
{
	char *rest, *save = NULL, *address;
	const char *notify = "", *orcpt = "";

	if (s->state != SMTP_MAIL) {
		refuse(s, flavour(s)->need_mail, "");
		return;
	}
	if ((address = cut_path(arg, "TO:", &rest)) == NULL) {
		refuse(s, bad_arguments, "");
		return;
	}
	for (char *word = strtok_r(rest, " \t", &save); word != NULL; word = strtok_r(NULL, " \t", &save)) {
		if (str_starts_nocase(word, "NOTIFY=")) {
			notify = word + 7;
		} else if (str_starts_nocase(word, "ORCPT=")) {
			orcpt = word + 6;
		} else {
			refuse(s, bad_arguments, "");
			return;
		}
	}
	if (!address_good(s, address)) {
		refuse(s, "501 5.1.3 Invalid address", "");
	} else if (!smtp_recipient_known(s, address)) {
		refuse(s, flavour(s)->unknown_user, address);
	} else if (s->envelope.recipient_count >= SMTP_RECIPIENTS_MAX) {
		smtp_say(s, "452 4.5.3 Too many recipients", "");
	} else {
		smtp_add_recipient(s, address, address, notify, orcpt);
		smtp_say(s, flavour(s)->rcpt_ok, address);
	}
}

/* ---- the message ---- */

static void
data(struct smtp_session *s, char *arg)
{
	if (*arg != '\0')
		refuse(s, bad_arguments, "");
	else if (s->envelope.recipient_count == 0)
		refuse(s, s->state == SMTP_MAIL ? flavour(s)->need_rcpt : flavour(s)->need_mail, "");
	else if (s->bdat || s->envelope.body == SMTP_BODY_BINARYMIME)
		refuse(s, "503 5.5.2 Bad sequence of commands", "");
	else
		smtp_begin_data(s, "354 Start mail input; end with <CRLF>.<CRLF>", no_room);
}

static void
stored(struct smtp_session *s, bool ok)
{
	smtp_say(s, ok ? flavour(s)->queued : no_room, "");
}

static void
too_big(struct smtp_session *s)
{
	refuse(s, "552 5.3.4 Message size exceeds fixed maximum message size", "");
}

static void
bdat(struct smtp_session *s, char *arg)
{
	char *end;
	uint64_t size = strtoull(arg, &end, 10);
	bool last = strcasecmp(end + strspn(end, " \t"), "LAST") == 0;

	if (!isdigit((unsigned char)*arg) || (*end != '\0' && !last)) {
		refuse(s, bad_arguments, "");
		return;
	}
	bool lost = s->envelope.recipient_count == 0;

	if (!lost && !s->bdat && !smtp_begin_message(s, no_room))
		return;
	s->bdat = s->bdat || !lost;
	smtp_begin_chunk(s, size, last, lost);
}

static void
chunk(struct smtp_session *s)
{
	char size[24];

	if (s->chunk_lost) {
		refuse(s, s->state == SMTP_MAIL ? flavour(s)->need_rcpt : flavour(s)->need_mail, "");
		return;
	}
	snprintf(size, sizeof(size), "%llu", (unsigned long long)s->chunk_size);
	smtp_say(s, flavour(s)->chunk, size);
}

/* ---- the rest ---- */

static void
rset(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_reset(s);
	smtp_say(s, "250 2.0.0 Resetting", "");
}

static void
noop(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_say(s, "250 2.0.0 OK", "");
}

static void
vrfy(struct smtp_session *s, char *arg)
{
	if (*arg == '\0')
		refuse(s, bad_arguments, "");
	else
		smtp_say(s, flavour(s)->vrfy, arg);
}

static void
help(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_say(s, flavour(s)->help, "");
}

static void
etrn(struct smtp_session *s, char *arg)
{
	if (*arg == '\0')
		refuse(s, bad_arguments, "");
	else
		smtp_say(s, "458 Unable to queue messages for node %a", arg);
}

static void
turn(struct smtp_session *s, char *arg)
{
	(void)arg;
	refuse(s, "530 5.7.0 Must be authenticated", "");
}

static void
auth(struct smtp_session *s, char *arg)
{
	size_t len = strcspn(arg, " \t");
	char *initial = arg + len + strspn(arg + len, " \t");
	bool has_initial = *initial != '\0';

	arg[len] = '\0';
	if (s->state == SMTP_MAIL || s->envelope.auth_user[0] != '\0')
		refuse(s, "503 5.5.2 Bad sequence of commands", "");
	else if (!smtp_auth_possible(s) || strcasecmp(arg, "LOGIN") != 0)
		refuse(s, "504 5.7.4 Unrecognized authentication type", "");
	else
		smtp_auth_begin(s, arg, has_initial ? initial : NULL);
}

static void
starttls(struct smtp_session *s, char *arg)
{
	if (*arg != '\0')
		refuse(s, bad_arguments, "");
	else if (!smtp_tls_possible(s))
		refuse(s, "554 5.7.3 Unable to initialize security subsystem", "");
	else
		smtp_start_tls(s, "220 2.0.0 SMTP server ready");
}

static void
quit(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_quit(s, flavour(s)->bye);
}

static void
unknown(struct smtp_session *s, char *text)
{
	(void)text;
	refuse(s, flavour(s)->unknown, "");
}

static bool
line(struct smtp_session *s, char *text, size_t len)
{
	if (!s->line_cut && memchr(text, '\0', len) == NULL)
		return false;
	refuse(s, s->line_cut ? "500 5.3.3 Command line too long" : flavour(s)->unknown, "");
	return true;
}

static void
after(struct smtp_session *s)
{
	if (s->errors >= ERRORS_MAX && flavour(s)->too_many != NULL)
		smtp_goodbye(s, flavour(s)->too_many);
}

/* 5.0: "MAIL" + a random stretch + a counter; the host follows the '@' in the text. */
static void
queue_id(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter)
{
	static const char signs[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
	uint64_t mixed = (wall_us ^ host_secret) * 0x9e3779b97f4a7c15u;
	char stretch[12];

	for (size_t i = 0; i < sizeof(stretch) - 1; i++, mixed = mixed / 62 + (mixed << 51))
		stretch[i] = signs[mixed % 62];
	stretch[sizeof(stretch) - 1] = '\0';
	snprintf(out, LOOK_QUEUE_ID_MAX, "%s%08x", stretch, counter + 1 + host_secret % 0x400);
}

/* The number that the 2019 one calls InternalId: it grows with time. */
static void
queue_id_2019(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter)
{
	uint64_t id = wall_us * 16 + host_secret % 65536 + (uint64_t)counter * 4294967296u;

	snprintf(out, LOOK_QUEUE_ID_MAX, "%llu", (unsigned long long)id);
}

static const struct look_keyword keywords_2000[] = {
	{ "AUTH LOGIN", LOOK_WITH_AUTH },
	{ "AUTH=LOGIN", LOOK_WITH_AUTH },
	{ "TURN", LOOK_ALWAYS },
	{ "ATRN", LOOK_ALWAYS },
	{ "SIZE %n", LOOK_ALWAYS },
	{ "ETRN", LOOK_ALWAYS },
	{ "PIPELINING", LOOK_ALWAYS },
	{ "DSN", LOOK_ALWAYS },
	{ "ENHANCEDSTATUSCODES", LOOK_ALWAYS },
	{ "8bitmime", LOOK_ALWAYS },
	{ "BINARYMIME", LOOK_ALWAYS },
	{ "CHUNKING", LOOK_ALWAYS },
	{ "VRFY", LOOK_ALWAYS },
	{ "TLS", LOOK_WITHOUT_TLS },
	{ "STARTTLS", LOOK_WITHOUT_TLS },
	{ "OK", LOOK_ALWAYS },
};

static const struct look_keyword keywords_2019[] = {
	{ "SIZE %n", LOOK_ALWAYS },
	{ "PIPELINING", LOOK_ALWAYS },
	{ "DSN", LOOK_ALWAYS },
	{ "ENHANCEDSTATUSCODES", LOOK_ALWAYS },
	{ "STARTTLS", LOOK_WITHOUT_TLS },
	{ "AUTH LOGIN", LOOK_WITH_AUTH },
	{ "8BITMIME", LOOK_ALWAYS },
	{ "BINARYMIME", LOOK_ALWAYS },
	{ "CHUNKING", LOOK_ALWAYS },
	{ "SMTPUTF8", LOOK_ALWAYS },
};

/* The last three only in the older one. */
static const struct look_command commands[] = {
	{ "HELO", helo },
	{ "EHLO", ehlo },
	{ "MAIL", mail },
	{ "RCPT", rcpt },
	{ "DATA", data },
	{ "BDAT", bdat },
	{ "RSET", rset },
	{ "NOOP", noop },
	{ "VRFY", vrfy },
	{ "HELP", help },
	{ "AUTH", auth },
	{ "STARTTLS", starttls },
	{ "QUIT", quit },
	{ "ETRN", etrn },
	{ "TURN", turn },
	{ "ATRN", turn },
};

static const struct smtp_auth_texts auth_texts = {
	.ok = "235 2.7.0 Authentication successful.",
	.failed = "535 5.7.3 Authentication unsuccessful.",
	.cancelled = "501 5.7.0 Authentication cancelled",
	.bad_initial = "501 5.5.4 Invalid arguments",
	.bad_line = "501 5.5.4 Invalid arguments",
	.equals_is_empty = true,
	.counted = true,
	.ends_with_tls = true,
};

static const struct flavour flavour_2000 = {
	.sender_ok = "250 2.1.0 %a....Sender OK",
	.rcpt_ok = "250 2.1.5 %a ",
	.unknown = "500 5.3.3 Unrecognized command",
	.unknown_user = "550 5.1.1 User unknown",
	.vrfy = "252 2.1.5 Cannot VRFY user, but will take message for <%a@%h>",
	.help = "214-This server supports the following commands:\n"
		"214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT HELP AUTH TURN ATRN ETRN BDAT VRFY",
	.queued = "250 2.6.0  <MAIL%q@%h> Queued mail for delivery",
	.chunk = "250 2.1.5 %a octets received",
	.bye = "221 2.0.0 %h Service closing transmission channel",
	.need_mail = "503 5.5.2 Need mail command.",
	.need_rcpt = "503 5.5.2 Need Rcpt command.",
};

static const struct flavour flavour_2019 = {
	.sender_ok = "250 2.1.0 Sender OK",
	.rcpt_ok = "250 2.1.5 Recipient OK",
	.unknown = "500 5.3.3 Unrecognized command 'unknown'",
	.unknown_user = "550 5.1.10 RESOLVER.ADR.RecipientNotFound; Recipient not found by SMTP address lookup",
	.vrfy = "252 2.1.5 Cannot VRFY user",
	.help = "214-This server supports the following commands:\n214 HELO EHLO STARTTLS RCPT DATA RSET MAIL QUIT "
		"HELP AUTH BDAT",
	.queued = "250 2.6.0 <%q@%h> [InternalId=%q, Hostname=%h] Queued mail for delivery",
	.chunk = "250 2.6.0 CHUNK received OK, %a octets",
	.bye = "221 2.0.0 Service closing transmission channel",
	.too_many = "421 4.7.0 Too many errors on this connection, closing transmission channel",
	.need_mail = "503 5.5.2 Need mail command",
	.need_rcpt = "503 5.5.2 Need rcpt command",
	.tarpit = true,
	.utf8 = true,
};

/* Windows 2000 without a service pack, and its four. */
static const char *const versions_2000[] = { "5.0.2172.1", "5.0.2195.1600", "5.0.2195.2966", "5.0.2195.5329",
	"5.0.2195.6713" };

enum {
	COUNT_2000 = sizeof(keywords_2000) / sizeof(keywords_2000[0]),
	COUNT_2019 = sizeof(keywords_2019) / sizeof(keywords_2019[0]),
	COUNT_COMMANDS = sizeof(commands) / sizeof(commands[0]),
};

const struct look look_exchange_5_0 = {
	.name = "exchange-5.0",
	.flavour = &flavour_2000,
	.versions = versions_2000,
	.version_count = sizeof(versions_2000) / sizeof(versions_2000[0]),
	.keywords = keywords_2000,
	.keyword_count = COUNT_2000,
	.commands = commands,
	.command_count = COUNT_COMMANDS,
	.banner = "220 %h Microsoft ESMTP MAIL Service, Version: %v ready at  %D ",
	.ehlo = "250-%h Hello [%i]",
	.timeout = "451 Timeout waiting for client input",
	.shutdown = "421 4.3.2 %h Service not available, closing transmission channel",
	.crowded = "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, "
		   "closing transmission channel",
	.auth = &auth_texts,
	.idle_ms = 600 * 1000,
	.line_max = LINE_BYTES,
	.line = line,
	.unknown = unknown,
	.after = after,
	.stored = stored,
	.too_big = too_big,
	.chunk = chunk,
	.queue_id = queue_id,
};

const struct look look_exchange = {
	.name = "exchange",
	.flavour = &flavour_2019,
	.keywords = keywords_2019,
	.keyword_count = COUNT_2019,
	.commands = commands,
	.command_count = COUNT_COMMANDS - 3,
	.banner = "220 %h Microsoft ESMTP MAIL Service ready at %D",
	.ehlo = "250-%h Hello [%i]",
	.timeout = "451 4.7.0 Timeout waiting for client input",
	.shutdown = "421 4.3.2 Service not active",
	.crowded = "421 4.3.2 The maximum number of concurrent connections has exceeded a limit, "
		   "closing transmission channel",
	.auth = &auth_texts,
	.idle_ms = 300 * 1000,
	.line_max = LINE_BYTES,
	.line = line,
	.unknown = unknown,
	.after = after,
	.stored = stored,
	.too_big = too_big,
	.chunk = chunk,
	.queue_id = queue_id_2019,
};
