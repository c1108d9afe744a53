/*
 * json_file - the operator's JSON files, read by table: a struct's fields with
 * type, range and place.  Whatever is wrong becomes one sentence with the file
 * and the path ("$.tcp.window") or, when it isn't JSON at all, the line.
 * Keys that the table doesn't know and keys given twice are refused.
 */
#ifndef FINGERPRINTD_JSON_FILE_H
#define FINGERPRINTD_JSON_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct cJSON;

enum { JSON_ERROR_MAX = 840, JSON_FILE_MAX = 8 * 1024 * 1024 };

struct json_error {
	char text[JSON_ERROR_MAX];
};

/* Where in a file we are; lives on the reader's stack. */
struct json_place {
	const char *file;
	struct json_error *error;
	const struct json_place *up;
	const char *name; /* NULL: an element of an array */
	size_t index;
};

enum json_kind { JSON_U8, JSON_U16, JSON_U32, JSON_FLAG, JSON_CHOICE, JSON_TEXT, JSON_TABLE, JSON_OWN };

struct json_field {
	const char *name; /* NULL ends a table */
	enum json_kind kind;
	bool optional; /* absent: the struct's field keeps what it has */
	size_t at; /* offset in the struct */
	uint32_t min, max; /* numbers; for text max is the size of the array */
	const char *const *choices; /* JSON_CHOICE, NULL ends: the index goes to a uint8_t */
	const struct json_field *fields; /* JSON_TABLE */
	bool (*read)(const struct json_place *p, const struct cJSON *v, void *field); /* JSON_OWN */
};

/* A file's bytes, at most JSON_FILE_MAX, malloc'd for the caller; NULL with a sentence in error. */
char *json_file_read(const char *file, size_t *len, struct json_error *error);
/* NULL with a sentence in error. The caller deletes the tree. */
struct cJSON *json_parse(const char *file, const char *text, size_t len, struct json_error *error);
/* The same from the file's contents; at most JSON_FILE_MAX bytes. */
struct cJSON *json_load(const char *file, struct json_error *error);

/* Each of these returns false after writing its sentence. */
bool json_read(const struct json_place *p, const struct cJSON *v, const struct json_field *fields, void *out);
/* Is it one, with so many? */
bool json_array(const struct json_place *p, const struct cJSON *v, size_t min, size_t max);
bool json_refuse(const struct json_place *p, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* "must be ..., not v" */
bool json_must(const struct json_place *p, const struct cJSON *v, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
