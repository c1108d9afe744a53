#include "api/resource.h"

#include "base/clock.h"

#include <cjson/cJSON.h>

/*
 * Sources come in the order in which they were first seen, because a list by
 * last activity could not be read on while they are active; `since` asks for
 * those that were active lately.
 */
static void
source_item(void *ctx, const struct model_source *s)
{
	struct list_body *l = ctx;
	char when[CLOCK_TEXT_MAX];

	if (!list_item(l, s->number))
		return;
	cJSON *json = cJSON_CreateObject();

	cJSON_AddStringToObject(json, "ip", s->ip);
	cJSON_AddStringToObject(json, "first_seen", clock_rfc3339(s->first_ms, when));
	cJSON_AddStringToObject(json, "last_seen", clock_rfc3339(s->last_ms, when));
	cJSON_AddNumberToObject(json, "events", (double)s->events);
	cJSON_AddNumberToObject(json, "messages", (double)s->messages);
	cJSON_AddNumberToObject(json, "flows", (double)s->flows);
	list_write(l, json);
}

void
resource_sources(const struct request *r, struct reply *out)
{
	struct model_filter f;
	struct list_body l;
	char address[ADDR_TEXT_MAX];

	if (!resource_filter(r, CURSOR_SOURCES, &f, address, out))
		return;
	list_begin(&l, CURSOR_SOURCES, &f);
	list_end(&l, model_sources(r->api->model, &f, source_item, &l), out);
}
