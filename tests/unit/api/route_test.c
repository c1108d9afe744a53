/* route_test - a whole API in memory: every route, who may call it, and what it answers when things are missing. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "api/api.h"
#include "api/assets.h"
#include "api/model.h"
#include "api/route.h"
#include "base/log.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define READ_TOKEN "read-0123456789abcdef"
#define OPERATOR_TOKEN "oper-0123456789abcdef"
#define READER "Bearer " READ_TOKEN
#define OPERATOR "Bearer " OPERATOR_TOKEN

static struct api api;
static enum raw_result raw_result;
static char read_path[64], operator_path[64];

/* ---- what stands behind ---- */

static bool replicas_known, draining, without_boot;

static bool
fake_replicas_known(void *ctx)
{
	(void)ctx;
	return replicas_known;
}

static size_t
fake_replicas(void *ctx, struct replica_view *out, size_t max)
{
	(void)ctx;
	assert_true(max >= 3);
	memset(out, 0, 3 * sizeof(*out));
	for (size_t i = 0; i < 3; i++) {
		out[i].sessions = 10 + i;
		out[i].capacity = 100;
		out[i].draining = draining || i == 2;
		snprintf(out[i].boot, sizeof(out[i].boot), "%s", without_boot && i == 1 ? "" : "b1");
		snprintf(out[i].service, sizeof(out[i].service), "relaytrap");
		snprintf(out[i].instance, sizeof(out[i].instance), "r-%zu", i);
	}
	endpoint_parse("203.0.113.5:2525", &out[0].at);
	return 3;
}

static ssize_t
fake_read(void *ctx, uint64_t at, char *buf, size_t max)
{
	static const char text[] = "Subject: x\r\n\r\n";

	(void)ctx;
	(void)max;
	buf[0] = text[at];
	return 1;
}

static void
fake_free(void *ctx)
{
	(void)ctx;
}

static enum raw_result
fake_raw_open(void *ctx, const struct raw_mail *mail, struct reply_stream *out)
{
	(void)ctx;
	assert_int_equal(mail->part_count, 2);
	assert_int_equal(mail->parts[1], 4);
	assert_int_equal(mail->sequence, 9);
	assert_int_equal(strlen(mail->sha256), MAIL_SHA256_TEXT);
	if (raw_result == RAW_OK)
		*out = (struct reply_stream){ .size = mail->size, .read = fake_read, .free = fake_free };
	return raw_result;
}

static struct api_behind
fake_behind(void *ctx)
{
	(void)ctx;
	return (struct api_behind){ .known = false };
}

static uint64_t
fake_now(void *ctx)
{
	(void)ctx;
	return 0;
}

static const struct api_ops ops = { fake_replicas, fake_replicas_known, fake_raw_open, fake_behind, fake_now };

static void
write_token(char *path, size_t size, const char *text)
{
	snprintf(path, size, "/tmp/hs-route-XXXXXX");
	int fd = mkstemp(path);

	assert_true(fd >= 0);
	assert_true(write(fd, text, strlen(text)) == (ssize_t)strlen(text));
	close(fd);
}

static void
fill_model(void)
{
	static const char event[] =
	    "{\"event\":{\"id\":\"e-1\",\"action\":\"relay-mail\"},\"service\":{\"name\":\"relaytrap\"},"
	    "\"source\":{\"ip\":\"203.0.113.9\"}}";
	struct mail_commit c = { .id = "x-m1", .size = 14, .parts = { 3, 4 }, .part_count = 2 };

	memset(c.sha256, 'a', MAIL_SHA256_TEXT);
	c.envelope = "{\"mail_from\":\"\",\"rcpt_to\":[\"a@example.com\"],\"helo\":\"h\",\"source\":{\"ip\":\"203.0."
		     "113.9\",\"port\":7},"
		     "\"queue_id\":\"4Q\",\"via\":\"\",\"subject\":\"=?utf-8?Q?=E2=82=AC?= now\"}";
	model_begin(api.model);
	model_add_event(api.model, event, strlen(event), 5);
	model_add_message(api.model, &c, 9, 5);
	assert_true(model_commit(api.model, "EVENTS", "life", 1));
}

static int
setup(void **state)
{
	const struct model_settings s = { ":memory:", 100, 100, 100 };
	char error[512];

	(void)state;
	replicas_known = true;
	write_token(read_path, sizeof(read_path), READ_TOKEN);
	write_token(operator_path, sizeof(operator_path), OPERATOR_TOKEN);
	api.ops = &ops;
	api.tokens = tokens_new(read_path, operator_path, error, sizeof(error));
	api.model = model_new(&s, error, sizeof(error));
	fill_model();
	raw_result = RAW_OK;
	return api.tokens == NULL || api.model == NULL;
}

