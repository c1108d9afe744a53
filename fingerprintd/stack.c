/*
 * stack - where segments come in: their form is checked, what is known of the
 * connection is found, and what is known of none is answered (RFC 9293
 * 3.10.7.1, 3.10.7.2).
 */
#include "fingerprintd/stack.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/reader.h"
#include "fingerprintd/tcp_answer.h"
#include "fingerprintd/tcp_internal.h"
#include "fingerprintd/tcp_isn.h"
#include "wire/packet_checksum.h"
#include "wire/packet_ip.h"

#include <stdlib.h>
#include <string.h>

bool
tcp_may_challenge(struct stack *s, struct tcp_entry *e)
{
	if (s->now_us < e->challenge_at_us)
		return false;
	e->challenge_at_us = s->now_us + TCP_CHALLENGE_GAP_US;
	return true;
}

void
tcp_entry_init(struct tcp_entry *e, enum tcp_kind kind, const struct tcp_segment *seg)
{
	memset(e, 0, sizeof(*e));
	e->kind = kind;
	e->host = seg->host;
	e->source = seg->source;
	e->destination = seg->destination;
	memcpy(e->link, seg->link, sizeof(e->link));
	wheel_timer_init(&e->timer);
}

static void
bury(struct stack *s)
{
	while (!list_empty(&s->dead)) {
		struct stack_flow *f = LIST_OWNER(s->dead.next, struct stack_flow, dead_node);

		list_remove(&f->dead_node);
		tcp_flow_free(f);
	}
	s->dead_count = 0;
}

/* ---- segments for no connection ---- */

static bool
begins_handshake(const struct habits *habits, enum habit_class class)
{
	return (class == HABIT_OPEN_SYN && habits->answers[class].kind == HABIT_ANSWER_USUAL) ||
	    (class == HABIT_OPEN_SYN_FIN && habits->answers[class].kind == HABIT_ANSWER_SYN);
}

static void
to_open_port(struct stack *s, const struct tcp_segment *seg)
{
	enum habit_class class = tcp_answer_class(seg->tcp.flags, true);

	if (begins_handshake(seg->host->habits, class)) {
		if (!s->draining)
			tcp_handshake_begin(s, seg);
	} else if (class != HABIT_OPEN_ACK || (seg->tcp.flags & PACKET_TCP_SYN) != 0 || !tcp_handshake_cookie(s, seg)) {
		tcp_answer(s, seg, class);
	}
}

static void
to_nobody(struct stack *s, const struct tcp_segment *seg)
{
	s->ops.probe(s->ops.ctx, seg->host, &seg->source, seg->destination.port, seg->tcp.flags);
	if (seg->tcp.flags & PACKET_TCP_RST)
		return;
	switch (s->ops.port(s->ops.ctx, seg->host, seg->destination.port)) {
	case STACK_OPEN:
		to_open_port(s, seg);
		break;
	case STACK_CLOSED:
		tcp_answer(s, seg, tcp_answer_class(seg->tcp.flags, false));
		break;
	case STACK_FILTERED:
		break;
	}
}

/* ---- in ---- */

static bool
parse(struct stack *s, const void *packet, size_t len, struct tcp_segment *seg)
{
	struct packet_ip ip;
	struct reader r;

	reader_init(&r, packet, len);
	if (!packet_ip_parse(&r, &ip)) {
		s->counters.malformed++;
		return false;
	}
	if (packet_checksum_transport(&ip.source, &ip.destination, PACKET_IP_TCP, r.at, reader_left(&r)) != 0) {
		s->counters.bad_checksum++;
		return false;
	}
	const uint8_t *segment = r.at;
	if (!packet_tcp_parse(&r, &seg->tcp)) {
		s->counters.malformed++;
		return false;
	}
	seg->source = (struct endpoint){ ip.source, seg->tcp.source };
	seg->destination = (struct endpoint){ ip.destination, seg->tcp.destination };
	seg->options = segment + PACKET_TCP_HEADER;
	seg->options_len = (size_t)(r.at - seg->options);
	seg->data = r.at;
	seg->len = (uint32_t)reader_left(&r);
	return true;
}

