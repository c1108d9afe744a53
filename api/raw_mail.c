#include "api/raw_mail.h"

#include "base/mem.h"
#include "base/str.h"
#include "daemon/feed.h"
#include "wire/identity.h"

#include <stdlib.h>
#include <string.h>

struct raw_source {
	struct bus *bus;
	struct raw_mail mail;
	char *part;
	size_t part_len;
	uint64_t part_at; /* where in the mail the part begins */
	size_t next; /* part to fetch next; part_count is the commit's body */
	struct sha256 *sum; /* NULL: checked */
};

static enum raw_result
fetch(struct raw_source *s, char **body, size_t *len)
{
	bool gone;

	if (s->next > s->mail.part_count)
		return RAW_WRONG; /* fewer bytes than the commit says */
	uint64_t sequence = s->next < s->mail.part_count ? s->mail.parts[s->next] : s->mail.sequence;

	*body = feed_get(s->bus, "MAIL", sequence, len, &gone);
	if (*body == NULL)
		return gone ? RAW_GONE : RAW_AWAY;
	s->next++;
	return RAW_OK;
}

static bool
digest_matches(struct raw_source *s)
{
	uint8_t digest[SHA256_BYTES];
	char text[2 * SHA256_BYTES + 1];

	sha256_finish(&s->sum, digest);
	str_hex(text, digest, sizeof(digest));
	return strcmp(text, s->mail.sha256) == 0;
}

/* All bytes are here: what is left must be empty (a size that is a multiple of a part), and the digest right. */
static enum raw_result
check_end(struct raw_source *s)
{
	while (s->next <= s->mail.part_count) {
		char *body;
		size_t len;
		enum raw_result result = fetch(s, &body, &len);

		if (result != RAW_OK)
			return result;
		free(body);
		if (len > 0)
			return RAW_WRONG;
	}
	return digest_matches(s) ? RAW_OK : RAW_WRONG;
}

static enum raw_result
next_part(struct raw_source *s)
{
	char *body;
	size_t len;
	enum raw_result result = fetch(s, &body, &len);

	if (result != RAW_OK)
		return result;
	free(s->part);
	s->part_at += s->part_len;
	s->part = body;
	s->part_len = len;
	if (len > s->mail.size - s->part_at)
		return RAW_WRONG;
	sha256_add(s->sum, body, len);
	return s->part_at + len == s->mail.size ? check_end(s) : RAW_OK;
}

static ssize_t
read_some(void *ctx, uint64_t at, char *buf, size_t max)
{
	struct raw_source *s = ctx;

	while (at >= s->part_at + s->part_len) {
		if (s->sum == NULL || next_part(s) != RAW_OK)
			return -1;
	}
	if (at < s->part_at)
		return -1;
	size_t offset = (size_t)(at - s->part_at), len = s->part_len - offset;

	len = len < max ? len : max;
	memcpy(buf, s->part + offset, len);
	return (ssize_t)len;
}

static void
source_free(void *ctx)
{
	struct raw_source *s = ctx;

	sha256_finish(&s->sum, NULL);
	free(s->part);
	free(s);
}

enum raw_result
raw_mail_open(struct bus *b, const struct raw_mail *mail, struct reply_stream *out)
{
	struct raw_source *s = xcalloc(1, sizeof(*s));

	s->bus = b;
	s->mail = *mail;
	s->sum = sha256_new();
	enum raw_result result = next_part(s);

	if (result != RAW_OK)
		source_free(s);
	else
		*out = (struct reply_stream){ .size = mail->size, .read = read_some, .free = source_free, .ctx = s };
	return result;
}
