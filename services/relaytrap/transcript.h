/*
 * transcript - what was said in one session, line by line, until it becomes part
 * of the session's event.  Small while it waits: bytes in a row, no objects.
 */
#ifndef RELAYTRAP_TRANSCRIPT_H
#define RELAYTRAP_TRANSCRIPT_H

#include <stdbool.h>
#include <stddef.h>

struct event;

enum {
	TRANSCRIPT_BYTES_MAX = 8 * 1024, /* escaped that is 32 KiB at most: it fits into an event (EVENT_MAX) */
	TRANSCRIPT_LINE_MAX = 512,
};

/* Zeroed: empty. */
struct transcript {
	char *bytes; /* each line: length as uint16_t, then so many octets */
	size_t len, room;
	bool truncated;
};

/* One line or reply, its end is left out; a client's gets '>' in front. What goes beyond a limit is cut. */
void transcript_add(struct transcript *t, bool clients, const char *text, size_t len);
/* Appends all lines to the array at path. */
void transcript_tell(const struct transcript *t, struct event *e, const char *path);
void transcript_fini(struct transcript *t);

#endif
