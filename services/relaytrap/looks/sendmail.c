/* Sendmail: 8.17 as measured on Debian 12 (its rejecting of NUL, bare CR and LF included); 8.12 as its releases
 * answered. */
#include "base/str.h"
#include "relaytrap/looks/sendmail_address.h"
#include "relaytrap/looks/sendmail_help.h"
#include "relaytrap/smtp_internal.h"

#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <time.h>

enum {
	LINE_BYTES = 2045,
	HELP_TOPIC_MAX = 10, /* octets of an unknown one that are told */
	SHORT = 203, /* what is as long is shown without its middle */
	NAME_MAX_BYTES = 256,
	VERB_BYTES = 60,
	/* how many of a kind are taken before each is answered later than the one before */
	BAD_MAX = 25,
	HELO_FREE = 3,
	VRFY_FREE = 6,
	ETRN_FREE = 8,
	NOOP_FREE = 20,
	LATE_MAX_MS = 240 * 1000,
};

struct flavour {
	const char *data_go;
	bool strict; /* talk before its turn, NUL, CR or LF alone are refused */
};

static const struct flavour *
flavour(const struct smtp_session *s)
{
	return s->settings.look->flavour;
}

/* ---- saying ---- */

/* What a client wrote, without its middle where that is long. */
static const char *
shortened(const char *written, char out[SHORT + 1])
{
	size_t len = strlen(written);

	if (len < SHORT)
		return written;
	snprintf(out, SHORT + 1, "%.100s...%s", written, written + len - 100);
	return out;
}

/* "CODE WRITTEN... TEXT": seven bits, and shortened if it is refused. */
static void
about(struct smtp_session *s, const char *code, const char *written, const char *text)
{
	char line[LINE_BYTES + 256], brief[SHORT + 1];
	int n = snprintf(line, sizeof(line), "%s %s... %s", code, code[0] == '5' ? shortened(written, brief) : written,
	    text);

	for (int i = 0; i < n && i < (int)sizeof(line) - 1; i++)
		line[i] = (char)(line[i] & 0x7f);
	smtp_say(s, "%a", line);
}

/* Counted: the twenty-sixth bad command is the last. */
static bool
too_many_bad(struct smtp_session *s)
{
	if (++s->errors <= BAD_MAX)
		return false;
	smtp_goodbye(s, "421 4.7.0 %h Too many bad commands; closing connection");
	return true;
}

/* A command that isn't one is quoted, in seven bits; an octet that becomes NUL so ends the answer. */
static void
bad(struct smtp_session *s, const char *what, const char *line)
{
	char text[LINE_BYTES + 64], brief[SHORT + 1];
	int n = snprintf(text, sizeof(text), "%s: \"%s\"", what, shortened(line, brief));

	for (int i = 0; i < n && i < (int)sizeof(text) - 1; i++)
		text[i] = (char)(text[i] & 0x7f);
	if (!too_many_bad(s))
		smtp_say(s, "%a", text);
}

/* The commands of one kind are answered later and later. */
static void
slow_down(struct smtp_session *s, unsigned *counter, unsigned free)
{
	unsigned beyond = ++*counter - free;

	if (*counter < free)
		return;
	s->late_ms += beyond < 8 ? 1000u << beyond : LATE_MAX_MS;
}

/* Since it talked before its turn, nothing is done for this client. */
static bool
rejecting(struct smtp_session *s)
{
	if (s->rejecting && !too_many_bad(s))
		smtp_say(s, "550 5.0.0 Command rejected", "");
	return s->rejecting;
}

/* ---- greetings ---- */

static bool
name_good(const char *name)
{
	for (; *name != '\0'; name++) {
		if (isspace((unsigned char)*name))
			return name[strspn(name, " \t")] == '\0';
		if (!isascii((unsigned char)*name) ||
		    (!isalnum((unsigned char)*name) && strchr("[].-_#:", *name) == NULL))
			return false;
	}
	return true;
}

