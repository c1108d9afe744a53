#include "api/resource.h"

#include "base/clock.h"
#include "base/mem.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

/* Every figure is always there, so that nobody has to ask whether a missing one is zero. */
static const struct {
	const char *name; /* in the answer */
	const char *total; /* in the model */
} figures[] = {
	{ "messages", "messages" },
	{ "message_bytes", "message_bytes" },
	{ "messages_malformed", "messages_malformed" },
	{ "events", "events" },
	{ "events_missed", "events_missed" },
	{ "events_malformed", "events_malformed" },
	{ "sources", "sources" },
	{ "flows", "events.flow-open" },
	{ "bytes_in", "bytes_in" },
	{ "bytes_out", "bytes_out" },
};
enum { FIGURES = sizeof(figures) / sizeof(figures[0]) };

struct sums {
	uint64_t values[FIGURES];
	cJSON *by_action;
};

static void
take_total(void *ctx, const struct model_total *t)
{
	struct sums *sums = ctx;

	for (size_t i = 0; i < FIGURES; i++) {
		if (strcmp(figures[i].total, t->name) == 0)
			sums->values[i] = t->value;
	}
	if (strncmp(t->name, "events.", 7) == 0)
		cJSON_AddNumberToObject(sums->by_action, t->name + 7, (double)t->value);
}

static void
add_behind(const struct api *api, cJSON *json)
{
	struct api_behind behind = api->ops->behind(api->ctx);
	cJSON *object = cJSON_AddObjectToObject(json, "behind");

	cJSON_AddItemToObject(object, "events",
	    behind.known ? cJSON_CreateNumber((double)behind.events) : cJSON_CreateNull());
	cJSON_AddItemToObject(object, "messages",
	    behind.known ? cJSON_CreateNumber((double)behind.messages) : cJSON_CreateNull());
}

static void
add_replicas(const struct api *api, cJSON *json)
{
	enum { MAX = 1024 };
	struct replica_view *views = xcalloc(MAX, sizeof(*views));

	cJSON_AddNumberToObject(json, "replicas", (double)api->ops->replicas(api->ctx, views, MAX));
	free(views);
}

void
resource_stats(const struct request *r, struct reply *out)
{
	struct sums sums = { .by_action = cJSON_CreateObject() };
	cJSON *json = cJSON_CreateObject();
	char when[CLOCK_TEXT_MAX];

	if (!model_totals(r->api->model, take_total, &sums)) {
		cJSON_Delete(sums.by_action);
		cJSON_Delete(json);
		reply_problem(out, 503, "The read model can't be read now.");
		return;
	}
	cJSON_AddStringToObject(json, "time", clock_rfc3339(r->api->ops->now_ms(r->api->ctx), when));
	for (size_t i = 0; i < FIGURES; i++)
		cJSON_AddNumberToObject(json, figures[i].name, (double)sums.values[i]);
	cJSON_AddItemToObject(json, "events_by_action", sums.by_action);
	add_replicas(r->api, json);
	add_behind(r->api, json);
	reply_object(out, &json);
}
