#include "api/model_internal.h"

#include <stdio.h>

enum { SQL_MAX = 1024 };

/* One condition of a list; not asked for when it has neither text nor number. */
struct condition {
	const char *sql;
	const char *text;
	uint64_t number;
};

static bool
asked(const struct condition *c)
{
	return c->text != NULL || c->number != 0;
}

/* SELECT ... WHERE the conditions asked for, newest first. The SQL is made of constants only. */
static sqlite3_stmt *
select_newest(sqlite3 *db, const char *select, const struct condition *list, size_t count, uint64_t limit)
{
	char text[SQL_MAX];
	sqlite3_stmt *s = NULL;
	int at = 0;
	size_t used = (size_t)snprintf(text, sizeof(text), "%s WHERE 1", select);

	for (size_t i = 0; i < count; i++) {
		if (asked(&list[i]))
			used += (size_t)snprintf(text + used, sizeof(text) - used, " AND %s", list[i].sql);
	}
	snprintf(text + used, sizeof(text) - used, " ORDER BY number DESC LIMIT ?");
	if (sqlite3_prepare_v2(db, text, -1, &s, NULL) != SQLITE_OK)
		return NULL;
	for (size_t i = 0; i < count; i++) {
		if (asked(&list[i]) && list[i].text != NULL)
			sqlite3_bind_text(s, ++at, list[i].text, -1, SQLITE_STATIC);
		else if (asked(&list[i]))
			sqlite3_bind_int64(s, ++at, (int64_t)list[i].number);
	}
	sqlite3_bind_int64(s, ++at, (int64_t)limit);
	return s;
}

static uint64_t
number_at(sqlite3_stmt *s, int column)
{
	return (uint64_t)sqlite3_column_int64(s, column);
}

static const char *
text_at(sqlite3_stmt *s, int column)
{
	const unsigned char *text = sqlite3_column_text(s, column);

	return text == NULL ? "" : (const char *)text;
}

/* Gives each row to row(); false when the database failed. */
static bool
walk(struct model *m, const char *select, const struct condition *list, size_t count, uint64_t limit,
    void (*row)(sqlite3_stmt *s, void *ctx), void *ctx)
{
	sqlite3 *db = model_read_begin(m);
	sqlite3_stmt *s = select_newest(db, select, list, count, limit);
	int result = SQLITE_ERROR;

	while (s != NULL && (result = sqlite3_step(s)) == SQLITE_ROW)
		row(s, ctx);
	sqlite3_finalize(s);
	model_read_end(m);
	return result == SQLITE_DONE;
}

struct to_event {
	void (*each)(void *ctx, const struct model_event *e);
	void *ctx;
};

static void
event_row(sqlite3_stmt *s, void *ctx)
{
	const struct to_event *to = ctx;

	to->each(to->ctx, &(struct model_event){ number_at(s, 0), text_at(s, 1) });
}

bool
model_events(struct model *m, const struct model_filter *f, void (*each)(void *ctx, const struct model_event *e),
    void *ctx)
{
	const struct condition list[] = {
		{ "number < ?", NULL, f->before },
		{ "action = ?", f->action, 0 },
		{ "source = ?", f->source, 0 },
		{ "service = ?", f->service, 0 },
		/* Without an index, which each event would pay for: ask with a service or an action. */
		{ "json_extract(body, '$.service.node.name') = ?", f->instance, 0 },
		{ "time_ms >= ?", NULL, f->since_ms },
	};
	struct to_event to = { each, ctx };

	return walk(m, "SELECT number, body FROM event", list, sizeof(list) / sizeof(list[0]), f->limit, event_row,
	    &to);
}

struct to_message {
	void (*each)(void *ctx, const struct model_message *e);
	void *ctx;
};

static void
message_row(sqlite3_stmt *s, void *ctx)
{
	const struct to_message *to = ctx;
	const struct model_message e = {
		.number = number_at(s, 0),
		.sequence = number_at(s, 1),
		.size = number_at(s, 2),
		.id = text_at(s, 3),
		.sha256 = text_at(s, 4),
		.parts = text_at(s, 5),
		.envelope = text_at(s, 6),
	};

	to->each(to->ctx, &e);
}

bool
model_messages(struct model *m, const struct model_filter *f, void (*each)(void *ctx, const struct model_message *e),
    void *ctx)
{
	const struct condition list[] = {
		{ "number < ?", NULL, f->before },
		{ "id = ?", f->id, 0 },
		{ "sha256 = ?", f->sha256, 0 },
		{ "source = ?", f->source, 0 },
		{ "time_ms >= ?", NULL, f->since_ms },
	};
	struct to_message to = { each, ctx };

	return walk(m, "SELECT number, sequence, size, id, sha256, parts, envelope FROM message", list,
	    sizeof(list) / sizeof(list[0]), f->limit, message_row, &to);
}

struct to_source {
	void (*each)(void *ctx, const struct model_source *s);
	void *ctx;
};

static void
source_row(sqlite3_stmt *s, void *ctx)
{
	const struct to_source *to = ctx;
	const struct model_source e = {
		.number = number_at(s, 0),
		.first_ms = number_at(s, 1),
		.last_ms = number_at(s, 2),
		.events = number_at(s, 3),
		.messages = number_at(s, 4),
		.flows = number_at(s, 5),
		.ip = text_at(s, 6),
	};

	to->each(to->ctx, &e);
}

bool
model_sources(struct model *m, const struct model_filter *f, void (*each)(void *ctx, const struct model_source *s),
    void *ctx)
{
	const struct condition list[] = {
		{ "number < ?", NULL, f->before },
		{ "ip = ?", f->source, 0 },
		{ "last_ms >= ?", NULL, f->since_ms },
	};
	struct to_source to = { each, ctx };

	return walk(m, "SELECT number, first_ms, last_ms, events, messages, flows, ip FROM source", list,
	    sizeof(list) / sizeof(list[0]), f->limit, source_row, &to);
}

bool
model_totals(struct model *m, void (*each)(void *ctx, const struct model_total *t), void *ctx)
{
	static const char text[] = "SELECT name, value FROM total UNION ALL SELECT 'sources', count(*) FROM source";
	sqlite3 *db = model_read_begin(m);
	sqlite3_stmt *s = NULL;
	int result = SQLITE_ERROR;

	if (sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK) {
		while ((result = sqlite3_step(s)) == SQLITE_ROW)
			each(ctx, &(struct model_total){ text_at(s, 0), number_at(s, 1) });
	}
	sqlite3_finalize(s);
	model_read_end(m);
	return result == SQLITE_DONE;
}