static void
greet(struct smtp_session *s, const char *arg, bool esmtp)
{
	if (flavour(s)->strict && s->more) {
		s->rejecting = true;
		smtp_say(s, "554 5.5.0 SMTP protocol error", "");
		return;
	}
	slow_down(s, &s->helos, HELO_FREE);
	if (*arg == '\0') {
		smtp_say(s, esmtp ? "501 5.0.0 EHLO requires domain address" : "501 5.0.0 HELO requires domain address",
		    "");
		return;
	}
	if (strlen(arg) > NAME_MAX_BYTES || !name_good(arg)) {
		smtp_say(s, "501 5.0.0 Invalid domain name", "");
		return;
	}
	s->rejecting = false;
	smtp_helo(s, arg, esmtp);
	if (esmtp)
		smtp_say_ehlo(s);
	else
		smtp_say(s, "250 %h Hello [%i], pleased to meet you", "");
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

/* ---- parameters ---- */

struct parameter {
	char *name, *value; /* value NULL: there was no '=' */
};

/* Takes the next one from *rest; false: there is none. Its name may be empty: then it is none that anybody knows. */
static bool
next_parameter(char **rest, struct parameter *p)
{
	char *at = *rest + strspn(*rest, " \t");

	if (*at == '\0')
		return false;
	p->name = at;
	p->value = NULL;
	while (isalnum((unsigned char)*at) || *at == '-')
		at++;
	if (*at == '=') {
		*at++ = '\0';
		p->value = at;
		while (*at != '\0' && *at != ' ' && *at != '=' && !iscntrl((unsigned char)*at))
			at++;
	}
	*rest = at + (*at != '\0');
	*at = '\0';
	return true;
}

static bool
xtext_good(const char *text)
{
	for (; *text != '\0'; text++) {
		if (*text == '+' && !(isxdigit((unsigned char)text[1]) && isxdigit((unsigned char)text[2])))
			return false;
	}
	return true;
}

static bool
refuse_parameter(struct smtp_session *s, const char *text, const char *arg)
{
	smtp_say(s, text, arg);
	return false;
}

/* Each parameter's own check: false when it was answered. */
static bool
take_size(struct smtp_session *s, const struct parameter *p)
{
	if (p->value[0] == '-')
		return refuse_parameter(s, "552 5.2.3 Message size invalid", "");
	s->declared_size = strtoull(p->value, NULL, 10);
	return true;
}

static bool
take_body(struct smtp_session *s, const struct parameter *p)
{
	if (strcasecmp(p->value, "8BITMIME") != 0 && strcasecmp(p->value, "7BIT") != 0)
		return refuse_parameter(s, "501 5.5.4 Unknown BODY type %a", p->value);
	s->envelope.body = p->value[0] == '8' ? SMTP_BODY_8BITMIME : SMTP_BODY_7BIT;
	return true;
}

static bool
take_envid(struct smtp_session *s, const struct parameter *p)
{
	if (!xtext_good(p->value))
		return refuse_parameter(s, "501 5.5.4 Syntax error in ENVID parameter value", "");
	if (s->envid_given)
		return refuse_parameter(s, "501 5.5.0 Duplicate ENVID parameter", "");
	s->envid_given = true;
	str_copy(s->envelope.envid, sizeof(s->envelope.envid), p->value);
	return true;
}

static bool
take_ret(struct smtp_session *s, const struct parameter *p)
{
	if (s->envelope.ret[0] != '\0')
		return refuse_parameter(s, "501 5.5.0 Duplicate RET parameter", "");
	if (strcasecmp(p->value, "FULL") != 0 && strcasecmp(p->value, "HDRS") != 0)
		return refuse_parameter(s, "501 5.5.2 Bad argument \"%a\" to RET", p->value);
	str_copy(s->envelope.ret, sizeof(s->envelope.ret), p->value);
	return true;
}

static bool
take_auth(struct smtp_session *s, const struct parameter *p)
{
	return xtext_good(p->value) || refuse_parameter(s, "501 5.5.4 Syntax error in AUTH parameter value", "");
}

/* DELIVERBY (RFC 2852): seconds;mode. */
static bool
take_by(struct smtp_session *s, const struct parameter *p)
{
	const char *mode = p->value + strspn(p->value, "+-") + strspn(p->value + strspn(p->value, "+-"), "0123456789");

	if (*mode != ';' || strchr("NnRr", mode[1]) == NULL || mode[1] == '\0')
		return refuse_parameter(s, "501 5.5.2 BY= missing ';'", "");
	return true;
}

static const struct {
	const char *name;
	bool (*take)(struct smtp_session *s, const struct parameter *p);
} mail_parameters[] = {
	{ "SIZE", take_size },
	{ "BODY", take_body },
	{ "ENVID", take_envid },
	{ "RET", take_ret },
	{ "AUTH", take_auth },
	{ "BY", take_by },
};

static bool
take_mail_parameter(struct smtp_session *s, const struct parameter *p)
{
	for (size_t i = 0; i < sizeof(mail_parameters) / sizeof(mail_parameters[0]); i++) {
		if (strcasecmp(mail_parameters[i].name, p->name) != 0)
			continue;
		if (p->value == NULL)
			return refuse_parameter(s, "501 5.5.2 %a requires a value", mail_parameters[i].name);
		return mail_parameters[i].take(s, p);
	}
	return refuse_parameter(s, "555 5.5.4 %a parameter unrecognized", p->name);
}

/* "word:" in front of a path; NULL when something else was there and was answered. */
static char *
skip_word(struct smtp_session *s, char *arg, const char *word)
{
	size_t len = strcspn(arg, ": \t");
	char *p = arg + len + strspn(arg + len, " \t");
	bool colon = *p == ':';

	arg[len] = '\0';
	if (colon) {
		p++;
		p += strspn(p, " \t");
	}
	if (colon && *p != '\0' && strcasecmp(arg, word) == 0)
		return p;
	smtp_say(s, "501 5.5.2 Syntax error in parameters scanning \"%a\"", arg);
	return NULL;
}

/* ---- MAIL ---- */

/* check_mail: a sender needs a domain that exists; all have one but literals that aren't ours. */
static bool
sender_good(struct smtp_session *s, const struct sendmail_address *a)
{
	char text[LINE_BYTES + 64];
	const char *domain = smtp_address_domain(a->address);

	if (domain == NULL && a->address[0] != '\0' && strpbrk(a->address, "!%") == NULL) {
		snprintf(text, sizeof(text), "Domain name required for sender address %s", a->address);
		about(s, "553 5.5.4", a->written, text);
		return false;
	}
	if (domain != NULL && domain[0] == '[' && !smtp_is_local_domain(s, domain)) {
		snprintf(text, sizeof(text), "Domain of sender address %s does not exist", a->address);
		about(s, "553 5.1.8", a->written, text);
		return false;
	}
	return true;
}

static void
mail(struct smtp_session *s, char *arg)
{
	char address[LINE_BYTES + 1];
	struct sendmail_address a;
	struct parameter p;

	if (rejecting(s))
		return;
	if (s->state == SMTP_MAIL) {
		smtp_say(s, "503 5.5.0 Sender already specified", "");
		return;
	}
	if ((arg = skip_word(s, arg, "from")) == NULL)
		return;
	smtp_reset(s);
	sendmail_address_parse(&a, arg, address);
	if (a.error != NULL) {
		about(s, a.code, a.written, a.error);
		return;
	}
	while (next_parameter(&a.rest, &p)) {
		if (!take_mail_parameter(s, &p)) {
			smtp_reset(s);
			return;
		}
	}
	if (s->declared_size > s->settings.message_max) {
		smtp_say(s, "452 4.4.5 Insufficient disk space; try again later", "");
		smtp_reset(s);
	} else if (sender_good(s, &a)) {
		str_copy(s->envelope.mail_from, sizeof(s->envelope.mail_from), a.address);
		s->state = SMTP_MAIL;
		about(s, "250 2.1.0", a.written, "Sender ok");
	}
}

/* ---- RCPT ---- */

struct rcpt_parameters {
	const char *notify, *orcpt;
};

/* NEVER stands alone; the wrong word is shown. */
static bool
take_notify(struct smtp_session *s, char *value)
{
	bool first = true;

	for (char *word = value;; first = false) {
		size_t len = strcspn(word, ",");
		bool last = word[len] == '\0';

		word[len] = '\0';
		bool never = strcasecmp(word, "NEVER") == 0;

		if (never ? !(first && last)
			  : strcasecmp(word, "SUCCESS") != 0 && strcasecmp(word, "FAILURE") != 0 &&
			    strcasecmp(word, "DELAY") != 0)
			return refuse_parameter(s, "501 5.5.4 Bad argument \"%a\"  to NOTIFY", word);
		if (last)
			return true;
		word[len] = ',';
		word += len + 1;
	}
}

static bool
take_rcpt_parameter(struct smtp_session *s, const struct parameter *p, struct rcpt_parameters *out)
{
	bool notify = strcasecmp(p->name, "NOTIFY") == 0;

	if (!notify && strcasecmp(p->name, "ORCPT") != 0)
		return refuse_parameter(s, "555 5.5.4 %a parameter unrecognized", p->name);
	if (p->value == NULL)
		return refuse_parameter(s, "501 5.5.2 %a requires a value", notify ? "NOTIFY" : "ORCPT");
	if (notify) {
		out->notify = p->value;
		return take_notify(s, p->value);
	}
	out->orcpt = p->value;
	if (strchr(p->value, ';') == NULL || !xtext_good(p->value))
		return refuse_parameter(s, "501 5.5.4 Syntax error in ORCPT parameter value", "");
	return true;
}

/* The recipient that leads to the same place, as the client wrote it first; NULL: this one is new. */
static const char *
same_as(const struct smtp_session *s, const char *address)
{
	char wanted[LINE_BYTES + 1], other[SMTP_LINE_MAX];

	sendmail_address_resolve(s, address, wanted);
	for (size_t i = 0; i < s->envelope.recipient_count; i++) {
		sendmail_address_resolve(s, s->envelope.recipients[i], other);
		if (strcmp(wanted, other) == 0)
			return s->envelope.dsn[i].written;
	}
	return NULL;
}

static bool
known(const struct smtp_session *s, const char *address)
{
	char out[LINE_BYTES + 1];

	if (s->settings.role == SMTP_ROLE_MX)
		return smtp_recipient_known(s, address);
	return sendmail_address_resolve(s, address, out) || look_local_user(out, strlen(out));
}

static void
take_recipient(struct smtp_session *s, const struct sendmail_address *a, const struct rcpt_parameters *p)
{
	const char *first;

	if (!known(s, a->address)) {
		about(s, "550 5.1.1", a->written, "User unknown");
	} else if (s->envelope.recipient_count >= SMTP_RECIPIENTS_MAX) {
		smtp_say(s, "452 4.5.3 Too many recipients", "");
	} else if ((first = same_as(s, a->address)) != NULL) {
		about(s, "250 2.1.5", first, "Recipient ok");
	} else {
		smtp_add_recipient(s, a->address, a->written, p->notify, p->orcpt);
		about(s, "250 2.1.5", a->written, "Recipient ok");
	}
}

static void
rcpt(struct smtp_session *s, char *arg)
{
	char address[LINE_BYTES + 1];
	struct sendmail_address a;
	struct parameter p;
	struct rcpt_parameters parameters = { "", "" };

	if (rejecting(s))
		return;
	if (s->state != SMTP_MAIL) {
		smtp_say(s, "503 5.0.0 Need MAIL before RCPT", "");
		return;
	}
	if ((arg = skip_word(s, arg, "to")) == NULL)
		return;
	sendmail_address_parse(&a, arg, address);
	if (a.error == NULL && a.address[0] == '\0') {
		a.code = "553 5.0.0";
		a.error = "User address required";
	}
	if (a.error != NULL) {
		about(s, a.code, a.written, a.error);
		return;
	}
	while (next_parameter(&a.rest, &p)) {
		if (!take_rcpt_parameter(s, &p, &parameters))
			return;
	}
	take_recipient(s, &a, &parameters);
}

/* ---- the message ---- */

static void
data(struct smtp_session *s, char *arg)
{
	(void)arg;
	if (rejecting(s))
		return;
	if (s->state != SMTP_MAIL)
		smtp_say(s, "503 5.0.0 Need MAIL command", "");
	else if (s->envelope.recipient_count == 0)
		smtp_say(s, "503 5.0.0 Need RCPT (recipient)", "");
	else if (flavour(s)->strict && s->more)
		smtp_goodbye(s, "554 5.5.0 SMTP protocol error");
	else
		smtp_begin_data(s, flavour(s)->data_go, "452 4.4.5 Insufficient disk space; try again later");
}

static void
stored(struct smtp_session *s, bool ok)
{
	smtp_say(s,
	    ok ? "250 2.0.0 %q Message accepted for delivery" : "452 4.4.5 Insufficient disk space; try again later",
	    "");
}

static void
too_big(struct smtp_session *s)
{
	smtp_say(s, "552 5.2.3 Message exceeds maximum fixed size (%n)", "");
}

static bool
acceptable(struct smtp_session *s)
{
	if (!flavour(s)->strict || !s->message.nul)
		return true;
	smtp_say(s, "554 5.6.1 NUL byte not allowed", "");
	return false;
}

static void
eof(struct smtp_session *s)
{
	char text[LINE_BYTES + 64];

	if (s->state != SMTP_DATA || s->envelope.tls)
		return;
	snprintf(text, sizeof(text), "from=<%s>, info=unexpected close", s->envelope.mail_from);
	smtp_say(s, "421 4.4.1 collect: relay=[%i], %a", text);
}

/* ---- the rest ---- */

static void
rset(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_reset(s);
	smtp_say(s, "250 2.0.0 Reset state", "");
}

static void
noop(struct smtp_session *s, char *arg)
{
	(void)arg;
	slow_down(s, &s->noops, NOOP_FREE);
	smtp_say(s, "250 2.0.0 OK", "");
}

static void
verb(struct smtp_session *s, char *arg)
{
	(void)arg;
	if (rejecting(s))
		return;
	slow_down(s, &s->noops, NOOP_FREE);
	smtp_say(s, "250 2.0.0 Verbose mode", "");
}

/* "root <root@host>": root's account has its name written behind it; other accounts that every Unix has, not. */
static void
say_user(struct smtp_session *s, const char *user, bool expand)
{
	char text[NAME_MAX_BYTES];
	bool root =
	    strcmp(user, "root") == 0 || (expand && (strcmp(user, "postmaster") == 0 || strcmp(user, "abuse") == 0));

	snprintf(text, sizeof(text), "%.200s", user);
	smtp_say(s, root ? "250 2.1.5 root <root@%h>" : "250 2.1.5 <%a@%h>", text);
}

/* Two words without brackets: the first counts as a name, the last as the address. */
static char *
last_word(char *text)
{
	char *space = strpbrk(text, "<\"(") == NULL ? strrchr(text, ' ') : NULL;

	return space == NULL ? text : space + 1;
}

static void
look_up(struct smtp_session *s, char *arg, bool expand)
{
	char address[LINE_BYTES + 1], user[LINE_BYTES + 1];
	struct sendmail_address a;

	if (rejecting(s))
		return;
	slow_down(s, &s->vrfys, VRFY_FREE);
	if (*arg == '\0') {
		smtp_say(s, "501 5.5.2 Argument required", "");
		return;
	}
	sendmail_address_parse(&a, last_word(arg), address);
	if (a.error != NULL) {
		about(s, a.code, a.written, a.error);
	} else if (sendmail_address_resolve(s, a.address, user)) {
		smtp_say(s, expand ? "250 2.1.5 <%a>" : "252 2.1.5 <%a>", user);
	} else if (look_local_user(user, strlen(user))) {
		say_user(s, user, expand);
	} else {
		about(s, "550 5.1.1", a.written, "User unknown");
	}
}

static void
vrfy(struct smtp_session *s, char *arg)
{
	look_up(s, arg, false);
}

static void
expn(struct smtp_session *s, char *arg)
{
	look_up(s, arg, true);
}

static void
help(struct smtp_session *s, char *arg)
{
	if (rejecting(s))
		return;
	for (char *p = arg; *p != '\0'; p++)
		*p = (char)tolower((unsigned char)*p & 0x7f);
	const char *text = sendmail_help(arg);

	if (text == NULL && strlen(arg) > HELP_TOPIC_MAX)
		arg[HELP_TOPIC_MAX] = '\0';
	smtp_say(s, text == NULL ? "504 5.3.0 HELP topic \"%a\" unknown" : text, arg);
}

static void
etrn(struct smtp_session *s, char *arg)
{
	if (rejecting(s))
		return;
	if (*arg == '\0') {
		smtp_say(s, "500 5.5.2 Parameter required", "");
		return;
	}
	slow_down(s, &s->etrns, ETRN_FREE);
	if (*arg == '#')
		smtp_say(s, "459 4.5.4 Queue %a unknown", arg + 1);
	else
		smtp_say(s, "250 2.0.0 Queuing for node %a started", arg);
}

static void
auth(struct smtp_session *s, char *arg)
{
	size_t len = strcspn(arg, " \t");
	char *initial = arg + len + strspn(arg + len, " \t");
	bool has_initial = *initial != '\0';

	if (rejecting(s))
		return;
	arg[len] = '\0';
	if (!smtp_auth_possible(s))
		smtp_say(s, "503 5.3.3 AUTH not available", "");
	else if (s->envelope.auth_user[0] != '\0')
		smtp_say(s, "503 5.5.0 Already Authenticated", "");
	else if (s->state == SMTP_MAIL)
		smtp_say(s, "503 5.5.0 AUTH not permitted during a mail transaction", "");
	else if (len == 0)
		smtp_say(s, "501 5.5.2 AUTH mechanism must be specified", "");
	else if (!smtp_auth_mechanism(arg))
		smtp_say(s, "504 5.3.3 AUTH mechanism %a not available", arg);
	else
		smtp_auth_begin(s, arg, has_initial ? initial : NULL);
}

static void
starttls(struct smtp_session *s, char *arg)
{
	if (rejecting(s))
		return;
	if (*arg != '\0')
		smtp_say(s, "501 5.5.2 Syntax error (no parameters allowed)", "");
	else if (!smtp_tls_possible(s))
		smtp_say(s, "454 4.3.3 TLS not available after start", "");
	else if (s->state == SMTP_MAIL)
		smtp_say(s, "503 5.5.0 TLS not permitted during a mail transaction", "");
	else
		smtp_start_tls(s, "220 2.0.0 Ready to start TLS");
}

static void
quit(struct smtp_session *s, char *arg)
{
	(void)arg;
	smtp_quit(s, "221 2.0.0 %h closing connection");
}

/* "TURN" and others that are known and never done. */
static bool
unimplemented(const char *line)
{
	static const char *const verbs[] = { "TURN", "SEND", "SAML", "SOML" };

	line += strspn(line, " \t");
	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (strncasecmp(verbs[i], line, 4) == 0 && strchr(" \t", line[4]) != NULL)
			return true;
	}
	return false;
}

