/* page_test - questions and the first lines of answers, as Apache, nginx and IIS give them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webtrap/page.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct site_key key = { "0123456789abcdef", 16 };
static const uint64_t now_ms = 1795536000000; /* 2026-11-24 */
static struct page_answer answer;
static struct page_site site;
static char head[PAGE_ANSWER_HEAD_MAX + 1];

/* %M in a question is the maze's folder without its last slash. */
static void
ask(const char *look, const char *question)
{
	const struct endpoint decoy = { addr_from_v4(0xcb00710c), 80 };
	const struct addr visitor = addr_from_v4(0xc6336407);
	char bytes[2048];
	const char *mark = strstr(question, "%M");
	struct request r;

	page_site_init(&site, look_find(look), &key, &decoy, "example.net");
	if (mark == NULL)
		snprintf(bytes, sizeof(bytes), "%s", question);
	else
		snprintf(bytes, sizeof(bytes), "%.*s%.*s%s", (int)(mark - question), question,
		    (int)strlen(site.maze.prefix) - 1, site.maze.prefix, mark + 2);
	enum request_verdict v = request_check(&site.look->rules, bytes, strlen(bytes), &r);

	page_answer(&site, &r, v == REQUEST_MORE ? REQUEST_LATE : v, &visitor, now_ms, &answer);
	head[page_head_format(&answer, head)] = '\0';
}

/* The names of the answer's headers, as "Date Server ...". */
static const char *
names(void)
{
	static char text[1024];

	text[0] = '\0';
	for (size_t i = 0; i < answer.field_count; i++)
		strcat(strcat(text, i > 0 ? " " : ""), answer.fields[i].name);
	return text;
}

static const char *
value(const char *name)
{
	for (size_t i = 0; i < answer.field_count; i++) {
		if (strcmp(answer.fields[i].name, name) == 0)
			return answer.fields[i].value;
	}
	return "";
}

#define HOST "Host: a.example\r\n\r\n"

