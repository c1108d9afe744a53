/* transcript_test - lines in, an event's array out, within its limits. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "relaytrap/transcript.h"
#include "wire/event.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

static cJSON *
told(const struct transcript *t)
{
	struct event *e = event_create("relaytrap", "lab", "relay-session", "x-session", 0);

	transcript_tell(t, e, "smtp.transcript");
	const char *text = event_format(e, NULL);
	assert_non_null(text);
	cJSON *json = cJSON_Parse(text);
	event_destroy(&e);
	return json;
}

static void
lines_come_back_in_order(void **state)
{
	struct transcript t = { 0 };

	(void)state;
	transcript_add(&t, false, "220 a\r\n", 7);
	transcript_add(&t, true, "EHLO \0b", 7);
	transcript_add(&t, true, "", 0);
	transcript_add(&t, false, "250-a\r\n250 b\r\n", 14);
	cJSON *json = told(&t);
	cJSON *lines = cJSON_GetObjectItem(cJSON_GetObjectItem(json, "smtp"), "transcript");
	static const char *const wanted[] = { "220 a", ">EHLO \\x00b", ">", "250-a\r\n250 b" };

	assert_int_equal(cJSON_GetArraySize(lines), 4);
	for (int i = 0; i < 4; i++)
		assert_string_equal(cJSON_GetArrayItem(lines, i)->valuestring, wanted[i]);
	cJSON_Delete(json);
	transcript_fini(&t);
	assert_null(t.bytes);
}

static void
a_flood_is_cut_and_fits_into_an_event(void **state)
{
	struct transcript t = { 0 };
	char line[2048];

	(void)state;
	memset(line, 0xff, sizeof(line)); /* the worst: four characters an octet */
	for (int i = 0; i < 1000; i++)
		transcript_add(&t, true, line, sizeof(line));
	assert_true(t.truncated);
	assert_true(t.room <= TRANSCRIPT_BYTES_MAX);
	cJSON *json = told(&t);
	assert_true(cJSON_IsTrue(cJSON_GetObjectItem(cJSON_GetObjectItem(json, "smtp"), "transcript_truncated")));
	cJSON_Delete(json);
	transcript_fini(&t);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(lines_come_back_in_order),
		cmocka_unit_test(a_flood_is_cut_and_fits_into_an_event),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
