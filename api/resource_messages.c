#include "api/resource.h"

#include "api/encoded_word.h"
#include "base/str.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { SUBJECT_TEXT_MAX = 8192 }; /* 1 KiB of subject, escaped or in another charset */

/* Moves a member of the envelope into the item; null when it is missing or empty. */
static void
move(cJSON *from, cJSON *to, const char *name, const char *as)
{
	cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(from, name);

	if (value == NULL || (cJSON_IsString(value) && value->valuestring[0] == '\0')) {
		cJSON_Delete(value);
		value = cJSON_CreateNull();
	}
	cJSON_AddItemToObject(to, as, value);
}

static void
add_subject(const cJSON *envelope, cJSON *item)
{
	const cJSON *subject = cJSON_GetObjectItemCaseSensitive(envelope, "subject");
	char text[SUBJECT_TEXT_MAX];

	if (cJSON_IsString(subject)) {
		encoded_word_decode(subject->valuestring, text, sizeof(text));
		cJSON_AddStringToObject(item, "subject", text);
	} else {
		cJSON_AddNullToObject(item, "subject");
	}
}

/* RFC 5321's envelope: empty texts mean something here (the null sender). */
static void
add_envelope(cJSON *envelope, cJSON *item)
{
	static const char *const names[] = { "mail_from", "rcpt_to", "helo" };
	cJSON *out = cJSON_AddObjectToObject(item, "envelope");

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(envelope, names[i]);

		cJSON_AddItemToObject(out, names[i], value == NULL ? cJSON_CreateNull() : value);
	}
}

static cJSON *
message_json(const struct model_message *e)
{
	static const char *const names[] = { "source", "destination", "received", "flow", "via", "asked", "authority",
		"look", "queue_id" };
	cJSON *json = cJSON_CreateObject(), *envelope = cJSON_Parse(e->envelope);
	char raw[PATH_ID_MAX + 32];

	snprintf(raw, sizeof(raw), "/v1/messages/%s/raw", e->id);
	cJSON_AddStringToObject(json, "id", e->id);
	cJSON_AddStringToObject(json, "sha256", e->sha256);
	cJSON_AddNumberToObject(json, "size", (double)e->size);
	add_subject(envelope, json);
	add_envelope(envelope, json);
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		move(envelope, json, names[i], names[i]);
	cJSON_AddNumberToObject(json, "sequence", (double)e->sequence);
	cJSON_AddStringToObject(json, "raw", raw);
	cJSON_Delete(envelope);
	return json;
}

static void
message_item(void *ctx, const struct model_message *e)
{
	struct list_body *l = ctx;

	if (list_item(l, e->number))
		list_write(l, message_json(e));
}

static bool
sha256_valid(const char *text)
{
	return strlen(text) == MAIL_SHA256_TEXT && strspn(text, "0123456789abcdef") == MAIL_SHA256_TEXT;
}

void
resource_messages(const struct request *r, struct reply *out)
{
	struct model_filter f;
	struct list_body l;
	char address[ADDR_TEXT_MAX];

	if (!resource_filter(r, CURSOR_MESSAGES, &f, address, out))
		return;
	f.sha256 = query_get(&r->query, "sha256");
	if (f.sha256 != NULL && !sha256_valid(f.sha256)) {
		reply_problem(out, 400, "sha256 must be 64 lower-case hexadecimal digits.");
		return;
	}
	list_begin(&l, CURSOR_MESSAGES, &f);
	list_end(&l, model_messages(r->api->model, &f, message_item, &l), out);
}

/* ---- one message ---- */

struct one {
	cJSON *json;
	struct raw_mail raw;
};

static void
keep_one(void *ctx, const struct model_message *e)
{
	struct one *one = ctx;
	const char *text = e->parts;

	one->json = message_json(e);
	str_copy(one->raw.sha256, sizeof(one->raw.sha256), e->sha256);
	one->raw.size = e->size;
	one->raw.sequence = e->sequence;
	while (*text != '\0' && one->raw.part_count < MAIL_PARTS_MAX) {
		char *end;

		one->raw.parts[one->raw.part_count++] = strtoull(text, &end, 10);
		text = *end == ',' ? end + 1 : "";
	}
}

/* False: a problem was written. */
static bool
find_one(const struct request *r, struct one *one, struct reply *out)
{
	const struct model_filter f = { .id = r->id, .limit = 1 };

	memset(one, 0, sizeof(*one));
	if (!model_messages(r->api->model, &f, keep_one, one))
		reply_problem(out, 503, "The read model can't be read now.");
	else if (one->json == NULL)
		reply_problem(out, 404, "There is no message with this id.");
	return one->json != NULL;
}

void
resource_message(const struct request *r, struct reply *out)
{
	struct one one;

	if (find_one(r, &one, out))
		reply_object(out, &one.json);
}

static void
raw_headers(const struct request *r, const struct one *one, struct reply *out)
{
	char text[PATH_ID_MAX + 64];

	snprintf(text, sizeof(text), "\"%s\"", one->raw.sha256);
	reply_header(out, "ETag", text);
	/* Never shown by a browser: it is a spammer's text. */
	snprintf(text, sizeof(text), "attachment; filename=\"%s.eml\"", r->id);
	reply_header(out, "Content-Disposition", text);
}

/* The stored octets (DESIGN 3.4), nothing added, as the SHA-256 says. */
void
resource_message_raw(const struct request *r, struct reply *out)
{
	struct one one;

	if (!find_one(r, &one, out))
		return;
	cJSON_Delete(one.json);
	switch (r->api->ops->raw_open(r->api->ctx, &one.raw, &out->stream)) {
	case RAW_OK:
		out->status = 200;
		out->type = "message/rfc822";
		raw_headers(r, &one, out);
		break;
	case RAW_GONE:
		reply_problem(out, 410,
		    "The stream no longer holds this mail: logship's sinks have it (Maildir file %s).", r->id);
		break;
	case RAW_AWAY:
		reply_header(out, "Retry-After", "5");
		reply_problem(out, 503, "NATS can't be reached now.");
		break;
	case RAW_WRONG:
		reply_problem(out, 500,
		    "What the stream holds doesn't have the size and SHA-256 that were stored with it.");
		break;
	}
}
