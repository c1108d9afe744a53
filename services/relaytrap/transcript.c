#include "relaytrap/transcript.h"

#include "base/mem.h"
#include "wire/event.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { FIRST_ROOM = 512 };

static bool
make_room(struct transcript *t, size_t more)
{
	size_t room = t->room == 0 ? FIRST_ROOM : t->room;

	if (t->truncated || t->len + more > TRANSCRIPT_BYTES_MAX)
		return false;
	while (room < t->len + more)
		room *= 2;
	if (room != t->room)
		t->bytes = xrealloc(t->bytes, room);
	t->room = room;
	return true;
}

void
transcript_add(struct transcript *t, bool clients, const char *text, size_t len)
{
	while (len > 0 && (text[len - 1] == '\r' || text[len - 1] == '\n'))
		len--;
	if (len > TRANSCRIPT_LINE_MAX)
		len = TRANSCRIPT_LINE_MAX;
	uint16_t size = (uint16_t)(len + clients);
	if (!make_room(t, sizeof(size) + size)) {
		t->truncated = true;
		return;
	}
	memcpy(t->bytes + t->len, &size, sizeof(size));
	t->len += sizeof(size);
	if (clients)
		t->bytes[t->len++] = '>';
	memcpy(t->bytes + t->len, text, len);
	t->len += len;
}

void
transcript_tell(const struct transcript *t, struct event *e, const char *path)
{
	char flag[128];
	uint16_t size;

	for (size_t at = 0; at < t->len; at += size) {
		memcpy(&size, t->bytes + at, sizeof(size));
		at += sizeof(size);
		event_append(e, path, t->bytes + at, size, TRANSCRIPT_BYTES_MAX);
	}
	if (!t->truncated)
		return;
	snprintf(flag, sizeof(flag), "%s_truncated", path);
	event_bool(e, flag, true);
}

void
transcript_fini(struct transcript *t)
{
	free(t->bytes);
	memset(t, 0, sizeof(*t));
}
