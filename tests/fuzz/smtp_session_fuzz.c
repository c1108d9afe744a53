/* smtp_session_fuzz - the real session under any bytes, in pieces of any size; two bytes pick look, settings and piece.
 */
#include "relaytrap/smtp_session.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fake {
	bool storing, closed, in_message, shaking, in_tls;
};

static void
on_reply(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	assert(len >= 5 && len <= LOOK_REPLY_MAX && text[len - 1] == '\n' && text[len - 2] == '\r');
}

static void
on_command(void *ctx, const char *line, size_t len)
{
	(void)ctx;
	(void)line;
	assert(len <= SMTP_LINE_MAX);
}

static bool
on_begin(void *ctx)
{
	struct fake *f = ctx;

	assert(!f->in_message);
	f->in_message = true;
	return true;
}

static void
on_data(void *ctx, const void *data, size_t len)
{
	const struct fake *f = ctx;

	(void)data;
	assert(f->in_message && len > 0);
}

static void
on_end(void *ctx, const struct smtp_envelope *e)
{
	struct fake *f = ctx;

	assert(f->in_message && e->recipient_count > 0);
	f->in_message = false;
	f->storing = true;
}

static void
on_abort(void *ctx)
{
	struct fake *f = ctx;

	assert(f->in_message);
	f->in_message = false;
}

static void
on_close(void *ctx)
{
	struct fake *f = ctx;

	assert(!f->closed);
	f->closed = true;
}

static void
on_delay(void *ctx, unsigned ms)
{
	(void)ctx;
	assert(ms > 0);
}

static void
on_auth(void *ctx, const struct smtp_auth *a)
{
	(void)ctx;
	assert(a->mechanism[0] != '\0' && a->user != NULL && a->password != NULL && a->response != NULL);
}

static void
on_start_tls(void *ctx)
{
	struct fake *f = ctx;

	assert(!f->shaking);
	f->shaking = true;
}

static void
on_leave_tls(void *ctx)
{
	const struct fake *f = ctx;

	assert(f->in_tls && !f->closed);
}

static bool
recipient_ok(void *ctx, const char *address)
{
	(void)ctx;
	return address[0] == 'p';
}

/* What the session waits for happens. */
static void
go_on(struct smtp_session *s, struct fake *f, bool ok)
{
	if (f->storing) {
		f->storing = false;
		smtp_session_stored(s, ok);
	}
	if (f->shaking) {
		f->shaking = false;
		f->in_tls = true;
		smtp_session_tls_started(s);
	}
	if (smtp_session_delayed(s))
		smtp_session_resume(s);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct fake f = { 0 };
	const struct smtp_sink sink = {
		.reply = on_reply,
		.command = on_command,
		.message_begin = on_begin,
		.message_data = on_data,
		.message_end = on_end,
		.message_abort = on_abort,
		.auth = on_auth,
		.start_tls = on_start_tls,
		.leave_tls = on_leave_tls,
		.close = on_close,
		.delay = on_delay,
		.ctx = &f,
	};
	size_t looks = 1; /* the first is always there */

	if (size < 2)
		return 0;
	while (look_at(looks) != NULL)
		looks++;
	const struct smtp_settings settings = {
		.look = look_at(data[0] % looks),
		.host = "mail.example.net",
		.client = addr_from_v4(0xcb007107),
		.own = addr_from_v4(0xcb007119),
		.message_max = 1000,
		.tls_offered = (data[1] & 1) != 0,
		.auth_offered = (data[1] & 2) != 0,
		.auth_weak = "a:b,admin:admin",
		.auth_after = data[1] >> 6,
		.role = (data[1] & 4) != 0 ? SMTP_ROLE_MX : SMTP_ROLE_RELAY,
		.recipient_ok = recipient_ok,
	};
	struct smtp_session *s = smtp_session_new(&settings, &sink, 0, 0);
	size_t piece = data[0] / looks * 7 + 1;

	for (size_t at = 2; at < size;) {
		size_t n = size - at < piece ? size - at : piece;

		at += smtp_session_input(s, data + at, n, at, at);
		go_on(s, &f, at % 2 == 0);
	}
	smtp_session_eof(s);
	go_on(s, &f, true);
	smtp_session_sweep(s, 4000 * 1000);
	smtp_session_shutdown(s);
	assert(f.closed);
	smtp_session_free(&s);
	return 0;
}
