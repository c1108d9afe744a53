/* What a self-test's flow says first, and that a file's change is noticed. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/loop.h"
#include "daemon/self_test.h"
#include "daemon/watch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static void
test_only_line_ends_are_unescaped(void **state)
{
	char out[32];

	(void)state;
	assert_int_equal(self_test_unescape("GET / HTTP/1.0\\r\\n\\r\\n", out, sizeof(out)), 18);
	assert_memory_equal(out, "GET / HTTP/1.0\r\n\r\n", 18);
	assert_int_equal(self_test_unescape("a\\tb\\", out, sizeof(out)), 5);
	assert_memory_equal(out, "a\\tb\\", 5);
}

static void
test_what_is_said_is_cut_at_the_buffers_end(void **state)
{
	char out[3] = "...";

	(void)state;
	assert_int_equal(self_test_unescape("\\r\\n\\r\\n", out, 2), 2);
	assert_memory_equal(out, "\r\n.", 3);
	assert_int_equal(self_test_unescape("", out, 3), 0);
}

struct seen {
	struct loop *loop;
	unsigned changes;
};

static void
on_change(void *ctx)
{
	struct seen *s = ctx;

	s->changes++;
	loop_stop(s->loop);
}

static void
point_to(const char *link, const char *target)
{
	char fresh[128];

	snprintf(fresh, sizeof(fresh), "%s.new", link);
	assert_int_equal(symlink(target, fresh), 0);
	assert_int_equal(rename(fresh, link), 0);
}

static void
write_file(const char *path, const char *text)
{
	FILE *f = fopen(path, "we");

	assert_non_null(f);
	fputs(text, f);
	fclose(f);
}

static void
stop(void *ctx)
{
	loop_stop(ctx);
}

/* As kubelet exchanges a ConfigMap: the name stays, the link behind it moves. */
static void
test_a_link_that_moves_is_one_change(void **state)
{
	char dir[] = "/tmp/hs-watch-XXXXXX", first[64], second[64], name[64];
	struct seen seen = { .loop = loop_new() };

	(void)state;
	assert_non_null(mkdtemp(dir));
	snprintf(first, sizeof(first), "%s/first", dir);
	snprintf(second, sizeof(second), "%s/second", dir);
	snprintf(name, sizeof(name), "%s/decoys.json", dir);
	write_file(first, "{}");
	write_file(second, "{}");
	point_to(name, first);

	struct watch *w = watch_new(seen.loop, name, on_change, &seen);
	struct loop_timer *end = loop_timer_new(seen.loop, stop, seen.loop);

	point_to(name, second);
	loop_run(seen.loop);
	assert_int_equal(seen.changes, 1);
	loop_timer_once(end, WATCH_LOOK_MS + WATCH_LOOK_MS / 2);
	loop_run(seen.loop);
	assert_int_equal(seen.changes, 1);
	unlink(name); /* gone is no change */
	loop_timer_once(end, WATCH_LOOK_MS + WATCH_LOOK_MS / 2);
	loop_run(seen.loop);
	assert_int_equal(seen.changes, 1);
	loop_timer_free(&end);
	watch_free(&w);
	assert_null(w);
	loop_free(&seen.loop);
	unlink(first);
	unlink(second);
	rmdir(dir);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_only_line_ends_are_unescaped),
		cmocka_unit_test(test_what_is_said_is_cut_at_the_buffers_end),
		cmocka_unit_test(test_a_link_that_moves_is_one_change),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
