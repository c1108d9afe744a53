/*
 * sink - where a stream goes to.  One ops struct, one file a kind, one thread a
 * sink: messages come in order of the stream; after commit() returned true,
 * everything given so far survives any crash, and last() names it.
 */
#ifndef LOGSHIP_SINK_H
#define LOGSHIP_SINK_H

#include "daemon/feed.h"

struct sink;

struct sink_ops {
	const char *name; /* also the consumer's name */
	const char *stream;
	const char *subject; /* filter, with the site as a wildcard */
	/* NULL with a sentence in error. path is kept. */
	struct sink *(*open)(const char *path, struct bus *bus, char *error, size_t error_size);
	/* False: not now (disk full, NATS away): the same message comes again. */
	bool (*put)(struct sink *s, const struct feed_message *m);
	bool (*commit)(struct sink *s);
	uint64_t (*last)(const struct sink *s); /* stream sequence that the last commit holds */
	void (*close)(struct sink **sp);
};

extern const struct sink_ops sink_jsonl;
extern const struct sink_ops sink_maildir;

#endif
