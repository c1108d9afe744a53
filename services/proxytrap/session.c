#include "proxytrap/session.h"

#include "base/mem.h"
#include "base/str.h"
#include "proxytrap/http_connect.h"
#include "proxytrap/page.h"
#include "proxytrap/socks4.h"
#include "proxytrap/socks5.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum state {
	STATE_START, /* nothing heard: the first octet tells the protocol */
	STATE_SOCKS4,
	STATE_SOCKS5_GREETING,
	STATE_SOCKS5_PASSWORD,
	STATE_SOCKS5_REQUEST,
	STATE_HTTP,
	STATE_DIALING, /* the relay was asked for */
	STATE_OVER, /* joined, or goodbye was said */
};

struct session {
	struct session_settings settings;
	struct session_sink sink;
	enum state state;
	struct request request;
	char user[REQUEST_USER_MAX]; /* heard before the request */
	uint64_t wall_ms;
};

const char *
session_answer_name(enum session_answer a)
{
	static const char *const names[] = {
#define X(name, text) [SESSION_##name] = text,
		SESSION_ANSWERS(X)
#undef X
	};

	return names[a];
}

/* ---- replies, in the words of the protocol that was spoken ---- */

static void
say_goodbye(struct session *s)
{
	s->state = STATE_OVER;
	s->sink.close(s->sink.ctx);
}

static void
reply_page(struct session *s, enum look_page page, const char *body)
{
	char out[LOOK_PAGE_MAX], target[REQUEST_TARGET_MAX];
	const struct look_values v = {
		.host = s->settings.host,
		.target = request_target(&s->request, target),
		.body = body,
		.port = s->settings.local.port,
		.http_minor = s->request.http_minor,
		.wall_ms = s->wall_ms,
		.head_only = s->request.head,
	};

	s->sink.reply(s->sink.ctx, out, look_format(s->settings.look->http, page, &v, out));
}

static void
reply_socks(struct session *s, uint8_t code)
{
	static const struct endpoint zeros = { .addr = { { [10] = 0xff, [11] = 0xff } } }; /* 0.0.0.0 */
	const struct endpoint *bound = s->settings.look->socks->tells_bound ? &s->settings.bound : &zeros;
	uint8_t out[SOCKS5_REPLY_MAX];
	size_t len = SOCKS4_REPLY_BYTES;

	if (code == LOOK_SILENT)
		return;
	if (s->request.protocol == PROTOCOL_SOCKS5)
		len = socks5_reply(code, bound, out);
	else
		socks4_reply(code == SOCKS5_OK ? SOCKS4_GRANTED : SOCKS4_REJECTED, bound, out);
	s->sink.reply(s->sink.ctx, out, len);
}

static enum look_page
refusal_page(enum request_protocol protocol, enum request_result kind)
{
	if (kind == REQUEST_NO_TARGET)
		return LOOK_NO_TARGET;
	if (kind != REQUEST_OK)
		return LOOK_BAD_REQUEST;
	return protocol == PROTOCOL_HTTP_CONNECT ? LOOK_CONNECT_REFUSED : LOOK_GET_REFUSED;
}

static bool
speaks_http(const struct session *s)
{
	return s->request.protocol == PROTOCOL_HTTP_CONNECT || s->request.protocol == PROTOCOL_HTTP_GET;
}

/* kind REQUEST_OK: nothing is wrong with the request, its target doesn't answer. */
static void
refuse(struct session *s, enum session_answer answer, enum request_result kind)
{
	s->sink.observe(s->sink.ctx, &s->request, answer);
	if (speaks_http(s))
		reply_page(s, refusal_page(s->request.protocol, kind), NULL);
	else
		reply_socks(s, s->settings.look->socks->codes[kind]);
	say_goodbye(s);
}

/* ---- decisions ---- */

static void
show_page(struct session *s)
{
	char body[PAGE_MAX];

	s->sink.observe(s->sink.ctx, &s->request, SESSION_PAGE);
	reply_page(s, LOOK_FOUND, page_format(s->request.host, s->request.path, s->settings.page_secret, body));
	say_goodbye(s);
}

/* A web request to a mail port is refused too: SMTP inside of HTTP is not what we relay. */
static void
decide(struct session *s)
{
	const struct request *r = &s->request;

	if (!request_host_valid(r)) {
		refuse(s, SESSION_BAD, speaks_http(s) ? REQUEST_NO_TARGET : REQUEST_BAD);
	} else if (r->protocol == PROTOCOL_HTTP_GET && !request_is_mail(r)) {
		show_page(s);
	} else if (r->protocol != PROTOCOL_HTTP_GET && request_is_mail(r)) {
		s->state = STATE_DIALING;
		s->sink.dial(s->sink.ctx, r);
	} else {
		refuse(s, request_is_chain(r) ? SESSION_CHAIN : SESSION_REFUSED, REQUEST_OK);
	}
}

