#include "daemon/splice.h"

#include "base/mem.h"

#include <stdlib.h>

struct side {
	struct splice *splice;
	struct conn *conn; /* NULL: gone */
	struct side *other;
	uint64_t bytes; /* sent from here to the other side */
	bool eof;
};

struct splice {
	struct side a, b;
	enum conn_end why;
	void (*done)(void *ctx, const struct splice_result *r);
	void *ctx;
};

/* Moves what fits; what doesn't stays in the input, so that the sender's window closes. */
static void
pump(struct side *from)
{
	struct conn *to = from->other->conn;
	size_t len;

	while (from->conn != NULL && to != NULL && conn_output_len(to) < SPLICE_BUFFER) {
		const uint8_t *data = conn_peek(from->conn, SPLICE_BUFFER - conn_output_len(to), &len);

		if (len == 0)
			break;
		conn_write(to, data, len);
		from->bytes += len;
		conn_consume(from->conn, len);
	}
	if (from->eof && to != NULL && (from->conn == NULL || conn_input_len(from->conn) == 0))
		conn_shutdown(to);
}

static void
finish(struct splice *s)
{
	struct splice_result r = { .bytes_ab = s->a.bytes, .bytes_ba = s->b.bytes, .why = s->why };
	void (*done)(void *, const struct splice_result *) = s->done;
	void *ctx = s->ctx;

	free(s);
	done(ctx, &r);
}

static void
on_data(void *ctx)
{
	pump(ctx);
}

static void
on_eof(void *ctx)
{
	struct side *side = ctx;

	side->eof = true;
	pump(side);
}

static void
on_writable(void *ctx)
{
	struct side *side = ctx;

	pump(side->other);
}

static void
on_closed(void *ctx, enum conn_end why)
{
	struct side *side = ctx;
	struct side *other = side->other;

	side->conn = NULL;
	if (why != CONN_END_FIN) {
		side->splice->why = why;
		if (other->conn != NULL)
			conn_reset(other->conn);
		other->conn = NULL;
	}
	if (other->conn == NULL)
		finish(side->splice);
}

static const struct conn_ops side_ops = { .data = on_data,
	.eof = on_eof,
	.writable = on_writable,
	.closed = on_closed };

static void
init_side(struct splice *s, struct side *side, struct side *other, struct conn *c, uint64_t idle_ms)
{
	side->splice = s;
	side->conn = c;
	side->other = other;
	conn_set_ops(c, &side_ops, side);
	conn_set_idle(c, idle_ms);
	conn_resume(c);
}

struct splice *
splice_new(struct conn *a, struct conn *b, uint64_t idle_ms, void (*done)(void *ctx, const struct splice_result *r),
    void *ctx)
{
	struct splice *s = xcalloc(1, sizeof(*s));

	s->why = CONN_END_FIN;
	s->done = done;
	s->ctx = ctx;
	init_side(s, &s->a, &s->b, a, idle_ms);
	init_side(s, &s->b, &s->a, b, idle_ms);
	s->a.eof = conn_got_eof(a);
	s->b.eof = conn_got_eof(b);
	pump(&s->a);
	pump(&s->b);
	return s;
}

void
splice_abort(struct splice **sp)
{
	struct splice *s = *sp;

	if (s == NULL)
		return;
	if (s->a.conn != NULL)
		conn_reset(s->a.conn);
	if (s->b.conn != NULL)
		conn_reset(s->b.conn);
	free(s);
	*sp = NULL;
}
