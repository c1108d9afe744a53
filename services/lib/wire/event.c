#include "wire/event.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/writer.h"
#include "wire/proxy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	KEY_MAX = 64,
	FIELDS_USUAL = 48,
	BYTES_USUAL = 2048,
};
static const uint64_t number_max = (uint64_t)1 << 53; /* exact in every JSON reader */

struct buffer {
	char *data;
	size_t len, room;
};

/* Both are JSON text; elements: of an array, separated by commas. */
struct field {
	size_t path; /* in the event's bytes, ends with NUL */
	size_t value, value_len; /* in the event's bytes */
	struct buffer elements;
	size_t count; /* of elements; 0: no array */
};

/* Fields of one object follow each other, so the text is written in one go. */
struct event {
	struct field *fields;
	size_t count, room;
	struct buffer bytes;
	char id[EVENT_ID_MAX];
	char action[KEY_MAX];
};

static void
add(struct buffer *b, const void *data, size_t len)
{
	if (b->len + len > b->room) {
		b->room = b->room == 0 ? BYTES_USUAL : b->room;
		while (b->len + len > b->room)
			b->room *= 2;
		b->data = xrealloc(b->data, b->room);
	}
	memcpy(b->data + b->len, data, len);
	b->len += len;
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
add_escape(struct buffer *b, char c)
{
	static const char shorts[] = "\"\"\\\\\bb\ff\nn\rr\tt"; /* pairs: the character, and how it is written */
	char escape[8];

	for (size_t i = 0; i + 1 < sizeof(shorts); i += 2) {
		if (shorts[i] == c) {
			add(b, "\\", 1);
			add(b, &shorts[i + 1], 1);
			return;
		}
	}
	add(b, escape, (size_t)snprintf(escape, sizeof(escape), "\\u%04x", (unsigned char)c));
}

static void
add_string(struct buffer *b, const char *text, size_t len)
{
	add(b, "\"", 1);
	for (size_t i = 0, run; i < len; i += run) {
		run = plain_run(text + i, len - i);
		add(b, text + i, run);
		if (run == 0) {
			add_escape(b, text[i]);
			run = 1;
		}
	}
	add(b, "\"", 1);
}

static const char *
path_of(const struct event *e, const struct field *f)
{
	return e->bytes.data + f->path;
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

static struct field *
insert(struct event *e, size_t place, const char *path)
{
	if (e->count == e->room) {
		e->room = e->room == 0 ? FIELDS_USUAL : e->room * 2;
		e->fields = xrealloc(e->fields, e->room * sizeof(*e->fields));
	}
	struct field *f = &e->fields[place];

	memmove(f + 1, f, (e->count - place) * sizeof(*f));
	e->count++;
	*f = (struct field){ .path = e->bytes.len };
	add(&e->bytes, path, strlen(path) + 1);
	return f;
}

/* The field at path, made if need be behind the last one that is nearest to it. */
static struct field *
field_at(struct event *e, const char *path)
{
	const char *dot = strrchr(path, '.');
	size_t object = dot == NULL ? 0 : (size_t)(dot + 1 - path), nearest = 0, place = e->count;

	for (size_t i = e->count; i-- > 0;) {
		size_t same = shared(path_of(e, &e->fields[i]), path);

		if (same == object && strcmp(path_of(e, &e->fields[i]) + same, path + same) == 0)
			return &e->fields[i];
		if (same > nearest) {
			nearest = same;
			place = i + 1;
		}
		if (object > 0 && nearest == object && same < object)
			break; /* no other is in this object */
	}
	return insert(e, place, path);
}

/* Gives path the value that was added to the bytes behind start. */
static void
set(struct event *e, const char *path, size_t start)
{
	size_t len = e->bytes.len - start;
	struct field *f = field_at(e, path);

	f->value = start;
	f->value_len = len;
}

static void
set_word(struct event *e, const char *path, const char *word)
{
	size_t start = e->bytes.len;

	add(&e->bytes, word, strlen(word));
	set(e, path, start);
}

static void
set_truncated(struct event *e, const char *path)
{
	char flag[256];

	snprintf(flag, sizeof(flag), "%s_truncated", path);
	set_word(e, flag, "true");
}

struct event *
event_create(const char *service, const char *site, const char *action, const char *id, uint64_t wall_ms)
{
	struct event *e = xcalloc(1, sizeof(*e));
	char when[CLOCK_TEXT_MAX];

	str_copy(e->id, sizeof(e->id), id);
	str_copy(e->action, sizeof(e->action), action);
	event_text(e, "@timestamp", clock_rfc3339(wall_ms, when));
	event_text(e, "ecs.version", "8.11.0");
	event_text(e, "event.id", id);
	event_text(e, "event.action", action);
	event_text(e, "event.kind", "event");
	event_text(e, "service.name", service);
	event_number(e, "honeyspam.schema", EVENT_SCHEMA);
	event_text(e, "honeyspam.site", site);
	return e;
}

static void
endpoint_set(struct event *e, const char *side, const struct endpoint *at)
{
	char path[KEY_MAX];

	snprintf(path, sizeof(path), "%s.ip", side);
	event_addr(e, path, &at->addr);
	snprintf(path, sizeof(path), "%s.port", side);
	event_number(e, path, at->port);
}

void
event_flow(struct event *e, const struct flow_info *flow)
{
	const struct {
		const char *path;
		const char *text;
	} fields[] = {
		{ "honeyspam.flow.id", flow->id },
		{ "honeyspam.flow.via", flow->via },
		{ "honeyspam.flow.asked", flow->asked },
		{ "honeyspam.flow.authority", flow->authority },
		{ "honeyspam.flow.look", flow->look },
		{ "honeyspam.flow.personality", flow->personality },
		{ "honeyspam.flow.os_guess", flow->os_guess },
	};

	endpoint_set(e, "source", &flow->source);
	endpoint_set(e, "destination", &flow->destination);
	event_text(e, "network.transport", "tcp");
	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (fields[i].text[0] != '\0')
			event_text(e, fields[i].path, fields[i].text);
	}
}

void
event_bytes(struct event *e, const char *path, const void *data, size_t len)
{
	char text[EVENT_TEXT_MAX + 1];
	bool whole = str_escape(text, sizeof(text), data, len);
	size_t start = e->bytes.len;

	add_string(&e->bytes, text, strlen(text));
	set(e, path, start);
	if (!whole)
		set_truncated(e, path);
}

void
event_text(struct event *e, const char *path, const char *text)
{
	event_bytes(e, path, text, strlen(text));
}

static void
number_text(uint64_t v, char text[24])
{
	snprintf(text, 24, "%llu", (unsigned long long)(v < number_max ? v : number_max - 1));
}

void
event_number(struct event *e, const char *path, uint64_t v)
{
	char text[24];

	number_text(v, text);
	set_word(e, path, text);
}

void
event_bool(struct event *e, const char *path, bool v)
{
	set_word(e, path, v ? "true" : "false");
}

/* Where the array's next element goes; NULL when it holds max (and says so). */
static struct buffer *
next_element(struct event *e, const char *path, size_t max)
{
	struct field *f = field_at(e, path);

	if (f->count >= max) {
		set_truncated(e, path);
		return NULL;
	}
	if (f->count++ > 0)
		add(&f->elements, ",", 1);
	return &f->elements;
}

void
event_append(struct event *e, const char *path, const void *data, size_t len, size_t max)
{
	char text[EVENT_TEXT_MAX + 1];
	struct buffer *elements = next_element(e, path, max);

	if (elements == NULL)
		return;
	bool whole = str_escape(text, sizeof(text), data, len);

	add_string(elements, text, strlen(text));
	if (!whole)
		set_truncated(e, path);
}

void
event_append_number(struct event *e, const char *path, uint64_t v, size_t max)
{
	struct buffer *elements = next_element(e, path, max);
	char text[24];

	number_text(v, text);
	if (elements != NULL)
		add(elements, text, strlen(text));
}

void
event_addr(struct event *e, const char *path, const struct addr *a)
{
	char text[ADDR_TEXT_MAX];

	event_text(e, path, addr_format(a, text));
}

const char *
event_id(const struct event *e)
{
	return e->id;
}

const char *
event_action(const struct event *e)
{
	return e->action;
}

static void
put(struct writer *w, const char *text)
{
	writer_bytes(w, text, strlen(text));
}

static void
close_objects(struct writer *w, const char *path)
{
	while ((path = strchr(path, '.')) != NULL) {
		put(w, "}");
		path++;
	}
}

/* "a.b.c" opens a and b and ends behind the name c. */
static void
open_objects(struct writer *w, const char *path)
{
	size_t len;

	for (; path[len = strcspn(path, ".")] != '\0'; path += len + 1) {
		put(w, "\"");
		writer_bytes(w, path, len);
		put(w, "\":{");
	}
	put(w, "\"");
	writer_bytes(w, path, len);
	put(w, "\":");
}

static void
put_value(struct writer *w, const struct event *e, const struct field *f)
{
	if (f->count == 0) {
		writer_bytes(w, e->bytes.data + f->value, f->value_len);
		return;
	}
	put(w, "[");
	writer_bytes(w, f->elements.data, f->elements.len);
	put(w, "]");
}

char *
event_format(const struct event *e)
{
	char text[EVENT_MAX + 1];
	const char *before = "";
	struct writer w;

	writer_init(&w, text, sizeof(text));
	put(&w, "{");
	for (size_t i = 0; i < e->count; i++) {
		const char *path = path_of(e, &e->fields[i]);
		size_t open = shared(before, path);

		close_objects(&w, before + open);
		put(&w, i == 0 ? "" : ",");
		open_objects(&w, path + open);
		put_value(&w, e, &e->fields[i]);
		before = path;
	}
	close_objects(&w, before);
	put(&w, "}");
	writer_u8(&w, '\0');
	return w.failed ? NULL : xmemdup(text, writer_len(&w));
}

void
event_destroy(struct event **ep)
{
	struct event *e = *ep;

	if (e == NULL)
		return;
	for (size_t i = 0; i < e->count; i++)
		free(e->fields[i].elements.data);
	free(e->fields);
	free(e->bytes.data);
	free(e);
	*ep = NULL;
}
