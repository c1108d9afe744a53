#include "fingerprintd/decoys.h"

#include "base/mem.h"
#include "base/str.h"
#include "fingerprintd/personalities.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { INDEX_SLOTS = 2 * DECOYS_MAX, SLOT_EMPTY = 0 };

struct decoys {
	struct personalities *personalities;
	struct decoy_group *groups;
	size_t group_count;
	struct decoy *list;
	size_t count;
	uint32_t *slots; /* index into list + 1; open addressing, at most half full */
};

static const char *const service_names[] = { "webtrap", "proxytrap", "relaytrap", NULL };
static const char *const closed_names[] = { "reset", "drop", NULL }; /* enum decoy_closed */
static const char *const proto_names[] = { "tcp", NULL };

/* ---- the table ---- */

static size_t
slot_of(const struct addr *a)
{
	uint32_t h = 2166136261U; /* FNV-1a: the addresses are the operator's, nobody can choose collisions */

	for (size_t i = 0; i < sizeof(a->b); i++)
		h = (h ^ a->b[i]) * 16777619U;
	return (h ^ h >> 16) % INDEX_SLOTS;
}

struct decoy *
decoys_find(const struct decoys *d, const struct addr *a)
{
	for (size_t i = slot_of(a); d->slots[i] != SLOT_EMPTY; i = (i + 1) % INDEX_SLOTS) {
		struct decoy *x = &d->list[d->slots[i] - 1];

		if (addr_equal(&x->address, a))
			return x;
	}
	return NULL;
}

static void
add(struct decoys *d, const struct addr *a, const struct decoy_group *g)
{
	size_t i = slot_of(a);

	while (d->slots[i] != SLOT_EMPTY)
		i = (i + 1) % INDEX_SLOTS;
	if (d->count % 64 == 0)
		d->list = xrealloc(d->list, (d->count + 64) * sizeof(*d->list));
	d->list[d->count] = (struct decoy){ .address = *a, .group = g };
	d->slots[i] = (uint32_t)++d->count;
}

size_t
decoys_count(const struct decoys *d)
{
	return d->count;
}

struct decoy *
decoys_at(const struct decoys *d, size_t i)
{
	return &d->list[i];
}

size_t
decoys_port_count(const struct decoys *d)
{
	size_t n = 0;

	for (size_t i = 0; i < d->group_count; i++)
		n += d->groups[i].port_count;
	return n;
}

static int
port_compare(const void *a, const void *b)
{
	const struct decoy_port *x = a, *y = b;

	return (int)x->port - (int)y->port;
}

const struct decoy_port *
decoy_port_find(const struct decoy_group *g, uint16_t port)
{
	struct decoy_port key = { .port = port };

	return g->port_count == 0 ? NULL : bsearch(&key, g->ports, g->port_count, sizeof(key), port_compare);
}

const char *
decoy_service_name(uint8_t service)
{
	return service_names[service];
}

/* ---- from JSON ---- */

/* One group while it is read: its addresses wait until the rest is known to be good. */
struct group_reading {
	struct decoys *decoys;
	struct decoy_group *group;
};

static bool
holdable(const struct addr *a)
{
	uint32_t v4 = addr_v4(a);

	return v4 >> 24 != 0 && v4 >> 24 != 127 && v4 >> 28 < 0xe; /* not this network, loopback, multicast, reserved */
}

static bool
add_block(const struct json_place *p, struct group_reading *r, const struct cidr *c)
{
	uint32_t first = addr_v4(&c->net), n = 1U << (128 - c->prefix);
	char text[ADDR_TEXT_MAX];

	for (uint32_t i = 0; i < n; i++) {
		struct addr a = addr_from_v4(first + i);

		if (!holdable(&a))
			return json_refuse(p, "holds %s, which no host can have", addr_format(&a, text));
		if (decoys_find(r->decoys, &a) != NULL)
			return json_refuse(p, "holds %s, which is listed before", addr_format(&a, text));
		if (r->decoys->count == DECOYS_MAX)
			return json_refuse(p, "is one too many: a gateway holds at most %d addresses", (int)DECOYS_MAX);
		add(r->decoys, &a, r->group);
	}
	return true;
}

