#include "fingerprintd/flow_source_socket.h"

#include "base/list.h"
#include "base/mem.h"
#include "daemon/conn.h"
#include "daemon/listener.h"
#include "fingerprintd/personality.h"

#include <stdio.h>
#include <stdlib.h>

enum { PORT_SLOTS = 65536 };

/* One port that we listen on. */
struct door {
	struct list node;
	struct sockets *sockets;
	struct listener *listener;
	struct list visitors;
	uint16_t port; /* the decoy's: without the offset */
};

struct visitor {
	struct list node;
	struct door *door;
	struct conn *conn;
	struct flow *flow;
};

struct sockets {
	struct sockets_settings settings;
	const struct decoys *decoys; /* borrowed; NULL until set */
	struct list doors;
};

/* ---- one connection, as flow.c uses it ---- */

static const uint8_t *
socket_peek(void *peer, size_t *len)
{
	struct visitor *v = peer;

	return conn_peek(v->conn, 0, len);
}

static void
socket_consume(void *peer, size_t len)
{
	struct visitor *v = peer;

	conn_consume(v->conn, len);
}

static size_t
socket_write(void *peer, const void *data, size_t len)
{
	struct visitor *v = peer;
	size_t waiting = conn_output_len(v->conn);
	size_t room = waiting < STACK_SEND_MAX ? STACK_SEND_MAX - waiting : 0;
	size_t n = len < room ? len : room;

	if (n > 0)
		conn_write(v->conn, data, n);
	return n;
}

static size_t
socket_unsent(const void *peer)
{
	const struct visitor *v = peer;

	return conn_unsent(v->conn);
}

static void
socket_shutdown(void *peer)
{
	struct visitor *v = peer;

	conn_shutdown(v->conn);
}

static void
leave(struct visitor *v, enum stack_end why)
{
	flows_closed(v->flow, why);
	listener_flow_ended(v->door->listener);
	list_remove(&v->node);
	free(v);
}

static void
socket_reset(void *peer)
{
	struct visitor *v = peer;

	conn_reset(v->conn);
	leave(v, STACK_END_LOCAL);
}

static const struct flow_source socket_source = {
	.peek = socket_peek,
	.consume = socket_consume,
	.write = socket_write,
	.unsent = socket_unsent,
	.shutdown = socket_shutdown,
	.reset = socket_reset,
};

/* ---- and what it tells ---- */

static void
on_data(void *ctx)
{
	struct visitor *v = ctx;

	flows_data(v->flow);
}

static void
on_eof(void *ctx)
{
	struct visitor *v = ctx;

	flows_eof(v->flow);
}

static void
on_writable(void *ctx)
{
	struct visitor *v = ctx;

	flows_writable(v->flow);
}

static void
on_closed(void *ctx, enum conn_end why)
{
	static const enum stack_end ends[] = {
		[CONN_END_FIN] = STACK_END_FIN,
		[CONN_END_RESET] = STACK_END_RESET,
		[CONN_END_TIMEOUT] = STACK_END_TIMEOUT,
		[CONN_END_REFUSED] = STACK_END_RESET, /* of outgoing connections only */
	};

	leave(ctx, ends[why]);
}

static const struct conn_ops visitor_ops = {
	.data = on_data,
	.eof = on_eof,
	.writable = on_writable,
	.closed = on_closed,
};

/* ---- who is asked for ---- */

/*
 * A balancer that passes a decoy's own address on (in the PROXY header) chooses
 * that decoy; at any other address the first one answers that has the port.
 */
static const struct decoy_group *
group_of(const struct decoys *d, const struct addr *asked, uint16_t port)
{
	const struct decoy *exact = decoys_find(d, asked);

	if (exact != NULL && decoy_port_find(exact->group, port) != NULL)
		return exact->group;
	for (size_t i = 0; i < decoys_count(d); i++) {
		const struct decoy_group *g = decoys_at(d, i)->group;

		if (decoy_port_find(g, port) != NULL)
			return g;
	}
	return NULL;
}

static struct flow *
open_flow(struct visitor *v, const struct flow_info *info)
{
	struct sockets *s = v->door->sockets;
	uint16_t port = v->door->port;
	const struct decoy_group *g = group_of(s->decoys, &info->destination.addr, port);

	if (g == NULL)
		return NULL;
	const struct decoy_port *at = decoy_port_find(g, port);
	struct flow_target target = {
		.service = decoy_service_name(at->service),
		.look = at->look,
		.personality = g->personality->name,
	};
	struct flow_peer peer = {
		.source = &socket_source,
		.handle = v,
		.from = info->source,
		.to = { info->destination.addr, port },
	};

	return flows_open(s->settings.flows, &peer, &target);
}

