/* state - a sink's position in its stream, written atomically beside its data. */
#ifndef LOGSHIP_STATE_H
#define LOGSHIP_STATE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { STATE_VERSION = 1, STATE_PATH_MAX = 4096 };

struct state {
	uint64_t sequence; /* of the stream: all up to here is kept */
	uint64_t offset; /* of the data file, for sinks that have one */
};

/* A missing file is the beginning. False with a sentence: unreadable, or of an unknown version. */
bool state_load(const char *path, struct state *out, char *error, size_t error_size);
/* Writes beside, syncs, renames. */
bool state_save(const char *path, const struct state *s);

#endif
