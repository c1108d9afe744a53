/*
 * cursor - where a list goes on, as text that means nothing to the client.
 *
 * A cursor holds the number of the last row shown.  Rows get numbers once and
 * in order, so a list that is read on while items arrive shows each old item
 * exactly once.  The kind keeps a cursor of one list from being used on another.
 */
#ifndef API_CURSOR_H
#define API_CURSOR_H

#include <stdbool.h>
#include <stdint.h>

enum { CURSOR_TEXT_MAX = 13 }; /* nine bytes in base64url, and NUL */

enum cursor_kind { CURSOR_EVENTS = 'e', CURSOR_MESSAGES = 'm', CURSOR_SOURCES = 's', CURSOR_REPLICAS = 'r' };

const char *cursor_format(enum cursor_kind kind, uint64_t number, char out[CURSOR_TEXT_MAX]);
/* False: not ours, or another list's. */
bool cursor_parse(enum cursor_kind kind, const char *text, uint64_t *number);

#endif