static void
unknown(struct smtp_session *s, char *line)
{
	if (!unimplemented(line))
		bad(s, "500 5.5.1 Command unrecognized", line);
	else if (!rejecting(s))
		bad(s, "502 5.5.1 Command not implemented", line);
}

/* A web client as the first thing that is heard. */
static bool
is_http(const char *line)
{
	static const char *const verbs[] = { "GET", "POST", "CONNECT", "USER" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++) {
		if (str_starts_nocase(line, verbs[i]))
			return true;
	}
	return false;
}

static bool
line(struct smtp_session *s, char *text, size_t len)
{
	bool first = !s->spoke;

	(void)len;
	s->spoke = true;
	if (s->line_cut)
		smtp_goodbye(s, "421 4.7.0 %h Command too long, possible attack [%i]");
	else if (first && is_http(text))
		smtp_goodbye(s, "421 4.7.0 %h Rejecting open proxy [%i]");
	return s->state == SMTP_CLOSED;
}

/* Year, month, day, hour, minute and second in base 60, two of sequence, six digits of pid. */
static void
queue_id(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx";
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(out, LOOK_QUEUE_ID_MAX, "%c%c%c%c%c%c%c%c%06u", digits[tm.tm_year % 60], digits[tm.tm_mon],
	    digits[tm.tm_mday], digits[tm.tm_hour], digits[tm.tm_min], digits[tm.tm_sec % 60],
	    digits[counter / 60 % 60], digits[counter % 60], (unsigned)(host_secret % 30000 + 300 + counter));
}

