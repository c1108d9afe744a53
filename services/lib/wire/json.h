/*
 * json - one JSON object, written field by field (RFC 8259).
 *
 * Fields are named by path ("source.ip"); those of one object come together.
 * A peer's text goes through str_escape() and is cut at 1 KiB with a
 * `<path>_truncated` flag beside it.  Memory that is out ends the process.
 */
#ifndef WIRE_JSON_H
#define WIRE_JSON_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { JSON_TEXT_MAX = 1024 /* bytes of one string */ };

struct json;

struct json *json_create(void);
void json_bytes(struct json *j, const char *path, const void *data, size_t len); /* a peer's bytes */
void json_text(struct json *j, const char *path, const char *text);
void json_number(struct json *j, const char *path, uint64_t v); /* below 2^53, else capped */
void json_bool(struct json *j, const char *path, bool v);
void json_addr(struct json *j, const char *path, const struct addr *a);
/* Appends to an array of strings; at most max elements, the rest sets `<path>_truncated`. */
void json_append(struct json *j, const char *path, const void *data, size_t len, size_t max);
void json_append_number(struct json *j, const char *path, uint64_t v, size_t max);
/* The object's text, len bytes (or len NULL) and a NUL: j's own, until the next call for j. */
const char *json_print(struct json *j, size_t *len);
/* Frees and sets the caller's pointer to NULL. */
void json_destroy(struct json **jp);

#endif