static int
teardown(void **state)
{
	(void)state;
	model_free(&api.model);
	tokens_free(&api.tokens);
	unlink(read_path);
	unlink(operator_path);
	return 0;
}

/* ---- asking ---- */

static void
ask(struct reply *r, const char *method, const char *target, const char *authorization)
{
	memset(r, 0, sizeof(*r));
	route_answer(&api, method, target, authorization, r);
}

static unsigned
status_of(const char *method, const char *target, const char *authorization)
{
	struct reply r;

	ask(&r, method, target, authorization);
	unsigned status = r.status;

	if (status >= 400) {
		cJSON *json = cJSON_ParseWithLength(r.text, r.len);

		assert_string_equal(r.type, "application/problem+json");
		assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "status")->valuedouble, status);
		assert_true(cJSON_IsString(cJSON_GetObjectItemCaseSensitive(json, "detail")));
		cJSON_Delete(json);
	}
	reply_fini(&r);
	return status;
}

static cJSON *
get(const char *target)
{
	struct reply r;

	ask(&r, "GET", target, READER);
	if (r.status != 200)
		fail_msg("%s gives %u: %s", target, r.status, r.text);
	cJSON *json = cJSON_ParseWithOpts(r.text, NULL, true);

	assert_non_null(json);
	reply_fini(&r);
	return json;
}

static const char *
header_of(const struct reply *r, const char *name)
{
	for (size_t i = 0; i < r->header_count; i++) {
		if (strcmp(r->headers[i].name, name) == 0)
			return r->headers[i].value;
	}
	return NULL;
}

/* A route's path with the stored mail's id, or a service's name, in it. */
static const char *
target_of(const struct route *route, char out[128])
{
	const char *mark = strchr(route->path, '{');

	if (mark == NULL)
		snprintf(out, 128, "%s", route->path);
	else
		snprintf(out, 128, "%.*s%s%s", (int)(mark - route->path), route->path,
		    mark[1] == 's' ? "relaytrap" : "x-m1", strchr(mark, '}') + 1);
	return out;
}

/* ---- the tests ---- */

static void
every_route_answers_by_token(void **state)
{
	char target[128];

	(void)state;
	for (size_t i = 0; i < route_count; i++) {
		bool open = routes[i].role == ROLE_NONE;

		target_of(&routes[i], target);
		if (status_of("GET", target, NULL) != (open ? 200 : 401))
			fail_msg("%s without a token", target);
		if (status_of("GET", target, "Bearer nobody-knows-this-one") != (open ? 200 : 401))
			fail_msg("%s with a wrong token", target);
		if (status_of("GET", target, READER) != (routes[i].role == ROLE_OPERATOR ? 403 : 200))
			fail_msg("%s with the reader's token", target);
		if (status_of("HEAD", target, OPERATOR) != 200)
			fail_msg("%s with the operator's token", target);
	}
}

static void
only_files_are_open_to_all(void **state)
{
	(void)state;
	for (size_t i = 0; i < route_count; i++)
		assert_true((strncmp(routes[i].path, "/v1/", 4) == 0) == (routes[i].role != ROLE_NONE));
}

static void
every_route_refuses_other_methods_and_parameters(void **state)
{
	static const char *const methods[] = { "POST", "PUT", "DELETE", "OPTIONS", "TRACE", "get", "" };
	char target[128], query[160];

	(void)state;
	for (size_t i = 0; i < route_count; i++) {
		target_of(&routes[i], target);
		for (size_t j = 0; j < sizeof(methods) / sizeof(methods[0]); j++) {
			if (status_of(methods[j], target, READER) != 405)
				fail_msg("%s %s", methods[j], target);
		}
		snprintf(query, sizeof(query), "%s?surprise=1", target);
		if (status_of("GET", query, READER) != 400)
			fail_msg("%s", query);
	}
}

static void
what_is_not_there_is_404_for_everybody(void **state)
{
	static const char *const targets[] = { "", "*", "/v1", "/v1/", "/v1/stats/", "//v1/stats", "/v1/messages/",
		"/v1/messages//raw", "/v1/messages/x-m1/raw/", "/v1/messages/x-m1/other", "/../etc/passwd",
		"/index.html", "/V1/stats", "/v1/messages/%zz", "/v1/messages/%00", "http://127.0.0.1/v1/stats" };

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (status_of("GET", targets[i], READER) != 404 || status_of("GET", targets[i], NULL) != 404)
			fail_msg("\"%s\"", targets[i]);
	}
}

