/*
 * flow_test - flow.c between a spammer, traps and a presence table that are made
 * of paper: each test is a story of one spammer and what the traps do to him.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/clock.h"
#include "daemon/conn.h"
#include "daemon/replicas.h"
#include "fingerprintd/flow.h"

#include <stdlib.h>
#include <string.h>

enum { BYTES_MAX = 256 * 1024, TRAPS_MAX = 64 };

/* ---- time ---- */

static uint64_t now_ms;

uint64_t
clock_ms(void)
{
	return now_ms;
}

uint64_t
clock_us(void)
{
	return now_ms * 1000;
}

uint64_t
clock_wall_ms(void)
{
	return 1700000000000 + now_ms;
}

const char *
clock_rfc3339(uint64_t wall_ms, char buf[CLOCK_TEXT_MAX])
{
	(void)wall_ms;
	buf[0] = '\0';
	return buf;
}

/* ---- the spammer's side ---- */

struct spammer {
	struct flow *flow;
	uint8_t in[BYTES_MAX]; /* sent by the spammer and not consumed */
	size_t in_len;
	uint8_t out[BYTES_MAX]; /* what he got */
	size_t out_len, room;
	bool fin, reset;
};

static struct spammer spammer;

static const uint8_t *
spammer_peek(void *peer, size_t *len)
{
	struct spammer *s = peer;

	*len = s->in_len;
	return s->in;
}

static void
spammer_consume(void *peer, size_t len)
{
	struct spammer *s = peer;

	assert_true(len <= s->in_len);
	memmove(s->in, s->in + len, s->in_len - len);
	s->in_len -= len;
}

static size_t
spammer_write(void *peer, const void *data, size_t len)
{
	struct spammer *s = peer;
	size_t n = len < s->room ? len : s->room;

	assert_false(s->fin);
	memcpy(s->out + s->out_len, data, n);
	s->out_len += n;
	s->room -= n;
	return n;
}

static size_t
spammer_unsent(const void *peer)
{
	(void)peer;
	return 0;
}

static void
spammer_shutdown(void *peer)
{
	struct spammer *s = peer;

	s->fin = true;
}

static void
spammer_reset(void *peer)
{
	struct spammer *s = peer;

	s->reset = true;
	flows_closed(s->flow, STACK_END_LOCAL);
}

static const struct flow_source paper = {
	.peek = spammer_peek,
	.consume = spammer_consume,
	.write = spammer_write,
	.unsent = spammer_unsent,
	.shutdown = spammer_shutdown,
	.reset = spammer_reset,
};

/* ---- the traps' side ---- */

struct conn {
	struct endpoint at;
	const struct conn_ops *ops;
	void *ctx;
	uint8_t got[BYTES_MAX]; /* what the trap has been sent, header and all */
	size_t got_len, waiting; /* waiting: of these not on the wire yet */
	uint8_t said[BYTES_MAX];
	size_t said_len;
	bool fin, closed, reset;
};

static struct conn *traps[TRAPS_MAX];
static size_t trap_count;
static size_t replica_count;

bool
replicas_pick(struct replicas *r, const char *service, const struct endpoint *except, struct endpoint *out)
{
	(void)r;
	assert_string_equal(service, "relaytrap");
	for (uint16_t i = 1; i <= replica_count; i++) {
		if (except == NULL || except->port != i) {
			*out = (struct endpoint){ addr_from_v4(0x7f000001), i };
			return true;
		}
	}
	return false;
}

struct conn *
conn_dial(struct loop *l, const struct endpoint *to, uint64_t timeout_ms, const struct conn_ops *ops, void *ctx)
{
	struct conn *c = calloc(1, sizeof(*c));

	(void)l;
	(void)timeout_ms;
	assert_non_null(c);
	assert_true(trap_count < TRAPS_MAX);
	c->at = *to;
	c->ops = ops;
	c->ctx = ctx;
	traps[trap_count++] = c;
	return c;
}

const uint8_t *
conn_peek(struct conn *c, size_t max, size_t *len)
{
	(void)max;
	*len = c->said_len;
	return c->said_len == 0 ? NULL : c->said;
}

void
conn_consume(struct conn *c, size_t len)
{
	memmove(c->said, c->said + len, c->said_len - len);
	c->said_len -= len;
}

