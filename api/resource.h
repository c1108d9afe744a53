/* resource - the handlers of the routes, one file a resource, and what lists have in common. */
#ifndef API_RESOURCE_H
#define API_RESOURCE_H

#include "api/cursor.h"
#include "api/model.h"
#include "api/route.h"

#include <stdio.h>

struct cJSON;

void resource_stats(const struct request *r, struct reply *out);
void resource_events(const struct request *r, struct reply *out);
void resource_sources(const struct request *r, struct reply *out);
void resource_messages(const struct request *r, struct reply *out);
void resource_message(const struct request *r, struct reply *out);
void resource_message_raw(const struct request *r, struct reply *out);
void resource_replicas(const struct request *r, struct reply *out);
void resource_scaling(const struct request *r, struct reply *out);
void resource_static(const struct request *r, struct reply *out);

/* {"items": [...], "next": cursor or null}, written while the rows come. */
struct list_body {
	FILE *file;
	char *text;
	size_t len;
	enum cursor_kind kind;
	uint64_t limit, count;
	uint64_t last; /* number of the last item shown */
	bool more;
};

/*
 * Reads limit, cursor, source and since into a filter, normalised. False: a
 * problem was written. address holds filter->source.
 */
bool resource_filter(const struct request *r, enum cursor_kind kind, struct model_filter *f,
    char address[ADDR_TEXT_MAX], struct reply *out);
/* filter->limit rows are shown; one more is asked for, to know whether there is a next page. */
void list_begin(struct list_body *l, enum cursor_kind kind, struct model_filter *f);
/* True when this row is to be shown; its JSON is written next. */
bool list_item(struct list_body *l, uint64_t number);
/* Prints and deletes json. */
void list_write(struct list_body *l, struct cJSON *json);
/* ok: false when the database failed. */
void list_end(struct list_body *l, bool ok, struct reply *out);

#endif
