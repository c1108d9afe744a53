#include "wire/event.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/json.h"
#include "wire/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 64 };

struct event {
	struct json *json;
	char id[EVENT_ID_MAX];
	char action[KEY_MAX];
};

struct event *
event_create(const char *service, const char *site, const char *action, const char *id, uint64_t wall_ms)
{
	struct event *e = xcalloc(1, sizeof(*e));
	char when[CLOCK_TEXT_MAX];

	e->json = json_create();
	str_copy(e->id, sizeof(e->id), id);
	str_copy(e->action, sizeof(e->action), action);
	event_text(e, "@timestamp", clock_rfc3339(wall_ms, when));
	event_text(e, "ecs.version", "8.11.0");
	event_text(e, "event.id", id);
	event_text(e, "event.action", action);
	event_text(e, "event.kind", "event");
	event_text(e, "service.name", service);
	event_number(e, "honeyspam.schema", EVENT_SCHEMA);
	event_text(e, "honeyspam.site", site);
	return e;
}

static void
endpoint_set(struct event *e, const char *side, const struct endpoint *at)
{
	char path[KEY_MAX];

	snprintf(path, sizeof(path), "%s.ip", side);
	event_addr(e, path, &at->addr);
	snprintf(path, sizeof(path), "%s.port", side);
	event_number(e, path, at->port);
}

void
event_flow(struct event *e, const struct flow_info *flow)
{
	const struct {
		const char *path;
		const char *text;
	} fields[] = {
		{ "honeyspam.flow.id", flow->id },
		{ "honeyspam.flow.via", flow->via },
		{ "honeyspam.flow.asked", flow->asked },
		{ "honeyspam.flow.authority", flow->authority },
		{ "honeyspam.flow.look", flow->look },
		{ "honeyspam.flow.personality", flow->personality },
		{ "honeyspam.flow.os_guess", flow->os_guess },
	};

	endpoint_set(e, "source", &flow->source);
	endpoint_set(e, "destination", &flow->destination);
	event_text(e, "network.transport", "tcp");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].text[0] != '\0')
			event_text(e, fields[i].path, fields[i].text);
	}
}

void
event_bytes(struct event *e, const char *path, const void *data, size_t len)
{
	json_bytes(e->json, path, data, len);
}

void
event_text(struct event *e, const char *path, const char *text)
{
	json_text(e->json, path, text);
}

void
event_number(struct event *e, const char *path, uint64_t v)
{
	json_number(e->json, path, v);
}

void
event_bool(struct event *e, const char *path, bool v)
{
	json_bool(e->json, path, v);
}

void
event_append(struct event *e, const char *path, const void *data, size_t len, size_t max)
{
	json_append(e->json, path, data, len, max);
}

void
event_append_number(struct event *e, const char *path, uint64_t v, size_t max)
{
	json_append_number(e->json, path, v, max);
}

void
event_addr(struct event *e, const char *path, const struct addr *a)
{
	json_addr(e->json, path, a);
}

const char *
event_id(const struct event *e)
{
	return e->id;
}

const char *
event_action(const struct event *e)
{
	return e->action;
}

const char *
event_format(struct event *e, size_t *len)
{
	size_t text_len;
	const char *text = json_print(e->json, &text_len);

	if (len != NULL)
		*len = text_len;
	return text_len <= EVENT_MAX ? text : NULL;
}

void
event_destroy(struct event **ep)
{
	struct event *e = *ep;

	if (e == NULL)
		return;
	json_destroy(&e->json);
	free(e);
	*ep = NULL;
}