static const struct look_keyword keywords[] = {
	{ "ENHANCEDSTATUSCODES", LOOK_ALWAYS },
	{ "PIPELINING", LOOK_ALWAYS },
	{ "EXPN", LOOK_ALWAYS },
	{ "VERB", LOOK_ALWAYS },
	{ "8BITMIME", LOOK_ALWAYS },
	{ "SIZE", LOOK_ALWAYS },
	{ "DSN", LOOK_ALWAYS },
	{ "ETRN", LOOK_ALWAYS },
	{ "AUTH PLAIN LOGIN CRAM-MD5", LOOK_WITH_AUTH },
	{ "STARTTLS", LOOK_WITHOUT_TLS },
	{ "DELIVERBY", LOOK_ALWAYS },
	{ "HELP", LOOK_ALWAYS },
};

static const struct look_command commands[] = {
	{ "HELO", helo },
	{ "EHLO", ehlo },
	{ "MAIL", mail },
	{ "RCPT", rcpt },
	{ "DATA", data },
	{ "RSET", rset },
	{ "NOOP", noop },
	{ "VRFY", vrfy },
	{ "EXPN", expn },
	{ "HELP", help },
	{ "ETRN", etrn },
	{ "VERB", verb },
	{ "AUTH", auth },
	{ "STARTTLS", starttls },
	{ "QUIT", quit },
};

