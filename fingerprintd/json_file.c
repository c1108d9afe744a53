#include "fingerprintd/json_file.h"

#include "base/mem.h"
#include "base/str.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { PATH_TEXT_MAX = 160, SENTENCE_MAX = 480, WORDS_MAX = 320 };

/* ---- sentences ---- */

static void
place_format(const struct json_place *p, char *out, size_t size)
{
	if (p->up == NULL) {
		str_copy(out, size, "$");
		return;
	}
	place_format(p->up, out, size);
	size_t len = strlen(out);

	if (p->name != NULL)
		snprintf(out + len, size - len, ".%s", p->name);
	else
		snprintf(out + len, size - len, "[%zu]", p->index);
}

bool
json_refuse(const struct json_place *p, const char *format, ...)
{
	char path[PATH_TEXT_MAX], what[SENTENCE_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	place_format(p, path, sizeof(path));
	snprintf(p->error->text, sizeof(p->error->text), "%.180s: %s %s", p->file, path, what);
	return false;
}

bool
json_must(const struct json_place *p, const struct cJSON *v, const char *format, ...)
{
	char what[SENTENCE_MAX];
	char *given = cJSON_PrintUnformatted(v);
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	json_refuse(p, "must be %s, not %.48s", what, given == NULL ? "this" : given);
	cJSON_free(given);
	return false;
}

static void
words(const char *const *list, char out[WORDS_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; list[i] != NULL && len < WORDS_MAX; i++)
		len += (size_t)snprintf(out + len, WORDS_MAX - len, "%s\"%s\"", i == 0 ? "" : ", ", list[i]);
}

static void
names(const struct json_field *fields, char out[WORDS_MAX])
{
	size_t len = 0;

	for (size_t i = 0; fields[i].name != NULL && len < WORDS_MAX; i++)
		len += (size_t)snprintf(out + len, WORDS_MAX - len, "%s%s", i == 0 ? "" : ", ", fields[i].name);
}

/* ---- text to tree ---- */

static size_t
line_of(const char *text, const char *at)
{
	size_t line = 1;

	for (; text < at; text++)
		line += *text == '\n';
	return line;
}

struct cJSON *
json_parse(const char *file, const char *text, size_t len, struct json_error *error)
{
	const char *end = text;
	cJSON *json = cJSON_ParseWithLengthOpts(text, len, &end, 0);

	if (end > text + len)
		end = text + len;
	if (json != NULL) {
		while (end < text + len && strchr(" \t\r\n", *end) != NULL && *end != '\0')
			end++;
		if (end == text + len)
			return json;
		cJSON_Delete(json);
	}
	snprintf(error->text, sizeof(error->text), "%.180s: line %zu is not valid JSON", file, line_of(text, end));
	return NULL;
}

char *
json_file_read(const char *file, size_t *len, struct json_error *error)
{
	FILE *f = fopen(file, "re");

	if (f == NULL) {
		snprintf(error->text, sizeof(error->text), "%.180s can't be opened: %m", file);
		return NULL;
	}
	char *text = xcalloc(1, JSON_FILE_MAX + 1);
	*len = fread(text, 1, JSON_FILE_MAX + 1, f);
	bool failed = ferror(f) != 0;

	fclose(f);
	if (!failed && *len <= JSON_FILE_MAX)
		return text;
	snprintf(error->text, sizeof(error->text), failed ? "%.180s can't be read" : "%.180s is larger than 8 MiB",
	    file);
	free(text);
	return NULL;
}

struct cJSON *
json_load(const char *file, struct json_error *error)
{
	size_t len;
	char *text = json_file_read(file, &len, error);
	cJSON *json;

	if (text == NULL)
		return NULL;
	json = json_parse(file, text, len, error);
	free(text);
	return json;
}

/* ---- tree to struct ---- */

static bool
read_number(const struct json_place *p, const struct json_field *f, const cJSON *v, void *out)
{
	if (!cJSON_IsNumber(v) || v->valuedouble != floor(v->valuedouble) || v->valuedouble < f->min ||
	    v->valuedouble > f->max)
		return json_must(p, v, "a whole number from %u to %u", f->min, f->max);
	uint32_t n = (uint32_t)v->valuedouble;

	if (f->kind == JSON_U8)
		*(uint8_t *)out = (uint8_t)n;
	else if (f->kind == JSON_U16)
		*(uint16_t *)out = (uint16_t)n;
	else
		*(uint32_t *)out = n;
	return true;
}

static bool
read_choice(const struct json_place *p, const struct json_field *f, const cJSON *v, void *out)
{
	char list[WORDS_MAX];

	for (uint8_t i = 0; cJSON_IsString(v) && f->choices[i] != NULL; i++) {
		if (strcmp(v->valuestring, f->choices[i]) == 0) {
			*(uint8_t *)out = i;
			return true;
		}
	}
	words(f->choices, list);
	return json_must(p, v, "one of %s", list);
}

static bool
read_field(const struct json_place *p, const struct json_field *f, const cJSON *v, void *out)
{
	switch (f->kind) {
	case JSON_U8:
	case JSON_U16:
	case JSON_U32:
		return read_number(p, f, v, out);
	case JSON_CHOICE:
		return read_choice(p, f, v, out);
	case JSON_TABLE:
		return json_read(p, v, f->fields, out);
	case JSON_OWN:
		return f->read(p, v, out);
	case JSON_FLAG:
		if (!cJSON_IsBool(v))
			return json_must(p, v, "true or false");
		*(bool *)out = cJSON_IsTrue(v) != 0;
		return true;
	case JSON_TEXT:
		if (!cJSON_IsString(v) || v->valuestring[0] == '\0' || !str_copy(out, f->max, v->valuestring))
			return json_must(p, v, "a text of 1 to %u characters", f->max - 1);
		return true;
	}
	return false;
}

static const struct json_field *
field_find(const struct json_field *fields, const char *name)
{
	for (; fields->name != NULL; fields++) {
		if (strcmp(fields->name, name) == 0)
			return fields;
	}
	return NULL;
}

/* An operator's typing mistake must not silently mean a default. */
static bool
keys_known(const struct json_place *p, const cJSON *object, const struct json_field *fields)
{
	char list[WORDS_MAX];
	const cJSON *v;

	cJSON_ArrayForEach(v, object)
	{
		if (field_find(fields, v->string) == NULL) {
			names(fields, list);
			return json_refuse(p, "has an unknown key \"%.64s\"; known are %s", v->string, list);
		}
		if (cJSON_GetObjectItemCaseSensitive(object, v->string) != v)
			return json_refuse(p, "has the key \"%.64s\" twice", v->string);
	}
	return true;
}

bool
json_read(const struct json_place *p, const struct cJSON *v, const struct json_field *fields, void *out)
{
	if (!cJSON_IsObject(v))
		return json_must(p, v, "an object");
	if (!keys_known(p, v, fields))
		return false;
	for (const struct json_field *f = fields; f->name != NULL; f++) {
		struct json_place here = { p->file, p->error, p, f->name, 0 };
		const cJSON *item = cJSON_GetObjectItemCaseSensitive(v, f->name);

		if (item == NULL && !f->optional)
			return json_refuse(&here, "is missing");
		if (item != NULL && !read_field(&here, f, item, (uint8_t *)out + f->at))
			return false;
	}
	return true;
}

bool
json_array(const struct json_place *p, const struct cJSON *v, size_t min, size_t max)
{
	size_t n = cJSON_IsArray(v) ? (size_t)cJSON_GetArraySize(v) : 0;

	if (!cJSON_IsArray(v) || n < min || n > max)
		return json_must(p, v, "a list of %zu to %zu", min, max);
	return true;
}
