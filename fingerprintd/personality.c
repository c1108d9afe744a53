#include "fingerprintd/personality.h"

#include "base/mem.h"
#include "base/str.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FILE_PATH_MAX = 4096 };

struct personalities {
	struct personality *list;
	size_t count;
};

static const char *const option_names[] = { "end", "mss", "sack", "ts", "wscale", "nop", NULL }; /* enum stack_option */
static const char *const ip_id_names[] = { "zero", "increment", "random", NULL }; /* enum stack_ip_id */
static const char *const field_names[] = { "same", "zero", NULL }; /* enum icmp_field */
static const char *const df_names[] = { "no", "same", "yes", NULL }; /* enum icmp_df */
static const char *const closed_names[] = { "unreachable", "silent", NULL }; /* enum udp_closed */

/* ["mss","sack","ts","nop","wscale"]: in the order of the SYN+ACK. */
static bool
read_options(const struct json_place *p, const cJSON *v, void *field)
{
	uint8_t *out = field;
	const cJSON *item;
	size_t n = 0;

	if (!json_array(p, v, 0, STACK_OPTIONS_MAX - 1))
		return false;
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, n };
		uint8_t option = STACK_OPT_MSS;

		while (option_names[option] != NULL &&
		    (!cJSON_IsString(item) || strcmp(item->valuestring, option_names[option]) != 0))
			option++;
		if (option_names[option] == NULL)
			return json_must(&here, item, "one of \"mss\", \"sack\", \"ts\", \"wscale\", \"nop\"");
		out[n++] = option;
	}
	out[n] = STACK_OPT_END;
	return true;
}

static bool
read_gaps(const struct json_place *p, const cJSON *v, void *field)
{
	enum { GAPS_MAX = sizeof(((struct stack_habits *)0)->rto_ms) / sizeof(uint16_t) };
	uint16_t *out = field;
	const cJSON *item;
	size_t n = 0;

	if (!json_array(p, v, 1, GAPS_MAX))
		return false;
	memset(out, 0, GAPS_MAX * sizeof(*out));
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, n };

		if (!cJSON_IsNumber(item) || item->valuedouble < 100 || item->valuedouble > UINT16_MAX)
			return json_must(&here, item, "milliseconds from 100 to 65535");
		out[n++] = (uint16_t)item->valuedouble;
	}
	return true;
}

