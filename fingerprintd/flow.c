#include "fingerprintd/flow.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/slab.h"
#include "base/str.h"
#include "daemon/conn.h"
#include "daemon/replicas.h"

#include <stdlib.h>
#include <string.h>

enum { NAME_MAX_BYTES = 64 };

enum flow_state {
	FLOW_WAITING, /* no replica is there: the sweep tries again */
	FLOW_DIALING, /* connecting to a trap */
	FLOW_OPEN, /* the trap has the header */
	FLOW_FINISHING, /* the trap has finished and is gone, the client has still to finish */
};

struct flow {
	struct list node;
	struct flows *flows;
	struct flow_peer peer;
	struct conn *trap; /* NULL unless DIALING or OPEN */
	enum flow_state state;
	struct endpoint at; /* the replica tried last */
	uint64_t opened_ms;
	uint64_t deadline_ms; /* WAITING: give up; FINISHING: reset */
	uint64_t retry_ms;
	uint64_t bytes_in, bytes_out;
	uint8_t *kept; /* the client's first bytes while the trap hasn't spoken */
	size_t kept_len;
	bool kept_whole; /* kept is all that the client has sent */
	bool spoken; /* the trap has sent something: no other replica can take over */
	bool peer_eof;
	bool eof_passed;
	bool trap_eof;
	bool refused; /* the last dial was: the next failure waits */
	unsigned takeovers;
	const char *reason; /* set when the end is our doing */
	const char *service;
	char id[ULID_TEXT_MAX];
	char look[NAME_MAX_BYTES];
	char personality[NAME_MAX_BYTES];
	char os_guess[OS_LABEL_MAX];
};

struct flows {
	struct flows_settings settings;
	struct flows_ops ops;
	struct slab *slab;
	struct list busy; /* DIALING and OPEN: connections tell when something happens */
	struct list timed; /* WAITING and FINISHING: the sweep looks after them */
};

static void
enter(struct flow *f, enum flow_state state)
{
	bool timed = state == FLOW_WAITING || state == FLOW_FINISHING;

	f->state = state;
	list_remove(&f->node);
	list_append(timed ? &f->flows->timed : &f->flows->busy, &f->node);
}

static void
describe(const struct flow *f, struct flow_info *out)
{
	memset(out, 0, sizeof(*out));
	out->source = f->peer.from;
	out->destination = f->peer.to;
	str_copy(out->id, sizeof(out->id), f->id);
	str_copy(out->look, sizeof(out->look), f->look);
	str_copy(out->personality, sizeof(out->personality), f->personality);
	str_copy(out->os_guess, sizeof(out->os_guess), f->os_guess);
	str_copy(out->site, sizeof(out->site), f->flows->settings.site);
}

/* f is freed when this returns. */
static void
reset(struct flow *f, const char *reason)
{
	f->reason = reason;
	f->peer.source->reset(f->peer.handle);
}

/* ---- the client's first bytes ---- */

static void
forget_kept(struct flow *f)
{
	free(f->kept);
	f->kept = NULL;
	f->kept_len = 0;
	f->kept_whole = false;
}

static void
keep(struct flow *f, const uint8_t *data, size_t len)
{
	if (!f->kept_whole)
		return;
	if (f->kept == NULL)
		f->kept = malloc(FLOW_KEPT_MAX);
	if (f->kept == NULL || f->kept_len + len > FLOW_KEPT_MAX) {
		forget_kept(f);
		return;
	}
	memcpy(f->kept + f->kept_len, data, len);
	f->kept_len += len;
}

/* ---- bytes ---- */

/* Client to trap: only what the trap's connection has room for is consumed, so the client's window closes. */
static void
pump_in(struct flow *f, size_t output_max)
{
	const uint8_t *data;
	size_t len;

	if (f->state != FLOW_OPEN)
		return;
	while ((data = f->peer.source->peek(f->peer.handle, &len)) != NULL && len > 0) {
		size_t waiting = conn_output_len(f->trap);
		size_t room = waiting < output_max ? output_max - waiting : 0;
		size_t n = len < room ? len : room;

		if (n == 0)
			return;
		keep(f, data, n);
		conn_write(f->trap, data, n);
		f->peer.source->consume(f->peer.handle, n);
		f->bytes_in += n;
	}
	if (f->peer_eof && !f->eof_passed) {
		f->eof_passed = true;
		conn_shutdown(f->trap);
	}
}

