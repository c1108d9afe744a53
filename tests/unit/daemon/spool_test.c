#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/spool.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static char dir[64];
static char error[512];

static int
make_dir(void **state)
{
	(void)state;
	snprintf(dir, sizeof(dir), "/tmp/hs-spool-XXXXXX");
	return mkdtemp(dir) == NULL;
}

static int
remove_dir(void **state)
{
	DIR *d = opendir(dir);
	const struct dirent *e;
	char path[512];

	(void)state;
	while ((e = readdir(d)) != NULL) {
		snprintf(path, sizeof(path), "%s/%s", dir, e->d_name);
		unlink(path);
	}
	closedir(d);
	return rmdir(dir);
}

struct seen {
	size_t count;
	unsigned first, last;
	size_t len;
};

static void
look(void *ctx, const void *data, size_t len)
{
	struct seen *s = ctx;
	unsigned n;

	memcpy(&n, data, sizeof(n));
	if (s->count++ == 0)
		s->first = n;
	s->last = n;
	s->len = len;
}

static uint64_t
append(struct spool *s, unsigned from, unsigned to, size_t len)
{
	uint64_t dropped = 0;
	uint8_t record[4096] = { 0 };

	for (unsigned i = from; i < to; i++) {
		memcpy(record, &i, sizeof(i));
		assert_true(spool_append(s, record, len, &dropped));
	}
	return dropped;
}

static void
records_come_back_in_order_after_a_restart(void **state)
{
	struct seen seen = { 0 };
	struct spool *s = spool_open(dir, 1 << 20, error, sizeof(error));

	(void)state;
	assert_non_null(s);
	append(s, 0, 10, 100);
	spool_close(&s);
	s = spool_open(dir, 1 << 20, error, sizeof(error));
	assert_false(spool_empty(s));
	assert_int_equal(spool_peek(s, 4, look, &seen), 4);
	assert_int_equal(seen.last, 3);
	spool_drop(s, 4);
	append(s, 10, 12, 100); /* after a restart new records go into a new segment */
	unsigned next = 4;
	while (!spool_empty(s)) {
		seen = (struct seen){ 0 };
		size_t n = spool_peek(s, 100, look, &seen);
		assert_true(n > 0);
		assert_int_equal(seen.first, next);
		next = seen.last + 1;
		spool_drop(s, n);
	}
	assert_int_equal(next, 12);
	spool_close(&s);
}

static void
a_full_spool_drops_the_oldest_and_counts_them(void **state)
{
	struct seen seen = { 0 };
	struct spool *s = spool_open(dir, 1 << 20, error, sizeof(error));

	(void)state;
	uint64_t dropped = append(s, 0, 1000, 4000); /* 4 MB into 1 MiB */
	assert_true(dropped > 700 && dropped < 800);
	assert_true(spool_peek(s, 1, look, &seen) == 1);
	assert_int_equal(seen.first, dropped);
	spool_close(&s);
}

static void
tear(off_t cut)
{
	char path[512];
	struct stat st;

	snprintf(path, sizeof(path), "%s/0000000000000001.seg", dir);
	assert_int_equal(stat(path, &st), 0);
	assert_int_equal(truncate(path, st.st_size - cut), 0);
}

static void
a_torn_tail_is_ignored_wherever_it_tears(void **state)
{
	(void)state;
	for (off_t cut = 1; cut <= 108; cut++) {
		struct seen seen = { 0 };
		struct spool *s = spool_open(dir, 1 << 20, error, sizeof(error));

		append(s, 0, 3, 100);
		spool_close(&s);
		tear(cut);
		s = spool_open(dir, 1 << 20, error, sizeof(error));
		assert_int_equal(spool_peek(s, 10, look, &seen), 2);
		spool_drop(s, 2);
		assert_true(spool_empty(s));
		spool_close(&s);
	}
}

static void
a_spool_of_an_unknown_version_is_refused_with_its_name(void **state)
{
	char path[512];

	(void)state;
	snprintf(path, sizeof(path), "%s/0000000000000001.seg", dir);
	int fd = open(path, O_WRONLY | O_CREAT, 0600);
	assert_int_equal(write(fd, "HSPQ\0\0\0\x09", 8), 8);
	close(fd);
	assert_null(spool_open(dir, 1 << 20, error, sizeof(error)));
	assert_non_null(strstr(error, "unknown version"));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(records_come_back_in_order_after_a_restart, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_full_spool_drops_the_oldest_and_counts_them, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_torn_tail_is_ignored_wherever_it_tears, make_dir, remove_dir),
		cmocka_unit_test_setup_teardown(a_spool_of_an_unknown_version_is_refused_with_its_name, make_dir,
		    remove_dir),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
