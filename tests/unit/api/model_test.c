/* model_test - what the read model holds after doubles, crashes and full tables. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/model.h"
#include "base/log.h"
#include "wire/mail_commit.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static char path[64];

static struct model *
open_model(const char *where, uint64_t max)
{
	const struct model_settings s = { where, max, max, max };
	char error[512] = "";
	struct model *m = model_new(&s, error, sizeof(error));

	if (m == NULL)
		fail_msg("%s", error);
	return m;
}

static void
add_event(struct model *m, const char *id, const char *action, const char *ip)
{
	char text[1024];

	snprintf(text, sizeof(text),
	    "{\"@timestamp\":\"2026-11-24T12:00:00.000Z\",\"event\":{\"id\":\"%s\",\"action\":\"%s\",\"kind\":"
	    "\"event\"},"
	    "\"service\":{\"name\":\"relaytrap\",\"node\":{\"name\":\"relay-1\"}},\"source\":{\"ip\":\"%s\",\"port\":1}"
	    ","
	    "\"honeyspam\":{\"schema\":1,\"site\":\"lab\",\"flow\":{\"id\":\"f\",\"bytes_in\":10,\"bytes_out\":20}}}",
	    id, action, ip);
	model_add_event(m, text, strlen(text), 5);
}

static void
add_message(struct model *m, const char *id, uint64_t sequence)
{
	struct mail_commit c = { .size = 100, .parts = { 3, 4 }, .part_count = 2 };

	snprintf(c.id, sizeof(c.id), "%s", id);
	memset(c.sha256, 'a', MAIL_SHA256_TEXT);
	c.envelope = "{\"source\":{\"ip\":\"203.0.113.9\"},\"received\":\"2026-11-24T12:00:00.000Z\"}";
	model_add_message(m, &c, sequence, 5);
}

static void
commit(struct model *m, uint64_t sequence)
{
	assert_true(model_commit(m, "EVENTS", "life", sequence));
}

struct sum {
	const char *name;
	uint64_t value;
};

static void
find_total(void *ctx, const struct model_total *t)
{
	struct sum *s = ctx;

	if (strcmp(t->name, s->name) == 0)
		s->value = t->value;
}

static uint64_t
total(struct model *m, const char *name)
{
	struct sum s = { name, 0 };

	assert_true(model_totals(m, find_total, &s));
	return s.value;
}

static void
an_event_counts_once(void **state)
{
	struct model *m = open_model(":memory:", 100);

	(void)state;
	model_begin(m);
	add_event(m, "a-1", "flow-close", "203.0.113.9");
	add_event(m, "a-1", "flow-close", "203.0.113.9");
	commit(m, 2);
	model_begin(m);
	add_event(m, "a-1", "flow-close", "203.0.113.9");
	add_event(m, "a-2", "flow-open", "203.0.113.9");
	commit(m, 4);
	assert_int_equal(total(m, "events"), 2);
	assert_int_equal(total(m, "events.flow-close"), 1);
	assert_int_equal(total(m, "events.flow-open"), 1);
	assert_int_equal(total(m, "bytes_in"), 10);
	assert_int_equal(total(m, "bytes_out"), 20);
	assert_int_equal(total(m, "sources"), 1);
	model_free(&m);
	assert_null(m);
}

static void
a_mail_counts_once(void **state)
{
	struct model *m = open_model(":memory:", 100);

	(void)state;
	model_begin(m);
	add_message(m, "x-m1", 7);
	add_message(m, "x-m1", 8);
	add_message(m, "x-m2", 9);
	commit(m, 9);
	assert_int_equal(total(m, "messages"), 2);
	assert_int_equal(total(m, "message_bytes"), 200);
	model_free(&m);
}

static void
what_is_no_event_is_counted_and_not_kept(void **state)
{
	static const char *const rows[] = { "", "{", "[]", "null", "{}",
		"{\"event\":{\"id\":1,\"action\":\"a\"},\"service\":{\"name\":\"x\"}}",
		"{\"event\":{\"id\":\"1\"},\"service\":{\"name\":\"x\"}}",
		"{\"event\":{\"id\":\"1\",\"action\":\"a\"}}",
		"{\"event\":{\"id\":\"\xff\",\"action\":\"a\"},\"service\":{\"name\":\"x\"}}",
		"{\"event\":{\"id\":\"1\",\"action\":\"a\"},\"service\":{\"name\":\"x\"}} x" };
	size_t count = sizeof(rows) / sizeof(rows[0]);
	struct model *m = open_model(":memory:", 100);

	(void)state;
	model_begin(m);
	for (size_t i = 0; i < count; i++)
		model_add_event(m, rows[i], strlen(rows[i]), 5);
	model_add_event(m, "{}\0", 3, 5);
	commit(m, count);
	assert_int_equal(total(m, "events_malformed"), count + 1);
	assert_int_equal(total(m, "events"), 0);
	model_free(&m);
}

static void
an_unknown_action_has_no_counter_of_its_own(void **state)
{
	struct model *m = open_model(":memory:", 100);

	(void)state;
	model_begin(m);
	add_event(m, "a-1", "made-up-1", "203.0.113.9");
	add_event(m, "a-2", "made-up-2", "no address");
	commit(m, 2);
	assert_int_equal(total(m, "events.other"), 2);
	assert_int_equal(total(m, "sources"), 1);
	model_free(&m);
}

/* ---- lists ---- */

