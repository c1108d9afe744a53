/* proxy_session_fuzz - the real proxy session under any bytes, in two pieces. */
#include "proxytrap/session.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fake {
	bool dialed, closed;
};

static void
on_reply(void *ctx, const void *data, size_t len)
{
	(void)ctx;
	(void)data;
	assert(len > 0);
}

static void
on_dial(void *ctx, const struct request *r)
{
	struct fake *f = ctx;

	assert(!f->dialed && !f->closed && request_host_valid(r));
	assert(r->port == 25 || r->port == 465 || r->port == 587);
	f->dialed = true;
}

static void
on_observe(void *ctx, const struct request *r, enum session_answer answer)
{
	(void)ctx;
	assert(strlen(r->host) < REQUEST_HOST_MAX && strlen(r->user) < REQUEST_USER_MAX &&
	    session_answer_name(answer)[0] != '\0');
}

static void
on_close(void *ctx)
{
	struct fake *f = ctx;

	assert(!f->closed);
	f->closed = true;
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const looks[] = { "squid", "tinyproxy", "dante", "microsocks", "" };
	struct fake f = { false, false };
	const struct session_sink sink = { on_reply, on_dial, on_observe, on_close, &f };
	const struct session_settings settings = {
		.look = look_find(looks[size % 5]),
		.host = "proxy1",
		.local = { addr_from_v4(0xcb00710a), 3128 },
		.bound = { addr_from_v4(0xcb00710a), 40000 },
	};
	struct session *s = session_new(&settings, &sink);
	size_t half = size / 2;
	size_t used = session_input(s, data, half, 0);

	assert(used <= half);
	if (!f.dialed && !f.closed)
		assert(session_input(s, data + used, size - used, 0) <= size - used);
	if (f.dialed && size % 2 == 0)
		session_connected(s, 0);
	else if (f.dialed)
		session_refused(s, 0);
	session_free(&s);
	return 0;
}
