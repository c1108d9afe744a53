#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "wire/event.h"
#include "wire/identity.h"
#include "wire/subject.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static cJSON *
formatted(struct event *e)
{
	size_t len;
	const char *text = event_format(e, &len);

	assert_non_null(text);
	assert_int_equal(strlen(text), len);
	cJSON *json = cJSON_Parse(text);
	assert_non_null(json);
	return json;
}

static const cJSON *
at(const cJSON *json, const char *a, const char *b)
{
	return cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, a), b);
}

static void
paths_become_nested_objects(void **state)
{
	struct event *e = event_create("relaytrap", "lab", "relay-mail", "id-1", 1700000000123);

	(void)state;
	event_number(e, "source.port", 25);
	event_number(e, "source.port", 26); /* the last word counts, once */
	event_number(e, "honeyspam.mail.size", UINT64_MAX);
	event_bool(e, "honeyspam.mail.large", true);
	cJSON *json = formatted(e);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "@timestamp")->valuestring,
	    "2023-11-14T22:13:20.123Z");
	assert_true(at(json, "source", "port")->valuedouble == 26);
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "source")), 1);
	assert_true(
	    at(cJSON_GetObjectItemCaseSensitive(json, "honeyspam"), "mail", "size")->valuedouble == 9007199254740991.0);
	cJSON_Delete(json);
	event_destroy(&e);
	assert_null(e);
}

/* What the event formats to behind the fields that all have. */
static void
assert_own_text(struct event *e, const char *expected)
{
	const char *text = event_format(e, NULL);

	assert_non_null(text);
	const char *own = strstr(text, ",\"own\":");
	assert_non_null(own);
	assert_string_equal(own + 1, expected);
	assert_string_equal(strstr(event_format(e, NULL), ",\"own\":") + 1, expected); /* as often as one likes */
	event_destroy(&e);
}

static void
fields_of_an_object_may_come_in_any_order(void **state)
{
	struct event *e = event_create("relaytrap", "lab", "relay-mail", "id-1", 0);

	(void)state;
	event_number(e, "own.deep.er.a", 1);
	event_number(e, "own.b", 2);
	event_number(e, "owner", 3);
	event_number(e, "own.deep.c", 4);
	event_append(e, "own.list", "x", 1, 9);
	event_number(e, "own.deep.er.d", 5);
	event_append(e, "own.list", "y", 1, 9);
	event_append_number(e, "own.numbers", 1234567890123, 9);
	event_append_number(e, "own.numbers", 6, 9);
	event_number(e, "own.b", 7);
	assert_own_text(e,
	    "\"own\":{\"deep\":{\"er\":{\"a\":1,\"d\":5},\"c\":4},\"b\":7,\"list\":[\"x\",\"y\"],"
	    "\"numbers\":[1234567890123,6]},\"owner\":3}");
}

static void
any_octet_of_a_peer_makes_good_json(void **state)
{
	struct event *e = event_create("relaytrap", "lab", "relay-mail", "id-1", 0);

	(void)state;
	event_bytes(e, "own.text", "\"\\ \t\r\n\x1f\x7f \0\xff \xc3\xa4", 14);
	event_text(e, "own.none", "");
	assert_own_text(e,
	    "\"own\":{\"text\":\"\\\"\\\\ \\t\\r\\n\\u001f\x7f \\\\x00\\\\xff \xc3\xa4\",\"none\":\"\"}}");
}

static void
many_and_large_fields_are_kept(void **state)
{
	struct event *e = event_create("relaytrap", "lab", "relay-mail", "id-1", 0);
	char path[32], text[200];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (size_t i = 0; i < 150; i++) {
		snprintf(path, sizeof(path), "own.n%zu", i);
		event_bytes(e, path, text, i);
		assert_non_null(event_format(e, NULL)); /* and it may go on */
	}
	cJSON *json = formatted(e);
	for (size_t i = 0; i < 150; i++) {
		snprintf(path, sizeof(path), "n%zu", i);
		assert_int_equal(strlen(at(json, "own", path)->valuestring), i);
	}
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "own")), 150);
	cJSON_Delete(json);
	event_destroy(&e);
}

