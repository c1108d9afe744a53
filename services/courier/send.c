#include "courier/send.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <curl/curl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	CONNECT_MS = 15000,
	QUIT_S = 2, /* for the goodbye, when all is said */
	REPLY_MAX = 512,
	URL_MAX = 640,
};

struct transfer {
	const struct send_order *order;
	size_t given; /* bytes that libcurl has taken */
	bool committed; /* last_bytes() was called and agreed */
	bool broken_off; /* last_bytes() or alive() said no */
	bool tls;
	char reply[REPLY_MAX]; /* the server's last line */
};

void
send_init(void)
{
	if (curl_global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK)
		log_fatal("msg=\"libcurl can't be started\"");
}

static size_t
on_read(char *out, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t left = t->order->len - t->given, n = size * count < left ? size * count : left;

	if (n == left && !t->committed) {
		t->committed = t->order->last_bytes(t->order->ctx);
		t->broken_off = !t->committed;
		if (t->broken_off)
			return CURL_READFUNC_ABORT;
	}
	memcpy(out, t->order->data + t->given, n);
	t->given += n;
	return n;
}

static size_t
on_reply(char *line, size_t size, size_t count, void *ctx)
{
	struct transfer *t = ctx;
	size_t len = size * count;

	if (len > 3 && memcmp(line, "221", 3) == 0)
		return len; /* a goodbye tells nothing of the mail */
	while (len > 0 && (line[len - 1] == '\r' || line[len - 1] == '\n'))
		len--;
	str_escape(t->reply, sizeof(t->reply), line, len);
	return size * count;
}

static int
on_progress(void *ctx, curl_off_t down_all, curl_off_t down, curl_off_t up_all, curl_off_t up)
{
	struct transfer *t = ctx;

	(void)down_all;
	(void)down;
	(void)up_all;
	(void)up;
	if (!t->order->alive(t->order->ctx))
		t->broken_off = true;
	return t->broken_off ? 1 : 0;
}

static CURLcode
on_tls(CURL *curl, void *context, void *ctx)
{
	struct transfer *t = ctx;

	(void)curl;
	(void)context;
	t->tls = true;
	return CURLE_OK;
}

/* Name and address of the server, so that libcurl asks no resolver. */
static struct curl_slist *
set_server(CURL *curl, const struct send_order *o)
{
	char url[URL_MAX], pin[URL_MAX], address[ADDR_TEXT_MAX];
	bool v6 = !addr_is_v4(&o->target->addr);

	addr_format(&o->target->addr, address);
	if (strcmp(address, o->target->host) == 0) {
		snprintf(url, sizeof(url), v6 ? "smtp://[%s]:%u/%s" : "smtp://%s:%u/%s", address, o->port, o->helo);
		curl_easy_setopt(curl, CURLOPT_URL, url);
		return NULL;
	}
	snprintf(url, sizeof(url), "smtp://%s:%u/%s", o->target->host, o->port, o->helo);
	snprintf(pin, sizeof(pin), v6 ? "%s:%u:[%s]" : "%s:%u:%s", o->target->host, o->port, address);
	struct curl_slist *pins = curl_slist_append(NULL, pin);

	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_RESOLVE, pins);
	return pins;
}

static void
set_tls(CURL *curl, const struct send_order *o, struct transfer *t)
{
	static const long words[] = {
		[SEND_TLS_IF_OFFERED] = CURLUSESSL_TRY,
		[SEND_TLS_REQUIRED] = CURLUSESSL_ALL,
		[SEND_TLS_NONE] = CURLUSESSL_NONE,
	};

	curl_easy_setopt(curl, CURLOPT_USE_SSL, words[o->tls]);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, o->tls == SEND_TLS_REQUIRED ? 1L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, o->tls == SEND_TLS_REQUIRED ? 2L : 0L);
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_FUNCTION, on_tls);
	curl_easy_setopt(curl, CURLOPT_SSL_CTX_DATA, t);
	if (o->user[0] != '\0') {
		curl_easy_setopt(curl, CURLOPT_USERNAME, o->user);
		curl_easy_setopt(curl, CURLOPT_PASSWORD, o->password);
	}
}

static struct curl_slist *
set_envelope(CURL *curl, const struct send_order *o)
{
	char to[RELAY_MAIL_ADDRESS_MAX + 2], from[RELAY_MAIL_ADDRESS_MAX + 2];

	snprintf(from, sizeof(from), "<%s>", o->mail_from);
	snprintf(to, sizeof(to), "<%s>", o->recipient);
	struct curl_slist *recipients = curl_slist_append(NULL, to);

	curl_easy_setopt(curl, CURLOPT_MAIL_FROM, from);
	curl_easy_setopt(curl, CURLOPT_MAIL_RCPT, recipients);
	return recipients;
}

