#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "support/smtp_fake.h"

#include <stdio.h>
#include <string.h>

static void
on_reply(void *ctx, const char *text, size_t len)
{
	struct smtp_fake *f = ctx;

	assert_true(f->len + len < sizeof(f->text));
	memcpy(f->text + f->len, text, len);
	f->len += len;
	f->text[f->len] = '\0';
}

static void
on_command(void *ctx, const char *line, size_t len)
{
	(void)ctx;
	(void)line;
	assert_true(len <= SMTP_LINE_MAX);
}

static bool
on_begin(void *ctx)
{
	struct smtp_fake *f = ctx;

	f->mail_len = 0;
	if (f->refuse_begin)
		return false;
	assert_int_equal(f->open++, 0);
	return true;
}

static void
on_data(void *ctx, const void *data, size_t len)
{
	struct smtp_fake *f = ctx;

	assert_true(f->mail_len + len <= sizeof(f->mail));
	memcpy(f->mail + f->mail_len, data, len);
	f->mail_len += len;
}

static void
on_end(void *ctx, const struct smtp_envelope *e)
{
	struct smtp_fake *f = ctx;

	assert_true(e->recipient_count > 0);
	assert_int_equal(f->open--, 1);
	f->stored++;
	f->recipients = e->recipient_count;
	strcpy(f->from, e->mail_from);
	strcpy(f->queue_id, e->queue_id);
	f->holding = f->hold;
	if (!f->hold)
		smtp_session_stored(f->session, true);
}

static void
on_abort(void *ctx)
{
	struct smtp_fake *f = ctx;

	assert_int_equal(f->open--, 1);
	f->aborted++;
}

static void
on_auth(void *ctx, const struct smtp_auth *a)
{
	struct smtp_fake *f = ctx;

	f->attempts++;
	f->accepted += a->accepted;
	snprintf(f->mechanism, sizeof(f->mechanism), "%s", a->mechanism);
	snprintf(f->user, sizeof(f->user), "%s", a->user);
}

static void
on_start_tls(void *ctx)
{
	struct smtp_fake *f = ctx;

	f->handshakes++;
	if (f->shake)
		smtp_session_tls_started(f->session);
}

static void
on_leave_tls(void *ctx)
{
	struct smtp_fake *f = ctx;

	if (f->left_tls++ == 0)
		f->left_at = f->len;
}

static void
on_close(void *ctx)
{
	((struct smtp_fake *)ctx)->closes++;
}

static void
on_delay(void *ctx, unsigned ms)
{
	assert_true(ms > 0);
	((struct smtp_fake *)ctx)->delay_ms += ms;
}

void
smtp_fake_begin(struct smtp_fake *f, const char *look, struct smtp_settings settings)
{
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
		.ctx = f,
	};

	memset(f, 0, sizeof(*f));
	settings.look = look_find(look);
	settings.client = addr_from_v4(0xcb007107);
	settings.own = addr_from_v4(0xcb007119);
	settings.host = settings.host == NULL ? "mail.test" : settings.host;
	settings.message_max = settings.message_max == 0 ? 1000 : settings.message_max;
	f->session = smtp_session_new(&settings, &sink, 0, 0);
}

void
smtp_fake_say(struct smtp_fake *f, const char *text, size_t len, bool lines)
{
	while (len > 0 && !f->holding) {
		const char *end = lines ? memchr(text, '\n', len) : NULL;
		size_t piece = end == NULL ? len : (size_t)(end - text) + 1;
		size_t used = smtp_session_input(f->session, text, piece, 0, 0);

		text += used;
		len -= used;
		if (smtp_session_delayed(f->session))
			smtp_session_resume(f->session);
	}
}