static void
bad_parameters_are_400(void **state)
{
	static const char *const targets[] = { "/v1/events?limit=0", "/v1/events?limit=1001", "/v1/events?limit=x",
		"/v1/events?cursor=x", "/v1/events?cursor=bQAAAAAAAAAF" /* of messages */, "/v1/events?source=nobody",
		"/v1/events?since=yesterday", "/v1/events?limit=1&limit=1", "/v1/messages?sha256=abc",
		"/v1/messages?action=probe", "/v1/stats?limit=1", "/v1/events?%" };

	(void)state;
	for (size_t i = 0; i < sizeof(targets) / sizeof(targets[0]); i++) {
		if (status_of("GET", targets[i], READER) != 400)
			fail_msg("%s", targets[i]);
	}
}

static void
a_target_that_is_too_long_is_414(void **state)
{
	char target[TARGET_MAX + 8];

	(void)state;
	memset(target, 'a', sizeof(target));
	target[0] = '/';
	target[TARGET_MAX - 1] = '\0';
	assert_int_equal(status_of("GET", target, READER), 404);
	target[TARGET_MAX - 1] = 'a';
	target[TARGET_MAX] = '\0';
	assert_int_equal(status_of("GET", target, READER), 414);
}

static void
challenges_say_what_was_wrong(void **state)
{
	struct reply r;

	(void)state;
	ask(&r, "GET", "/v1/stats", NULL);
	assert_string_equal(header_of(&r, "WWW-Authenticate"), "Bearer realm=\"honeyspam\"");
	reply_fini(&r);
	ask(&r, "GET", "/v1/stats", "Bearer x");
	assert_non_null(strstr(header_of(&r, "WWW-Authenticate"), "error=\"invalid_token\""));
	reply_fini(&r);
}

static void
stats_hold_messages_and_events_by_action(void **state)
{
	cJSON *json = get("/v1/stats");
	const cJSON *actions = cJSON_GetObjectItemCaseSensitive(json, "events_by_action");

	(void)state;
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "messages")->valuedouble, 1);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "message_bytes")->valuedouble, 14);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "events")->valuedouble, 1);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, "replicas")->valuedouble, 3);
	assert_int_equal(cJSON_GetObjectItemCaseSensitive(actions, "relay-mail")->valuedouble, 1);
	assert_true(
	    cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "behind"), "events")));
	cJSON_Delete(json);
}

static void
a_message_says_who_and_what(void **state)
{
	cJSON *json = get("/v1/messages?source=203.0.113.9&limit=1");
	const cJSON *item = cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "items"), 0);
	const cJSON *envelope = cJSON_GetObjectItemCaseSensitive(item, "envelope");

	(void)state;
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(item, "id")->valuestring, "x-m1");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(item, "subject")->valuestring, "€ now");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(item, "queue_id")->valuestring, "4Q");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(item, "raw")->valuestring, "/v1/messages/x-m1/raw");
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(envelope, "mail_from")->valuestring, "");
	assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(item, "via")));
	assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(json, "next")));
	cJSON_Delete(json);
	assert_int_equal(status_of("GET", "/v1/messages/x-m2", READER), 404);
	assert_int_equal(status_of("GET", "/v1/messages/x%2Dm1", READER), 200);
}

static void
raw_mail_is_an_attachment_or_a_reason(void **state)
{
	static const struct {
		enum raw_result result;
		unsigned status;
	} rows[] = { { RAW_OK, 200 }, { RAW_GONE, 410 }, { RAW_AWAY, 503 }, { RAW_WRONG, 500 } };
	struct reply r;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		raw_result = rows[i].result;
		assert_int_equal(status_of("GET", "/v1/messages/x-m1/raw", READER), rows[i].status);
	}
	raw_result = RAW_OK;
	ask(&r, "GET", "/v1/messages/x-m1/raw", READER);
	assert_string_equal(r.type, "message/rfc822");
	assert_string_equal(header_of(&r, "Content-Disposition"), "attachment; filename=\"x-m1.eml\"");
	assert_int_equal(r.stream.size, 14);
	reply_fini(&r);
}