static void
dispatch(struct stack *s, const struct tcp_segment *seg)
{
	struct tcp_entry *e = tcp_table_find(&s->table, &seg->source, &seg->destination);

	if (e == NULL) {
		to_nobody(s, seg);
		return;
	}
	switch (e->kind) {
	case TCP_HANDSHAKE:
		tcp_handshake_input(s, (struct tcp_handshake *)(void *)e, seg);
		break;
	case TCP_FLOW:
		tcp_flow_input((struct stack_flow *)(void *)e, seg);
		break;
	case TCP_WAIT:
		if (tcp_wait_input(s, (struct tcp_wait *)(void *)e, seg))
			to_nobody(s, seg);
		break;
	}
}

void
stack_input(struct stack *s, struct stack_host *host, const uint8_t link[STACK_LINK_BYTES], const void *packet,
    size_t len, uint64_t now_us)
{
	struct tcp_segment seg = { .host = host, .link = link, .packet = packet, .packet_len = len };

	bury(s);
	s->now_us = now_us;
	s->counters.segments_in++;
	if (parse(s, packet, len, &seg))
		dispatch(s, &seg);
}

static void
fire(struct wheel_timer *t, void *ctx)
{
	struct tcp_entry *e = LIST_OWNER(t, struct tcp_entry, timer);

	switch (e->kind) {
	case TCP_HANDSHAKE:
		tcp_handshake_timer(ctx, (struct tcp_handshake *)(void *)e);
		break;
	case TCP_FLOW:
		tcp_flow_timer((struct stack_flow *)(void *)e);
		break;
	case TCP_WAIT:
		tcp_wait_free(ctx, (struct tcp_wait *)(void *)e);
		break;
	}
}

void
stack_advance(struct stack *s, uint64_t now_us)
{
	bury(s);
	s->now_us = now_us;
	wheel_advance(&s->wheel, now_us / 1000, fire, s);
}

/* ---- the whole ---- */

void
stack_drain(struct stack *s, bool draining)
{
	s->draining = draining;
}

struct drop {
	struct stack *stack;
	const struct stack_host *host; /* NULL: all */
};

static void
drop_entry(void *ctx, struct tcp_entry *e)
{
	const struct drop *d = ctx;

	if (d->host != NULL && e->host != d->host)
		return;
	switch (e->kind) {
	case TCP_HANDSHAKE:
		tcp_handshake_free(d->stack, (struct tcp_handshake *)(void *)e);
		break;
	case TCP_FLOW:
		tcp_flow_reset((struct stack_flow *)(void *)e);
		break;
	case TCP_WAIT:
		tcp_wait_free(d->stack, (struct tcp_wait *)(void *)e);
		break;
	}
}

void
stack_drop_host(struct stack *s, struct stack_host *host)
{
	struct drop d = { s, host };

	tcp_table_each(&s->table, drop_entry, &d);
	bury(s); /* nothing of it may be left that points to the host */
}

const struct stack_counters *
stack_counters(const struct stack *s)
{
	struct stack_counters *c = &((struct stack *)(uintptr_t)s)->counters;

	c->flows = slab_used(s->flows) - s->dead_count;
	c->half_open = slab_used(s->handshakes);
	return c;
}

struct stack *
stack_new(const struct stack_settings *settings, const struct stack_ops *ops, uint64_t now_us)
{
	struct stack *s = xcalloc(1, sizeof(*s));

	s->settings = *settings;
	s->ops = *ops;
	s->now_us = now_us;
	tcp_table_init(&s->table, 2 * settings->flows_max + settings->half_open_max);
	wheel_init(&s->wheel, TCP_TICK_MS, now_us / 1000);
	s->flows = slab_new(sizeof(struct stack_flow), settings->flows_max);
	s->handshakes = slab_new(sizeof(struct tcp_handshake), settings->half_open_max);
	s->waits = slab_new(sizeof(struct tcp_wait), settings->flows_max);
	s->buffers = pages_new(sizeof(struct tcp_buffers), settings->flows_max);
	list_init(&s->dead);
	s->isn = tcp_isn_new();
	rand_bytes(s->cookie_key, sizeof(s->cookie_key));
	return s;
}

void
stack_free(struct stack **sp)
{
	struct stack *s = *sp;

	if (s == NULL)
		return;
	bury(s);
	slab_free(&s->flows);
	slab_free(&s->handshakes);
	slab_free(&s->waits);
	pages_free(&s->buffers);
	tcp_isn_free(&s->isn);
	tcp_table_fini(&s->table);
	free(s);
	*sp = NULL;
}
