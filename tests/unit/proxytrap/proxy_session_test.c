/* proxy_session_test - conversations with a proxy, in bytes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "proxytrap/session.h"

#include <stdio.h>
#include <string.h>

struct heard {
	char bytes[8192];
	size_t len;
	struct request dialed;
	struct request observed;
	const char *answer;
	unsigned observations;
	bool dial, closed;
};

static void
on_reply(void *ctx, const void *data, size_t len)
{
	struct heard *h = ctx;

	assert_true(len > 0 && h->len + len < sizeof(h->bytes));
	memcpy(h->bytes + h->len, data, len);
	h->len += len;
	h->bytes[h->len] = '\0';
}

static void
on_dial(void *ctx, const struct request *r)
{
	struct heard *h = ctx;

	assert_false(h->dial || h->closed);
	h->dialed = *r;
	h->dial = true;
}

static void
on_observe(void *ctx, const struct request *r, enum session_answer answer)
{
	struct heard *h = ctx;

	h->observed = *r;
	h->answer = session_answer_name(answer);
	h->observations++;
}

static void
on_close(void *ctx)
{
	struct heard *h = ctx;

	assert_false(h->closed);
	h->closed = true;
}

static struct session *
begin(struct heard *h, const char *look)
{
	const struct session_sink sink = { on_reply, on_dial, on_observe, on_close, h };
	const struct session_settings settings = {
		.look = look_find(look),
		.host = "proxy1",
		.local = { addr_from_v4(0xcb00710a), 3128 },
		.bound = { addr_from_v4(0xcb00710a), 40000 },
	};

	memset(h, 0, sizeof(*h));
	h->answer = "";
	return session_new(&settings, &sink);
}

static size_t
say(struct session *s, const char *text)
{
	return session_input(s, (const uint8_t *)text, strlen(text), 0);
}

#define BYTES(text) text, sizeof(text) - 1
#define TARGET "\xc6\x33\x64\x09" /* 198.51.100.9 */
#define TARGET6 "\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01" /* 2001:db8::1 */
#define BOUND "\xcb\0\x71\x0a" /* 203.0.113.10 */
#define BOUND_PORT "\x9c\x40"
#define ZEROS "\0\0\0\0\0\0"

#define GRANTED4 BYTES("\0\x5a" BOUND_PORT BOUND)
#define REJECTED4 BYTES("\0\x5b" BOUND_PORT BOUND)
#define GRANTED5 BYTES("\x05\0\x05\0\0\x01" BOUND BOUND_PORT)
#define SQUID_OK BYTES("HTTP/1.1 200 Connection established\r\n\r\n")
#define TINYPROXY_OK BYTES("HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n")

enum { STARTS = 1 }; /* heard is only how the answer begins */

