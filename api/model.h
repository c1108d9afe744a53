/*
 * model - what the API answers from: a read model in one SQLite file, built
 * from the streams and good for nothing else.  The place in each stream is
 * stored in the same transaction as the rows, and doubles are dropped by event
 * id and mail id, so every message counts once whatever dies.  No network here.
 *
 * Two threads may write (one a stream), any number read.
 */
#ifndef API_MODEL_H
#define API_MODEL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct model;
struct mail_commit;

enum {
	MODEL_VERSION = 1,
	MODEL_PARTS_TEXT_MAX = 256 * 21, /* MAIL_PARTS_MAX numbers and commas */
};

struct model_settings {
	const char *path; /* ":memory:" for tests */
	uint64_t events_max; /* rows; the oldest go */
	uint64_t messages_max;
	uint64_t sources_max; /* the ones not seen for longest go */
};

/* NULL with a sentence in error. */
struct model *model_new(const struct model_settings *s, char *error, size_t error_size);
void model_free(struct model **mp);

/* The actions that are counted by name; NULL ends the list. */
extern const char *const model_actions[];

/*
 * Writing: begin, any number of adds, commit; one batch at a time (the others
 * wait).  After a commit that gave false nothing of the batch is there:
 * start again from model_position().
 */
void model_begin(struct model *m);
/* data is one event as JSON. What can't be read as one is counted, not kept. */
void model_add_event(struct model *m, const void *data, size_t len, uint64_t stored_wall_ms);
void model_add_message(struct model *m, const struct mail_commit *c, uint64_t sequence, uint64_t stored_wall_ms);
/* For counters that the stream's reader keeps: "events_missed", "messages_malformed". */
void model_count(struct model *m, const char *name, uint64_t n);
bool model_commit(struct model *m, const char *stream, const char *made, uint64_t sequence);
/*
 * Where to go on in a stream: the last sequence taken. `made` names the stream's
 * life (when it was made): for another life than the stored one this gives 0.
 */
uint64_t model_position(struct model *m, const char *stream, const char *made);

/* Reading. NULL or 0 in a filter: any. Rows come newest first and are valid during the call. */
struct model_filter {
	uint64_t before; /* only rows with a smaller number */
	uint64_t limit;
	const char *action, *source, *service, *instance; /* source: an address as addr_format() writes it */
	const char *sha256, *id;
	uint64_t since_ms;
};

struct model_event {
	uint64_t number;
	const char *json;
};

struct model_message {
	uint64_t number, sequence, size;
	const char *id, *sha256;
	const char *parts; /* sequences, comma separated */
	const char *envelope; /* a JSON object, always */
};

struct model_source {
	uint64_t number, first_ms, last_ms, events, messages, flows;
	const char *ip;
};

struct model_total {
	const char *name; /* "messages", "events.relay-mail", ... */
	uint64_t value;
};

/* Each returns false when the database failed. */
bool model_events(struct model *m, const struct model_filter *f, void (*each)(void *ctx, const struct model_event *e),
    void *ctx);
bool model_messages(struct model *m, const struct model_filter *f,
    void (*each)(void *ctx, const struct model_message *e), void *ctx);
bool model_sources(struct model *m, const struct model_filter *f, void (*each)(void *ctx, const struct model_source *s),
    void *ctx);
bool model_totals(struct model *m, void (*each)(void *ctx, const struct model_total *t), void *ctx);

#endif