size_t
conn_input_len(const struct conn *c)
{
	return c->said_len;
}

void
conn_write(struct conn *c, const void *data, size_t len)
{
	assert_false(c->fin || c->closed || c->reset);
	memcpy(c->got + c->got_len, data, len);
	c->got_len += len;
	c->waiting += len;
}

size_t
conn_output_len(const struct conn *c)
{
	return c->waiting;
}

void
conn_set_idle(struct conn *c, uint64_t idle_ms)
{
	(void)c;
	(void)idle_ms;
}

void
conn_shutdown(struct conn *c)
{
	c->fin = true;
}

void
conn_close(struct conn *c)
{
	c->closed = true;
}

void
conn_reset(struct conn *c)
{
	c->reset = true;
}

/* ---- what happens ---- */

static struct flows *flows;
static size_t opened, ended;
static char reason[32];
static uint64_t bytes_in, bytes_out;

static void
on_opened(void *ctx, const struct flow_info *info, const struct flow_target *opens)
{
	(void)ctx;
	assert_int_equal(strlen(info->id), 26);
	assert_string_equal(info->site, "lab");
	assert_string_equal(opens->service, "relaytrap");
	assert_string_equal(info->os_guess, "Linux 6.16 or newer");
	opened++;
}

static void
on_ended(void *ctx, const struct flow_end *end)
{
	(void)ctx;
	strncpy(reason, end->reason, sizeof(reason) - 1);
	bytes_in = end->bytes_in;
	bytes_out = end->bytes_out;
	ended++;
}

static int
begin(void **state)
{
	static const struct flows_ops ops = { .opened = on_opened, .ended = on_ended };
	struct flows_settings s = { .site = "lab", .max = 2 };

	(void)state;
	memset(&spammer, 0, sizeof(spammer));
	spammer.room = BYTES_MAX;
	memset(reason, 0, sizeof(reason));
	opened = ended = trap_count = 0;
	replica_count = 1;
	now_ms = 1000;
	flows = flows_new(&s, &ops);
	return 0;
}

static int
finish(void **state)
{
	(void)state;
	flows_reset_all(flows);
	assert_int_equal(opened, ended);
	assert_int_equal(flows_count(flows), 0);
	flows_free(&flows);
	for (size_t i = 0; i < trap_count; i++)
		free(traps[i]);
	return 0;
}

static const struct flow_target target = {
	.service = "relaytrap",
	.look = "postfix",
	.personality = "linux-6",
	.os = { .label = "Linux 6.16 or newer" },
};

static bool
connects(struct spammer *s)
{
	struct flow_peer peer = { .source = &paper, .handle = s };

	assert_true(endpoint_parse("203.0.113.200:4711", &peer.from));
	assert_true(endpoint_parse("203.0.113.10:25", &peer.to));
	s->flow = flows_open(flows, &peer, &target);
	return s->flow != NULL;
}

static bool
connect_spammer(void)
{
	return connects(&spammer);
}

static void
accept_at(size_t i)
{
	assert_true(i < trap_count);
	traps[i]->ops->connected(traps[i]->ctx);
}

static void
spammer_says(const char *text)
{
	memcpy(spammer.in + spammer.in_len, text, strlen(text));
	spammer.in_len += strlen(text);
	flows_data(spammer.flow);
}

static void
trap_says(size_t i, const char *text)
{
	memcpy(traps[i]->said + traps[i]->said_len, text, strlen(text));
	traps[i]->said_len += strlen(text);
	traps[i]->ops->data(traps[i]->ctx);
}

/* What trap i was sent after its header. */
static void
assert_got(size_t i, const char *text)
{
	struct flow_info info;
	size_t used;

	assert_int_equal(proxy_parse(traps[i]->got, traps[i]->got_len, &info, &used), PROXY_OK);
	assert_string_equal(info.look, "postfix");
	assert_string_equal(info.personality, "linux-6");
	assert_string_equal(info.os_guess, "Linux 6.16 or newer");
	assert_string_equal(info.site, "lab");
	assert_int_equal(info.destination.port, 25);
	assert_int_equal(traps[i]->got_len - used, strlen(text));
	assert_memory_equal(traps[i]->got + used, text, strlen(text));
}

/* ---- stories ---- */