static const struct smtp_auth_texts auth_texts = {
	.ok = "235 2.0.0 OK Authenticated",
	.failed = "535 5.7.0 authentication failed",
	.cancelled = "501 5.0.0 AUTH aborted",
	.bad_initial = "501 5.5.4 cannot BASE64 decode '%a'",
	.bad_line = "501 5.5.4 cannot decode AUTH parameter %a",
	.equals_is_empty = true,
	.empty_is_none = true,
};

static const struct flavour flavour_8_17 = {
	.data_go = "354 End data with <CR><LF>.<CR><LF>",
	.strict = true,
};
static const struct flavour flavour_8_12 = {
	.data_go = "354 Enter mail, end with \".\" on a line by itself",
};

static const char *const versions_8_17[] = { "8.17.1/8.17.1", "8.17.1.9/8.17.1.9", "8.17.2/8.17.2" };
static const char *const versions_8_12[] = { "8.12.8/8.12.8", "8.12.9/8.12.9", "8.12.10/8.12.10", "8.12.11/8.12.11" };

#define SENDMAIL(name_, flavour_, versions_, rules_)                                                                   \
	{                                                                                                              \
		.name = (name_), .flavour = &(flavour_), .versions = (versions_),                                      \
		.version_count = sizeof(versions_) / sizeof((versions_)[0]), .keywords = keywords,                     \
		.keyword_count = sizeof(keywords) / sizeof(keywords[0]), .commands = commands,                         \
		.command_count = sizeof(commands) / sizeof(commands[0]), .banner = "220 %h ESMTP Sendmail %v; %d",     \
		.ehlo = "250-%h Hello [%i], pleased to meet you",                                                      \
		.data_timeout = "421 4.4.1 collect: relay=[%i], from=<%a>, info=read timeout",                         \
		.shutdown = "421 4.3.2 %h Service not available, closing connection",                                  \
		.crowded = "421 4.3.2 Too many open connections.", .auth = &auth_texts, .idle_ms = 3600 * 1000,        \
		.data_rules = (rules_), .tls_end = LOOK_TLS_BREAKS_OFF, .line_max = LINE_BYTES, .line = line,          \
		.unknown = unknown, .stored = stored, .too_big = too_big, .acceptable = acceptable,                    \
		.eof_ends_line = true, .eof = eof, .queue_id = queue_id,                                               \
	}

const struct look look_sendmail = SENDMAIL("sendmail", flavour_8_17, versions_8_17, LOOK_DATA_BARE_REFUSED);
const struct look look_sendmail_8_12 = SENDMAIL("sendmail-8.12", flavour_8_12, versions_8_12, LOOK_DATA_LF_ENDS);
