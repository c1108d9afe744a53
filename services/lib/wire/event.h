/*
 * event - one observation, as nested Elastic Common Schema JSON (DESIGN 3.3).
 *
 * Fields are named by path ("source.ip", "honeyspam.mail.size").  Text of a
 * peer goes through str_escape() and is cut at 1 KiB with a `<name>_truncated`
 * flag beside it.
 * (create and destroy, for libevent owns the names event_new and event_free.)
 */
#ifndef WIRE_EVENT_H
#define WIRE_EVENT_H

#include "base/addr.h"
#include "wire/json.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct flow_info;
struct event;

enum {
	EVENT_TEXT_MAX = JSON_TEXT_MAX, /* bytes of one string */
	EVENT_MAX = 65536, /* bytes of one event */
	EVENT_ID_MAX = 96,
	EVENT_SCHEMA = 1, /* honeyspam.schema */
};

/*
 * id: flow id + "-" + counter or name; action: one token with hyphens.
 * Sets @timestamp, ecs.version, event.id, event.action, event.kind,
 * honeyspam.schema, honeyspam.site, service.name.
 */
struct event *event_create(const char *service, const char *site, const char *action, const char *id, uint64_t wall_ms);
/* Sets source.*, destination.*, network.transport=tcp and honeyspam.flow.{id,via,asked,look,personality}. */
void event_flow(struct event *e, const struct flow_info *flow);
void event_text(struct event *e, const char *path, const char *text);
void event_bytes(struct event *e, const char *path, const void *data, size_t len); /* a peer's bytes */
void event_number(struct event *e, const char *path, uint64_t v); /* below 2^53, else capped */
void event_bool(struct event *e, const char *path, bool v);
/* Appends to an array of strings; at most max elements, the rest sets `<path>_truncated`. */
void event_append(struct event *e, const char *path, const void *data, size_t len, size_t max);
void event_append_number(struct event *e, const char *path, uint64_t v, size_t max);
void event_addr(struct event *e, const char *path, const struct addr *a);
const char *event_id(const struct event *e);
const char *event_action(const struct event *e);
/* JSON text, len bytes (or len NULL) and a NUL: the event's own, until its next call; NULL: over EVENT_MAX. */
const char *event_format(struct event *e, size_t *len);
/* Frees and sets the caller's pointer to NULL. */
void event_destroy(struct event **ep);

#endif