static void
set_transfer(CURL *curl, const struct send_order *o, struct transfer *t)
{
	uint64_t now = clock_ms();
	long left = o->deadline_ms > now ? (long)(o->deadline_ms - now) : 1;

	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_PROXY, ""); /* whatever the environment says */
	curl_easy_setopt(curl, CURLOPT_UPLOAD, 1L);
	curl_easy_setopt(curl, CURLOPT_INFILESIZE_LARGE, (curl_off_t)o->len);
	curl_easy_setopt(curl, CURLOPT_READFUNCTION, on_read);
	curl_easy_setopt(curl, CURLOPT_READDATA, t);
	curl_easy_setopt(curl, CURLOPT_HEADERFUNCTION, on_reply);
	curl_easy_setopt(curl, CURLOPT_HEADERDATA, t);
	curl_easy_setopt(curl, CURLOPT_NOPROGRESS, 0L);
	curl_easy_setopt(curl, CURLOPT_XFERINFOFUNCTION, on_progress);
	curl_easy_setopt(curl, CURLOPT_XFERINFODATA, t);
	curl_easy_setopt(curl, CURLOPT_TIMEOUT_MS, left);
	curl_easy_setopt(curl, CURLOPT_CONNECTTIMEOUT_MS, left < CONNECT_MS ? left : (long)CONNECT_MS);
	curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, left / 1000 + 1);
}

static void
say(struct send_result *out, enum send_end end, const char *reason)
{
	out->end = end;
	str_copy(out->reason, sizeof(out->reason), reason);
}

/* Before the server can have taken it: all is certain. */
static void
judge_before(const struct transfer *t, CURLcode status, long code, struct send_result *out)
{
	if (t->broken_off)
		say(out, SEND_LATER, "interrupted");
	else if (code >= 500 && status == CURLE_SEND_ERROR) /* MAIL, RCPT or DATA was answered so */
		say(out, SEND_NEVER, "refused-by-server");
	else if (code >= 400)
		say(out, SEND_LATER, "deferred-by-server");
	else if (status == CURLE_OPERATION_TIMEDOUT)
		say(out, SEND_LATER, "time-out");
	else if (status == CURLE_COULDNT_CONNECT)
		say(out, SEND_LATER, "no-connection");
	else if (status == CURLE_SSL_CONNECT_ERROR || status == CURLE_PEER_FAILED_VERIFICATION ||
	    status == CURLE_USE_SSL_FAILED)
		say(out, SEND_LATER, "no-tls");
	else
		say(out, SEND_LATER, "connection-lost");
}

/* An answer to the end of data decides; without one nobody knows. */
static void
judge_after(long code, struct send_result *out)
{
	if (code >= 500)
		say(out, SEND_NEVER, "refused-after-data");
	else if (code >= 400)
		say(out, SEND_LATER, "deferred-after-data");
	else
		say(out, SEND_UNSURE, "no-answer-after-data");
}

static void
judge(CURL *curl, const struct transfer *t, CURLcode status, struct send_result *out)
{
	long code = 0;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	if (status == CURLE_OK)
		say(out, SEND_ACCEPTED, "");
	else if (t->committed)
		judge_after(code, out);
	else
		judge_before(t, status, code, out);
	str_copy(out->reply, sizeof(out->reply), code >= 200 ? t->reply : curl_easy_strerror(status));
	str_copy(out->host, sizeof(out->host), t->order->target->host);
	out->tls = t->tls;
}

static CURLcode
perform(const struct send_order *o, struct send_result *out)
{
	struct transfer t = { .order = o };
	CURL *curl = curl_easy_init();

	if (curl == NULL) {
		say(out, SEND_LATER, "no-memory");
		return CURLE_OUT_OF_MEMORY;
	}
	struct curl_slist *pins = set_server(curl, o), *recipients = set_envelope(curl, o);

	set_tls(curl, o, &t);
	set_transfer(curl, o, &t);
	CURLcode status = curl_easy_perform(curl);

	judge(curl, &t, status, out);
	/* The goodbye is worth no waiting: the mail's fate is to be recorded. */
	curl_easy_setopt(curl, CURLOPT_SERVER_RESPONSE_TIMEOUT, (long)QUIT_S);
	curl_easy_cleanup(curl);
	curl_slist_free_all(pins);
	curl_slist_free_all(recipients);
	return status;
}

void
send_mail(const struct send_order *o, struct send_result *out)
{
	struct send_order plain = *o;
	CURLcode status;

	memset(out, 0, sizeof(*out));
	status = perform(o, out);
	/* The connection was given up before any mail was named: once more without. */
	if (o->tls == SEND_TLS_IF_OFFERED && status == CURLE_SSL_CONNECT_ERROR && out->end == SEND_LATER) {
		plain.tls = SEND_TLS_NONE;
		perform(&plain, out);
	}
}