static void
bytes_pass_both_ways_and_both_finish(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	spammer_says("HELO "); /* early: waits in the stack */
	assert_int_equal(spammer.in_len, 5);
	accept_at(0);
	spammer_says("x\r\n");
	assert_got(0, "HELO x\r\n");
	trap_says(0, "250 hello\r\n");
	assert_int_equal(spammer.out_len, 11);
	flows_eof(spammer.flow);
	assert_true(traps[0]->fin);
	trap_says(0, "221 bye\r\n"); /* half-closed: the answer still passes */
	traps[0]->ops->eof(traps[0]->ctx);
	assert_true(spammer.fin);
	traps[0]->ops->closed(traps[0]->ctx, CONN_END_FIN);
	flows_closed(spammer.flow, STACK_END_FIN);
	assert_string_equal(reason, "fin");
	assert_int_equal(bytes_in, 8);
	assert_int_equal(bytes_out, 20);
}

static void
a_slow_trap_closes_the_spammers_window(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	accept_at(0);
	spammer.in_len = FLOW_OUTPUT_MAX + 1000;
	flows_data(spammer.flow);
	size_t left = spammer.in_len;
	assert_true(left >= 1000);
	assert_true(conn_output_len(traps[0]) <= FLOW_OUTPUT_MAX);
	flows_data(spammer.flow);
	assert_int_equal(spammer.in_len, left);
	traps[0]->waiting = 0;
	traps[0]->ops->writable(traps[0]->ctx);
	assert_int_equal(spammer.in_len, 0);
}

static void
a_slow_spammer_stops_the_trap(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	accept_at(0);
	spammer.room = 3;
	trap_says(0, "220 x");
	traps[0]->ops->eof(traps[0]->ctx);
	assert_int_equal(traps[0]->said_len, 2);
	assert_false(spammer.fin); /* not before the last byte */
	spammer.room = 100;
	flows_writable(spammer.flow);
	assert_memory_equal(spammer.out, "220 x", 5);
	assert_true(spammer.fin);
}

static void
a_spammer_who_is_done_early_is_answered(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	spammer_says("GET /");
	flows_eof(spammer.flow);
	accept_at(0);
	assert_got(0, "GET /");
	assert_true(traps[0]->fin);
}

static void
a_refused_dial_goes_to_the_other(void **state)
{
	(void)state;
	replica_count = 2;
	assert_true(connect_spammer());
	traps[0]->ops->closed(traps[0]->ctx, CONN_END_REFUSED);
	assert_int_equal(trap_count, 2);
	assert_int_not_equal(traps[0]->at.port, traps[1]->at.port);
	traps[1]->ops->closed(traps[1]->ctx, CONN_END_REFUSED);
	assert_int_equal(trap_count, 2); /* both dead: not round in a circle */
	now_ms += FLOW_RETRY_MS;
	flows_sweep(flows, now_ms);
	assert_int_equal(trap_count, 3);
}

static void
a_killed_trap_is_replaced_with_all_that_was_said(void **state)
{
	(void)state;
	replica_count = 2;
	assert_true(connect_spammer());
	accept_at(0);
	spammer_says("CONNECT x:25\r\n");
	traps[0]->ops->closed(traps[0]->ctx, CONN_END_RESET);
	assert_int_equal(trap_count, 2);
	spammer_says("\r\n");
	accept_at(1);
	assert_got(1, "CONNECT x:25\r\n\r\n");
	traps[1]->ops->eof(traps[1]->ctx); /* and again, by FIN */
	assert_true(traps[1]->reset);
	assert_int_equal(trap_count, 3);
	accept_at(2);
	assert_got(2, "CONNECT x:25\r\n\r\n");
	assert_int_equal(ended, 0);
}

static void
a_client_that_kills_traps_runs_out_of_them(void **state)
{
	size_t i = 0;

	(void)state;
	replica_count = 2;
	assert_true(connect_spammer());
	for (; ended == 0; i++) {
		accept_at(i);
		traps[i]->ops->closed(traps[i]->ctx, CONN_END_RESET);
	}
	assert_int_equal(i, FLOW_TAKEOVERS_MAX + 1);
	assert_string_equal(reason, "trap-reset");
}