struct seen {
	uint64_t numbers[64];
	char ids[64][16];
	size_t count;
};

static void
see_message(void *ctx, const struct model_message *e)
{
	struct seen *s = ctx;

	s->numbers[s->count] = e->number;
	snprintf(s->ids[s->count++], sizeof(s->ids[0]), "%s", e->id);
}

static void
see_event(void *ctx, const struct model_event *e)
{
	struct seen *s = ctx;

	s->numbers[s->count++] = e->number;
}

static void
pages_hold_each_item_once_while_items_arrive(void **state)
{
	struct model *m = open_model(":memory:", 1000);
	struct model_filter f = { .limit = 3 };
	struct seen seen = { .count = 0 };
	char id[32];

	(void)state;
	model_begin(m);
	for (unsigned i = 1; i <= 20; i++) {
		snprintf(id, sizeof(id), "x-m%u", i);
		add_message(m, id, i);
	}
	commit(m, 20);
	for (unsigned page = 0, n = 100; page < 7; page++) {
		assert_true(model_messages(m, &f, see_message, &seen));
		f.before = seen.numbers[seen.count - 1];
		model_begin(m); /* more arrives between the pages, and doubles of what was shown */
		snprintf(id, sizeof(id), "x-m%u", n++);
		add_message(m, id, n);
		add_message(m, "x-m20", n);
		commit(m, n);
	}
	assert_int_equal(seen.count, 20);
	for (unsigned i = 0; i < 20; i++) {
		snprintf(id, sizeof(id), "x-m%u", 20 - i);
		assert_string_equal(seen.ids[i], id);
	}
	model_free(&m);
}

static size_t
count_events(struct model *m, struct model_filter f)
{
	struct seen seen = { .count = 0 };

	f.limit = 50;
	assert_true(model_events(m, &f, see_event, &seen));
	return seen.count;
}

static void
filters_leave_what_was_asked_for(void **state)
{
	struct model *m = open_model(":memory:", 100);

	(void)state;
	model_begin(m);
	add_event(m, "a-1", "flow-open", "203.0.113.9");
	add_event(m, "a-2", "flow-close", "203.0.113.9");
	add_event(m, "a-3", "flow-open", "::ffff:203.0.113.10");
	commit(m, 3);
	assert_int_equal(count_events(m, (struct model_filter){ 0 }), 3);
	assert_int_equal(count_events(m, (struct model_filter){ .action = "flow-open" }), 2);
	assert_int_equal(count_events(m, (struct model_filter){ .source = "203.0.113.10" }), 1);
	assert_int_equal(count_events(m, (struct model_filter){ .action = "flow-open", .source = "203.0.113.9" }), 1);
	assert_int_equal(count_events(m, (struct model_filter){ .service = "webtrap" }), 0);
	assert_int_equal(count_events(m, (struct model_filter){ .action = "' OR 1 --" }), 0);
	assert_int_equal(count_events(m, (struct model_filter){ .instance = "relay-1" }), 3);
	assert_int_equal(count_events(m, (struct model_filter){ .action = "flow-close", .instance = "relay-1" }), 1);
	assert_int_equal(count_events(m, (struct model_filter){ .instance = "relay-2" }), 0);
	assert_int_equal(count_events(m, (struct model_filter){ .since_ms = 1795521600000 }), 3);
	assert_int_equal(count_events(m, (struct model_filter){ .since_ms = 1795521600001 }), 0);
	model_free(&m);
}