/* Trap to client. */
static void
pump_out(struct flow *f)
{
	const uint8_t *data;
	size_t len;

	while ((data = conn_peek(f->trap, 0, &len)) != NULL && len > 0) {
		size_t n = f->peer.source->write(f->peer.handle, data, len);

		f->spoken = true;
		forget_kept(f);
		conn_consume(f->trap, n);
		f->bytes_out += n;
		if (n < len)
			return;
	}
	if (f->trap_eof)
		f->peer.source->shutdown(f->peer.handle);
}

/* ---- the trap's side ---- */

static void trap_connected(void *ctx);
static void trap_data(void *ctx);
static void trap_eof(void *ctx);
static void trap_writable(void *ctx);
static void trap_closed(void *ctx, enum conn_end why);

static const struct conn_ops trap_ops = {
	.connected = trap_connected,
	.data = trap_data,
	.eof = trap_eof,
	.writable = trap_writable,
	.closed = trap_closed,
};

static void
wait_for_replica(struct flow *f)
{
	enter(f, FLOW_WAITING);
	f->refused = false;
	f->retry_ms = clock_ms() + FLOW_RETRY_MS;
}

/* False: there is no (other) replica now, and nothing has changed. */
static bool
dial(struct flow *f, const struct endpoint *except)
{
	struct flows *fs = f->flows;
	struct endpoint at;
	struct conn *c;

	if (!replicas_pick(fs->settings.replicas, f->service, except, &at))
		return false;
	c = conn_dial(fs->settings.loop, &at, FLOW_DIAL_MS, &trap_ops, f);
	if (c == NULL)
		return false; /* no descriptor: as good as no replica */
	f->trap = c;
	f->at = at;
	enter(f, FLOW_DIALING);
	f->eof_passed = false;
	f->trap_eof = false;
	return true;
}

static void
trap_connected(void *ctx)
{
	struct flow *f = ctx;
	uint8_t header[PROXY_HEADER_MAX];
	struct flow_info info;

	describe(f, &info);
	size_t len = proxy_format(&info, header, sizeof(header));

	enter(f, FLOW_OPEN);
	conn_set_idle(f->trap, FLOW_IDLE_MS);
	conn_write(f->trap, header, len);
	if (f->kept_len > 0)
		conn_write(f->trap, f->kept, f->kept_len);
	pump_in(f, FLOW_OUTPUT_MAX);
}

static bool
may_take_over(const struct flow *f)
{
	return !f->spoken && f->kept_whole && f->takeovers < FLOW_TAKEOVERS_MAX;
}

/* The trap went away while it owed its first byte. */
static void
take_over(struct flow *f)
{
	f->takeovers++;
	f->deadline_ms = clock_ms() + FLOW_WAIT_MS;
	if (!dial(f, &f->at))
		wait_for_replica(f);
}

static void
trap_data(void *ctx)
{
	pump_out(ctx);
}

/*
 * A replica that is killed, full or draining also ends without a word.  But a
 * trap may end so on purpose: when there is no other replica, or the client has
 * finished too, the end is passed on.
 */
static void
trap_eof(void *ctx)
{
	struct flow *f = ctx;
	struct conn *old = f->trap;

	if (may_take_over(f) && conn_input_len(old) == 0 && !f->peer_eof && dial(f, &f->at)) {
		f->takeovers++;
		conn_reset(old);
		return;
	}
	f->trap_eof = true;
	pump_out(f);
}

static void
trap_writable(void *ctx)
{
	pump_in(ctx, FLOW_OUTPUT_MAX);
}

static void
trap_closed(void *ctx, enum conn_end why)
{
	struct flow *f = ctx;

	f->trap = NULL;
	switch (why) {
	case CONN_END_REFUSED:
		/* One other at once; a table full of dead replicas is not run through in a circle. */
		if (f->refused || !dial(f, &f->at))
			wait_for_replica(f);
		else
			f->refused = true;
		break;
	case CONN_END_FIN:
		enter(f, FLOW_FINISHING);
		f->deadline_ms = clock_ms() + FLOW_LINGER_MS;
		break;
	case CONN_END_TLS: /* never: flows are plain to us */
	case CONN_END_RESET:
		if (may_take_over(f))
			take_over(f);
		else
			reset(f, "trap-reset");
		break;
	case CONN_END_TIMEOUT:
		reset(f, "trap-timeout");
		break;
	}
}

/* ---- the client's side ---- */

