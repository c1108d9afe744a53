#include "api/model_internal.h"

#include "api/query.h"
#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/event.h"
#include "wire/mail_commit.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUSY_MS = 5000,
	APPLICATION_ID = 0x48536170, /* "HSap": another program's database is left alone */
	ENVELOPE_MAX = 512 * 1024,
	PRUNE_EVERY = 16, /* batches: counting rows is not free, a little over the limit is */
};

const char *const model_actions[] = { "probe", "flow-open", "flow-close", "os-guess", "web-request", "web-harvester",
	"proxy-request", "relay-session", "relay-auth", "relay-mail", "courier-sent", "courier-refused",
	"courier-failed", "courier-unknown", "lease-changed", "overload", NULL };

/* AUTOINCREMENT: a number is never given twice, so cursors stay good when rows go. */
static const char schema[] =
    "CREATE TABLE position (stream TEXT PRIMARY KEY, made TEXT NOT NULL, sequence INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE total (name TEXT PRIMARY KEY, value INTEGER NOT NULL) WITHOUT ROWID;"
    "CREATE TABLE event (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, time_ms INTEGER NOT NULL,"
    " action TEXT NOT NULL, service TEXT NOT NULL, source TEXT, body TEXT NOT NULL);"
    "CREATE INDEX event_action ON event(action);"
    "CREATE INDEX event_service ON event(service);"
    "CREATE INDEX event_source ON event(source);"
    "CREATE TABLE message (number INTEGER PRIMARY KEY AUTOINCREMENT, id TEXT NOT NULL UNIQUE, sha256 TEXT NOT NULL,"
    " size INTEGER NOT NULL, sequence INTEGER NOT NULL, time_ms INTEGER NOT NULL, source TEXT, parts TEXT NOT NULL,"
    " envelope TEXT NOT NULL);"
    "CREATE INDEX message_sha256 ON message(sha256);"
    "CREATE INDEX message_source ON message(source);"
    "CREATE TABLE source (number INTEGER PRIMARY KEY AUTOINCREMENT, ip TEXT NOT NULL UNIQUE, first_ms INTEGER NOT NULL,"
    " last_ms INTEGER NOT NULL, events INTEGER NOT NULL, messages INTEGER NOT NULL, flows INTEGER NOT NULL);"
    "CREATE INDEX source_last ON source(last_ms);";

static const char *const sql[STATEMENTS] = {
	[ADD_EVENT] =
	    "INSERT OR IGNORE INTO event (id, time_ms, action, service, source, body) VALUES (?, ?, ?, ?, ?, ?)",
	[ADD_MESSAGE] = "INSERT OR IGNORE INTO message (id, sha256, size, sequence, time_ms, source, parts, envelope)"
			" VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
	[ADD_SOURCE] =
	    "INSERT INTO source (ip, first_ms, last_ms, events, messages, flows) VALUES (?1, ?2, ?2, ?3, ?4, ?5)"
	    " ON CONFLICT (ip) DO UPDATE SET first_ms = min(first_ms, ?2), last_ms = max(last_ms, ?2),"
	    " events = events + ?3, messages = messages + ?4, flows = flows + ?5",
	[ADD_TOTAL] =
	    "INSERT INTO total (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = value + ?2",
	[SET_POSITION] = "INSERT OR REPLACE INTO position (stream, made, sequence) VALUES (?, ?, ?)",
	[PRUNE_EVENTS] = "DELETE FROM event WHERE number <= (SELECT max(number) FROM event) - ?",
	[PRUNE_MESSAGES] = "DELETE FROM message WHERE number <= (SELECT max(number) FROM message) - ?",
	[PRUNE_SOURCES] = "DELETE FROM source WHERE number IN (SELECT number FROM source ORDER BY last_ms LIMIT"
			  " max(0, (SELECT count(*) FROM source) - ?))",
};

/* ---- opening ---- */

static int64_t
pragma(sqlite3 *db, const char *name)
{
	char text[64];
	sqlite3_stmt *s = NULL;
	int64_t value = -1;

	snprintf(text, sizeof(text), "PRAGMA %s", name);
	if (sqlite3_prepare_v2(db, text, -1, &s, NULL) == SQLITE_OK && sqlite3_step(s) == SQLITE_ROW)
		value = sqlite3_column_int64(s, 0);
	sqlite3_finalize(s);
	return value;
}

static bool
create_tables(sqlite3 *db)
{
	char text[128];

	snprintf(text, sizeof(text), "PRAGMA application_id = %d; PRAGMA user_version = %d;", (int)APPLICATION_ID,
	    (int)MODEL_VERSION);
	return sqlite3_exec(db, "BEGIN", NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, schema, NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, text, NULL, NULL, NULL) == SQLITE_OK &&
	    sqlite3_exec(db, "COMMIT", NULL, NULL, NULL) == SQLITE_OK;
}

