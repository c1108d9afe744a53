#include "daemon/replicas.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/rand.h"
#include "base/str.h"
#include "daemon/bus.h"
#include "daemon/loop.h"
#include "wire/subject.h"

#include <cjson/cJSON.h>
#include <event2/dns.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { NETWORKS_MAX = 32, FALLBACKS_MAX = 16, FALLBACK_REFRESH_MS = 10000, SWEEP_MS = 1000 };

/* A service's DNS name, resolved in the background and used while NATS is away. */
struct fallback {
	struct replicas *replicas;
	char service[64];
	char host[256];
	char port[8];
	struct endpoint at;
	bool resolved;
	bool asking;
};

struct replicas {
	struct bus *bus;
	struct loop_timer *sweep;
	struct evdns_base *dns;
	struct cidr networks[NETWORKS_MAX];
	size_t network_count;
	struct replica table[REPLICAS_MAX];
	size_t count;
	struct fallback fallbacks[FALLBACKS_MAX];
	size_t fallback_count;
	uint64_t asked_ms;
};

static bool
network_allowed(const struct replicas *r, const struct addr *a)
{
	for (size_t i = 0; i < r->network_count; i++) {
		if (cidr_contains(&r->networks[i], a))
			return true;
	}
	return false;
}

static bool
text_field(const cJSON *json, const char *name, char *out, size_t size)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsString(v) && str_copy(out, size, v->valuestring);
}

static bool
number_field(const cJSON *json, const char *name, double max, size_t *out)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(json, name);

	if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > max)
		return false;
	*out = (size_t)v->valuedouble;
	return true;
}

static bool
parse_beat(const cJSON *json, struct replica *out)
{
	char address[ADDR_TEXT_MAX];
	size_t port;

	memset(out, 0, sizeof(*out));
	if (!text_field(json, "service", out->service, sizeof(out->service)) ||
	    !text_field(json, "instance", out->instance, sizeof(out->instance)) ||
	    !text_field(json, "boot", out->boot, sizeof(out->boot)) ||
	    !text_field(json, "version", out->version, sizeof(out->version)) ||
	    !text_field(json, "address", address, sizeof(address)) || !addr_parse(address, &out->at.addr))
		return false;
	if (!number_field(json, "port", 65535, &port) || !number_field(json, "sessions", 1e9, &out->sessions) ||
	    !number_field(json, "capacity", 1e9, &out->capacity))
		return false;
	out->at.port = (uint16_t)port;
	out->draining = cJSON_IsTrue(cJSON_GetObjectItemCaseSensitive(json, "draining"));
	return true;
}

/* The subject is what the server's permissions guard: a body that names another service is not believed. */
static bool
subject_matches(const char *subject, const struct replica *beat)
{
	const char *instance = strrchr(subject, '.');
	size_t service_len = strlen(beat->service);

	if (instance == NULL || strcmp(instance + 1, beat->instance) != 0)
		return false;
	return (size_t)(instance - subject) > service_len && instance[-1 - (long)service_len] == '.' &&
	    memcmp(instance - service_len, beat->service, service_len) == 0;
}

static struct replica *
find(struct replicas *r, const struct replica *beat)
{
	for (size_t i = 0; i < r->count; i++) {
		if (strcmp(r->table[i].instance, beat->instance) == 0 &&
		    strcmp(r->table[i].service, beat->service) == 0)
			return &r->table[i];
	}
	return NULL;
}

static void
on_beat(void *ctx, const char *subject, const char *reply, const void *data, size_t len)
{
	struct replicas *r = ctx;
	struct replica beat;
	cJSON *json = cJSON_ParseWithLength(data, len);
	bool good = json != NULL && parse_beat(json, &beat) && subject_matches(subject, &beat);

	(void)reply;
	cJSON_Delete(json);
	if (!good)
		return;
	struct replica *known = find(r, &beat);

	if (known == NULL && r->count < REPLICAS_MAX)
		known = &r->table[r->count++];
	if (known == NULL)
		return;
	*known = beat;
	known->seen_ms = clock_ms();
}

static void
on_resolved(int result, struct evutil_addrinfo *found, void *ctx)
{
	struct fallback *f = ctx;

	f->asking = false;
	if (result == 0 && found != NULL && endpoint_from_sockaddr(found->ai_addr, &f->at))
		f->resolved = true;
	if (found != NULL)
		evutil_freeaddrinfo(found);
}

static void
resolve(struct fallback *f)
{
	struct evutil_addrinfo hints = { .ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM };

	if (f->asking)
		return;
	f->asking = true;
	evdns_getaddrinfo(f->replicas->dns, f->host, f->port, &hints, on_resolved, f);
}

static void
sweep(void *ctx)
{
	struct replicas *r = ctx;
	uint64_t now = clock_ms();

	for (size_t i = 0; i < r->count;) {
		if (now - r->table[i].seen_ms > REPLICA_LOST_MS)
			r->table[i] = r->table[--r->count];
		else
			i++;
	}
	if (r->fallback_count > 0 && now - r->asked_ms >= FALLBACK_REFRESH_MS) {
		r->asked_ms = now;
		for (size_t i = 0; i < r->fallback_count; i++)
			resolve(&r->fallbacks[i]);
	}
}

