/* SPDX-License-Identifier: GPL-2.0-or-later */
/* osdb_fuzz - any octets as a database: each fingerprint in it becomes a document that the model can read. */
#include "fingerprintd/import/convert.h"
#include "fingerprintd/import/model.h"
#include "fingerprintd/import/names.h"

#include <cjson/cJSON.h>

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { FINGERPRINTS_MAX = 16 /* of one input: enough, and quick */ };

static struct names *names;

static void
difference(void *ctx, enum osdb_test test, enum osdb_attribute attribute, const char *seen)
{
	(void)ctx;
	assert(osdb_test_name(test) != NULL && osdb_attribute_name(attribute) != NULL && seen != NULL);
}

static void
ranges_hold(const cJSON *json)
{
	const cJSON *tcp = cJSON_GetObjectItem(json, "tcp"), *isn = cJSON_GetObjectItem(tcp, "isn");
	const cJSON *rate = cJSON_GetObjectItem(isn, "per_second"), *deviation = cJSON_GetObjectItem(isn, "deviation");

	assert(cJSON_GetObjectItem(tcp, "ttl")->valueint >= 1 && cJSON_GetObjectItem(tcp, "ttl")->valueint <= 255);
	assert(cJSON_GetObjectItem(tcp, "mss")->valueint >= 1);
	assert(cJSON_GetArraySize(cJSON_GetObjectItem(tcp, "cases")) <= 8);
	assert(rate == NULL || deviation->valuedouble <= 2 * rate->valuedouble);
	assert(rate == NULL || rate->valuedouble <= 1e11);
	assert(strlen(cJSON_GetObjectItem(json, "about")->valuestring) <= 255);
}

static void
fingerprint(void *ctx, const struct osdb_fingerprint *f)
{
	static struct model model;
	char name[NAMES_TEXT_MAX];
	unsigned *count = ctx;

	if (++*count > FINGERPRINTS_MAX)
		return;
	if (!names_give(names, f->name, name)) {
		names_free(&names);
		names = names_new();
		return;
	}
	assert(name[0] != '.' && strchr(name, '/') == NULL);
	cJSON *json = convert_fingerprint(f, name);
	char *text = cJSON_PrintUnformatted(json);

	ranges_hold(json);
	cJSON_Delete(json);
	json = cJSON_Parse(text);
	assert(json != NULL);
	model_observe(json, &model);
	model_compare(&model, f, difference, NULL);
	cJSON_Delete(json);
	cJSON_free(text);
}

static void
complaint(void *ctx, size_t line, const char *what)
{
	(void)ctx;
	assert(line > 0 && what[0] != '\0');
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	unsigned count = 0;
	const struct osdb_sink sink = { fingerprint, complaint, &count };
	struct osdb *o = osdb_new(&sink);

	if (names == NULL)
		names = names_new();
	osdb_input(o, data, size / 2);
	osdb_input(o, data + size / 2, size - size / 2);
	osdb_end(o);
	osdb_free(&o);
	return 0;
}