struct flow *
flows_open(struct flows *fs, const struct flow_peer *peer, const struct flow_target *target)
{
	struct flow *f = slab_get(fs->slab);
	struct flow_info info;

	if (f == NULL)
		return NULL;
	f->flows = fs;
	f->peer = *peer;
	f->service = target->service;
	f->opened_ms = clock_ms();
	f->deadline_ms = f->opened_ms + FLOW_WAIT_MS;
	f->kept_whole = true;
	ulid_new(clock_wall_ms(), f->id);
	str_copy(f->look, sizeof(f->look), target->look);
	str_copy(f->personality, sizeof(f->personality), target->personality);
	str_copy(f->os_guess, sizeof(f->os_guess), target->os.label != NULL ? target->os.label : "");
	list_init(&f->node);
	enter(f, FLOW_WAITING);
	describe(f, &info);
	fs->ops.opened(fs->ops.ctx, &info, target);
	if (!dial(f, NULL))
		wait_for_replica(f);
	return f;
}

void
flows_data(struct flow *f)
{
	pump_in(f, FLOW_OUTPUT_MAX);
}

void
flows_eof(struct flow *f)
{
	f->peer_eof = true;
	pump_in(f, FLOW_OUTPUT_MAX);
}

void
flows_writable(struct flow *f)
{
	if (f->state == FLOW_OPEN)
		pump_out(f);
}

/* The trap sees the end that the client made; after an orderly one it gets what it hasn't taken yet. */
static void
end_trap(struct flow *f, enum stack_end why)
{
	if (f->trap == NULL)
		return;
	if (why == STACK_END_FIN && f->state == FLOW_OPEN) {
		pump_in(f, SIZE_MAX);
		conn_close(f->trap);
	} else {
		conn_reset(f->trap);
	}
	f->trap = NULL;
}

void
flows_closed(struct flow *f, enum stack_end why)
{
	static const char *const reasons[] = {
		[STACK_END_FIN] = "fin",
		[STACK_END_RESET] = "reset",
		[STACK_END_TIMEOUT] = "timeout",
		[STACK_END_LOCAL] = "dropped",
	};
	struct flows *fs = f->flows;
	struct flow_info info;

	end_trap(f, why);
	describe(f, &info);
	struct flow_end end = {
		.info = &info,
		.service = f->service,
		.bytes_in = f->bytes_in,
		.bytes_out = f->bytes_out,
		.duration_ms = clock_ms() - f->opened_ms,
		.reason = f->reason != NULL ? f->reason : reasons[why],
	};
	fs->ops.ended(fs->ops.ctx, &end);
	forget_kept(f);
	list_remove(&f->node);
	slab_put(fs->slab, f);
}

/* ---- all of them ---- */

static void
sweep_one(struct flow *f, uint64_t now_ms)
{
	if (f->state == FLOW_WAITING && now_ms >= f->deadline_ms)
		reset(f, "no-replica");
	else if (f->state == FLOW_WAITING && now_ms >= f->retry_ms && !dial(f, NULL))
		wait_for_replica(f);
	else if (f->state == FLOW_FINISHING && f->peer.source->unsent(f->peer.handle) > 0)
		f->deadline_ms = now_ms + FLOW_LINGER_MS; /* a slow reader: the stack knows when it is gone */
	else if (f->state == FLOW_FINISHING && now_ms >= f->deadline_ms)
		reset(f, "timeout");
}

/* Moves all of from to the empty list to. */
static void
list_take(struct list *from, struct list *to)
{
	list_init(to);
	while (!list_empty(from)) {
		struct list *node = from->next;

		list_remove(node);
		list_append(to, node);
	}
}

void
flows_sweep(struct flows *fs, uint64_t now_ms)
{
	struct list todo;

	/* Each is taken off the list and puts itself back where it belongs, or is freed. */
	list_take(&fs->timed, &todo);
	while (!list_empty(&todo)) {
		struct flow *f = LIST_OWNER(todo.next, struct flow, node);

		enter(f, f->state);
		sweep_one(f, now_ms);
	}
}

void
flows_reset_all(struct flows *fs)
{
	while (!list_empty(&fs->timed))
		reset(LIST_OWNER(fs->timed.next, struct flow, node), "drained");
	while (!list_empty(&fs->busy))
		reset(LIST_OWNER(fs->busy.next, struct flow, node), "drained");
}

size_t
flows_count(const struct flows *fs)
{
	return slab_used(fs->slab);
}

struct flows *
flows_new(const struct flows_settings *s, const struct flows_ops *ops)
{
	struct flows *fs = xcalloc(1, sizeof(*fs));

	fs->settings = *s;
	fs->ops = *ops;
	fs->slab = slab_new(sizeof(struct flow), s->max);
	list_init(&fs->busy);
	list_init(&fs->timed);
	return fs;
}

void
flows_free(struct flows **fp)
{
	if (*fp == NULL)
		return;
	slab_free(&(*fp)->slab);
	free(*fp);
	*fp = NULL;
}