static void
a_full_table_loses_its_oldest_and_no_count(void **state)
{
	struct model *m = open_model(":memory:", 10);
	char id[32], ip[32];

	(void)state;
	for (unsigned i = 0; i < 200; i++) {
		snprintf(id, sizeof(id), "a-%u", i);
		snprintf(ip, sizeof(ip), "203.0.113.%u", i);
		model_begin(m);
		add_event(m, id, "probe", ip);
		commit(m, i + 1);
	}
	assert_in_range(count_events(m, (struct model_filter){ 0 }), 10, 26);
	assert_in_range(total(m, "sources"), 10, 26);
	assert_int_equal(count_events(m, (struct model_filter){ .source = "203.0.113.199" }), 1);
	assert_int_equal(total(m, "events"), 200);
	model_free(&m);
}

/* ---- files ---- */

static int
make_path(void **state)
{
	(void)state;
	snprintf(path, sizeof(path), "/tmp/hs-model-XXXXXX");
	int fd = mkstemp(path);

	close(fd);
	unlink(path);
	return fd < 0;
}

static int
remove_path(void **state)
{
	char name[80];

	(void)state;
	unlink(path);
	snprintf(name, sizeof(name), "%s-wal", path);
	unlink(name);
	snprintf(name, sizeof(name), "%s-shm", path);
	unlink(name);
	return 0;
}

static void
rows_and_place_survive_together(void **state)
{
	struct model *m = open_model(path, 100);

	(void)state;
	assert_int_equal(model_position(m, "EVENTS", "life"), 0);
	model_begin(m);
	add_event(m, "a-1", "probe", "203.0.113.9");
	commit(m, 41);
	model_begin(m);
	add_event(m, "a-2", "probe", "203.0.113.9");
	model_free(&m); /* dies in the batch */
	m = open_model(path, 100);
	assert_int_equal(model_position(m, "EVENTS", "life"), 41);
	assert_int_equal(total(m, "events"), 1);
	assert_int_equal(model_position(m, "EVENTS", "another life"), 0);
	assert_int_equal(model_position(m, "MAIL", "life"), 0);
	model_free(&m);
}

/* Reading doesn't wait for a batch that is being written. */
static void
reading_goes_on_during_a_batch(void **state)
{
	struct model *m = open_model(path, 100);

	(void)state;
	model_begin(m);
	add_event(m, "a-1", "probe", "203.0.113.9");
	assert_int_equal(total(m, "events"), 0);
	commit(m, 1);
	assert_int_equal(total(m, "events"), 1);
	model_free(&m);
}

static void
expect_refused(const char *script, const char *word)
{
	const struct model_settings s = { path, 10, 10, 10 };
	char error[512] = "";
	sqlite3 *db;

	assert_int_equal(sqlite3_open(path, &db), SQLITE_OK);
	assert_int_equal(sqlite3_exec(db, script, NULL, NULL, NULL), SQLITE_OK);
	sqlite3_close(db);
	assert_null(model_new(&s, error, sizeof(error)));
	if (strstr(error, word) == NULL)
		fail_msg("not said why: %s", error);
}

static void
another_version_is_refused_with_a_sentence(void **state)
{
	struct model *m = open_model(path, 100);

	(void)state;
	model_free(&m);
	expect_refused("PRAGMA user_version = 99", "version 99");
}

static void
another_programs_database_is_left_alone(void **state)
{
	(void)state;
	expect_refused("CREATE TABLE mine (x)", "another program");
}

static void
a_directory_that_is_not_there_is_said(void **state)
{
	const struct model_settings s = { "/nonexistent/x.sqlite", 10, 10, 10 };
	char error[512] = "";

	(void)state;
	assert_null(model_new(&s, error, sizeof(error)));
	assert_non_null(strstr(error, "/nonexistent/x.sqlite"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(an_event_counts_once),
		cmocka_unit_test(a_mail_counts_once),
		cmocka_unit_test(what_is_no_event_is_counted_and_not_kept),
		cmocka_unit_test(an_unknown_action_has_no_counter_of_its_own),
		cmocka_unit_test(pages_hold_each_item_once_while_items_arrive),
		cmocka_unit_test(filters_leave_what_was_asked_for),
		cmocka_unit_test(a_full_table_loses_its_oldest_and_no_count),
		cmocka_unit_test_setup_teardown(rows_and_place_survive_together, make_path, remove_path),
		cmocka_unit_test_setup_teardown(reading_goes_on_during_a_batch, make_path, remove_path),
		cmocka_unit_test_setup_teardown(another_version_is_refused_with_a_sentence, make_path, remove_path),
		cmocka_unit_test_setup_teardown(another_programs_database_is_left_alone, make_path, remove_path),
		cmocka_unit_test(a_directory_that_is_not_there_is_said),
	};

	log_init("test", LOG_LEVEL_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