static bool
check_schema(sqlite3 *db, const char *path, char *error, size_t error_size)
{
	int64_t version = pragma(db, "user_version"), application = pragma(db, "application_id");
	int64_t pages = pragma(db, "page_count");

	if (pages == 0 && version == 0) {
		if (create_tables(db))
			return true;
		snprintf(error, error_size, "%s can't be written: %s", path, sqlite3_errmsg(db));
	} else if (version < 0 || application < 0) {
		snprintf(error, error_size, "%s can't be read: %s", path, sqlite3_errmsg(db));
	} else if (application != APPLICATION_ID) {
		snprintf(error, error_size, "%s is another program's database: give another db.path", path);
	} else if (version != MODEL_VERSION) {
		snprintf(error, error_size,
		    "%s has version %lld and this program knows %d: remove the file, it is made again from the streams",
		    path, (long long)version, (int)MODEL_VERSION);
	} else {
		return true;
	}
	return false;
}

static sqlite3 *
open_database(const char *path, int flags, char *error, size_t error_size)
{
	sqlite3 *db = NULL;

	if (sqlite3_open_v2(path, &db, flags | SQLITE_OPEN_NOMUTEX, NULL) != SQLITE_OK) {
		snprintf(error, error_size, "%s can't be opened: %s", path,
		    db == NULL ? "memory is out" : sqlite3_errmsg(db));
		sqlite3_close(db);
		return NULL;
	}
	sqlite3_busy_timeout(db, BUSY_MS);
	return db;
}

static bool
open_writer(struct model *m, char *error, size_t error_size)
{
	m->writer = open_database(m->settings.path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, error, error_size);
	if (m->writer == NULL || !check_schema(m->writer, m->settings.path, error, error_size))
		return false;
	/* NORMAL: power loss may cost the last batch, rows and place together; the stream still has it. */
	sqlite3_exec(m->writer, "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL", NULL, NULL, NULL);
	for (size_t i = 0; i < STATEMENTS; i++) {
		if (sqlite3_prepare_v3(m->writer, sql[i], -1, SQLITE_PREPARE_PERSISTENT, &m->statements[i], NULL) !=
		    SQLITE_OK) {
			snprintf(error, error_size, "%s can't be used: %s", m->settings.path,
			    sqlite3_errmsg(m->writer));
			return false;
		}
	}
	return true;
}

struct model *
model_new(const struct model_settings *s, char *error, size_t error_size)
{
	struct model *m = xcalloc(1, sizeof(*m));

	m->settings = *s;
	m->settings.path = xstrdup(s->path);
	m->in_memory = strcmp(s->path, ":memory:") == 0;
	pthread_mutex_init(&m->write_lock, NULL);
	pthread_mutex_init(&m->read_lock, NULL);
	if (!open_writer(m, error, error_size)) {
		model_free(&m);
		return NULL;
	}
	m->reader = m->in_memory ? m->writer : open_database(m->settings.path, SQLITE_OPEN_READONLY, error, error_size);
	if (m->reader == NULL)
		model_free(&m);
	return m;
}

void
model_free(struct model **mp)
{
	struct model *m = *mp;

	if (m == NULL)
		return;
	for (size_t i = 0; i < STATEMENTS; i++)
		sqlite3_finalize(m->statements[i]);
	if (m->reader != m->writer)
		sqlite3_close(m->reader);
	sqlite3_close(m->writer);
	pthread_mutex_destroy(&m->write_lock);
	pthread_mutex_destroy(&m->read_lock);
	free((void *)(uintptr_t)m->settings.path);
	free(m);
	*mp = NULL;
}

sqlite3 *
model_read_begin(struct model *m)
{
	pthread_mutex_lock(m->in_memory ? &m->write_lock : &m->read_lock);
	return m->reader;
}

void
model_read_end(struct model *m)
{
	pthread_mutex_unlock(m->in_memory ? &m->write_lock : &m->read_lock);
}

/* ---- writing ---- */

/* Runs a prepared statement that gives no rows; returns how many rows it changed. */
static int
run(struct model *m, enum statement which)
{
	sqlite3_stmt *s = m->statements[which];
	int result = m->failed ? SQLITE_ERROR : sqlite3_step(s);

	if (result != SQLITE_DONE)
		m->failed = true;
	sqlite3_reset(s);
	sqlite3_clear_bindings(s);
	return m->failed ? 0 : sqlite3_changes(m->writer);
}