static bool
read_address(const struct json_place *p, struct group_reading *r, const cJSON *v)
{
	struct cidr c;

	if (!cJSON_IsString(v) || !cidr_parse(v->valuestring, &c) || !addr_is_v4(&c.net))
		return json_must(p, v, "an IPv4 address or a block like \"203.0.113.16/29\"");
	if (c.prefix < 112)
		return json_refuse(p, "is larger than a /16");
	if (c.prefix < 128 && (addr_v4(&c.net) & ((1U << (128 - c.prefix)) - 1)) != 0)
		return json_refuse(p, "is not the first address of a /%d", c.prefix - 96);
	return add_block(p, r, &c);
}

static bool
read_addresses(const struct json_place *p, const cJSON *v, void *field)
{
	struct group_reading *r = field;
	const cJSON *item;
	size_t i = 0;

	if (!json_array(p, v, 1, DECOY_ADDRESSES_MAX))
		return false;
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, i++ };

		if (!read_address(&here, r, item))
			return false;
	}
	return true;
}

static bool
read_personality(const struct json_place *p, const cJSON *v, void *field)
{
	struct group_reading *r = field;

	if (!cJSON_IsString(v))
		return json_must(p, v, "the name of a personality");
	struct json_error why;

	r->group->personality = personalities_get(r->decoys->personalities, v->valuestring, &why);
	return r->group->personality != NULL || json_refuse(p, "can't be had: %.400s", why.text);
}

#define PORT(field) offsetof(struct decoy_port, field)

static const struct json_field port_fields[] = {
	{ "port", JSON_U16, false, PORT(port), 1, 65535, NULL, NULL, NULL },
	{ "proto", JSON_CHOICE, false, PORT(proto), 0, 0, proto_names, NULL, NULL },
	{ "service", JSON_CHOICE, false, PORT(service), 0, 0, service_names, NULL, NULL },
	{ "look", JSON_TEXT, true, PORT(look), 0, DECOY_LOOK_MAX, NULL, NULL, NULL },
	{ 0 },
};

static bool
read_port(const struct json_place *p, const cJSON *v, struct decoy_group *g, uint8_t seen[65536 / 8])
{
	struct decoy_port *port = &g->ports[g->port_count];

	if (!json_read(p, v, port_fields, port))
		return false;
	for (const char *c = port->look; *c != '\0'; c++) {
		if (*c <= ' ' || *c > '~')
			return json_refuse(p, "has a look with spaces, control characters or letters beyond ASCII");
	}
	if ((seen[port->port / 8] & 1U << port->port % 8) != 0)
		return json_refuse(p, "has the port %u, which is listed before", port->port);
	seen[port->port / 8] = (uint8_t)(seen[port->port / 8] | 1U << port->port % 8);
	g->port_count++;
	return true;
}

static bool
read_ports(const struct json_place *p, const cJSON *v, void *field)
{
	struct decoy_group *g = ((struct group_reading *)field)->group;
	uint8_t seen[65536 / 8] = { 0 };
	const cJSON *item;

	if (!json_array(p, v, 0, DECOY_PORTS_MAX))
		return false;
	g->ports = xcalloc((size_t)cJSON_GetArraySize(v) + 1, sizeof(*g->ports));
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, g->port_count };

		if (!read_port(&here, item, g, seen))
			return false;
	}
	qsort(g->ports, g->port_count, sizeof(*g->ports), port_compare);
	return true;
}

static bool
read_closed(const struct json_place *p, const cJSON *v, void *field)
{
	struct group_reading *r = field;

	for (uint8_t i = 0; cJSON_IsString(v) && closed_names[i] != NULL; i++) {
		if (strcmp(v->valuestring, closed_names[i]) == 0) {
			r->group->closed = i;
			return true;
		}
	}
	return json_must(p, v, "\"reset\" or \"drop\"");
}