static size_t
free_capacity(const struct replica *x)
{
	size_t taken = x->sessions + x->given;

	return taken >= x->capacity ? 0 : x->capacity - taken;
}

static bool
usable(const struct replicas *r, const struct replica *x, const char *service, const struct endpoint *except)
{
	if (x->draining || x->at.port == 0 || strcmp(x->service, service) != 0 || free_capacity(x) == 0)
		return false;
	if (except != NULL && x->at.port == except->port && addr_equal(&x->at.addr, &except->addr))
		return false;
	return network_allowed(r, &x->at.addr) && clock_ms() - x->seen_ms <= REPLICA_LOST_MS;
}

static bool
pick_fallback(const struct replicas *r, const char *service, const struct endpoint *except, struct endpoint *out)
{
	for (size_t i = 0; i < r->fallback_count; i++) {
		const struct fallback *f = &r->fallbacks[i];
		bool same = except != NULL && f->at.port == except->port && addr_equal(&f->at.addr, &except->addr);

		if (strcmp(f->service, service) == 0 && f->resolved && !same && network_allowed(r, &f->at.addr)) {
			*out = f->at;
			return true;
		}
	}
	return false;
}

bool
replicas_pick(struct replicas *r, const char *service, const struct endpoint *except, struct endpoint *out)
{
	struct replica *usable_ones[REPLICAS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < r->count; i++) {
		if (usable(r, &r->table[i], service, except))
			usable_ones[n++] = &r->table[i];
	}
	if (n == 0)
		return pick_fallback(r, service, except, out);
	struct replica *x = usable_ones[rand_u32() % n], *y = usable_ones[rand_u32() % n];

	if (free_capacity(y) > free_capacity(x))
		x = y;
	x->given++;
	*out = x->at;
	return true;
}

void
replicas_each(struct replicas *r, void (*each)(void *ctx, const struct replica *replica), void *ctx)
{
	for (size_t i = 0; i < r->count; i++)
		each(ctx, &r->table[i]);
}

static void
parse_networks(struct replicas *r, const char *text)
{
	char *copy = xstrdup(text), *save = NULL;

	for (char *word = strtok_r(copy, ", ", &save); word != NULL; word = strtok_r(NULL, ", ", &save)) {
		if (r->network_count == NETWORKS_MAX || !cidr_parse(word, &r->networks[r->network_count]))
			log_fatal("msg=\"traps.networks must be at most %d networks like 198.18.0.0/15\" value=\"%s\"",
			    (int)NETWORKS_MAX, word);
		r->network_count++;
	}
	free(copy);
}

/* "service=host:port" */
static bool
parse_fallback(struct fallback *f, const char *word)
{
	const char *equals = strchr(word, '='), *colon = strrchr(word, ':');

	return equals != NULL && colon != NULL && colon > equals + 1 &&
	    str_copy_bytes(f->service, sizeof(f->service), word, (size_t)(equals - word)) &&
	    str_copy_bytes(f->host, sizeof(f->host), equals + 1, (size_t)(colon - equals - 1)) &&
	    str_copy(f->port, sizeof(f->port), colon + 1) && f->port[0] != '\0';
}

static void
parse_fallbacks(struct replicas *r, const char *text)
{
	char *copy = xstrdup(text), *save = NULL;

	for (char *word = strtok_r(copy, ", ", &save); word != NULL; word = strtok_r(NULL, ", ", &save)) {
		struct fallback *f = &r->fallbacks[r->fallback_count];

		if (r->fallback_count == FALLBACKS_MAX || !parse_fallback(f, word))
			log_fatal(
			    "msg=\"traps.fallback must look like relaytrap=name:2525,webtrap=name:8080\" value=\"%s\"",
			    word);
		f->replicas = r;
		r->fallback_count++;
	}
	free(copy);
}

static void
subscribe_to(struct replicas *r, const char *site, const char *services)
{
	char *copy = xstrdup(services), *save = NULL, subject[SUBJECT_MAX];

	for (char *word = strtok_r(copy, ",", &save); word != NULL; word = strtok_r(NULL, ",", &save))
		bus_subscribe(r->bus, subject_presence(subject, site, word, "*"), on_beat, r);
	free(copy);
}

struct replicas *
replicas_new(struct loop *l, struct bus *b, const char *site, const char *services, const char *networks,
    const char *fallback)
{
	struct replicas *r = xcalloc(1, sizeof(*r));

	r->bus = b;
	parse_networks(r, networks);
	parse_fallbacks(r, fallback);
	if (r->fallback_count > 0)
		r->dns =
		    evdns_base_new(loop_base(l), EVDNS_BASE_INITIALIZE_NAMESERVERS | EVDNS_BASE_DISABLE_WHEN_INACTIVE);
	subscribe_to(r, site, services);
	r->sweep = loop_timer_new(l, sweep, r);
	loop_timer_every(r->sweep, SWEEP_MS);
	return r;
}

void
replicas_free(struct replicas **rp)
{
	struct replicas *r = *rp;

	if (r == NULL)
		return;
	loop_timer_free(&r->sweep);
	if (r->dns != NULL)
		evdns_base_free(r->dns, 0);
	free(r);
	*rp = NULL;
}