static const struct {
	const char *look, *question, *line, *names;
} rows[] = {
	{ "apache", "GET / HTTP/1.1\r\n" HOST, "200 OK",
	    "Date Server Last-Modified ETag Accept-Ranges Content-Length Content-Type" },
	{ "apache", "GET / HTTP/1.1\r\nConnection: keep-alive\r\n" HOST, "200 OK",
	    "Date Server Last-Modified ETag Accept-Ranges Content-Length Keep-Alive Connection Content-Type" },
	{ "apache", "GET / HTTP/1.0\r\n\r\n", "200 OK",
	    "Date Server Last-Modified ETag Accept-Ranges Content-Length Connection Content-Type" },
	{ "apache", "GET /favicon.ico HTTP/1.1\r\n" HOST, "404 Not Found", "Date Server Content-Length Content-Type" },
	{ "apache", "HEAD /favicon.ico HTTP/1.1\r\n" HOST, "404 Not Found", "Date Server Content-Type" },
	{ "apache", "GET %M HTTP/1.1\r\n" HOST, "301 Moved Permanently",
	    "Date Server Location Content-Length Content-Type" },
	{ "apache", "GET %M/ HTTP/1.1\r\n" HOST, "200 OK",
	    "Date Server Last-Modified ETag Accept-Ranges Content-Length Content-Type" },
	{ "apache", "GET %M/x.php HTTP/1.1\r\n" HOST, "404 Not Found", "Date Server Content-Length Content-Type" },
	{ "apache", "GET / HTTP/1.1\r\n\r\n", "400 Bad Request", "Date Server Content-Length Connection Content-Type" },
	{ "apache", "FOO / HTTP/1.1\r\n" HOST, "501 Not Implemented",
	    "Date Server Allow Content-Length Connection Content-Type" },
	{ "apache", "TRACE / HTTP/1.1\r\n" HOST, "405 Method Not Allowed",
	    "Date Server Allow Content-Length Content-Type" },
	{ "apache", "POST / HTTP/1.1\r\n" HOST, "200 OK",
	    "Date Server Last-Modified ETag Accept-Ranges Content-Length Content-Type" },
	{ "apache", "POST /contact.php HTTP/1.1\r\n" HOST, "200 OK", "Date Server Content-Length Content-Type" },
	{ "apache", "OPTIONS / HTTP/1.1\r\n" HOST, "200 OK", "Date Server Allow Content-Length Content-Type" },
	{ "apache", "OPTIONS * HTTP/1.1\r\n" HOST, "200 OK", "Date Server Content-Length" },
	{ "apache", "GET / HTTP", "408 Request Timeout", "Date Server Content-Length Connection Content-Type" },
	{ "nginx", "GET / HTTP/1.1\r\n" HOST, "200 OK",
	    "Server Date Content-Type Content-Length Last-Modified Connection ETag Accept-Ranges" },
	{ "nginx", "GET %M HTTP/1.1\r\n" HOST, "301 Moved Permanently",
	    "Server Date Content-Type Content-Length Location Connection" },
	{ "nginx", "POST / HTTP/1.1\r\n" HOST, "405 Not Allowed",
	    "Server Date Content-Type Content-Length Connection" },
	{ "nginx", "POST /contact HTTP/1.1\r\n" HOST, "200 OK", "Server Date Content-Type Content-Length Connection" },
	{ "nginx", "GET / HTTP/2.0\r\n" HOST, "505 HTTP Version Not Supported",
	    "Server Date Content-Type Content-Length Connection" },
	{ "nginx", "GET /%00 HTTP/1.1\r\n" HOST, "400 Bad Request",
	    "Server Date Content-Type Content-Length Connection" },
	{ "iis-5.0", "GET / HTTP/1.1\r\n" HOST, "200 OK",
	    "Server Content-Location Date Content-Type Accept-Ranges Last-Modified ETag Content-Length" },
	{ "iis", "GET /about.htm HTTP/1.1\r\n" HOST, "200 OK",
	    "Server Date Content-Type Accept-Ranges Last-Modified ETag Content-Length" },
	{ "iis", "GET /Default.htm HTTP/1.1\r\n" HOST, "200 OK",
	    "Server Content-Location Date Content-Type Accept-Ranges Last-Modified ETag Content-Length" },
	{ "iis", "GET /index.htm HTTP/1.1\r\n" HOST, "404 Object Not Found",
	    "Server Date Content-Type Content-Length" },
	{ "iis", "GET /x HTTP/1.1\r\n" HOST, "404 Object Not Found", "Server Date Content-Type Content-Length" },
	{ "iis", "DELETE / HTTP/1.1\r\n" HOST, "403 Forbidden", "Server Date Connection Content-Type Content-Length" },
	{ "iis", "garbage\r\n", "400 Bad Request", "Server Date Connection Content-Type Content-Length" },
	{ "unknown", "GET /robots.txt HTTP/1.1\r\n" HOST, "200 OK",
	    "Date Server Last-Modified ETag Accept-Ranges Content-Length Content-Type" },
};

static void
test_answers(void **state)
{
	char line[64];

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		ask(rows[i].look, rows[i].question);
		snprintf(line, sizeof(line), "HTTP/1.1 %s\r\n", rows[i].line);
		if (strncmp(head, line, strlen(line)) != 0 || strcmp(names(), rows[i].names) != 0)
			fail_msg("%s: %s\ngave %s", rows[i].look, rows[i].question, head);
		if (value("Content-Length")[0] != '\0')
			assert_int_equal(strtoul(value("Content-Length"), NULL, 10), answer.body_len);
	}
}

static void
test_a_timeout_without_words(void **state)
{
	(void)state;
	ask("nginx", "GET / HTTP");
	assert_int_equal(answer.status, 0);
	assert_string_equal(head, "");
}

static void
test_http_0_9_is_the_body(void **state)
{
	(void)state;
	ask("apache", "GET /\r\n");
	assert_string_equal(head, "");
	assert_true(answer.bare && answer.closes && answer.body_len > 100);
}

/* Apache's tag is size and time: who computes it must find it right. */
static void
test_tags_tell_the_truth(void **state)
{
	char size[32], question[512], tag[128];
	size_t len;

	(void)state;
	ask("apache", "GET /about.html HTTP/1.1\r\n" HOST);
	len = answer.body_len;
	snprintf(size, sizeof(size), "\"%zx-", len);
	assert_int_equal(strncmp(value("ETag"), size, strlen(size)), 0);
	snprintf(tag, sizeof(tag), "%s", value("ETag"));
	snprintf(question, sizeof(question), "GET /about.html HTTP/1.1\r\nIf-None-Match: \"x\", %s\r\n" HOST, tag);
	ask("apache", question);
	assert_string_equal(names(), "Date Server Last-Modified ETag Accept-Ranges");
	assert_int_equal(answer.status, 304);
	assert_true(answer.no_body);
	ask("apache", "GET /about.html HTTP/1.1\r\nIf-None-Match: \"x\"\r\n" HOST);
	assert_int_equal(answer.status, 200);
}

