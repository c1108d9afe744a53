#include "wire/event.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/proxy.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KEY_MAX = 64 };
static const uint64_t number_max = (uint64_t)1 << 53; /* exact in every JSON reader */

struct event {
	cJSON *root;
	char id[EVENT_ID_MAX];
	char action[KEY_MAX];
};

/* Walks "a.b.c" down to b, making objects; leaf gets "c". */
static cJSON *
walk(struct event *e, const char *path, char leaf[KEY_MAX])
{
	cJSON *object = e->root;
	const char *dot;

	while ((dot = strchr(path, '.')) != NULL) {
		char key[KEY_MAX];

		str_copy_bytes(key, sizeof(key), path, (size_t)(dot - path));
		cJSON *next = cJSON_GetObjectItemCaseSensitive(object, key);
		if (next == NULL)
			next = cJSON_AddObjectToObject(object, key);
		if (next == NULL)
			return NULL;
		object = next;
		path = dot + 1;
	}
	str_copy(leaf, KEY_MAX, path);
	return object;
}

static void
set(struct event *e, const char *path, cJSON *value)
{
	char leaf[KEY_MAX];
	cJSON *object = walk(e, path, leaf);

	if (object == NULL || value == NULL) {
		cJSON_Delete(value);
		return;
	}
	cJSON_DeleteItemFromObjectCaseSensitive(object, leaf);
	cJSON_AddItemToObject(object, leaf, value);
}

static void
set_truncated(struct event *e, const char *path)
{
	char flag[256];

	snprintf(flag, sizeof(flag), "%s_truncated", path);
	set(e, flag, cJSON_CreateTrue());
}

struct event *
event_create(const char *service, const char *site, const char *action, const char *id, uint64_t wall_ms)
{
	struct event *e = xcalloc(1, sizeof(*e));
	char when[CLOCK_TEXT_MAX];

	e->root = cJSON_CreateObject();
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
	char text[EVENT_TEXT_MAX + 1];
	bool whole = str_escape(text, sizeof(text), data, len);

	set(e, path, cJSON_CreateString(text));
	if (!whole)
		set_truncated(e, path);
}

void
event_text(struct event *e, const char *path, const char *text)
{
	event_bytes(e, path, text, strlen(text));
}

/* Raw: cJSON prints large numbers with 15 digits. */
static cJSON *
raw_number(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%llu", (unsigned long long)(v < number_max ? v : number_max - 1));
	return cJSON_CreateRaw(text);
}

void
event_number(struct event *e, const char *path, uint64_t v)
{
	set(e, path, raw_number(v));
}

void
event_bool(struct event *e, const char *path, bool v)
{
	set(e, path, cJSON_CreateBool(v));
}

/* The array at path, made if need be; NULL when it holds max elements (and says so) or memory is out. */
static cJSON *
array_with_room(struct event *e, const char *path, size_t max)
{
	char leaf[KEY_MAX];
	cJSON *object = walk(e, path, leaf);

	if (object == NULL)
		return NULL;
	cJSON *array = cJSON_GetObjectItemCaseSensitive(object, leaf);
	if (array == NULL)
		array = cJSON_AddArrayToObject(object, leaf);
	if ((size_t)cJSON_GetArraySize(array) < max)
		return array;
	set_truncated(e, path);
	return NULL;
}

void
event_append(struct event *e, const char *path, const void *data, size_t len, size_t max)
{
	char text[EVENT_TEXT_MAX + 1];
	cJSON *array = array_with_room(e, path, max);

	if (array == NULL)
		return;
	if (!str_escape(text, sizeof(text), data, len))
		set_truncated(e, path);
	cJSON_AddItemToArray(array, cJSON_CreateString(text));
}

void
event_append_number(struct event *e, const char *path, uint64_t v, size_t max)
{
	cJSON *array = array_with_room(e, path, max);

	if (array != NULL)
		cJSON_AddItemToArray(array, raw_number(v));
}

void
event_addr(struct event *e, const char *path, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	event_text(e, path, addr_format(a, text));
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

char *
event_format(const struct event *e)
{
	char *text = cJSON_PrintUnformatted(e->root);

	if (text != NULL && strlen(text) > EVENT_MAX) {
		free(text);
		text = NULL;
	}
	return text;
}

void
event_destroy(struct event **ep)
{
	if (*ep == NULL)
		return;
	cJSON_Delete((*ep)->root);
	free(*ep);
	*ep = NULL;
}