static void
bind_text(struct model *m, enum statement which, int at, const char *text)
{
	sqlite3_bind_text(m->statements[which], at, text, -1, SQLITE_STATIC); /* NULL binds NULL */
}

static void
bind_number(struct model *m, enum statement which, int at, uint64_t v)
{
	sqlite3_bind_int64(m->statements[which], at, v > INT64_MAX ? INT64_MAX : (int64_t)v);
}

void
model_begin(struct model *m)
{
	pthread_mutex_lock(&m->write_lock);
	m->failed = sqlite3_exec(m->writer, "BEGIN IMMEDIATE", NULL, NULL, NULL) != SQLITE_OK;
}

static void
prune(struct model *m)
{
	const struct {
		enum statement which;
		uint64_t max;
	} limits[] = {
		{ PRUNE_EVENTS, m->settings.events_max },
		{ PRUNE_MESSAGES, m->settings.messages_max },
		{ PRUNE_SOURCES, m->settings.sources_max },
	};

	if (m->batches++ % PRUNE_EVERY != 0)
		return;
	for (size_t i = 0; i < sizeof(limits) / sizeof(limits[0]); i++) {
		bind_number(m, limits[i].which, 1, limits[i].max);
		run(m, limits[i].which);
	}
}

bool
model_commit(struct model *m, const char *stream, const char *made, uint64_t sequence)
{
	prune(m);
	bind_text(m, SET_POSITION, 1, stream);
	bind_text(m, SET_POSITION, 2, made);
	bind_number(m, SET_POSITION, 3, sequence);
	run(m, SET_POSITION);
	if (!m->failed && sqlite3_exec(m->writer, "COMMIT", NULL, NULL, NULL) != SQLITE_OK)
		m->failed = true;
	bool ok = !m->failed;

	if (!ok) {
		log_warn("msg=\"a batch was not written, trying again\" stream=%s error=\"%s\"", stream,
		    sqlite3_errmsg(m->writer));
		sqlite3_exec(m->writer, "ROLLBACK", NULL, NULL, NULL);
	}
	pthread_mutex_unlock(&m->write_lock);
	return ok;
}

void
model_count(struct model *m, const char *name, uint64_t n)
{
	bind_text(m, ADD_TOTAL, 1, name);
	bind_number(m, ADD_TOTAL, 2, n);
	run(m, ADD_TOTAL);
}

static void
count_source(struct model *m, const char *ip, uint64_t time_ms, bool is_message, bool is_flow)
{
	if (ip == NULL)
		return;
	bind_text(m, ADD_SOURCE, 1, ip);
	bind_number(m, ADD_SOURCE, 2, time_ms);
	bind_number(m, ADD_SOURCE, 3, is_message ? 0 : 1);
	bind_number(m, ADD_SOURCE, 4, is_message ? 1 : 0);
	bind_number(m, ADD_SOURCE, 5, is_flow ? 1 : 0);
	run(m, ADD_SOURCE);
}

static const cJSON *
member(const cJSON *json, const char *object, const char *name)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, object), name);
}

/* The address as we spell it, or NULL. */
static const char *
address_text(const cJSON *value, char buf[ADDR_TEXT_MAX])
{
	struct addr a;

	return cJSON_IsString(value) && addr_parse(value->valuestring, &a) ? addr_format(&a, buf) : NULL;
}

static uint64_t
time_of(const cJSON *value, uint64_t otherwise)
{
	uint64_t ms;

	return cJSON_IsString(value) && query_time(value->valuestring, &ms) ? ms : otherwise;
}

static uint64_t
number_of(const cJSON *value)
{
	return cJSON_IsNumber(value) && value->valuedouble > 0 && value->valuedouble < 9007199254740992.0
	    ? (uint64_t)value->valuedouble
	    : 0;
}

static void
count_event(struct model *m, const cJSON *json, const char *action)
{
	char name[64] = "events.other";
	const cJSON *flow =
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "honeyspam"), "flow");

	for (size_t i = 0; model_actions[i] != NULL; i++) {
		if (strcmp(model_actions[i], action) == 0)
			snprintf(name, sizeof(name), "events.%s", action);
	}
	model_count(m, "events", 1);
	model_count(m, name, 1);
	if (strcmp(action, "flow-close") == 0) {
		model_count(m, "bytes_in", number_of(cJSON_GetObjectItemCaseSensitive(flow, "bytes_in")));
		model_count(m, "bytes_out", number_of(cJSON_GetObjectItemCaseSensitive(flow, "bytes_out")));
	}
}

