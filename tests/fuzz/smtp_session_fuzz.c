/* smtp_session_fuzz - the real session under any bytes, in pieces of any size; the first byte picks look and piece. */
#include "relaytrap/smtp_session.h"

#include <assert.h>
#include <stdint.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct fake {
	bool storing, closed, in_message;
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
		.close = on_close,
		.delay = on_delay,
		.ctx = &f,
	};

	if (size == 0)
		return 0;
	const struct smtp_settings settings = {
		.look = look_find(data[0] & 1 ? "sendmail" : "postfix"),
		.host = "mail.example.net",
		.client = addr_from_v4(0xcb007107),
		.message_max = 1000,
	};
	struct smtp_session *s = smtp_session_new(&settings, &sink, 0, 0);
	size_t piece = (size_t)(data[0] >> 1) + 1;

	for (size_t at = 1; at < size;) {
		size_t n = size - at < piece ? size - at : piece;
		size_t used = smtp_session_input(s, data + at, n, at, at);

		at += used;
		if (f.storing) {
			f.storing = false;
			smtp_session_stored(s, at % 2 == 0);
		} else if (used < n) {
			smtp_session_resume(s);
		}
	}
	smtp_session_sweep(s, 400 * 1000);
	smtp_session_shutdown(s);
	assert(f.closed);
	smtp_session_free(&s);
	return 0;
}
