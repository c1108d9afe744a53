#include "courier/trace.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

const char *
trace_date(uint64_t wall_ms, char out[TRACE_DATE_MAX])
{
	static const char *const days[] = { "Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat" };
	static const char *const months[] = { "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct",
		"Nov", "Dec" };
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm t;

	gmtime_r(&seconds, &t);
	snprintf(out, TRACE_DATE_MAX, "%s, %d %s %d %02d:%02d:%02d", days[t.tm_wday], t.tm_mday, months[t.tm_mon],
	    t.tm_year + 1900, t.tm_hour, t.tm_min, t.tm_sec);
	return out;
}

/* Nothing in it can end the field or a comment, or begin another. */
static const char *
harmless(const char *text, char *out, size_t size)
{
	size_t used = 0;

	for (; *text != '\0' && used + 1 < size; text++)
		out[used++] = *text > ' ' && *text < 0x7f && strchr("()<>\\\"", *text) == NULL ? *text : '?';
	out[used] = '\0';
	return out;
}

struct words {
	char helo[RELAY_MAIL_TEXT_MAX], host[RELAY_MAIL_TEXT_MAX], queue_id[64], version[64], peer[ADDR_TEXT_MAX + 8];
	char sender[RELAY_MAIL_ADDRESS_MAX], date[TRACE_DATE_MAX];
	const char *recipient;
	const char *tls; /* "S" after the protocol's name, or "" */
};

static void
as_postfix(const struct words *w, char out[TRACE_MAX])
{
	snprintf(out, TRACE_MAX,
	    "Received: from %s (unknown [%s])\r\n\tby %s (Postfix) with ESMTP%s id %s\r\n\tfor <%s>; %s +0000 "
	    "(UTC)\r\n",
	    w->helo, w->peer, w->host, w->tls, w->queue_id, w->recipient, w->date);
}

static void
as_sendmail(const struct words *w, char out[TRACE_MAX])
{
	snprintf(out, TRACE_MAX,
	    "Received: from %s ([%s])\r\n\tby %s (%s) with ESMTP%s id %s\r\n\tfor <%s>; %s GMT\r\n", w->helo, w->peer,
	    w->host, w->version, w->tls, w->queue_id, w->recipient, w->date);
}

static void
as_smtpsvc(const struct words *w, char out[TRACE_MAX])
{
	snprintf(out, TRACE_MAX, "Received: from %s ([%s]) by %s with Microsoft SMTPSVC(%s);\r\n\t %s +0000\r\n",
	    w->helo, w->peer, w->host, w->version, w->date);
}

static void
as_exchange(const struct words *w, char out[TRACE_MAX])
{
	snprintf(out, TRACE_MAX, "Received: from %s (%s) by %s with Microsoft SMTP Server; %s +0000\r\n", w->helo,
	    w->peer, w->host, w->date);
}

static void
as_exim(const struct words *w, char out[TRACE_MAX])
{
	snprintf(out, TRACE_MAX,
	    "Received: from [%s] (helo=%s)\r\n\tby %s with esmtp%s (Exim %s)\r\n\t(envelope-from <%s>)\r\n\tid %s\r\n"
	    "\tfor %s;\r\n\t%s +0000\r\n",
	    w->peer, w->helo, w->host, w->tls[0] == '\0' ? "" : "s", w->version[0] == '\0' ? "4.96" : w->version,
	    w->sender, w->queue_id, w->recipient, w->date);
}

/* By how the look's name begins; another is written as Postfix would. */
static const struct {
	const char *look;
	void (*format)(const struct words *w, char out[TRACE_MAX]);
} manners[] = {
	{ "sendmail", as_sendmail },
	{ "exchange-5", as_smtpsvc },
	{ "exchange", as_exchange },
	{ "exim", as_exim },
	{ "", as_postfix },
};

const char *
trace_format(const struct relay_mail *m, const char *recipient, uint64_t wall_ms, char out[TRACE_MAX])
{
	char address[ADDR_TEXT_MAX];
	struct words w = { .recipient = recipient, .tls = m->tls ? "S" : "" };
	size_t i = 0;

	harmless(m->mail_from, w.sender, sizeof(w.sender));
	harmless(m->helo, w.helo, sizeof(w.helo));
	harmless(m->host, w.host, sizeof(w.host));
	harmless(m->queue_id, w.queue_id, sizeof(w.queue_id));
	harmless(m->version, w.version, sizeof(w.version));
	addr_format(&m->flow.source.addr, address);
	snprintf(w.peer, sizeof(w.peer), "%s%s", addr_is_v4(&m->flow.source.addr) ? "" : "IPv6:", address);
	trace_date(wall_ms, w.date);
	while (!str_starts_nocase(m->flow.look, manners[i].look))
		i++;
	manners[i].format(&w, out);
	return out;
}
