#include "courier/relay_mail.h"

#include "base/str.h"
#include "wire/event.h"

#include <cjson/cJSON.h>
#include <string.h>

/* The value at "a.b.c", or NULL. */
static const cJSON *
find(const cJSON *json, const char *path)
{
	char name[64];

	while (json != NULL && *path != '\0') {
		size_t len = strcspn(path, ".");

		if (!str_copy_bytes(name, sizeof(name), path, len))
			return NULL;
		json = cJSON_GetObjectItemCaseSensitive(json, name);
		path += len + (path[len] == '.' ? 1 : 0);
	}
	return json;
}

/* False when it is missing, no text, or too long for out. */
static bool
get_text(const cJSON *json, const char *path, char *out, size_t size)
{
	const cJSON *item = find(json, path);

	out[0] = '\0';
	return cJSON_IsString(item) && str_copy(out, size, item->valuestring);
}

static bool
get_number(const cJSON *json, const char *path, uint64_t *out)
{
	const cJSON *item = find(json, path);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble < 9007199254740992.0))
		return false;
	*out = (uint64_t)item->valuedouble;
	return true;
}

static bool
get_endpoint(const cJSON *json, const char *path, struct endpoint *out)
{
	char text[ADDR_TEXT_MAX];
	const cJSON *item = find(json, path);
	uint64_t port;

	if (!get_text(item, "ip", text, sizeof(text)) || !addr_parse(text, &out->addr) ||
	    !get_number(item, "port", &port) || port > UINT16_MAX)
		return false;
	out->port = (uint16_t)port;
	return true;
}

static bool
get_digest(const cJSON *json, char out[MAIL_SHA256_TEXT + 1])
{
	return get_text(json, "honeyspam.mail.sha256", out, MAIL_SHA256_TEXT + 1) &&
	    strspn(out, "0123456789abcdef") == MAIL_SHA256_TEXT;
}

/* It names keys and events: letters, digits and hyphens, as mail_commit has it. */
static bool
get_id(const cJSON *json, char out[MAIL_ID_MAX])
{
	return get_text(json, "honeyspam.mail.id", out, MAIL_ID_MAX) && out[0] != '\0' &&
	    strspn(out, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-") == strlen(out);
}

static bool
get_recipients(const cJSON *json, struct relay_mail *out)
{
	const cJSON *list = find(json, "honeyspam.mail.envelope.rcpt_to"), *item;

	if (!cJSON_IsArray(list))
		return false;
	cJSON_ArrayForEach(item, list)
	{
		if (out->recipient_count < RELAY_MAIL_RECIPIENTS_MAX && cJSON_IsString(item) &&
		    str_copy(out->recipients[out->recipient_count], RELAY_MAIL_ADDRESS_MAX, item->valuestring))
			out->recipient_count++;
	}
	if (!get_number(json, "honeyspam.mail.recipients", &out->recipient_total))
		out->recipient_total = (uint64_t)cJSON_GetArraySize(list);
	return true;
}

/* Who has no flow id, or too long a look, is still a mail. */
static void
get_flow(const cJSON *json, struct flow_info *out)
{
	const struct {
		const char *path;
		char *text;
	} fields[] = {
		{ "honeyspam.flow.id", out->id },
		{ "honeyspam.flow.via", out->via },
		{ "honeyspam.flow.asked", out->asked },
		{ "honeyspam.flow.authority", out->authority },
		{ "honeyspam.flow.look", out->look },
		{ "honeyspam.flow.personality", out->personality },
	};

	for (size_t i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		get_text(json, fields[i].path, fields[i].text, PROXY_TLV_TEXT_MAX);
}

/* A look's name may be followed by words behind slashes: "postfix/mx", "exim/mx/tls". */
static bool
has_word(const char *look, const char *word)
{
	size_t len = strlen(word);

	for (const char *at = strchr(look, '/'); at != NULL; at = strchr(at + 1, '/')) {
		if (strcspn(at + 1, "/") == len && strncmp(at + 1, word, len) == 0)
			return true;
	}
	return false;
}

static const char *
read_all(const cJSON *json, struct relay_mail *out)
{
	char action[32];

	if (!get_text(json, "event.action", action, sizeof(action)) || strcmp(action, "relay-mail") != 0)
		return "another action";
	if (!get_endpoint(json, "source", &out->flow.source) ||
	    !get_endpoint(json, "destination", &out->flow.destination))
		return "no source or destination";
	if (!get_id(json, out->id))
		return "bad mail id";
	if (!get_digest(json, out->sha256))
		return "bad SHA-256";
	if (!get_number(json, "honeyspam.mail.size", &out->size) ||
	    !get_number(json, "honeyspam.mail.sequence", &out->sequence) || out->sequence == 0)
		return "no size or place in the stream";
	if (!get_text(json, "honeyspam.mail.envelope.mail_from", out->mail_from, sizeof(out->mail_from)) ||
	    !get_recipients(json, out))
		return "no envelope";
	get_flow(json, &out->flow);
	out->mx = has_word(out->flow.look, "mx");
	get_text(json, "honeyspam.mail.host", out->host, sizeof(out->host));
	get_text(json, "honeyspam.mail.version", out->version, sizeof(out->version));
	out->tls = find(json, "tls.version") != NULL;
	get_text(json, "honeyspam.mail.queue_id", out->queue_id, sizeof(out->queue_id));
	get_text(json, "honeyspam.mail.envelope.helo", out->helo, sizeof(out->helo));
	return NULL;
}

bool
relay_mail_parse(const void *data, size_t len, struct relay_mail *out, const char **error)
{
	cJSON *json = len > EVENT_MAX ? NULL : cJSON_ParseWithLength(data, len);

	memset(out, 0, sizeof(*out));
	*error = json == NULL ? "no JSON" : read_all(json, out);
	cJSON_Delete(json);
	return *error == NULL;
}
