/* model_internal - what model.c (writing) and model_read.c share. */
#ifndef API_MODEL_INTERNAL_H
#define API_MODEL_INTERNAL_H

#include "api/model.h"

#include <pthread.h>
#include <sqlite3.h>

/* The statements of the writer; prepared once. */
enum statement {
	ADD_EVENT,
	ADD_MESSAGE,
	ADD_SOURCE,
	ADD_TOTAL,
	SET_POSITION,
	PRUNE_EVENTS,
	PRUNE_MESSAGES,
	PRUNE_SOURCES,
	STATEMENTS
};

struct model {
	struct model_settings settings;
	sqlite3 *writer, *reader; /* the same one for a database in memory */
	pthread_mutex_t write_lock, read_lock;
	sqlite3_stmt *statements[STATEMENTS];
	unsigned batches;
	bool failed; /* in this batch */
	bool in_memory;
};

/* Locks and gives the connection for reading. */
sqlite3 *model_read_begin(struct model *m);
void model_read_end(struct model *m);

#endif