static void
replicas_come_in_pages(void **state)
{
	cJSON *json = get("/v1/replicas?limit=2");
	char target[128];

	(void)state;
	assert_int_equal(cJSON_GetArraySize(cJSON_GetObjectItemCaseSensitive(json, "items")), 2);
	snprintf(target, sizeof(target), "/v1/replicas?limit=2&cursor=%s",
	    cJSON_GetObjectItemCaseSensitive(json, "next")->valuestring);
	cJSON_Delete(json);
	json = get(target);
	const cJSON *items = cJSON_GetObjectItemCaseSensitive(json, "items");

	assert_int_equal(cJSON_GetArraySize(items), 1);
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(items, 0), "instance")->valuestring,
	    "r-2");
	assert_true(cJSON_IsNull(cJSON_GetObjectItemCaseSensitive(cJSON_GetArrayItem(items, 0), "address")));
	cJSON_Delete(json);
}

/* ---- the description and the program say the same ---- */

static cJSON *
asset_json(const char *path)
{
	for (size_t i = 0; i < asset_count; i++) {
		if (strcmp(assets[i].path, path) == 0)
			return cJSON_ParseWithLength(assets[i].data, assets[i].len);
	}
	return NULL;
}

static bool
takes_parameter(const struct route *route, const char *name)
{
	for (size_t i = 0; route->parameters[i] != NULL; i++) {
		if (strcmp(route->parameters[i], name) == 0)
			return true;
	}
	return (strcmp(name, "id") == 0 && strstr(route->path, "{id}") != NULL) ||
	    (strcmp(name, "service_name") == 0 && strstr(route->path, "{service}") != NULL);
}

static size_t
parameter_count(const struct route *route)
{
	size_t n = strchr(route->path, '{') != NULL ? 1 : 0;

	for (size_t i = 0; route->parameters[i] != NULL; i++)
		n++;
	return n;
}

static void
the_scaling_signal_is_a_sum_or_nothing(void **state)
{
	static const char *const names[] = { "sessions", "capacity", "replicas" };
	static const int sums[] = { 21, 200, 2 }; /* the third drains */
	cJSON *json = get("/v1/scaling/relaytrap");

	(void)state;
	for (size_t i = 0; i < 3; i++)
		assert_int_equal(cJSON_GetObjectItemCaseSensitive(json, names[i])->valueint, sums[i]);
	cJSON_Delete(json);
	assert_int_equal(status_of("GET", "/v1/scaling/webtrap", READER), 503); /* nobody of it was heard */
	assert_int_equal(status_of("GET", "/v1/scaling/mailman", READER), 404);
	assert_int_equal(status_of("GET", "/v1/scaling/", READER), 404);
	assert_int_equal(status_of("GET", "/v1/scaling/relaytrap", NULL), 401);
	without_boot = true;
	assert_int_equal(status_of("GET", "/v1/scaling/relaytrap", READER), 503);
	without_boot = false;
	draining = true;
	assert_int_equal(status_of("GET", "/v1/scaling/relaytrap", READER), 503);
	draining = false;
	replicas_known = false; /* NATS is away */
	assert_int_equal(status_of("GET", "/v1/scaling/relaytrap", READER), 503);
}

static void
openapi_describes_every_route_and_no_other(void **state)
{
	cJSON *json = asset_json("/openapi.json");
	const cJSON *paths = cJSON_GetObjectItemCaseSensitive(json, "paths"), *reference;

	(void)state;
	assert_string_equal(cJSON_GetObjectItemCaseSensitive(json, "openapi")->valuestring, "3.1.0");
	assert_int_equal(cJSON_GetArraySize(paths), route_count);
	for (size_t i = 0; i < route_count; i++) {
		const cJSON *path = cJSON_GetObjectItemCaseSensitive(paths, routes[i].path);
		const cJSON *operation = cJSON_GetObjectItemCaseSensitive(path, "get");
		const cJSON *parameters = cJSON_GetObjectItemCaseSensitive(operation, "parameters");

		if (operation == NULL)
			fail_msg("not described: %s", routes[i].path);
		assert_int_equal(cJSON_GetArraySize(parameters), parameter_count(&routes[i]));
		assert_true((routes[i].role == ROLE_NONE) == cJSON_HasObjectItem(operation, "security"));
		cJSON_ArrayForEach(reference, parameters)
		{
			const char *name = cJSON_GetObjectItemCaseSensitive(reference, "$ref")->valuestring;

			if (!takes_parameter(&routes[i], strrchr(name, '/') + 1))
				fail_msg("%s doesn't take %s", routes[i].path, name);
		}
	}
	cJSON_Delete(json);
}

