/* personalities - the personalities that decoys ask for, read by name from the operator's directories. */
#ifndef FINGERPRINTD_PERSONALITIES_H
#define FINGERPRINTD_PERSONALITIES_H

#include "fingerprintd/personality.h"

struct personalities;

enum { PERSONALITIES_NEAREST = 5 };

/* dirs: directories, separated by commas; the first that holds a name wins. NULL with a sentence in error. */
struct personalities *personalities_open(const char *dirs, struct json_error *error);
void personalities_free(struct personalities **pp);
/*
 * Reads it when it is asked for the first time; it lives as long as the set.
 * NULL with a sentence in error: its file's mistake, or, when there is none,
 * the names most like it.
 */
const struct personality *personalities_get(struct personalities *p, const char *name, struct json_error *error);
size_t personalities_count(const struct personalities *p); /* read so far */

#endif