static void
a_trap_that_has_spoken_is_not_replaced(void **state)
{
	(void)state;
	replica_count = 2;
	assert_true(connect_spammer());
	accept_at(0);
	trap_says(0, "220 ");
	traps[0]->ops->closed(traps[0]->ctx, CONN_END_RESET);
	assert_true(spammer.reset);
	assert_string_equal(reason, "trap-reset");
	assert_int_equal(trap_count, 1);
}

static void
more_than_is_kept_is_not_replayed(void **state)
{
	(void)state;
	replica_count = 2;
	assert_true(connect_spammer());
	accept_at(0);
	spammer.in_len = FLOW_KEPT_MAX;
	flows_data(spammer.flow);
	spammer_says("x");
	traps[0]->ops->closed(traps[0]->ctx, CONN_END_RESET);
	assert_true(spammer.reset);
}

static void
the_only_trap_may_close_without_a_word(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	accept_at(0);
	spammer_says("junk");
	traps[0]->ops->eof(traps[0]->ctx);
	assert_true(spammer.fin);
}

static void
without_a_replica_the_flow_waits_ten_seconds(void **state)
{
	(void)state;
	replica_count = 0;
	assert_true(connect_spammer());
	now_ms += FLOW_WAIT_MS - 1;
	flows_sweep(flows, now_ms);
	assert_int_equal(ended, 0);
	now_ms++;
	flows_sweep(flows, now_ms);
	assert_true(spammer.reset);
	assert_string_equal(reason, "no-replica");
}

static void
a_replica_that_comes_late_is_taken(void **state)
{
	(void)state;
	replica_count = 0;
	assert_true(connect_spammer());
	spammer_says("EHLO x\r\n");
	now_ms += 5000;
	replica_count = 1;
	flows_sweep(flows, now_ms);
	accept_at(0);
	assert_got(0, "EHLO x\r\n");
}

static void
resets_pass_to_the_trap(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	accept_at(0);
	flows_closed(spammer.flow, STACK_END_RESET);
	assert_true(traps[0]->reset);
	assert_string_equal(reason, "reset");
}

static void
what_the_trap_has_not_taken_is_not_lost_at_the_end(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	accept_at(0);
	spammer.in_len = 2 * FLOW_OUTPUT_MAX;
	flows_data(spammer.flow);
	assert_true(spammer.in_len > 0);
	flows_closed(spammer.flow, STACK_END_FIN);
	assert_int_equal(spammer.in_len, 0);
	assert_true(traps[0]->closed);
	assert_int_equal(bytes_in, 2 * FLOW_OUTPUT_MAX);
}

static void
a_client_that_never_finishes_is_let_go(void **state)
{
	(void)state;
	assert_true(connect_spammer());
	accept_at(0);
	trap_says(0, "bye");
	traps[0]->ops->eof(traps[0]->ctx);
	flows_eof(spammer.flow);
	traps[0]->ops->closed(traps[0]->ctx, CONN_END_FIN);
	now_ms += FLOW_LINGER_MS;
	flows_sweep(flows, now_ms);
	assert_true(spammer.reset);
}

static void
full_is_an_ordinary_answer(void **state)
{
	static struct spammer second, third;

	(void)state;
	assert_true(connect_spammer());
	assert_true(connects(&second));
	assert_false(connects(&third));
	assert_int_equal(opened, 2);
}

int
main(void)
{
#define STORY(name) cmocka_unit_test_setup_teardown(name, begin, finish)
	const struct CMUnitTest tests[] = {
		STORY(bytes_pass_both_ways_and_both_finish),
		STORY(a_slow_trap_closes_the_spammers_window),
		STORY(a_slow_spammer_stops_the_trap),
		STORY(a_spammer_who_is_done_early_is_answered),
		STORY(a_refused_dial_goes_to_the_other),
		STORY(a_killed_trap_is_replaced_with_all_that_was_said),
		STORY(a_client_that_kills_traps_runs_out_of_them),
		STORY(a_trap_that_has_spoken_is_not_replaced),
		STORY(more_than_is_kept_is_not_replayed),
		STORY(the_only_trap_may_close_without_a_word),
		STORY(without_a_replica_the_flow_waits_ten_seconds),
		STORY(a_replica_that_comes_late_is_taken),
		STORY(resets_pass_to_the_trap),
		STORY(what_the_trap_has_not_taken_is_not_lost_at_the_end),
		STORY(a_client_that_never_finishes_is_let_go),
		STORY(full_is_an_ordinary_answer),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