static bool
read_hop_address(const struct json_place *p, const cJSON *v, void *field)
{
	struct addr *out = field;

	if (!cJSON_IsString(v) || !addr_parse(v->valuestring, out) || !addr_is_v4(out) || !holdable(out))
		return json_must(p, v, "an IPv4 address of a router");
	return true;
}

static const struct json_field hop_fields[] = {
	{ "address", JSON_OWN, false, offsetof(struct decoy_hop, address), 0, 0, NULL, NULL, read_hop_address },
	{ "ms", JSON_U16, true, offsetof(struct decoy_hop, ms), 0, DECOY_HOP_MS_MAX, NULL, NULL, NULL },
	{ 0 },
};

static bool
read_behind(const struct json_place *p, const cJSON *v, void *field)
{
	struct decoy_group *g = ((struct group_reading *)field)->group;
	const cJSON *item;

	if (!json_array(p, v, 0, DECOY_HOPS_MAX))
		return false;
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, g->hop_count };

		if (!json_read(&here, item, hop_fields, &g->hops[g->hop_count++]))
			return false;
	}
	return true;
}

static const struct json_field group_fields[] = {
	{ "personality", JSON_OWN, false, 0, 0, 0, NULL, NULL, read_personality },
	{ "closed", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_closed },
	{ "behind", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_behind },
	{ "ports", JSON_OWN, false, 0, 0, 0, NULL, NULL, read_ports },
	{ "addresses", JSON_OWN, false, 0, 0, 0, NULL, NULL, read_addresses },
	{ 0 },
};

static bool
read_groups(const struct json_place *p, const cJSON *v, void *field)
{
	struct decoys *d = *(struct decoys **)field;
	const cJSON *item;

	if (!json_array(p, v, 0, DECOY_GROUPS_MAX))
		return false;
	d->groups = xcalloc((size_t)cJSON_GetArraySize(v) + 1, sizeof(*d->groups));
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, d->group_count };
		struct group_reading r = { .decoys = d, .group = &d->groups[d->group_count++] };

		if (!json_read(&here, item, group_fields, &r))
			return false;
	}
	return true;
}

struct document {
	struct decoys *decoys;
	uint8_t version;
};

static const struct json_field fields[] = {
	{ "version", JSON_U8, false, offsetof(struct document, version), DECOYS_VERSION, DECOYS_VERSION, NULL, NULL,
	    NULL },
	{ "decoys", JSON_OWN, false, offsetof(struct document, decoys), 0, 0, NULL, NULL, read_groups },
	{ 0 },
};

static struct decoys *
from_json(const char *file, const cJSON *json, struct personalities *p, struct json_error *error)
{
	struct json_place root = { .file = file, .error = error };
	struct document doc = { .decoys = xcalloc(1, sizeof(struct decoys)) };

	doc.decoys->personalities = p;
	doc.decoys->slots = xcalloc(INDEX_SLOTS, sizeof(*doc.decoys->slots));
	if (!json_read(&root, json, fields, &doc))
		decoys_free(&doc.decoys);
	return doc.decoys;
}

struct decoys *
decoys_parse(const char *file, const char *text, size_t len, struct personalities *p, struct json_error *error)
{
	cJSON *json = json_parse(file, text, len, error);
	struct decoys *d = json == NULL ? NULL : from_json(file, json, p, error);

	cJSON_Delete(json);
	return d;
}

struct decoys *
decoys_load(const char *file, struct personalities *p, struct json_error *error)
{
	cJSON *json = json_load(file, error);
	struct decoys *d = json == NULL ? NULL : from_json(file, json, p, error);

	cJSON_Delete(json);
	return d;
}

void
decoys_free(struct decoys **dp)
{
	struct decoys *d = *dp;

	if (d == NULL)
		return;
	for (size_t i = 0; i < d->group_count; i++)
		free(d->groups[i].ports);
	free(d->groups);
	free(d->list);
	free(d->slots);
	free(d);
	*dp = NULL;
}
