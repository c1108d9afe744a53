/*
 * spool - records on disk, first in, first out, bounded.  Segment files of
 * version, then length + CRC32C + bytes; a torn tail is ignored; when full the
 * oldest segment is dropped and counted.  One thread at a time.
 */
#ifndef DAEMON_SPOOL_H
#define DAEMON_SPOOL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct spool;

enum { SPOOL_RECORD_MAX = 128 * 1024, SPOOL_VERSION = 1 };

/* NULL with a sentence in error: not writable, or written by an unknown version. */
struct spool *spool_open(const char *dir, uint64_t max_bytes, char *error, size_t error_size);
void spool_close(struct spool **sp);
bool spool_empty(const struct spool *s);
/* False: the disk refuses. dropped counts records lost to the bound. */
bool spool_append(struct spool *s, const void *data, size_t len, uint64_t *dropped);
/* Calls each for up to max records from the head, without removing; returns how many. */
size_t spool_peek(struct spool *s, size_t max, void (*each)(void *ctx, const void *data, size_t len), void *ctx);
/* Removes count records from the head. */
void spool_drop(struct spool *s, size_t count);

#endif