/* An item has the members that openapi.yaml requires, and no other. */
static void
expect_members(const char *schema, const cJSON *item)
{
	cJSON *json = asset_json("/openapi.json");
	const cJSON *schemas =
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "components"), "schemas");
	const cJSON *wanted =
			cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(schemas, schema), "required"),
		    *name;

	assert_non_null(wanted);
	assert_int_equal(cJSON_GetArraySize(item), cJSON_GetArraySize(wanted));
	cJSON_ArrayForEach(name, wanted)
	{
		if (!cJSON_HasObjectItem(item, name->valuestring))
			fail_msg("%s lacks %s", schema, name->valuestring);
	}
	cJSON_Delete(json);
}

static void
answers_have_the_members_that_openapi_says(void **state)
{
	static const struct {
		const char *target, *schema;
	} rows[] = { { "/v1/messages", "message" }, { "/v1/sources", "source" }, { "/v1/replicas", "replica" } };
	cJSON *json;

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		json = get(rows[i].target);
		expect_members(rows[i].schema, cJSON_GetArrayItem(cJSON_GetObjectItemCaseSensitive(json, "items"), 0));
		cJSON_Delete(json);
	}
	json = get("/v1/scaling/relaytrap");
	expect_members("scaling", json);
	cJSON_Delete(json);
	json = get("/v1/stats");
	expect_members("stats", json);
	cJSON_Delete(json);
	json = get("/v1/messages/x-m1");
	expect_members("message", json);
	cJSON_Delete(json);
}

static void
the_contracts_are_json(void **state)
{
	static const char *const paths[] = { "/openapi.json", "/asyncapi.json", "/events.schema.json" };

	(void)state;
	for (size_t i = 0; i < sizeof(paths) / sizeof(paths[0]); i++) {
		cJSON *json = asset_json(paths[i]);

		if (json == NULL)
			fail_msg("%s", paths[i]);
		cJSON_Delete(json);
	}
}

/* Each action that is counted by name is one that the schema knows, and back. */
static void
the_schema_knows_the_actions_that_are_counted(void **state)
{
	cJSON *json = asset_json("/events.schema.json");
	const cJSON *event =
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(json, "properties"), "event");
	const cJSON *action =
	    cJSON_GetObjectItemCaseSensitive(cJSON_GetObjectItemCaseSensitive(event, "properties"), "action");
	const cJSON *names = cJSON_GetObjectItemCaseSensitive(action, "enum");
	int n = 0;

	(void)state;
	for (; model_actions[n] != NULL; n++)
		assert_string_equal(cJSON_GetArrayItem(names, n)->valuestring, model_actions[n]);
	assert_int_equal(cJSON_GetArraySize(names), n);
	cJSON_Delete(json);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(every_route_answers_by_token, setup, teardown),
		cmocka_unit_test_setup_teardown(only_files_are_open_to_all, setup, teardown),
		cmocka_unit_test_setup_teardown(every_route_refuses_other_methods_and_parameters, setup, teardown),
		cmocka_unit_test_setup_teardown(what_is_not_there_is_404_for_everybody, setup, teardown),
		cmocka_unit_test_setup_teardown(bad_parameters_are_400, setup, teardown),
		cmocka_unit_test_setup_teardown(a_target_that_is_too_long_is_414, setup, teardown),
		cmocka_unit_test_setup_teardown(challenges_say_what_was_wrong, setup, teardown),
		cmocka_unit_test_setup_teardown(stats_hold_messages_and_events_by_action, setup, teardown),
		cmocka_unit_test_setup_teardown(a_message_says_who_and_what, setup, teardown),
		cmocka_unit_test_setup_teardown(raw_mail_is_an_attachment_or_a_reason, setup, teardown),
		cmocka_unit_test_setup_teardown(replicas_come_in_pages, setup, teardown),
		cmocka_unit_test_setup_teardown(the_scaling_signal_is_a_sum_or_nothing, setup, teardown),
		cmocka_unit_test(openapi_describes_every_route_and_no_other),
		cmocka_unit_test_setup_teardown(answers_have_the_members_that_openapi_says, setup, teardown),
		cmocka_unit_test(the_contracts_are_json),
		cmocka_unit_test(the_schema_knows_the_actions_that_are_counted),
	};

	log_init("test", LOG_LEVEL_FATAL);
	return cmocka_run_group_tests(tests, NULL, NULL);
}