static const struct row {
	const char *name;
	const char *look;
	const char *said;
	size_t said_len;
	const char *target; /* dialled; NULL: not */
	const char *heard; /* when the relay is there, or as a refusal */
	size_t heard_len;
	const char *answer;
	unsigned how;
} rows[] = {
	/* SOCKS4 */
	{ "SOCKS4", "dante", BYTES("\x04\x01\0\x19" TARGET "joe\0"), "198.51.100.9:25", GRANTED4, "relayed", 0 },
	{ "SOCKS4 without a user", "dante", BYTES("\x04\x01\0\x19" TARGET "\0"), "198.51.100.9:25", GRANTED4, "relayed",
	    0 },
	{ "SOCKS4a", "dante", BYTES("\x04\x01\0\x19\0\0\0\x01\0mx.example\0"), "mx.example:25", GRANTED4, "relayed",
	    0 },
	{ "SOCKS4a to submission", "dante", BYTES("\x04\x01\x02\x4b\0\0\0\xff\0mx.example\0"), "mx.example:587",
	    GRANTED4, "relayed", 0 },
	{ "SOCKS4 to another port", "dante", BYTES("\x04\x01\0\x50" TARGET "\0"), NULL, REJECTED4, "refused", 0 },
	{ "SOCKS4 to a proxy", "dante", BYTES("\x04\x01\x04\x38" TARGET "\0"), NULL, REJECTED4, "chain", 0 },
	{ "SOCKS4 BIND", "dante", BYTES("\x04\x02\0\x19" TARGET "\0"), NULL, REJECTED4, "unsupported", 0 },
	{ "SOCKS4 with a command that isn't", "dante", BYTES("\x04\x09\0\x19" TARGET "\0"), NULL, BYTES(""),
	    "unsupported", 0 },
	{ "SOCKS4a without a name", "dante", BYTES("\x04\x01\0\x19\0\0\0\x01\0\0"), NULL, BYTES(""), "bad", 0 },
	{ "SOCKS4a to a name with markup", "dante", BYTES("\x04\x01\0\x19\0\0\0\x01\0<b>\0"), NULL, BYTES(""), "bad",
	    0 },
	/* SOCKS5 */
	{ "SOCKS5 by address", "dante", BYTES("\x05\x01\0\x05\x01\0\x01" TARGET "\0\x19"), "198.51.100.9:25", GRANTED5,
	    "relayed", 0 },
	{ "SOCKS5 by name", "dante", BYTES("\x05\x02\x02\0\x05\x01\0\x03\x0amx.example\x02\x4b"), "mx.example:587",
	    GRANTED5, "relayed", 0 },
	{ "SOCKS5 by IPv6 address", "dante", BYTES("\x05\x01\0\x05\x01\0\x04" TARGET6 "\0\x19"), "[2001:db8::1]:25",
	    GRANTED5, "relayed", 0 },
	{ "SOCKS5 at microsocks", "microsocks", BYTES("\x05\x01\0\x05\x01\0\x03\x0amx.example\x01\xd1"),
	    "mx.example:465", BYTES("\x05\0\x05\0\0\x01" ZEROS), "relayed", 0 },
	{ "SOCKS5 with a password", "dante", BYTES("\x05\x01\x02\x01\x03joe\x02pw\x05\x01\0\x01" TARGET "\0\x19"),
	    "198.51.100.9:25", BYTES("\x05\x02\x01\0\x05\0\0\x01" BOUND BOUND_PORT), "relayed", 0 },
	{ "SOCKS5 without a method of ours", "dante", BYTES("\x05\x01\x03"), NULL, BYTES("\x05\xff"), "bad", 0 },
	{ "SOCKS5 without any method", "dante", BYTES("\x05\0"), NULL, BYTES("\x05\xff"), "bad", 0 },
	{ "SOCKS5 with a password of another version", "dante", BYTES("\x05\x01\x02\x02\x03joe\x02pw"), NULL,
	    BYTES("\x05\x02"), "bad", 0 },
	{ "SOCKS5 to another port", "dante", BYTES("\x05\x01\0\x05\x01\0\x01" TARGET "\0\x50"), NULL,
	    BYTES("\x05\0\x05\x05\0\x01" BOUND BOUND_PORT), "refused", 0 },
	{ "SOCKS5 to another port at microsocks", "microsocks", BYTES("\x05\x01\0\x05\x01\0\x01" TARGET "\0\x50"), NULL,
	    BYTES("\x05\0\x05\x05\0\x01" ZEROS), "refused", 0 },
	{ "SOCKS5 to a proxy", "microsocks", BYTES("\x05\x01\0\x05\x01\0\x01" TARGET "\x0c\x38"), NULL,
	    BYTES("\x05\0\x05\x05\0\x01" ZEROS), "chain", 0 },
	{ "SOCKS5 BIND", "dante", BYTES("\x05\x01\0\x05\x02\0\x01" TARGET "\0\x19"), NULL,
	    BYTES("\x05\0\x05\x02\0\x01" BOUND BOUND_PORT), "unsupported", 0 },
	{ "SOCKS5 UDP at microsocks", "microsocks", BYTES("\x05\x01\0\x05\x03\0\x01" TARGET "\0\x19"), NULL,
	    BYTES("\x05\0\x05\x07\0\x01" ZEROS), "unsupported", 0 },
	{ "SOCKS5 with a command that isn't", "dante", BYTES("\x05\x01\0\x05\x09\0\x01" TARGET "\0\x19"), NULL,
	    BYTES("\x05\0"), "unsupported", 0 },
	{ "the same at microsocks", "microsocks", BYTES("\x05\x01\0\x05\x09\0\x01" TARGET "\0\x19"), NULL,
	    BYTES("\x05\0\x05\x07\0\x01" ZEROS), "unsupported", 0 },
	{ "SOCKS5 with an address type that isn't", "microsocks", BYTES("\x05\x01\0\x05\x01\0\x09"), NULL,
	    BYTES("\x05\0\x05\x08\0\x01" ZEROS), "bad", 0 },
	{ "SOCKS5 that becomes SOCKS4", "microsocks", BYTES("\x05\x01\0\x04"), NULL,
	    BYTES("\x05\0\x05\x01\0\x01" ZEROS), "bad", 0 },
	{ "SOCKS5 without a name", "microsocks", BYTES("\x05\x01\0\x05\x01\0\x03\0\0\x19"), NULL,
	    BYTES("\x05\0\x05\x01\0\x01" ZEROS), "bad", 0 },
	{ "SOCKS5 to a name with NUL", "microsocks", BYTES("\x05\x01\0\x05\x01\0\x03\x05mx\0.x\0\x19"), NULL,
	    BYTES("\x05\0\x05\x01\0\x01" ZEROS), "bad", 0 },
	/* strangers */
	{ "HTTP at Dante", "dante", BYTES("G"), NULL, BYTES(""), "bad", 0 },
	{ "HTTP at microsocks", "microsocks", BYTES("G"), NULL, BYTES("\x05\xff"), "bad", 0 },
	{ "SOCKS4 at microsocks", "microsocks", BYTES("\x04"), NULL, BYTES("\x05\xff"), "bad", 0 },
	/* HTTP */
	{ "CONNECT at Squid", "squid", BYTES("CONNECT mx.example:25 HTTP/1.0\r\n\r\n"), "mx.example:25", SQUID_OK,
	    "relayed", 0 },
	{ "CONNECT at Tinyproxy", "tinyproxy", BYTES("CONNECT 198.51.100.9:25 HTTP/1.1\r\nHost: x\r\n\r\n"),
	    "198.51.100.9:25", TINYPROXY_OK, "relayed", 0 },
	{ "CONNECT to an IPv6 address", "squid", BYTES("CONNECT [2001:db8::1]:25 HTTP/1.1\r\n\r\n"), "[2001:db8::1]:25",
	    SQUID_OK, "relayed", 0 },
	{ "CONNECT behind an empty line, with bare LF", "squid",
	    BYTES("\r\nCONNECT mx.example:587 HTTP/1.1\nHost: x\n\n"), "mx.example:587", SQUID_OK, "relayed", 0 },
	{ "CONNECT to another port", "squid", BYTES("CONNECT mx.example:443 HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 503 Service Unavailable\r\n"), "refused", STARTS },
	{ "CONNECT without a port means 443", "squid", BYTES("CONNECT mx.example HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 503 Service Unavailable\r\n"), "refused", STARTS },
	{ "CONNECT to a proxy", "squid", BYTES("CONNECT mx.example:3128 HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 503 Service Unavailable\r\n"), "chain", STARTS },
	{ "CONNECT to another port at Tinyproxy", "tinyproxy", BYTES("CONNECT mx.example:443 HTTP/1.0\r\n\r\n"), NULL,
	    BYTES("HTTP/1.0 500 Unable to connect\r\n"), "refused", STARTS },
	{ "which answers in the client's version", "tinyproxy", BYTES("CONNECT mx.example:443 HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 500 Unable to connect\r\n"), "refused", STARTS },
	{ "CONNECT to port 25x", "squid", BYTES("CONNECT mx.example:25x HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "CONNECT to port 65561", "squid", BYTES("CONNECT mx.example:65561 HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "CONNECT to no host", "squid", BYTES("CONNECT :25 HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "CONNECT to a bracket", "squid", BYTES("CONNECT [::1 HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "CONNECT to a name with markup", "squid", BYTES("CONNECT <b>:25 HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "GET of an absolute URI", "squid", BYTES("GET http://one.example/ HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 200 OK\r\n"), "page", STARTS },
	{ "GET with user, port and path", "tinyproxy", BYTES("GET http://u:p@x@one.example:8000/a?b HTTP/1.0\r\n\r\n"),
	    NULL, BYTES("HTTP/1.1 200 OK\r\nVia: 1.0 proxy1 (tinyproxy/1.11.1)\r\n"), "page", STARTS },
	{ "POST of an absolute URI", "squid", BYTES("POST http://one.example HTTP/1.1\r\nContent-Length: 1\r\n\r\n"),
	    NULL, BYTES("HTTP/1.1 200 OK\r\n"), "page", STARTS },
	{ "POST to a mail port", "squid", BYTES("POST http://mx.example:25/ HTTP/1.0\r\nContent-Length: 4\r\n\r\n"),
	    NULL, BYTES("HTTP/1.1 503 Service Unavailable\r\n"), "refused", STARTS },
	{ "GET of a path", "squid", BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "GET of another scheme", "squid", BYTES("GET ftp://x/ HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "GET of a URI without host", "squid", BYTES("GET http:///a HTTP/1.1\r\n\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "garbage", "squid", BYTES("\x16\x03\x01 garbage\n"), NULL, BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad",
	    STARTS },
	{ "SMTP", "squid", BYTES("EHLO x\r\n"), NULL, BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "Tinyproxy waits for the end of garbage", "tinyproxy", BYTES("garbage\r\n\r\n"), NULL,
	    BYTES("HTTP/1.0 400 Bad Request\r\n"), "bad", STARTS },
	{ "a request line with NUL", "squid", BYTES("GET http://x\0/ HTTP/1.1\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "a request line of four words", "squid", BYTES("CONNECT mx.example:25 HTTP/1.1 x\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	{ "a version that isn't", "squid", BYTES("CONNECT mx.example:25 HTTP/x\r\n"), NULL,
	    BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad", STARTS },
	/* no look, or one that we don't know: everything */
	{ "an unknown look speaks SOCKS5", "", BYTES("\x05\x01\0\x05\x01\0\x01" TARGET "\0\x19"), "198.51.100.9:25",
	    GRANTED5, "relayed", 0 },
	{ "and SOCKS4", "ccproxy", BYTES("\x04\x01\0\x19" TARGET "\0"), "198.51.100.9:25", GRANTED4, "relayed", 0 },
	{ "and HTTP", "", BYTES("CONNECT mx.example:25 HTTP/1.1\r\n\r\n"), "mx.example:25", SQUID_OK, "relayed", 0 },
};

/* Says a row in pieces of `step` bytes, the first of `first`; what was not eaten waits, as in a connection's buffer. */
static void
hold(const struct row *row, size_t first, size_t step, struct heard *h)
{
	struct session *s = begin(h, row->look);
	size_t used = 0, end = first;

	for (;;) {
		used += session_input(s, (const uint8_t *)row->said + used, end - used, 0);
		if (h->dial || h->closed || end == row->said_len)
			break;
		end = end + step < row->said_len ? end + step : row->said_len;
	}
	assert_int_equal(used, end);
	assert_int_equal(session_dialing(s), h->dial);
	if (h->dial)
		session_connected(s, 0);
	session_free(&s);
}

static void
check(const struct row *row, size_t first, const struct heard *h)
{
	char target[REQUEST_TARGET_MAX] = "";
	bool length_right = row->how == STARTS ? h->len > row->heard_len : h->len == row->heard_len;

	if (h->dial)
		request_target(&h->dialed, target);
	if (strcmp(target, row->target == NULL ? "" : row->target) != 0)
		fail_msg("%s, cut at %zu: dialled \"%s\"", row->name, first, target);
	if (!length_right || memcmp(h->bytes, row->heard, row->heard_len) != 0)
		fail_msg("%s, cut at %zu: heard %zu bytes: %s", row->name, first, h->len, h->bytes);
	if (strcmp(h->answer, row->answer) != 0 || h->observations != 1)
		fail_msg("%s, cut at %zu: %u answers, last %s", row->name, first, h->observations, h->answer);
	if (h->closed == h->dial)
		fail_msg("%s, cut at %zu: closed %d, dialled %d", row->name, first, h->closed, h->dial);
}

static void
requests_are_answered_as_the_look_would_however_they_are_cut(void **state)
{
	static struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= rows[i].said_len; cut++) {
			hold(&rows[i], cut, rows[i].said_len, &h);
			check(&rows[i], cut, &h);
		}
		hold(&rows[i], 1, 1, &h);
		check(&rows[i], 1, &h);
	}
}

static void
a_prefix_of_a_good_request_waits(void **state)
{
	static struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t len = 0; rows[i].target != NULL && len < rows[i].said_len; len++) {
			struct session *s = begin(&h, rows[i].look);

			session_input(s, (const uint8_t *)rows[i].said, len, 0);
			if (h.dial || h.closed || h.observations > 0)
				fail_msg("%s, first %zu bytes: decided too early", rows[i].name, len);
			session_free(&s);
		}
	}
}

static void
without_a_relay_the_target_refuses(void **state)
{
	static const struct {
		const char *look, *said;
		size_t said_len;
		const char *heard;
		size_t heard_len;
	} cases[] = {
		{ "dante", BYTES("\x04\x01\0\x19" TARGET "\0"), REJECTED4 },
		{ "dante", BYTES("\x05\x01\0\x05\x01\0\x01" TARGET "\0\x19"),
		    BYTES("\x05\0\x05\x05\0\x01" BOUND BOUND_PORT) },
		{ "microsocks", BYTES("\x05\x01\0\x05\x01\0\x01" TARGET "\0\x19"),
		    BYTES("\x05\0\x05\x05\0\x01" ZEROS) },
		{ "squid", BYTES("CONNECT mx.example:25 HTTP/1.1\r\n\r\n"),
		    BYTES("HTTP/1.1 503 Service Unavailable\r\n") },
		{ "tinyproxy", BYTES("CONNECT mx.example:25 HTTP/1.1\r\n\r\n"),
		    BYTES("HTTP/1.1 500 Unable to connect\r\n") },
	};
	static struct heard h;

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct session *s = begin(&h, cases[i].look);

		session_input(s, (const uint8_t *)cases[i].said, cases[i].said_len, 0);
		session_refused(s, 0);
		assert_true(h.closed);
		assert_memory_equal(h.bytes, cases[i].heard, cases[i].heard_len);
		assert_string_equal(h.answer, "no-relay");
		session_free(&s);
	}
}

static void
what_follows_a_request_is_left_for_the_relay(void **state)
{
	static struct heard h;
	struct session *s = begin(&h, "squid");
	const char *request = "CONNECT mx.example:25 HTTP/1.1\r\n\r\n";
	char said[128];

	(void)state;
	snprintf(said, sizeof(said), "%sEHLO x\r\n", request);
	assert_int_equal(say(s, said), strlen(request));
	assert_int_equal(say(s, "EHLO x\r\n"), 0);
	assert_int_equal(h.len, 0); /* no success before the relay is there */
	session_connected(s, 0);
	assert_string_equal(h.bytes, "HTTP/1.1 200 Connection established\r\n\r\n");
	session_free(&s);
}

static void
users_are_remembered(void **state)
{
	static struct heard h;
	struct session *s = begin(&h, "dante");

	(void)state;
	session_input(s, (const uint8_t *)BYTES("\x04\x01\0\x19" TARGET "joe\0"), 0);
	assert_string_equal(h.dialed.user, "joe");
	session_free(&s);
	s = begin(&h, "dante");
	session_input(s, (const uint8_t *)BYTES("\x05\x01\x02\x01\x03joe\x02pw\x05\x01\0\x01" TARGET "\0\x19"), 0);
	assert_string_equal(h.dialed.user, "joe");
	session_free(&s);
}

static const char *
body_of(const struct heard *h)
{
	const char *end = strstr(h->bytes, "\r\n\r\n");

	assert_non_null(end);
	return end + 4;
}

static void
fetch(struct heard *h, const char *request)
{
	struct session *s = begin(h, "squid");

	say(s, request);
	assert_true(h->closed);
	session_free(&s);
}

static void
pages_are_stable_and_no_two_hosts_share_one(void **state)
{
	static struct heard one, again, path, two;

	(void)state;
	fetch(&one, "GET http://one.example/ HTTP/1.1\r\n\r\n");
	fetch(&again, "GET http://one.example HTTP/1.1\r\n\r\n");
	fetch(&path, "GET http://one.example/x HTTP/1.1\r\n\r\n");
	fetch(&two, "GET http://two.example/ HTTP/1.1\r\n\r\n");
	assert_string_equal(body_of(&one), body_of(&again));
	assert_string_not_equal(body_of(&one), body_of(&path));
	assert_string_not_equal(body_of(&one), body_of(&two));
	assert_non_null(strstr(body_of(&two), "two.example"));
}

static void
lengths_are_true_and_head_has_no_body(void **state)
{
	static struct heard get, head;
	static const char *const targets[] = { "http://one.example/", "http://one.example:25/", "/" };
	char request[128];

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		unsigned length;

		snprintf(request, sizeof(request), "GET %s HTTP/1.1\r\n\r\n", targets[i]);
		fetch(&get, request);
		assert_int_equal(sscanf(strstr(get.bytes, "Content-Length: "), "Content-Length: %u", &length), 1);
		assert_int_equal(strlen(body_of(&get)), length);
		snprintf(request, sizeof(request), "HEAD %s HTTP/1.1\r\n\r\n", targets[i]);
		fetch(&head, request);
		assert_int_equal(head.len, get.len - length);
		assert_memory_equal(head.bytes, get.bytes, head.len);
	}
}

static void
the_longest_names_fit_every_page(void **state)
{
	static struct heard h;
	char request[512], name[254];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	snprintf(request, sizeof(request), "GET http://%s/ HTTP/1.1\r\n\r\n", name);
	fetch(&h, request);
	assert_non_null(strstr(h.bytes, "</html>\n"));
	snprintf(request, sizeof(request), "GET http://%s:25/ HTTP/1.1\r\n\r\n", name);
	fetch(&h, request);
	assert_non_null(strstr(h.bytes, "</html>\n"));
}

static void
a_head_without_an_end_is_refused_at_its_limit(void **state)
{
	static const char *const begins[] = { "", "GET http://one.example/ HTTP/1.1\r\n", "\r\n\r\n\r\n" };
	static const char *const looks[] = { "squid", "tinyproxy" };
	static uint8_t said[SESSION_INPUT_MAX];
	static struct heard h;

	(void)state;
	for (size_t i = 0; i < 3 * 2; i++) {
		struct session *s = begin(&h, looks[i % 2]);

		memset(said, 'a', sizeof(said));
		memcpy(said, begins[i / 2], strlen(begins[i / 2]));
		assert_int_equal(session_input(s, said, sizeof(said) - 1, 0), 0);
		assert_false(h.closed);
		assert_int_equal(session_input(s, said, sizeof(said), 0), sizeof(said));
		assert_true(h.closed);
		session_free(&s);
	}
}

static void
a_socks4_user_without_an_end_is_refused_at_its_limit(void **state)
{
	static uint8_t said[8 + 256] = { 4, 1, 0, 25, 198, 51, 100, 9 };
	static struct heard h;
	struct session *s = begin(&h, "dante");

	(void)state;
	memset(said + 8, 'a', sizeof(said) - 8);
	assert_int_equal(session_input(s, said, sizeof(said) - 1, 0), 0);
	assert_false(h.closed);
	session_input(s, said, sizeof(said), 0);
	assert_true(h.closed);
	session_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_answered_as_the_look_would_however_they_are_cut),
		cmocka_unit_test(a_prefix_of_a_good_request_waits),
		cmocka_unit_test(without_a_relay_the_target_refuses),
		cmocka_unit_test(what_follows_a_request_is_left_for_the_relay),
		cmocka_unit_test(users_are_remembered),
		cmocka_unit_test(pages_are_stable_and_no_two_hosts_share_one),
		cmocka_unit_test(lengths_are_true_and_head_has_no_body),
		cmocka_unit_test(the_longest_names_fit_every_page),
		cmocka_unit_test(a_head_without_an_end_is_refused_at_its_limit),
		cmocka_unit_test(a_socks4_user_without_an_end_is_refused_at_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
