/* maze_test - the same path is the same page, nothing leads out, and addresses tell who took them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "webtrap/maze.h"

#include <string.h>

enum { MINUTES = 28000000 };

static const struct site_key key = { "0123456789abcdef", 16 };

static struct maze
maze_of(uint32_t decoy)
{
	const struct addr a = addr_from_v4(decoy);
	struct maze m;

	maze_init(&m, &key, &a, "example.net, example.org", ".html", "/contact.php");
	return m;
}

/* Copies the text up to end; returns what follows it. */
static const char *
take(const char *from, char end, char *out, size_t size)
{
	size_t len = strcspn(from, (char[]){ end, '\0' });

	assert_true(len < size);
	memcpy(out, from, len);
	out[len] = '\0';
	return from + len;
}

/* The page without the local parts of its traced addresses. */
static void
strip_tokens(char *page)
{
	char *to = page;

	for (const char *from = page; *from != '\0';) {
		if (strncmp(from, "mailto:", 7) == 0)
			from = strstr(from, "</a>");
		*to++ = *from++;
	}
	*to = '\0';
}

static void
test_pages_are_pure(void **state)
{
	static char a[MAZE_PAGE_MAX], b[MAZE_PAGE_MAX];
	const struct maze one = maze_of(0xcb00710c), other = maze_of(0xcb00710d);
	const struct addr visitor = addr_from_v4(0xc6336407), somebody = addr_from_v4(0xc6336408);
	const char *path = "/x/river/letter-77.html";
	size_t len;

	(void)state;
	len = maze_page(&one, path, &visitor, MINUTES, a);
	assert_int_equal(maze_page(&one, path, &visitor, MINUTES, b), len);
	assert_string_equal(a, b);
	assert_int_equal(maze_page(&one, path, &somebody, MINUTES + 5, b), len);
	assert_string_not_equal(a, b);
	strip_tokens(a);
	strip_tokens(b);
	assert_string_equal(a, b);
	maze_page(&one, "/x/river/letter-78.html", &visitor, MINUTES, b);
	strip_tokens(b);
	assert_string_not_equal(a, b);
	maze_page(&other, path, &visitor, MINUTES, b);
	strip_tokens(b);
	assert_string_not_equal(a, b);
	assert_string_not_equal(one.title, other.title);
	assert_int_equal(maze_changed_us(&one, path), maze_changed_us(&one, path));
	assert_int_not_equal(maze_changed_us(&one, path), maze_changed_us(&other, path));
}

/* Walks on by each page's last link: every link is inside, has a page, and the walk meets no page twice. */
static void
test_links_stay_inside(void **state)
{
	static char page[MAZE_PAGE_MAX];
	const struct maze m = maze_of(0xcb00710c);
	const struct addr visitor = addr_from_v4(0xc6336407);
	char path[256], link[256], seen[64][256];

	(void)state;
	strcpy(path, m.prefix);
	for (size_t step = 0; step < 64; step++) {
		unsigned links = 0;

		maze_page(&m, path, &visitor, MINUTES, page);
		for (const char *p = page; (p = strstr(p, "href=\"/")) != NULL; links++) {
			p = take(p + 6, '"', link, sizeof(link));
			assert_true(maze_inside(&m, link) && maze_has(&m, link));
		}
		assert_true(links >= 5);
		for (size_t i = 0; i < step; i++)
			assert_string_not_equal(seen[i], link);
		strcpy(seen[step], link);
		strcpy(path, link);
	}
}

static void
test_only_our_kind_of_file(void **state)
{
	const struct maze m = maze_of(0xcb00710c);
	char path[128];
	static const struct {
		const char *rest;
		bool has;
	} rows[] = {
		{ "", true },
		{ "a/", true },
		{ "a/b-1.html", true },
		{ "favicon.ico", false },
		{ "wp-login.php", false },
		{ "A.html", false },
		{ "a b.html", false },
		{ "%41.html", false },
		{ "a", false },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		strcat(strcpy(path, m.prefix), rows[i].rest);
		assert_true(maze_inside(&m, path));
		assert_int_equal(maze_has(&m, path), rows[i].has);
	}
	assert_false(maze_inside(&m, "/"));
	assert_false(maze_inside(&m, "/archive.html"));
}