/* False: it lacks what every event has. */
static bool
insert_event(struct model *m, const cJSON *json, const char *body, uint64_t stored_wall_ms)
{
	const cJSON *id = member(json, "event", "id"), *action = member(json, "event", "action");
	const cJSON *service = member(json, "service", "name");
	char ip[ADDR_TEXT_MAX];
	const char *source = address_text(member(json, "source", "ip"), ip);
	uint64_t time_ms = time_of(cJSON_GetObjectItemCaseSensitive(json, "@timestamp"), stored_wall_ms);

	if (!cJSON_IsString(id) || !cJSON_IsString(action) || !cJSON_IsString(service))
		return false;
	bind_text(m, ADD_EVENT, 1, id->valuestring);
	bind_number(m, ADD_EVENT, 2, time_ms);
	bind_text(m, ADD_EVENT, 3, action->valuestring);
	bind_text(m, ADD_EVENT, 4, service->valuestring);
	bind_text(m, ADD_EVENT, 5, source);
	bind_text(m, ADD_EVENT, 6, body);
	if (run(m, ADD_EVENT) == 1) {
		count_event(m, json, action->valuestring);
		count_source(m, source, time_ms, false, strcmp(action->valuestring, "flow-open") == 0);
	}
	return true;
}

/*
 * The text as it may go into our own JSON: one object, valid UTF-8.  NULL
 * otherwise: a broken event must not break the list that it is in.
 */
static cJSON *
parse_object(const void *data, size_t len, size_t max, char **text)
{
	cJSON *json = NULL;

	*text = NULL;
	if (len <= max && memchr(data, '\0', len) == NULL && str_is_utf8(data, len)) {
		*text = xcalloc(1, len + 1);
		memcpy(*text, data, len);
		json = cJSON_ParseWithOpts(*text, NULL, true);
	}
	if (!cJSON_IsObject(json)) {
		cJSON_Delete(json);
		json = NULL;
	}
	return json;
}

void
model_add_event(struct model *m, const void *data, size_t len, uint64_t stored_wall_ms)
{
	char *text;
	cJSON *json = parse_object(data, len, EVENT_MAX, &text);

	if (json == NULL || !insert_event(m, json, text, stored_wall_ms))
		model_count(m, "events_malformed", 1);
	cJSON_Delete(json);
	free(text);
}

static void
parts_text(const struct mail_commit *c, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (size_t i = 0; i < c->part_count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%llu", i == 0 ? "" : ",",
		    (unsigned long long)c->parts[i]);
}

void
model_add_message(struct model *m, const struct mail_commit *c, uint64_t sequence, uint64_t stored_wall_ms)
{
	char *text, parts[MODEL_PARTS_TEXT_MAX], ip[ADDR_TEXT_MAX];
	cJSON *envelope = parse_object(c->envelope, strlen(c->envelope), ENVELOPE_MAX, &text);
	const char *source = address_text(member(envelope, "source", "ip"), ip);
	uint64_t time_ms = time_of(cJSON_GetObjectItemCaseSensitive(envelope, "received"), stored_wall_ms);

	parts_text(c, parts, sizeof(parts));
	bind_text(m, ADD_MESSAGE, 1, c->id);
	bind_text(m, ADD_MESSAGE, 2, c->sha256);
	bind_number(m, ADD_MESSAGE, 3, c->size);
	bind_number(m, ADD_MESSAGE, 4, sequence);
	bind_number(m, ADD_MESSAGE, 5, time_ms);
	bind_text(m, ADD_MESSAGE, 6, source);
	bind_text(m, ADD_MESSAGE, 7, parts);
	bind_text(m, ADD_MESSAGE, 8, envelope == NULL ? "{}" : text); /* the mail counts, whatever its envelope says */
	if (run(m, ADD_MESSAGE) == 1) {
		model_count(m, "messages", 1);
		model_count(m, "message_bytes", c->size);
		count_source(m, source, time_ms, true, false);
	}
	cJSON_Delete(envelope);
	free(text);
}

uint64_t
model_position(struct model *m, const char *stream, const char *made)
{
	sqlite3_stmt *s = NULL;
	uint64_t sequence = 0;
	sqlite3 *db = model_read_begin(m);

	if (sqlite3_prepare_v2(db, "SELECT sequence FROM position WHERE stream = ? AND made = ?", -1, &s, NULL) ==
	    SQLITE_OK) {
		sqlite3_bind_text(s, 1, stream, -1, SQLITE_STATIC);
		sqlite3_bind_text(s, 2, made, -1, SQLITE_STATIC);
		if (sqlite3_step(s) == SQLITE_ROW)
			sequence = (uint64_t)sqlite3_column_int64(s, 0);
	}
	sqlite3_finalize(s);
	model_read_end(m);
	return sequence;
}
