#include "wire/json.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	PATH_USUAL = 256,
	FIELDS_USUAL = 48,
	BYTES_USUAL = 6 * 1024, /* an event's values and its whole text */
	ELEMENTS_USUAL = 1024,
	DECIMAL_MAX = 24,
};
static const uint64_t number_max = (uint64_t)1 << 53; /* exact in every JSON reader */

struct buffer {
	char *data;
	size_t len, room;
};

/* Both are JSON text; elements: of an array, separated by commas. */
struct field {
	size_t path; /* in the object's bytes, ends with NUL */
	size_t value, value_len; /* in the object's bytes */
	struct buffer elements;
	size_t count; /* of elements; 0: no array */
};

/* Fields of one object follow each other, so the text is written in one go. What is usual is one allocation. */
struct json {
	struct field *fields;
	size_t count, room;
	struct buffer bytes;
	struct field own_fields[FIELDS_USUAL];
	char own_bytes[BYTES_USUAL];
};

static void
make_room(struct json *j, size_t len)
{
	struct buffer *b = &j->bytes;
	bool own = b->data == j->own_bytes;

	if (b->len + len <= b->room)
		return;
	while (b->len + len > b->room)
		b->room *= 2;
	b->data = xrealloc(own ? NULL : b->data, b->room);
	if (own)
		memcpy(b->data, j->own_bytes, b->len);
}

static void
add(struct json *j, const void *data, size_t len)
{
	make_room(j, len);
	memcpy(j->bytes.data + j->bytes.len, data, len);
	j->bytes.len += len;
}

static void
add_word(struct json *j, const char *word)
{
	add(j, word, strlen(word));
}

/* RFC 8259 7: quotes, backslashes and control characters can't stand for themselves. */
static size_t
plain_run(const char *text, size_t len)
{
	size_t n = 0;

	while (n < len && text[n] != '"' && text[n] != '\\' && (unsigned char)text[n] >= 0x20)
		n++;
	return n;
}

static void
add_escape(struct json *j, char c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: the character, and how it is written */
	char escape[8];

	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
		if (shorts[i] == c) {
			add(j, "\\", 1);
			add(j, &shorts[i + 1], 1);
			return;
		}
	}
	add(j, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)c));
}

/* False when it was cut. */
static bool
add_string(struct json *j, const void *data, size_t data_len)
{
	char text[JSON_TEXT_MAX + 1];
	bool whole = str_escape(text, sizeof(text), data, data_len);
	size_t len = strlen(text);

	add(j, "\"", 1);
	for (size_t i = 0, run; i < len; i += run) {
		run = plain_run(text + i, len - i);
		add(j, text + i, run);
		if (run == 0) {
			add_escape(j, text[i]);
			run = 1;
		}
	}
	add(j, "\"", 1);
	return whole;
}

static const char *
path_of(const struct json *j, const struct field *f)
{
	return j->bytes.data + f->path;
}

/* How much of two paths names the same objects: as far as behind a dot. */
static size_t
shared(const char *a, const char *b)
{
	size_t behind_dot = 0;

	for (size_t i = 0; a[i] == b[i] && a[i] != '\0'; i++) {
		if (a[i] == '.')
			behind_dot = i + 1;
	}
	return behind_dot;
}

static void
more_fields(struct json *j)
{
	bool own = j->fields == j->own_fields;

	j->room *= 2;
	j->fields = xrealloc(own ? NULL : j->fields, j->room * sizeof(*j->fields));
	if (own)
		memcpy(j->fields, j->own_fields, sizeof(j->own_fields));
}

static struct field *
insert(struct json *j, size_t place, const char *path)
{
	if (j->count == j->room)
		more_fields(j);
	struct field *f = &j->fields[place];

	memmove(f + 1, f, (j->count - place) * sizeof(*f));
	j->count++;
	*f = (struct field){ .path = j->bytes.len };
	add(j, path, strlen(path) + 1);
	return f;
}

/* The field at path, made if need be behind the last one that is nearest to it. */
static struct field *
field_at(struct json *j, const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t object = dot == NULL ? 0 : (size_t)(dot + 1 - path), nearest = 0, place = j->count;

	for (size_t i = j->count; i-- > 0;) {
		size_t same = shared(path_of(j, &j->fields[i]), path);

		if (same == object && strcmp(path_of(j, &j->fields[i]) + same, path + same) == 0)
			return &j->fields[i];
		if (same > nearest) {
			nearest = same;
			place = i + 1;
		}
		if (object > 0 && nearest == object && same < object)
			break; /* no other is in this object */
	}
	return insert(j, place, path);
}

/* Gives path the value that was added to the bytes behind start. */
static void
set(struct json *j, const char *path, size_t start)
{
	size_t len = j->bytes.len - start;
	struct field *f = field_at(j, path);

	f->value = start;
	f->value_len = len;
}

static void
set_word(struct json *j, const char *path, const char *word)
{
	size_t start = j->bytes.len;

	add_word(j, word);
	set(j, path, start);
}

static void
set_truncated(struct json *j, const char *path)
{
	char flag[PATH_USUAL];

	snprintf(flag, sizeof(flag), "%s_truncated", path);
	set_word(j, flag, "true");
}