static void
judge(struct session *s, enum request_result result)
{
	static const enum session_answer answers[REQUEST_RESULTS] = {
		[REQUEST_BAD] = SESSION_BAD,
		[REQUEST_NO_TARGET] = SESSION_BAD,
		[REQUEST_UNSUPPORTED] = SESSION_UNSUPPORTED,
		[REQUEST_NO_COMMAND] = SESSION_UNSUPPORTED,
		[REQUEST_ADDRESS_TYPE] = SESSION_BAD,
	};

	if (result == REQUEST_OK)
		decide(s);
	else
		refuse(s, answers[result], result);
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

	s->request.protocol = PROTOCOL_SOCKS5;
	s->sink.reply(s->sink.ctx, reply, sizeof(reply));
	if (method == SOCKS5_METHOD_REFUSED) {
		s->sink.observe(s->sink.ctx, &s->request, SESSION_BAD);
		say_goodbye(s);
	} else {
		s->state = method == SOCKS5_METHOD_PASSWORD ? STATE_SOCKS5_PASSWORD : STATE_SOCKS5_REQUEST;
	}
	return used;
}

/* Any user and password are right (RFC 1929 2: status 0), and the user is remembered. */
static size_t
input_password(struct session *s, const uint8_t *data, size_t len)
{
	static const uint8_t welcome[2] = { 1, 0 };
	size_t used = len;
	enum request_result result = socks5_parse_password(data, len, s->user, &used);

	if (result == REQUEST_MORE)
		return 0;
	if (result == REQUEST_OK) {
		s->sink.reply(s->sink.ctx, welcome, sizeof(welcome));
		s->state = STATE_SOCKS5_REQUEST;
	} else {
		s->sink.observe(s->sink.ctx, &s->request, SESSION_BAD);
		say_goodbye(s);
	}
	return used;
}

static size_t
input_socks5(struct session *s, const uint8_t *data, size_t len)
{
	size_t used = len;
	enum request_result result = socks5_parse_request(data, len, &s->request, &used);

	if (result == REQUEST_MORE)
		return 0;
	str_copy(s->request.user, sizeof(s->request.user), s->user);
	judge(s, result);
	return used;
}

static size_t
input_http(struct session *s, const uint8_t *data, size_t len)
{
	size_t used;
	enum request_result result = http_connect_parse(data, len, &s->request, &used);

	if (result == REQUEST_MORE)
		return 0;
	if (used == 0 && s->settings.look->http->waits_for_head && len < HTTP_HEAD_MAX)
		return 0;
	judge(s, result);
	return used;
}

/* Neither SOCKS nor HTTP that this look speaks. */
static void
meet_stranger(struct session *s)
{
	assert(s->settings.look->socks != NULL); /* a look speaks something */
	const uint8_t no[2] = { 5, s->settings.look->socks->stranger };

	s->request.protocol = PROTOCOL_SOCKS5;
	s->sink.observe(s->sink.ctx, &s->request, SESSION_BAD);
	if (no[1] != LOOK_SILENT)
		s->sink.reply(s->sink.ctx, no, sizeof(no));
	say_goodbye(s);
}

static void
choose_protocol(struct session *s, uint8_t first)
{
	const struct look *look = s->settings.look;

	if (first == 4 && look->socks != NULL && look->socks->speaks4)
		s->state = STATE_SOCKS4;
	else if (first == 5 && look->socks != NULL)
		s->state = STATE_SOCKS5_GREETING;
	else if (look->http != NULL)
		s->state = STATE_HTTP;
	else
		meet_stranger(s);
}

static size_t
step(struct session *s, const uint8_t *data, size_t len)
{
	static size_t (*const inputs[])(struct session *, const uint8_t *, size_t) = {
		[STATE_SOCKS4] = input_socks4,
		[STATE_SOCKS5_GREETING] = input_greeting,
		[STATE_SOCKS5_PASSWORD] = input_password,
		[STATE_SOCKS5_REQUEST] = input_socks5,
		[STATE_HTTP] = input_http,
	};

	return inputs[s->state](s, data, len);
}

static bool
listening(const struct session *s)
{
	return s->state != STATE_DIALING && s->state != STATE_OVER;
}

size_t
session_input(struct session *s, const uint8_t *data, size_t len, uint64_t wall_ms)
{
	size_t used = 0;

	s->wall_ms = wall_ms;
	if (s->state == STATE_START && len > 0)
		choose_protocol(s, data[0]);
	while (used < len && listening(s)) {
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
	s->sink.observe(s->sink.ctx, &s->request, SESSION_RELAYED);
	if (speaks_http(s))
		reply_page(s, LOOK_CONNECTED, NULL);
	else
		reply_socks(s, SOCKS5_OK);
	s->state = STATE_OVER;
}

void
session_refused(struct session *s, uint64_t wall_ms)
{
	s->wall_ms = wall_ms;
	refuse(s, SESSION_NO_RELAY, REQUEST_OK);
}

bool
session_dialing(const struct session *s)
{
	return s->state == STATE_DIALING;
}

const struct request *
session_request(const struct session *s)
{
	return &s->request;
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
