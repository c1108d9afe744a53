#include "daemon/presence.h"

#include "base/mem.h"
#include "base/rand.h"
#include "base/clock.h"
#include "daemon/bus.h"
#include "daemon/loop.h"
#include "wire/subject.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

struct presence {
	struct bus *bus;
	struct loop_timer *timer;
	char subject[SUBJECT_MAX];
	const char *service;
	const char *instance;
	char boot[ULID_TEXT_MAX];
	bool draining;
	void (*state)(void *ctx, struct presence_state *out);
	void *ctx;
};

static void
beat(void *ctx)
{
	struct presence *p = ctx;
	struct presence_state state = { .at = { .addr = addr_from_v4(0) } };
	char address[ADDR_TEXT_MAX];
	cJSON *json = cJSON_CreateObject();

	if (p->state != NULL)
		p->state(p->ctx, &state);
	cJSON_AddStringToObject(json, "boot", p->boot);
	cJSON_AddStringToObject(json, "service", p->service);
	cJSON_AddStringToObject(json, "instance", p->instance);
	cJSON_AddStringToObject(json, "address", addr_format(&state.at.addr, address));
	cJSON_AddNumberToObject(json, "port", state.at.port);
	cJSON_AddNumberToObject(json, "sessions", (double)state.sessions);
	cJSON_AddNumberToObject(json, "capacity", (double)state.capacity);
	cJSON_AddBoolToObject(json, "draining", p->draining);
	cJSON_AddStringToObject(json, "version", HS_VERSION);
	char *text = cJSON_PrintUnformatted(json);

	if (text != NULL)
		bus_publish(p->bus, p->subject, text, strlen(text)); /* lost while NATS is away: the next one says it */
	free(text);
	cJSON_Delete(json);
}

struct presence *
presence_new(struct loop *l, struct bus *b, const char *site, const char *service, const char *instance,
    void (*state)(void *ctx, struct presence_state *out), void *ctx)
{
	struct presence *p = xcalloc(1, sizeof(*p));

	p->bus = b;
	p->service = service;
	p->instance = instance;
	p->state = state;
	p->ctx = ctx;
	ulid_new(clock_wall_ms(), p->boot);
	subject_presence(p->subject, site, service, instance);
	p->timer = loop_timer_new(l, beat, p);
	loop_timer_every(p->timer, PRESENCE_INTERVAL_MS);
	return p;
}

void
presence_draining(struct presence *p)
{
	p->draining = true;
	beat(p);
}

const char *
presence_boot(const struct presence *p)
{
	return p->boot;
}

void
presence_free(struct presence **pp)
{
	if (*pp == NULL)
		return;
	loop_timer_free(&(*pp)->timer);
	free(*pp);
	*pp = NULL;
}
