/*
 * query - what comes after the '?', read strictly: a parameter that is unknown,
 * twice there or out of bounds is refused, because a filter that was silently
 * ignored would give a wrong answer.  '+' stays itself, for the times of RFC 3339.
 */
#ifndef API_QUERY_H
#define API_QUERY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	QUERY_PAIRS_MAX = 8, /* more than any route has */
	QUERY_NAME_MAX = 32,
	QUERY_VALUE_MAX = 512,
};

struct query_pair {
	char name[QUERY_NAME_MAX];
	char value[QUERY_VALUE_MAX];
};

struct query {
	struct query_pair pairs[QUERY_PAIRS_MAX];
	size_t count;
};

/* Percent-decodes len bytes of text; false: malformed, NUL inside, or too long. */
bool query_decode(const char *text, size_t len, char *out, size_t size);
/* text is without '?'; false with a sentence (a constant) in error. */
bool query_parse(const char *text, struct query *out, const char **error);
/* NULL when it isn't there. */
const char *query_get(const struct query *q, const char *name);
/* A whole decimal number within bounds. */
bool query_number(const char *text, uint64_t min, uint64_t max, uint64_t *out);
/* RFC 3339 date and time: "2026-11-24T12:00:00Z", with fraction and offset if need be. */
bool query_time(const char *text, uint64_t *wall_ms);

#endif
