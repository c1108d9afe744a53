#include "proxytrap/look.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static const struct look looks[] = {
	{ "squid", &look_squid, NULL },
	{ "tinyproxy", &look_tinyproxy, NULL },
	{ "dante", NULL, &look_dante },
	{ "microsocks", NULL, &look_microsocks },
};

const struct look *
look_find(const char *name)
{
	static const struct look any = { "any", &look_squid, &look_dante };

	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		if (strcmp(looks[i].name, name) == 0)
			return &looks[i];
	}
	return &any;
}

/* The text of %code, in scratch when it has to be made. */
static const char *
value(char code, const struct look_values *v, size_t body_len, char *scratch, size_t size)
{
	time_t seconds = (time_t)(v->wall_ms / 1000);
	struct tm tm;

	switch (code) {
	case 'h':
		return v->host;
	case 't':
		return v->target;
	case 'p':
		snprintf(scratch, size, "%u", (unsigned)v->port);
		return scratch;
	case 'v':
		return v->http_minor == 0 ? "0" : "1";
	case 'n':
		snprintf(scratch, size, "%zu", body_len);
		return scratch;
	case 'd':
		gmtime_r(&seconds, &tm);
		strftime(scratch, size, "%a, %d %b %Y %H:%M:%S GMT", &tm);
		return scratch;
	default:
		return "";
	}
}

/* Writes text into out with its values; returns the length, cut at size - 1. */
static size_t
fill(const char *text, const struct look_values *v, size_t body_len, char *out, size_t size)
{
	char scratch[64];
	size_t used = 0;

	while (*text != '\0' && used < size - 1) {
		size_t plain = strcspn(text, "%");

		if (plain > 0) {
			str_copy_bytes(out + used, size - used, text, plain);
			text += plain;
		} else {
			str_copy(out + used, size - used, value(text[1], v, body_len, scratch, sizeof(scratch)));
			text += 2;
		}
		used += strlen(out + used);
	}
	return used;
}

size_t
look_format(const struct look_http *l, enum look_page page, const struct look_values *v, char out[LOOK_PAGE_MAX])
{
	char made[LOOK_BODY_MAX] = "";
	const char *body = v->body;

	if (body == NULL && l->pages[page].body != NULL)
		fill(l->pages[page].body, v, 0, made, sizeof(made));
	if (body == NULL)
		body = made;
	size_t len = fill(l->pages[page].head, v, strlen(body), out, LOOK_HEAD_MAX);

	if (!v->head_only)
		str_copy(out + len, LOOK_PAGE_MAX - len, body);
	return len + strlen(out + len);
}