static void
long_texts_are_cut_and_say_so(void **state)
{
	struct event *e = event_create("relaytrap", "lab", "relay-mail", "id-1", 0);
	char text[EVENT_TEXT_MAX + 2];

	(void)state;
	memset(text, 'a', sizeof(text));
	event_bytes(e, "honeyspam.note", text, EVENT_TEXT_MAX);
	event_bytes(e, "honeyspam.long", text, EVENT_TEXT_MAX + 1);
	for (int i = 0; i < 5; i++)
		event_append(e, "honeyspam.list", "x", 1, 3);
	cJSON *json = formatted(e);
	assert_null(at(json, "honeyspam", "note_truncated"));
	assert_true(cJSON_IsTrue(at(json, "honeyspam", "long_truncated")));
	assert_int_equal(strlen(at(json, "honeyspam", "long")->valuestring), EVENT_TEXT_MAX);
	assert_int_equal(cJSON_GetArraySize(at(json, "honeyspam", "list")), 3);
	assert_true(cJSON_IsTrue(at(json, "honeyspam", "list_truncated")));
	cJSON_Delete(json);
	event_destroy(&e);
}

static void
an_event_over_its_limit_is_not_formatted(void **state)
{
	struct event *e = event_create("relaytrap", "lab", "relay-mail", "id-1", 0);
	char text[EVENT_TEXT_MAX];

	(void)state;
	memset(text, 'a', sizeof(text));
	for (int i = 0; i < 70; i++)
		event_append(e, "honeyspam.list", text, sizeof(text), 100);
	assert_null(event_format(e, NULL));
	event_destroy(&e);
}

static void
identities_differ_by_key_address_and_purpose(void **state)
{
	struct site_key one = { .bytes = { 1 }, .len = 32 }, two = { .bytes = { 2 }, .len = 32 };
	struct addr a = addr_from_v4(0xcb00710a), b = addr_from_v4(0xcb00710b);

	(void)state;
	assert_true(identity_u64(&one, &a, "isn") == identity_u64(&one, &a, "isn"));
	assert_true(identity_u64(&one, &a, "isn") != identity_u64(&one, &a, "boot"));
	assert_true(identity_u64(&one, &a, "isn") != identity_u64(&one, &b, "isn"));
	assert_true(identity_u64(&one, &a, "isn") != identity_u64(&two, &a, "isn"));
}

static void
key_files_are_checked(void **state)
{
	static const struct {
		const char *text;
		bool good;
	} rows[] = {
		{ "000102030405060708090a0b0c0d0e0f", true },
		{ "000102030405060708090A0B0C0D0E0F\n", true },
		{ "000102030405060708090a0b0c0d0e", false },
		{ "000102030405060708090a0b0c0d0e0g", false },
		{ "000102030405060708090a0b0c0d0e0f0", false },
		{ "", false },
	};
	char path[] = "/tmp/hs-key-XXXXXX", error[256];
	struct site_key key;

	(void)state;
	int fd = mkstemp(path);
	assert_true(fd >= 0);
	close(fd);
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		FILE *f = fopen(path, "w");
		assert_non_null(f);
		fputs(rows[i].text, f);
		fclose(f);
		assert_int_equal(site_key_load(path, &key, error, sizeof(error)), rows[i].good);
	}
	unlink(path);
	assert_false(site_key_load(path, &key, error, sizeof(error)));
	assert_non_null(strstr(error, path));
}

static void
subject_tokens_can_not_widen_a_subject(void **state)
{
	(void)state;
	assert_true(subject_token_valid("lab-1_A"));
	assert_false(subject_token_valid(""));
	assert_false(subject_token_valid("a.b"));
	assert_false(subject_token_valid("*"));
	assert_false(subject_token_valid(">"));
	assert_false(subject_token_valid("a b"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(paths_become_nested_objects),
		cmocka_unit_test(fields_of_an_object_may_come_in_any_order),
		cmocka_unit_test(any_octet_of_a_peer_makes_good_json),
		cmocka_unit_test(many_and_large_fields_are_kept),
		cmocka_unit_test(long_texts_are_cut_and_say_so),
		cmocka_unit_test(an_event_over_its_limit_is_not_formatted),
		cmocka_unit_test(identities_differ_by_key_address_and_purpose),
		cmocka_unit_test(key_files_are_checked),
		cmocka_unit_test(subject_tokens_can_not_widen_a_subject),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
