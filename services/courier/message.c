#include "courier/message.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

/* The next line without its end; false when there is none. */
static bool
next_line(struct span *left, struct span *line)
{
	if (left->len == 0)
		return false;
	const char *end = memchr(left->at, '\n', left->len);
	size_t whole = end == NULL ? left->len : (size_t)(end - left->at) + 1;

	line->at = left->at;
	line->len = end == NULL ? whole : whole - 1;
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	left->at += whole;
	left->len -= whole;
	return true;
}

static bool
starts(struct span line, const char *word)
{
	return line.len >= strlen(word) && strncasecmp(line.at, word, strlen(word)) == 0;
}

static bool
folded(struct span line)
{
	return line.len > 0 && (line.at[0] == ' ' || line.at[0] == '\t');
}

/* Lengthens a field's value over the lines that continue it. */
static void
unfold(struct span *value, struct span left)
{
	struct span line;

	while (next_line(&left, &line) && folded(line))
		value->len = (size_t)(line.at - value->at) + line.len;
}

static struct span
value_of(struct span line, size_t name_len, struct span left)
{
	struct span value = { line.at + name_len, line.len - name_len };

	unfold(&value, left);
	return value;
}

void
message_parse(struct message *m, const void *data, size_t len)
{
	static const char name[] = "Subject:";
	struct span left = { len == 0 ? "" : data, len }, line;
	bool found = false;

	m->all = left;
	m->subject = (struct span){ "", 0 };
	while (next_line(&left, &line) && line.len > 0) {
		if (!found && starts(line, name))
			m->subject = value_of(line, strlen(name), left);
		found = found || starts(line, name);
	}
	m->body = left;
}

static bool
contains(struct span text, const char *word)
{
	size_t len = strlen(word);

	for (size_t i = 0; i + len <= text.len; i++) {
		if (strncasecmp(text.at + i, word, len) == 0)
			return true;
	}
	return false;
}

/* text/plain, multipart/..., and an empty one, which means text/plain (RFC 2045 5.2). */
static bool
type_is_text(struct span value)
{
	while (value.len > 0 && (*value.at == ' ' || *value.at == '\t' || *value.at == '\r' || *value.at == '\n')) {
		value.at++;
		value.len--;
	}
	return value.len == 0 || starts(value, "text") || starts(value, "multipart/");
}

/* "begin 644 name": three or four octal digits. */
static bool
is_uuencode(struct span line)
{
	size_t digits = 0;

	if (!starts(line, "begin "))
		return false;
	while (6 + digits < line.len && line.at[6 + digits] >= '0' && line.at[6 + digits] <= '7')
		digits++;
	return (digits == 3 || digits == 4) && 6 + digits < line.len && line.at[6 + digits] == ' ';
}

bool
message_has_attachment(const struct message *m)
{
	static const char type[] = "Content-Type:", disposition[] = "Content-Disposition:";
	struct span left = m->all, line;

	/* The fields of every part, wherever it begins: a look-alike in a text errs to the safe side. */
	while (next_line(&left, &line)) {
		if (is_uuencode(line))
			return true;
		if (starts(line, type)) {
			struct span value = value_of(line, strlen(type), left);

			if (!type_is_text(value) || contains(value, "name="))
				return true;
		}
		if (starts(line, disposition)) {
			struct span value = value_of(line, strlen(disposition), left);

			if (contains(value, "attachment") || contains(value, "filename"))
				return true;
		}
	}
	return false;
}

bool
message_has_bare_cr(const struct message *m)
{
	const char *at = m->all.at, *end = at + m->all.len;

	while (at < end && (at = memchr(at, '\r', (size_t)(end - at))) != NULL) {
		if (at + 1 == end || at[1] != '\n')
			return true;
		at++;
	}
	return false;
}

char *
message_compose(const struct message *m, const char *trace, size_t *len)
{
	size_t used = strlen(trace);
	char *out = xcalloc(1, used + 2 * m->all.len + 1);

	str_copy(out, used + 1, trace);
	for (size_t i = 0; i < m->all.len; i++) {
		if (m->all.at[i] == '\n' && (i == 0 || m->all.at[i - 1] != '\r'))
			out[used++] = '\r';
		out[used++] = m->all.at[i];
	}
	*len = used;
	return out;
}