/* "00:0c:29" */
static bool
read_prefix(const struct json_place *p, const cJSON *v, void *field)
{
	unsigned b[PERSONALITY_PREFIX];
	int used = 0;
	uint8_t *out = field;

	if (!cJSON_IsString(v) ||
	    sscanf(v->valuestring, "%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &used) != PERSONALITY_PREFIX ||
	    v->valuestring[used] != '\0' || (b[0] & 1) != 0)
		return json_must(p, v, "three bytes of a unicast MAC address like \"00:0c:29\"");
	for (size_t i = 0; i < PERSONALITY_PREFIX; i++)
		out[i] = (uint8_t)b[i];
	return true;
}

#define TCP(field) offsetof(struct stack_habits, field)
#define ICMP(field) offsetof(struct icmp_habits, field)
#define UDP(field) offsetof(struct udp_habits, field)
#define TOP(field) offsetof(struct personality, field)

static const struct json_field tcp_fields[] = {
	{ "ttl", JSON_U8, false, TCP(ttl), 1, 255, NULL, NULL, NULL },
	{ "df", JSON_FLAG, false, TCP(df), 0, 0, NULL, NULL, NULL },
	{ "mss", JSON_U16, false, TCP(mss), 64, 9216, NULL, NULL, NULL },
	{ "window", JSON_U16, false, TCP(window), 1, 65535, NULL, NULL, NULL },
	{ "window_mss", JSON_U8, true, TCP(window_mss), 0, 255, NULL, NULL, NULL },
	{ "wscale", JSON_U8, true, TCP(wscale), 0, 14, NULL, NULL, NULL }, /* RFC 7323 2.3 */
	{ "options", JSON_OWN, false, TCP(options), 0, 0, NULL, NULL, read_options },
	{ "ts_hz", JSON_U32, true, TCP(ts_hz), 1, 1000000, NULL, NULL, NULL },
	{ "syn_ack_gaps_ms", JSON_OWN, false, TCP(rto_ms), 0, 0, NULL, NULL, read_gaps },
	{ "ip_id", JSON_CHOICE, false, TCP(ip_id), 0, 0, ip_id_names, NULL, NULL },
	{ 0 },
};

static const struct json_field icmp_fields[] = {
	{ "ttl", JSON_U8, false, ICMP(ttl), 1, 255, NULL, NULL, NULL },
	{ "echo", JSON_FLAG, true, ICMP(echo), 0, 0, NULL, NULL, NULL },
	{ "echo_code", JSON_CHOICE, false, ICMP(echo_code), 0, 0, field_names, NULL, NULL },
	{ "echo_tos", JSON_CHOICE, false, ICMP(echo_tos), 0, 0, field_names, NULL, NULL },
	{ "echo_df", JSON_CHOICE, false, ICMP(echo_df), 0, 0, df_names, NULL, NULL },
	{ "echo_per_second", JSON_U16, true, ICMP(echo_per_second), 1, 10000, NULL, NULL, NULL },
	{ "ip_id", JSON_CHOICE, false, ICMP(ip_id), 0, 0, ip_id_names, NULL, NULL },
	{ "errors_per_second", JSON_U16, true, ICMP(errors_per_second), 1, 10000, NULL, NULL, NULL },
	{ "errors_burst", JSON_U16, true, ICMP(errors_burst), 1, 10000, NULL, NULL, NULL },
	{ 0 },
};

static const struct json_field udp_fields[] = {
	{ "closed", JSON_CHOICE, false, UDP(closed), 0, 0, closed_names, NULL, NULL },
	{ "quote", JSON_U16, true, UDP(quote), 8, PERSONALITY_QUOTE_MAX, NULL, NULL, NULL }, /* RFC 792: at least 8 */
	{ "tos", JSON_U8, true, UDP(tos), 0, 255, NULL, NULL, NULL },
	{ 0 },
};

struct document {
	struct personality personality;
	uint8_t version;
};

static const struct json_field fields[] = {
	{ "version", JSON_U8, false, offsetof(struct document, version), PERSONALITY_VERSION, PERSONALITY_VERSION, NULL,
	    NULL, NULL },
	{ "name", JSON_TEXT, false, TOP(name), 0, PERSONALITY_NAME_MAX, NULL, NULL, NULL },
	{ "about", JSON_TEXT, true, TOP(about), 0, 256, NULL, NULL, NULL },
	{ "mac_prefix", JSON_OWN, false, TOP(mac_prefix), 0, 0, NULL, NULL, read_prefix },
	{ "tcp", JSON_TABLE, false, TOP(tcp), 0, 0, NULL, tcp_fields, NULL },
	{ "icmp", JSON_TABLE, false, TOP(icmp), 0, 0, NULL, icmp_fields, NULL },
	{ "udp", JSON_TABLE, false, TOP(udp), 0, 0, NULL, udp_fields, NULL },
	{ 0 },
};

static bool
option_listed(const struct stack_habits *tcp, uint8_t option)
{
	for (size_t i = 0; tcp->options[i] != STACK_OPT_END; i++) {
		if (tcp->options[i] == option)
			return true;
	}
	return false;
}

/* What no single field can tell. */
static bool
whole_sane(const struct json_place *p, const struct personality *x)
{
	if (option_listed(&x->tcp, STACK_OPT_TS) && x->tcp.ts_hz == 0)
		return json_refuse(p, "lists \"ts\" in tcp.options but has no tcp.ts_hz");
	for (const char *c = x->name; *c != '\0'; c++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-_", *c) == NULL)
			return json_refuse(p,
			    "has a name that is not of lower-case letters, digits, dots, hyphens and underscores");
	}
	return true;
}

static bool
from_json(const char *file, const cJSON *json, struct personality *out, struct json_error *error)
{
	struct json_place root = { .file = file, .error = error };
	struct document
	    d = { .personality = {
		      .icmp = { .echo = true, .echo_per_second = 1000, .errors_per_second = 100, .errors_burst = 100 },
		      .udp = { .quote = 8 },
		  } };

	if (!json_read(&root, json, fields, &d) || !whole_sane(&root, &d.personality))
		return false;
	*out = d.personality;
	return true;
}

bool
personality_parse(const char *file, const char *text, size_t len, struct personality *out, struct json_error *error)
{
	cJSON *json = json_parse(file, text, len, error);
	bool good = json != NULL && from_json(file, json, out, error);

	cJSON_Delete(json);
	return good;
}

static bool
load_one(const char *dir, const char *entry, size_t stem, struct personality *out, struct json_error *error)
{
	char path[FILE_PATH_MAX];

	snprintf(path, sizeof(path), "%s/%s", dir, entry);
	cJSON *json = json_load(path, error);
	bool good = json != NULL && from_json(path, json, out, error);

	cJSON_Delete(json);
	if (good && (strlen(out->name) != stem || strncmp(out->name, entry, stem) != 0)) {
		snprintf(error->text, sizeof(error->text), "%.180s: $.name is \"%s\" but must be the file's name", path,
		    out->name);
		return false;
	}
	return good;
}

static bool
load_all(struct personalities *p, const char *dir, DIR *d, struct json_error *error)
{
	const struct dirent *entry;

	while ((entry = readdir(d)) != NULL) {
		size_t len = strlen(entry->d_name);

		if (len <= 5 || strcmp(entry->d_name + len - 5, ".json") != 0)
			continue;
		if (p->count == PERSONALITIES_MAX) {
			snprintf(error->text, sizeof(error->text), "%.180s holds more than %d personalities", dir,
			    (int)PERSONALITIES_MAX);
			return false;
		}
		p->list = xrealloc(p->list, (p->count + 1) * sizeof(*p->list));
		if (!load_one(dir, entry->d_name, len - 5, &p->list[p->count], error))
			return false;
		p->count++;
	}
	if (p->count == 0)
		snprintf(error->text, sizeof(error->text), "%.180s holds no personality (*.json)", dir);
	return p->count > 0;
}

struct personalities *
personalities_load(const char *dir, struct json_error *error)
{
	struct personalities *p;
	DIR *d = opendir(dir);

	if (d == NULL) {
		snprintf(error->text, sizeof(error->text), "%.180s can't be opened: %m", dir);
		return NULL;
	}
	p = xcalloc(1, sizeof(*p));
	if (!load_all(p, dir, d, error))
		personalities_free(&p);
	closedir(d);
	return p;
}

void
personalities_free(struct personalities **pp)
{
	if (*pp == NULL)
		return;
	free((*pp)->list);
	free(*pp);
	*pp = NULL;
}

const struct personality *
personalities_find(const struct personalities *p, const char *name)
{
	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->list[i].name, name) == 0)
			return &p->list[i];
	}
	return NULL;
}

size_t
personalities_count(const struct personalities *p)
{
	return p->count;
}
