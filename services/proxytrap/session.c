#include "proxytrap/session.h"

#include "base/mem.h"
#include "proxytrap/http_connect.h"
#include "proxytrap/socks4.h"
#include "proxytrap/socks5.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum state {
	STATE_START,	/* nothing heard: the first octet tells the protocol */
	STATE_SOCKS4,
	STATE_SOCKS5_GREETING,
	STATE_SOCKS5_PASSWORD,
	STATE_SOCKS5_REQUEST,
	STATE_HTTP,
	STATE_DIALING,	/* the relay was asked for */
	STATE_OVER,	/* joined, or goodbye was said */
};

static const uint16_t mail_ports[] = { 25, 465, 587 };

struct session {
	struct session_settings settings;
	struct session_sink sink;
	enum state state;
	struct request request;
	char user[REQUEST_USER_MAX];
	uint64_t wall_ms;
};

const char *
request_protocol_name(enum request_protocol p)
{
	static const char *const names[] = {
		[PROTOCOL_SOCKS4] = "socks4",
		[PROTOCOL_SOCKS4A] = "socks4a",
		[PROTOCOL_SOCKS5] = "socks5",
		[PROTOCOL_HTTP_CONNECT] = "http-connect",
		[PROTOCOL_HTTP_GET] = "http-get",
	};

	return names[p];
}

static void
say_goodbye(struct session *s)
{
	s->state = STATE_OVER;
	s->sink.close(s->sink.ctx);
}

static void
reply_page(struct session *s, enum look_page page)
{
	char out[LOOK_PAGE_MAX], target[REQUEST_HOST_MAX + 8];
	const struct look_values v = { .host = s->settings.host, .target = target, .wall_ms = s->wall_ms };

	snprintf(target, sizeof(target), "%s:%u", s->request.host, (unsigned)s->request.port);
	s->sink.reply(s->sink.ctx, out, look_format(s->settings.look, page, &v, out));
}

static void
reply_socks4(struct session *s, uint8_t code)
{
	uint8_t out[SOCKS4_REPLY_BYTES];
	bool granted = code == SOCKS4_GRANTED && addr_is_v4(&s->settings.bound.addr);

	socks4_reply(code, granted ? s->settings.bound.port : 0, granted ? addr_v4(&s->settings.bound.addr) : 0, out);
	s->sink.reply(s->sink.ctx, out, sizeof(out));
}

static void
reply_socks5(struct session *s, uint8_t code)
{
	const struct endpoint none = { .addr = addr_from_v4(0) };
	uint8_t out[SOCKS5_REPLY_MAX];
	size_t len = socks5_reply(code, code == SOCKS5_OK ? &s->settings.bound : &none, out);

	s->sink.reply(s->sink.ctx, out, len);
}

/* Success or failure, in the words of the protocol that was spoken. */
static void
answer(struct session *s, bool ok, enum look_page page, uint8_t socks5_code)
{
	switch (s->request.protocol) {
	case PROTOCOL_SOCKS4:
	case PROTOCOL_SOCKS4A:
		reply_socks4(s, ok ? SOCKS4_GRANTED : SOCKS4_REJECTED);
		break;
	case PROTOCOL_SOCKS5:
		reply_socks5(s, ok ? SOCKS5_OK : socks5_code);
		break;
	case PROTOCOL_HTTP_CONNECT:
	case PROTOCOL_HTTP_GET:
		reply_page(s, ok ? LOOK_CONNECTED : page);
		break;
	}
}

static void
refuse(struct session *s, const char *why, enum look_page page, uint8_t socks5_code)
{
	s->sink.observe(s->sink.ctx, &s->request, why);
	answer(s, false, page, socks5_code);
	say_goodbye(s);
}

static bool
mail_port(uint16_t port)
{
	for (size_t i = 0; i < sizeof(mail_ports) / sizeof(mail_ports[0]); i++) {
		if (mail_ports[i] == port)
			return true;
	}
	return false;
}

/* A page that no two hosts share: a checker that fetches two would see the same one otherwise. */
static void
serve_page(struct session *s)
{
	static const char *const words[] = { "archive", "catalog", "journal", "gallery", "library", "notes", "review", "studio" };
	uint64_t hash = 0xcbf29ce484222325 ^ s->settings.page_secret;	/* FNV-1a */
	char body[1024], head[512];

	for (const char *p = s->request.host; *p != '\0'; p++)
		hash = (hash ^ (uint8_t)*p) * 0x100000001b3;
	int body_len = snprintf(body, sizeof(body),
	    "<html><head><title>%s</title></head><body><h1>%s</h1><p>The %s of %s. Entry %llu.</p></body></html>\n",
	    s->request.host, s->request.host, words[hash >> 8 & 7], words[hash >> 16 & 7], (unsigned long long)(hash >> 24 & 0xffffff));
	int head_len = snprintf(head, sizeof(head),
	    "HTTP/1.1 200 OK\r\nServer: Apache\r\nContent-Type: text/html\r\nContent-Length: %d\r\nConnection: close\r\n\r\n", body_len);

	s->sink.observe(s->sink.ctx, &s->request, "page");
	s->sink.reply(s->sink.ctx, head, (size_t)head_len);
	if (!s->request.head)
		s->sink.reply(s->sink.ctx, body, (size_t)body_len);
	say_goodbye(s);
}