static void
on_open(void *ctx, struct conn *c, const struct flow_info *info)
{
	struct door *door = ctx;
	struct visitor *v = calloc(1, sizeof(*v));

	if (v != NULL) {
		list_init(&v->node);
		v->door = door;
		v->conn = c;
		v->flow = open_flow(v, info);
	}
	if (v == NULL || v->flow == NULL) {
		free(v);
		conn_reset(c);
		listener_flow_ended(door->listener);
		return;
	}
	list_append(&door->visitors, &v->node);
	conn_set_ops(c, &visitor_ops, v);
	conn_set_idle(c, FLOW_IDLE_MS);
}

/* ---- the ports ---- */

static struct door *
door_open(struct sockets *s, uint16_t port, char error[SOCKETS_ERROR_MAX])
{
	char address[ENDPOINT_TEXT_MAX];
	struct endpoint at = { .port = (uint16_t)(port + s->settings.port_offset) };

	if (port + s->settings.port_offset > UINT16_MAX) {
		snprintf(error, SOCKETS_ERROR_MAX, "port %u and listen.port-offset %u are more than 65535", port,
		    s->settings.port_offset);
		return NULL;
	}
	if (!addr_parse(s->settings.address, &at.addr)) {
		snprintf(error, SOCKETS_ERROR_MAX, "listen.address must be an address without a port, not '%.64s'",
		    s->settings.address);
		return NULL;
	}
	struct listener_settings listen = {
		.address = endpoint_format(&at, address),
		.networks = s->settings.networks,
		.proxy = s->settings.proxy,
		.anywhere = true,
		.capacity = (long)s->settings.max,
	};
	struct door *door = xcalloc(1, sizeof(*door));

	door->sockets = s;
	door->port = port;
	list_init(&door->visitors);
	door->listener = listener_try(s->settings.loop, &listen, on_open, door, error, SOCKETS_ERROR_MAX);
	if (door->listener == NULL) {
		free(door);
		return NULL;
	}
	list_append(&s->doors, &door->node);
	return door;
}

static void
door_close(struct door *door)
{
	while (!list_empty(&door->visitors))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it can't follow lists */
		socket_reset(LIST_OWNER(door->visitors.next, struct visitor, node));
	list_remove(&door->node);
	listener_free(&door->listener);
	free(door);
}

/* keep has a mark for each port. */
static void
close_doors(struct sockets *s, const bool *keep)
{
	for (struct list *node = s->doors.next, *next; node != &s->doors; node = next) {
		struct door *door = LIST_OWNER(node, struct door, node);

		next = node->next;
		if (!keep[door->port])
			door_close(door);
	}
}

static void
mark_wanted(const struct decoys *d, bool *ports)
{
	const struct decoy_group *last = NULL;

	for (size_t i = 0; i < decoys_count(d); i++) {
		const struct decoy_group *g = decoys_at(d, i)->group;

		for (size_t k = 0; g != last && k < g->port_count; k++)
			ports[g->ports[k].port] = true;
		last = g; /* a group's addresses follow each other */
	}
}

static void
mark_open(const struct sockets *s, bool *ports)
{
	for (struct list *node = s->doors.next; node != &s->doors; node = node->next)
		ports[LIST_OWNER(node, struct door, node)->port] = true;
}

bool
sockets_set_decoys(struct sockets *s, const struct decoys *d, char error[SOCKETS_ERROR_MAX])
{
	bool *wanted = xcalloc(PORT_SLOTS, sizeof(*wanted)), *before = xcalloc(PORT_SLOTS, sizeof(*before));
	bool good = true;

	mark_wanted(d, wanted);
	mark_open(s, before);
	for (size_t port = 0; port < PORT_SLOTS && good; port++)
		good = !wanted[port] || before[port] || door_open(s, (uint16_t)port, error) != NULL;
	close_doors(s, good ? wanted : before);
	if (good)
		s->decoys = d;
	free(wanted);
	free(before);
	return good;
}

void
sockets_drain(struct sockets *s)
{
	for (struct list *node = s->doors.next; node != &s->doors; node = node->next)
		listener_stop(LIST_OWNER(node, struct door, node)->listener);
}

struct sockets *
sockets_new(const struct sockets_settings *settings)
{
	struct sockets *s = xcalloc(1, sizeof(*s));

	s->settings = *settings;
	list_init(&s->doors);
	return s;
}

void
sockets_free(struct sockets **sp)
{
	if (*sp == NULL)
		return;
	while (!list_empty(&(*sp)->doors))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it can't follow lists */
		door_close(LIST_OWNER((*sp)->doors.next, struct door, node));
	free(*sp);
	*sp = NULL;
}
