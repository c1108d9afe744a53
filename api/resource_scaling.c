/*
 * resource_scaling - one number a service for autoscalers: sessions over all
 * replicas, with what one of them can hold.  An autoscaler believes a zero and
 * scales in, so what isn't known is a 503, never a number.
 */
#include "api/resource.h"

#include "base/mem.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { REPLICAS_MAX_SEEN = 1024 }; /* as many as daemon/replicas.h knows */

struct sums {
	size_t sessions, capacity, replicas;
	bool whole; /* every replica said who it is */
};

static bool
service_known(const char *name)
{
	static const char *const services[] = { "fingerprintd", "webtrap", "proxytrap", "relaytrap", "courier",
		"logship", "api" };

	for (size_t i = 0; i < sizeof(services) / sizeof(services[0]); i++) {
		if (strcmp(services[i], name) == 0)
			return true;
	}
	return false;
}

/* Who drains takes no new flow, and what it still has goes with it: an autoscaler can do nothing about either. */
static struct sums
add_up(const struct replica_view *views, size_t count, const char *service)
{
	struct sums s = { .whole = true };

	for (size_t i = 0; i < count; i++) {
		if (strcmp(views[i].service, service) != 0 || views[i].draining)
			continue;
		s.sessions += views[i].sessions;
		s.capacity += views[i].capacity;
		s.replicas++;
		s.whole = s.whole && views[i].boot[0] != '\0';
	}
	return s;
}

void
resource_scaling(const struct request *r, struct reply *out)
{
	if (!service_known(r->id)) {
		reply_problem(out, 404, "There is no service of this name.");
		return;
	}
	struct replica_view *views = xcalloc(REPLICAS_MAX_SEEN, sizeof(*views));
	size_t count = r->api->ops->replicas(r->api->ctx, views, REPLICAS_MAX_SEEN);
	struct sums s = add_up(views, count, r->id);

	free(views);
	if (!r->api->ops->replicas_known(r->api->ctx)) {
		reply_problem(out, 503, "Not all replicas have been heard yet, or NATS is away.");
	} else if (s.replicas == 0 || count == REPLICAS_MAX_SEEN || !s.whole) {
		reply_problem(out, 503, "It isn't known how busy this service is: no replica of it says so.");
	} else {
		cJSON *json = cJSON_CreateObject();

		cJSON_AddNumberToObject(json, "sessions", (double)s.sessions);
		cJSON_AddNumberToObject(json, "capacity", (double)s.capacity);
		cJSON_AddNumberToObject(json, "replicas", (double)s.replicas);
		reply_object(out, &json);
	}
}