static void
test_not_modified_since(void **state)
{
	char question[512], changed[64];

	(void)state;
	ask("nginx", "GET / HTTP/1.1\r\n" HOST);
	snprintf(changed, sizeof(changed), "%s", value("Last-Modified"));
	snprintf(question, sizeof(question), "GET / HTTP/1.1\r\nIf-Modified-Since: %s\r\n" HOST, changed);
	ask("nginx", question);
	assert_int_equal(answer.status, 304);
	assert_string_equal(names(), "Server Date Last-Modified Connection ETag");
}

static void
test_head_says_the_length_of_get(void **state)
{
	size_t len;

	(void)state;
	ask("apache", "GET %M/a.html HTTP/1.1\r\n" HOST);
	len = answer.body_len;
	assert_int_equal(answer.addresses, MAZE_TRACED + MAZE_PLAIN);
	ask("apache", "HEAD %M/a.html HTTP/1.1\r\n" HOST);
	assert_int_equal(strtoul(value("Content-Length"), NULL, 10), len);
	assert_true(answer.no_body);
	assert_int_equal(answer.addresses, 0);
}

static void
test_a_peers_words_are_escaped(void **state)
{
	(void)state;
	ask("apache", "X'&| / HTTP/1.1\r\n" HOST);
	answer.body[answer.body_len] = '\0';
	assert_non_null(strstr(answer.body, "<p>X'&amp;| not supported"));
	ask("apache", "CONNECT b:25 HTTP/1.1\r\nHost: b.example:25\r\n\r\n");
	answer.body[answer.body_len] = '\0';
	assert_non_null(strstr(answer.body, " Server at b.example Port 25<"));
}

/* Apache counts down, and ends the connection after the last. */
static void
test_a_connection_has_so_many_requests(void **state)
{
	static const char question[] = "GET / HTTP/1.1\r\nConnection: keep-alive\r\n" HOST;
	const struct addr visitor = addr_from_v4(0xc6336407);
	struct request r;

	(void)state;
	ask("apache", question);
	assert_string_equal(value("Keep-Alive"), "timeout=15, max=100");
	assert_int_equal(request_check(&site.look->rules, question, strlen(question), &r), REQUEST_OK);
	r.number = 99;
	page_answer(&site, &r, REQUEST_OK, &visitor, now_ms, &answer);
	assert_string_equal(value("Keep-Alive"), "timeout=15, max=1");
	r.number = 100;
	page_answer(&site, &r, REQUEST_OK, &visitor, now_ms, &answer);
	assert_true(answer.closes);
	assert_string_equal(value("Connection"), "close");
}

/* Whatever way the maze's path is written, it is the maze, and says so. */
static void
test_the_maze_by_other_names(void **state)
{
	static const char *const questions[] = { "GET %M/?q HTTP/1.1\r\n" HOST, "GET /.%M/ HTTP/1.1\r\n" HOST,
		"GET http://x%M/ HTTP/1.1\r\n" HOST, "GET /about.html/..%M/ HTTP/1.1\r\n" HOST };

	(void)state;
	for (size_t i = 0; i < sizeof(questions) / sizeof(questions[0]); i++) {
		ask("apache", questions[i]);
		assert_int_equal(answer.kind, PAGE_MAZE);
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_answers),
		cmocka_unit_test(test_a_timeout_without_words),
		cmocka_unit_test(test_http_0_9_is_the_body),
		cmocka_unit_test(test_tags_tell_the_truth),
		cmocka_unit_test(test_not_modified_since),
		cmocka_unit_test(test_head_says_the_length_of_get),
		cmocka_unit_test(test_a_peers_words_are_escaped),
		cmocka_unit_test(test_a_connection_has_so_many_requests),
		cmocka_unit_test(test_the_maze_by_other_names),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