struct json *
json_create(void)
{
	struct json *j = xrealloc(NULL, sizeof(*j));

	j->fields = j->own_fields;
	j->count = 0;
	j->room = FIELDS_USUAL;
	j->bytes = (struct buffer){ .data = j->own_bytes, .room = BYTES_USUAL };
	return j;
}

void
json_bytes(struct json *j, const char *path, const void *data, size_t len)
{
	size_t start = j->bytes.len;
	bool whole = add_string(j, data, len);

	set(j, path, start);
	if (!whole)
		set_truncated(j, path);
}

void
json_text(struct json *j, const char *path, const char *text)
{
	json_bytes(j, path, text, strlen(text));
}

static const char *
number_text(uint64_t v, char text[DECIMAL_MAX])
{
	str_decimal(text, v < number_max ? v : number_max - 1);
	return text;
}

void
json_number(struct json *j, const char *path, uint64_t v)
{
	char text[DECIMAL_MAX];

	set_word(j, path, number_text(v, text));
}

void
json_bool(struct json *j, const char *path, bool v)
{
	set_word(j, path, v ? "true" : "false");
}

void
json_addr(struct json *j, const char *path, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	json_text(j, path, addr_format(a, text));
}

/* The bytes behind start become the last element of f's array. */
static void
take_element(struct json *j, struct field *f, size_t start)
{
	struct buffer *b = &f->elements;
	size_t len = j->bytes.len - start;

	if (b->data == NULL || b->len + len + 1 > b->room) {
		b->room = b->data == NULL ? ELEMENTS_USUAL : b->room;
		while (b->len + len + 1 > b->room)
			b->room *= 2;
		b->data = xrealloc(b->data, b->room);
	}
	if (f->count++ > 0)
		b->data[b->len++] = ',';
	memcpy(b->data + b->len, j->bytes.data + start, len);
	b->len += len;
	j->bytes.len = start;
}

/* NULL: it holds max elements, and says so. */
static struct field *
array_at(struct json *j, const char *path, size_t max)
{
	struct field *f = field_at(j, path);

	if (f->count < max)
		return f;
	set_truncated(j, path);
	return NULL;
}

void
json_append(struct json *j, const char *path, const void *data, size_t len, size_t max)
{
	struct field *f = array_at(j, path, max);
	size_t start = j->bytes.len;

	if (f == NULL)
		return;
	bool whole = add_string(j, data, len);

	take_element(j, f, start);
	if (!whole)
		set_truncated(j, path);
}

void
json_append_number(struct json *j, const char *path, uint64_t v, size_t max)
{
	struct field *f = array_at(j, path, max);
	size_t start = j->bytes.len;
	char text[DECIMAL_MAX];

	if (f == NULL)
		return;
	add_word(j, number_text(v, text));
	take_element(j, f, start);
}

/* ---- the text, which is added to the bytes and taken off again ---- */

static void
close_objects(struct json *j, const char *path)
{
	while ((path = strchr(path, '.')) != NULL) {
		add(j, "}", 1);
		path++;
	}
}

/* "a.b.c" opens a and b and ends behind the name c. */
static void
open_objects(struct json *j, const char *path)
{
	for (const char *dot; (dot = strchr(path, '.')) != NULL; path = dot + 1) {
		add(j, "\"", 1);
		add(j, path, (size_t)(dot - path));
		add(j, "\":{", 3);
	}
	add(j, "\"", 1);
	add_word(j, path);
	add(j, "\":", 2);
}

static void
add_value(struct json *j, const struct field *f)
{
	if (f->count == 0) {
		add(j, j->bytes.data + f->value, f->value_len);
		return;
	}
	add(j, "[", 1);
	add(j, f->elements.data, f->elements.len);
	add(j, "]", 1);
}

/* At most so long is the field with all the objects that it is in: `,"a":{"b":` value `}`. */
static size_t
field_max(const struct json *j, const struct field *f)
{
	const char *path = path_of(j, f);
	size_t dots = 0;

	for (const char *dot = path; (dot = strchr(dot, '.')) != NULL; dot++)
		dots++;
	return strlen(path) + 5 * dots + sizeof(",\"\":[]") + f->value_len + f->elements.len;
}

const char *
json_print(struct json *j, size_t *len)
{
	size_t start = j->bytes.len, room = sizeof("{}");
	const char *before = "";

	for (size_t i = 0; i < j->count; i++)
		room += field_max(j, &j->fields[i]);
	make_room(j, room); /* paths and values are in the bytes too, and from here on these don't move */
	add(j, "{", 1);
	for (size_t i = 0; i < j->count; i++) {
		const char *path = path_of(j, &j->fields[i]);
		size_t open = shared(before, path);

		close_objects(j, before + open);
		add(j, ",", i == 0 ? 0 : 1);
		open_objects(j, path + open);
		add_value(j, &j->fields[i]);
		before = path;
	}
	close_objects(j, before);
	add(j, "}", sizeof("}"));
	size_t text_len = j->bytes.len - start - 1;

	j->bytes.len = start;
	if (len != NULL)
		*len = text_len;
	return j->bytes.data + start;
}

void
json_destroy(struct json **jp)
{
	struct json *j = *jp;

	if (j == NULL)
		return;
	for (size_t i = 0; i < j->count; i++)
		free(j->fields[i].elements.data);
	if (j->fields != j->own_fields)
		free(j->fields);
	if (j->bytes.data != j->own_bytes)
		free(j->bytes.data);
	free(j);
	*jp = NULL;
}
