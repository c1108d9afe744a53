#include "api/reply.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	unsigned status;
	const char *title;
} titles[] = {
	{ 400, "Bad request" },
	{ 401, "Not authenticated" },
	{ 403, "Not permitted" },
	{ 404, "Not found" },
	{ 405, "Method not allowed" },
	{ 410, "Gone" },
	{ 414, "URI too long" },
	{ 500, "Internal error" },
	{ 503, "Not available now" },
};

void
reply_header(struct reply *r, const char *name, const char *value)
{
	struct reply_header *h = &r->headers[r->header_count];
	size_t n = 0;

	assert(r->header_count < REPLY_HEADERS_MAX);
	for (; *value != '\0' && n + 1 < sizeof(h->value); value++) {
		if ((unsigned char)*value >= ' ' && *value != 0x7f)
			h->value[n++] = *value;
	}
	h->value[n] = '\0';
	h->name = name;
	r->header_count++;
}

void
reply_json(struct reply *r, char *text, size_t len)
{
	reply_fini(r);
	if (text == NULL) {
		reply_problem(r, 500, "Memory is out.");
		return;
	}
	r->status = 200;
	r->type = "application/json";
	r->text = text;
	r->len = len;
}

void
reply_object(struct reply *r, struct cJSON **json)
{
	char *text = cJSON_PrintUnformatted(*json);

	cJSON_Delete(*json);
	*json = NULL;
	reply_json(r, text, text == NULL ? 0 : strlen(text));
}

static const char *
title_of(unsigned status)
{
	for (size_t i = 0; i < sizeof(titles) / sizeof(titles[0]); i++) {
		if (titles[i].status == status)
			return titles[i].title;
	}
	return "Error";
}

/* The detail may hold what the client sent: it leaves as valid UTF-8 JSON. */
void
reply_problem(struct reply *r, unsigned status, const char *format, ...)
{
	char detail[1024], escaped[1024];
	va_list args;
	cJSON *json = cJSON_CreateObject();

	va_start(args, format);
	vsnprintf(detail, sizeof(detail), format, args);
	va_end(args);
	str_escape(escaped, sizeof(escaped), detail, strlen(detail));
	cJSON_AddStringToObject(json, "type", "about:blank");
	cJSON_AddStringToObject(json, "title", title_of(status));
	cJSON_AddNumberToObject(json, "status", status);
	cJSON_AddStringToObject(json, "detail", escaped);
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	reply_fini(r);
	r->status = status;
	r->type = "application/problem+json";
	r->text = text == NULL ? xstrdup("{}") : text;
	r->len = strlen(r->text);
}

/* Headers stay: a problem may follow that still needs them. */
void
reply_fini(struct reply *r)
{
	free(r->text);
	if (r->stream.free != NULL)
		r->stream.free(r->stream.ctx);
	r->text = NULL;
	r->constant = NULL;
	r->len = 0;
	memset(&r->stream, 0, sizeof(r->stream));
}
