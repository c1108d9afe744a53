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
	char answer[32];
	bool dial, closed;
};

static void
on_reply(void *ctx, const void *data, size_t len)
{
	struct heard *h = ctx;

	memcpy(h->bytes + h->len, data, len);
	h->len += len;
	h->bytes[h->len] = '\0';
}

static void
on_dial(void *ctx, const struct request *r)
{
	struct heard *h = ctx;

	h->dialed = *r;
	h->dial = true;
}

static void
on_observe(void *ctx, const struct request *r, const char *answer)
{
	struct heard *h = ctx;

	(void)r;
	snprintf(h->answer, sizeof(h->answer), "%s", answer);
}

static void
on_close(void *ctx)
{
	((struct heard *)ctx)->closed = true;
}

static struct session *
begin(struct heard *h, const char *look)
{
	const struct session_sink sink = { on_reply, on_dial, on_observe, on_close, h };
	const struct session_settings settings = { look_find(look), "proxy1", { addr_from_v4(0xcb00710a), 40000 }, 0 };

	memset(h, 0, sizeof(*h));
	return session_new(&settings, &sink);
}

#define BYTES(text) text, sizeof(text) - 1
#define V4TARGET "\xc6\x33\x64\x09"	/* 198.51.100.9 */

static const struct {
	const char *name;
	const char *look;
	const char *said;
	size_t said_len;
	const char *target;	/* dialled, as host:port; NULL: not */
	const char *heard;	/* when the relay is there, or what a refusal begins with */
	size_t heard_len;
	const char *answer;
} rows[] = {
	{ "SOCKS4", "dante", BYTES("\x04\x01\0\x19" V4TARGET "joe\0"), "198.51.100.9:25", BYTES("\0\x5a\x9c\x40\xcb\0\x71\x0a"), "relayed" },
	{ "SOCKS4a", "dante", BYTES("\x04\x01\0\x19\0\0\0\x01\0mx.example\0"), "mx.example:25", BYTES("\0\x5a\x9c\x40\xcb\0\x71\x0a"), "relayed" },
	{ "SOCKS4 to another port", "dante", BYTES("\x04\x01\0\x50" V4TARGET "\0"), NULL, BYTES("\0\x5b\0\0\0\0\0\0"), "refused" },
	{ "SOCKS4 BIND", "dante", BYTES("\x04\x02\0\x19" V4TARGET "\0"), NULL, BYTES("\0\x5b\0\0\0\0\0\0"), "unsupported" },
	{ "SOCKS5 by address", "dante", BYTES("\x05\x01\0\x05\x01\0\x01" V4TARGET "\0\x19"), "198.51.100.9:25",
	    BYTES("\x05\0\x05\0\0\x01\xcb\0\x71\x0a\x9c\x40"), "relayed" },
	{ "SOCKS5 by name", "microsocks", BYTES("\x05\x02\x02\0\x05\x01\0\x03\x0amx.example\x02\x4b"), "mx.example:587",
	    BYTES("\x05\0\x05\0\0\x01\xcb\0\x71\x0a\x9c\x40"), "relayed" },
	{ "SOCKS5 by IPv6 address", "dante", BYTES("\x05\x01\0\x05\x01\0\x04\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x01\0\x19"), "2001:db8::1:25",
	    BYTES("\x05\0\x05\0\0\x01\xcb\0\x71\x0a\x9c\x40"), "relayed" },
	{ "SOCKS5 with a password", "dante", BYTES("\x05\x01\x02\x01\x03joe\x02pw\x05\x01\0\x01" V4TARGET "\0\x19"), "198.51.100.9:25",
	    BYTES("\x05\x02\x01\0\x05\0\0\x01\xcb\0\x71\x0a\x9c\x40"), "relayed" },
	{ "SOCKS5 without a method of ours", "dante", BYTES("\x05\x01\x03"), NULL, BYTES("\x05\xff"), "" },
	{ "SOCKS5 to another port", "dante", BYTES("\x05\x01\0\x05\x01\0\x01" V4TARGET "\0\x50"), NULL, BYTES("\x05\0\x05\x05\0\x01\0\0\0\0\0\0"), "refused" },
	{ "SOCKS5 UDP", "dante", BYTES("\x05\x01\0\x05\x03\0\x01" V4TARGET "\0\x19"), NULL, BYTES("\x05\0\x05\x07\0\x01\0\0\0\0\0\0"), "unsupported" },
	{ "HTTP to a SOCKS server", "microsocks", BYTES("GET / HTTP/1.0\r\n\r\n"), NULL, BYTES("\x05\xff"), "" },
	{ "SOCKS4 to one that speaks 5 only", "microsocks", BYTES("\x04\x01\0\x19" V4TARGET "\0"), NULL, BYTES("\x05\xff"), "" },
	{ "CONNECT at Squid", "squid", BYTES("CONNECT mx.example:25 HTTP/1.0\r\n\r\n"), "mx.example:25",
	    BYTES("HTTP/1.1 200 Connection established\r\n\r\n"), "relayed" },
	{ "CONNECT at Tinyproxy", "tinyproxy", BYTES("CONNECT 198.51.100.9:25 HTTP/1.1\r\nHost: x\r\n\r\n"), "198.51.100.9:25",
	    BYTES("HTTP/1.0 200 Connection established\r\nProxy-agent: tinyproxy/1.11.1\r\n\r\n"), "relayed" },
	{ "CONNECT to an IPv6 address", "squid", BYTES("CONNECT [2001:db8::1]:25 HTTP/1.1\r\n\r\n"), "2001:db8::1:25",
	    BYTES("HTTP/1.1 200 Connection established\r\n\r\n"), "relayed" },
	{ "CONNECT to another port", "squid", BYTES("CONNECT mx.example:443 HTTP/1.1\r\n\r\n"), NULL, BYTES("HTTP/1.1 403 Forbidden\r\n"), "refused" },
	{ "CONNECT to another port at Tinyproxy", "tinyproxy", BYTES("CONNECT mx.example:443 HTTP/1.1\r\n\r\n"), NULL, BYTES("HTTP/1.0 403 Access violation\r\n"), "refused" },
	{ "CONNECT without a port", "squid", BYTES("CONNECT mx.example HTTP/1.1\r\n\r\n"), NULL, BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad" },
	{ "CONNECT to a name with markup", "squid", BYTES("CONNECT <b>:25 HTTP/1.1\r\n\r\n"), NULL, BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad" },
	{ "GET of an absolute URI", "squid", BYTES("GET http://one.example/ HTTP/1.1\r\n\r\n"), NULL, BYTES("HTTP/1.1 200 OK\r\n"), "page" },
	{ "GET of a path", "squid", BYTES("GET / HTTP/1.1\r\nHost: x\r\n\r\n"), NULL, BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad" },
	{ "garbage", "squid", BYTES("\x16\x03\x01 garbage\r\n\r\n"), NULL, BYTES("HTTP/1.1 400 Bad Request\r\n"), "bad" },
	{ "an unknown look speaks SOCKS", "", BYTES("\x05\x01\0\x05\x01\0\x01" V4TARGET "\0\x19"), "198.51.100.9:25",
	    BYTES("\x05\0\x05\0\0\x01\xcb\0\x71\x0a\x9c\x40"), "relayed" },
	{ "and HTTP", "", BYTES("CONNECT mx.example:25 HTTP/1.1\r\n\r\n"), "mx.example:25",
	    BYTES("HTTP/1.1 200 Connection established\r\n\r\n"), "relayed" },
};

/* Says a row cut at `cut`; what was not eaten is said again with the rest, as a connection's buffer would. */
static void
hold(size_t row, size_t cut, struct heard *h)
{
	struct session *s = begin(h, rows[row].look);
	size_t len = rows[row].said_len;
	size_t used = session_input(s, (const uint8_t *)rows[row].said, cut, 0);

	if (!h->dial && !h->closed)
		used += session_input(s, (const uint8_t *)rows[row].said + used, len - used, 0);
	if (h->dial) {
		assert_int_equal(used, len);
		session_connected(s, 0);
	}
	session_free(&s);
}

static void
requests_are_answered_as_the_look_would_however_they_are_cut(void **state)
{
	static struct heard h;
	char target[REQUEST_HOST_MAX + 8];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		for (size_t cut = 0; cut <= rows[i].said_len; cut++) {
			hold(i, cut, &h);
			snprintf(target, sizeof(target), "%s:%u", h.dialed.host, (unsigned)h.dialed.port);
			bool target_right = rows[i].target == NULL ? !h.dial : h.dial && strcmp(target, rows[i].target) == 0;
			bool exact = rows[i].heard_len < 40;
			bool heard_right = (exact && rows[i].target != NULL ? h.len == rows[i].heard_len : h.len >= rows[i].heard_len) &&
			    memcmp(h.bytes, rows[i].heard, rows[i].heard_len) == 0;

			if (!target_right || !heard_right || strcmp(h.answer, rows[i].answer) != 0 || h.closed == h.dial)
				fail_msg("%s, cut at %zu: target %s, %zu bytes heard, answer %s", rows[i].name, cut, target, h.len, h.answer);
		}
	}
}

static void
two_hosts_never_share_a_page(void **state)
{
	static struct heard one, two;
	struct session *s = begin(&one, "squid");

	(void)state;
	session_input(s, (const uint8_t *)BYTES("GET http://one.example/ HTTP/1.1\r\n\r\n"), 0);
	session_free(&s);
	s = begin(&two, "squid");
	session_input(s, (const uint8_t *)BYTES("GET http://two.example/ HTTP/1.1\r\n\r\n"), 0);
	session_free(&s);
	assert_string_not_equal(strstr(one.bytes, "\r\n\r\n"), strstr(two.bytes, "\r\n\r\n"));
}

static void
a_head_without_an_end_is_refused_at_its_limit(void **state)
{
	static struct heard h;
	static uint8_t said[SESSION_INPUT_MAX];
	struct session *s = begin(&h, "squid");

	(void)state;
	memset(said, 'a', sizeof(said));
	assert_int_equal(session_input(s, said, sizeof(said) - 1, 0), 0);
	assert_int_equal(session_input(s, said, sizeof(said), 0), sizeof(said));
	assert_true(h.closed);
	session_free(&s);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(requests_are_answered_as_the_look_would_however_they_are_cut),
		cmocka_unit_test(two_hosts_never_share_a_page),
		cmocka_unit_test(a_head_without_an_end_is_refused_at_its_limit),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
