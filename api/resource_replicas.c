#include "api/resource.h"

#include "base/mem.h"

#include <cjson/cJSON.h>
#include <stdlib.h>

enum { REPLICAS_SHOWN_MAX = 1024 }; /* as many as daemon/replicas.h knows */

static cJSON *
replica_json(const struct replica_view *v)
{
	cJSON *json = cJSON_CreateObject();
	char at[ENDPOINT_TEXT_MAX];

	cJSON_AddStringToObject(json, "service", v->service);
	cJSON_AddStringToObject(json, "instance", v->instance);
	cJSON_AddStringToObject(json, "boot", v->boot);
	cJSON_AddStringToObject(json, "version", v->version);
	if (v->at.port == 0)
		cJSON_AddNullToObject(json, "address"); /* takes no flows */
	else
		cJSON_AddStringToObject(json, "address", endpoint_format(&v->at, at));
	cJSON_AddNumberToObject(json, "sessions", (double)v->sessions);
	cJSON_AddNumberToObject(json, "capacity", (double)v->capacity);
	cJSON_AddBoolToObject(json, "draining", v->draining);
	cJSON_AddNumberToObject(json, "seen_ago_ms", (double)v->seen_ago_ms);
	return json;
}

/* A picture of this moment, by name; a cursor is a place in it. */
void
resource_replicas(const struct request *r, struct reply *out)
{
	struct model_filter f;
	struct list_body l;
	char address[ADDR_TEXT_MAX];

	if (!resource_filter(r, CURSOR_REPLICAS, &f, address, out))
		return;
	struct replica_view *views = xcalloc(REPLICAS_SHOWN_MAX, sizeof(*views));
	size_t count = r->api->ops->replicas(r->api->ctx, views, REPLICAS_SHOWN_MAX);

	list_begin(&l, CURSOR_REPLICAS, &f);
	for (size_t i = (size_t)f.before; i < count; i++) {
		if (list_item(&l, i + 1))
			list_write(&l, replica_json(&views[i]));
	}
	free(views);
	list_end(&l, true, out);
}
