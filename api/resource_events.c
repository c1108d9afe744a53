#include "api/resource.h"

static void
event_item(void *ctx, const struct model_event *e)
{
	struct list_body *l = ctx;

	if (list_item(l, e->number))
		fputs(e->json, l->file);
}

void
resource_events(const struct request *r, struct reply *out)
{
	struct model_filter f;
	struct list_body l;
	char address[ADDR_TEXT_MAX];

	if (!resource_filter(r, CURSOR_EVENTS, &f, address, out))
		return;
	f.action = query_get(&r->query, "action");
	f.service = query_get(&r->query, "service");
	f.instance = query_get(&r->query, "instance");
	list_begin(&l, CURSOR_EVENTS, &f);
	list_end(&l, model_events(r->api->model, &f, event_item, &l), out);
}
