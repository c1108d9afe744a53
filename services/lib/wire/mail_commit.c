#include "wire/mail_commit.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static bool
id_parse(const char *text, char out[MAIL_ID_MAX])
{
	size_t len = text == NULL ? 0 : strspn(text, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-");

	return len > 0 && text[len] == '\0' && str_copy(out, MAIL_ID_MAX, text);
}

static bool
sha_parse(const char *text, char out[MAIL_SHA256_TEXT + 1])
{
	return text != NULL && strspn(text, "0123456789abcdef") == MAIL_SHA256_TEXT &&
	    str_copy(out, MAIL_SHA256_TEXT + 1, text);
}

static bool
number_parse(const char *text, const char **end, uint64_t *out)
{
	char *stop;

	if (text == NULL || *text < '0' || *text > '9')
		return false;
	*out = strtoull(text, &stop, 10);
	*end = stop;
	return true;
}

/* "12,13,14"; no header for none: nats.c can't read an empty one */
static bool
parts_parse(const char *text, struct mail_commit *out)
{
	if (text == NULL)
		return true;
	out->part_count = 0;
	while (*text != '\0') {
		if (out->part_count == MAIL_PARTS_MAX || !number_parse(text, &text, &out->parts[out->part_count]))
			return false;
		if (out->parts[out->part_count++] == 0 || (*text != ',' && *text != '\0') ||
		    (*text == ',' && text[1] == '\0'))
			return false;
		text += *text == ',' ? 1 : 0;
	}
	return true;
}

bool
mail_commit_parse(const char *(*header)(const void *ctx, const char *name), const void *ctx, struct mail_commit *out,
    const char **error)
{
	const char *version = header(ctx, "Hs-Version"), *end;

	memset(out, 0, sizeof(*out));
	out->envelope = header(ctx, "Hs-Envelope");
	if (version == NULL || strcmp(version, "1") != 0)
		*error = "unknown version";
	else if (!id_parse(header(ctx, "Hs-Mail-Id"), out->id))
		*error = "bad mail id";
	else if (!sha_parse(header(ctx, "Hs-Sha256"), out->sha256))
		*error = "bad SHA-256";
	else if (!number_parse(header(ctx, "Hs-Size"), &end, &out->size) || *end != '\0')
		*error = "bad size";
	else if (!parts_parse(header(ctx, "Hs-Parts"), out))
		*error = "bad list of parts";
	else if (out->envelope == NULL)
		*error = "no envelope";
	else
		return true;
	return false;
}