static void
test_addresses_tell_who_when_where(void **state)
{
	static char page[MAZE_PAGE_MAX];
	const struct maze m = maze_of(0xcb00710c);
	const struct site_key wrong = { "fedcba9876543210", 16 };
	const struct addr visitor = addr_from_v4(0xc6336407);
	char local[128], domain[128];
	struct token t, first;
	unsigned count = 0;

	(void)state;
	maze_page(&m, "/x/a.html", &visitor, MINUTES, page);
	for (const char *p = page; (p = strstr(p, "href=\"mailto:")) != NULL; count++) {
		p = take(p + 13, '@', local, sizeof(local));
		p = take(p + 1, '"', domain, sizeof(domain));
		assert_true(strcmp(domain, "example.net") == 0 || strcmp(domain, "example.org") == 0);
		assert_true(token_open(&key, local, &t));
		assert_false(token_open(&wrong, local, &(struct token){ 0 }));
		assert_true(addr_equal(&t.harvester, &visitor));
		assert_int_equal(t.minutes, MINUTES);
		if (count == 0)
			first = t;
		assert_int_equal(t.place, first.place + count);
		assert_non_null(strstr(p, local)); /* also as text */
	}
	assert_int_equal(count, MAZE_TRACED);
	maze_page(&m, "/x/b.html", &visitor, MINUTES, page);
	take(strstr(page, "href=\"mailto:") + 13, '@', local, sizeof(local));
	assert_true(token_open(&key, local, &t));
	assert_int_not_equal(t.place, first.place);
}

/* An obedient robot reads robots.txt, and then finds neither the maze nor an address. */
static void
test_the_harmless_part(void **state)
{
	static char robots[MAZE_PAGE_MAX], page[MAZE_PAGE_MAX];
	static size_t (*const pages[])(const struct maze *, char *) = { maze_front, maze_about, maze_form,
		maze_thanks };
	char rule[128], link[256];

	(void)state;
	for (uint32_t decoy = 0xcb00710a; decoy < 0xcb00714a; decoy++) {
		const struct maze m = maze_of(decoy);
		unsigned forbidden = 0;

		maze_robots(&m, robots);
		assert_non_null(strstr(robots, "User-agent: *\nDisallow: "));
		take(strstr(robots, "Disallow: ") + 10, '\n', rule, sizeof(rule));
		assert_true(strlen(rule) > 2);
		for (size_t i = 0; i < sizeof(pages) / sizeof(pages[0]); i++) {
			assert_true(pages[i](&m, page) < MAZE_PAGE_MAX);
			assert_null(strchr(page, '@'));
			assert_null(strstr(page, "mailto"));
			for (const char *p = page; (p = strstr(p, "href=\"")) != NULL;) {
				p = take(p + 6, '"', link, sizeof(link));
				bool inside = maze_inside(&m, link);

				assert_int_equal(inside, strncmp(link, rule, strlen(rule)) == 0);
				forbidden += inside;
			}
		}
		assert_int_equal(forbidden, 1);
	}
}

static void
test_domains(void **state)
{
	static char page[MAZE_PAGE_MAX];
	static const char *const odd[] = { "", ",", " , ,", ",a.example", "a.example,",
		"a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a,a" };
	const struct addr visitor = addr_from_v4(0xc6336407);

	(void)state;
	for (size_t i = 0; i < sizeof(odd) / sizeof(odd[0]); i++) {
		struct maze m = maze_of(0xcb00710c);

		m.domains = odd[i];
		maze_page(&m, "/x/", &visitor, MINUTES, page);
		assert_null(strstr(page, "@<"));
		assert_null(strstr(page, "@\""));
	}
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_pages_are_pure),
		cmocka_unit_test(test_links_stay_inside),
		cmocka_unit_test(test_only_our_kind_of_file),
		cmocka_unit_test(test_addresses_tell_who_when_where),
		cmocka_unit_test(test_the_harmless_part),
		cmocka_unit_test(test_domains),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