/* Host names go into pages and events: what is no name or address is refused. */
static bool
host_valid(const char *host)
{
	return host[strspn(host, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_:")] == '\0' && host[0] != '\0';
}

static void
decide(struct session *s)
{
	if (!host_valid(s->request.host)) {
		refuse(s, "bad", LOOK_BAD_REQUEST, 0x01);
	} else if (s->request.protocol == PROTOCOL_HTTP_GET) {
		serve_page(s);
	} else if (mail_port(s->request.port)) {
		s->state = STATE_DIALING;
		s->sink.dial(s->sink.ctx, &s->request);
	} else {
		refuse(s, "refused", LOOK_FORBIDDEN, SOCKS5_REFUSED);
	}
}

static void
judge(struct session *s, enum request_result result)
{
	if (result == REQUEST_OK)
		decide(s);
	else if (result == REQUEST_UNSUPPORTED)
		refuse(s, "unsupported", LOOK_BAD_REQUEST, SOCKS5_COMMAND);
	else
		refuse(s, "bad", LOOK_BAD_REQUEST, 0x01);
}

/* ---- input: each step eats one message of its protocol, or nothing ---- */

static size_t
input_socks4(struct session *s, const uint8_t *data, size_t len)
{
	size_t used = len;
	enum request_result result = socks4_parse(data, len, &s->request, &used);

	if (result == REQUEST_MORE)
		return 0;
	judge(s, result);
	return used;
}

static size_t
input_greeting(struct session *s, const uint8_t *data, size_t len)
{
	size_t used = len;
	uint8_t method;

	if (socks5_parse_greeting(data, len, &method, &used) != REQUEST_OK)
		return 0;
	const uint8_t reply[2] = { 5, method };

	s->sink.reply(s->sink.ctx, reply, sizeof(reply));
	s->request.protocol = PROTOCOL_SOCKS5;
	if (method == SOCKS5_METHOD_REFUSED)
		say_goodbye(s);
	else
		s->state = method == SOCKS5_METHOD_PASSWORD ? STATE_SOCKS5_PASSWORD : STATE_SOCKS5_REQUEST;
	return used;
}

static size_t
input_password(struct session *s, const uint8_t *data, size_t len)
{
	static const uint8_t welcome[2] = { 1, 0 }, wrong[2] = { 1, 1 };
	size_t used = len;
	enum request_result result = socks5_parse_password(data, len, s->user, &used);

	if (result == REQUEST_MORE)
		return 0;
	s->sink.reply(s->sink.ctx, result == REQUEST_OK ? welcome : wrong, 2);
	if (result == REQUEST_OK)
		s->state = STATE_SOCKS5_REQUEST;
	else
		say_goodbye(s);
	return used;
}

static size_t
input_socks5(struct session *s, const uint8_t *data, size_t len)
{
	size_t used = len;
	enum request_result result = socks5_parse_request(data, len, &s->request, &used);

	if (result == REQUEST_MORE)
		return 0;
	memcpy(s->request.user, s->user, sizeof(s->request.user));
	judge(s, result);
	return used;
}

static size_t
input_http(struct session *s, const uint8_t *data, size_t len)
{
	size_t used = len;
	enum request_result result = http_connect_parse(data, len, &s->request, &used);

	if (result == REQUEST_MORE)
		return 0;
	judge(s, result);
	return used;
}

static void
choose_protocol(struct session *s, uint8_t first)
{
	unsigned speaks = s->settings.look->speaks;

	if (first == 4 && speaks & LOOK_SPEAKS_SOCKS4) {
		s->state = STATE_SOCKS4;
	} else if (first == 5 && speaks & LOOK_SPEAKS_SOCKS5) {
		s->state = STATE_SOCKS5_GREETING;
	} else if (speaks & LOOK_SPEAKS_HTTP) {
		s->state = STATE_HTTP;
	} else {
		/* A SOCKS server that hears something else (microsocks, measured): no acceptable method. */
		static const uint8_t no[2] = { 5, SOCKS5_METHOD_REFUSED };

		s->sink.reply(s->sink.ctx, no, sizeof(no));
		say_goodbye(s);
	}
}

static size_t
step(struct session *s, const uint8_t *data, size_t len)
{
	switch (s->state) {
	case STATE_SOCKS4:
		return input_socks4(s, data, len);
	case STATE_SOCKS5_GREETING:
		return input_greeting(s, data, len);
	case STATE_SOCKS5_PASSWORD:
		return input_password(s, data, len);
	case STATE_SOCKS5_REQUEST:
		return input_socks5(s, data, len);
	case STATE_HTTP:
		return input_http(s, data, len);
	case STATE_START:
	case STATE_DIALING:
	case STATE_OVER:
		break;
	}
	return 0;
}

size_t
session_input(struct session *s, const uint8_t *data, size_t len, uint64_t wall_ms)
{
	size_t used = 0;

	s->wall_ms = wall_ms;
	if (s->state == STATE_START && len > 0)
		choose_protocol(s, data[0]);
	while (used < len && s->state != STATE_DIALING && s->state != STATE_OVER) {
		size_t n = step(s, data + used, len - used);

		if (n == 0)
			break;
		used += n;
	}
	return s->state == STATE_OVER ? len : used;
}

void
session_connected(struct session *s, uint64_t wall_ms)
{
	s->wall_ms = wall_ms;
	s->sink.observe(s->sink.ctx, &s->request, "relayed");
	answer(s, true, LOOK_CONNECTED, SOCKS5_OK);
	s->state = STATE_OVER;
}

void
session_refused(struct session *s, uint64_t wall_ms)
{
	s->wall_ms = wall_ms;
	refuse(s, "no relay", LOOK_UNREACHABLE, SOCKS5_REFUSED);
}

bool
session_dialing(const struct session *s)
{
	return s->state == STATE_DIALING;
}

struct session *
session_new(const struct session_settings *settings, const struct session_sink *sink)
{
	struct session *s = xcalloc(1, sizeof(*s));

	s->settings = *settings;
	s->sink = *sink;
	return s;
}

void
session_free(struct session **sp)
{
	free(*sp);
	*sp = NULL;
}
