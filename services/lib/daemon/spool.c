#include "daemon/spool.h"

#include "base/crc32c.h"
#include "base/mem.h"
#include "base/reader.h"
#include "base/writer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/*
 * Files <dir>/<16 hex digits>.seg, numbered upwards; a file begins with MAGIC
 * and VERSION.  The head's read position lives in memory: after a restart a
 * half-replayed segment is replayed again, and the stream drops the doubles by
 * their message ids.
 */
enum { SEGMENTS = 16, FILE_HEAD = 8, RECORD_HEAD = 8, PATH_SIZE = 4096 };
static const uint32_t magic = 0x48535051; /* "HSPQ" */

struct segment {
	uint64_t number;
	uint64_t bytes; /* whole records only */
	size_t records;
};

struct spool {
	char *dir;
	uint64_t segment_max;
	struct segment *segments; /* oldest first */
	size_t count;
	size_t room;
	int tail_fd; /* -1: the next append makes a new segment */
	uint64_t head_at; /* read position in segments[0] */
	size_t head_records; /* records of segments[0] already dropped */
};

static void
path_of(const struct spool *s, uint64_t number, char path[PATH_SIZE])
{
	snprintf(path, PATH_SIZE, "%s/%016llx.seg", s->dir, (unsigned long long)number);
}

static int
open_segment(const struct spool *s, uint64_t number, int flags)
{
	char path[PATH_SIZE];

	path_of(s, number, path);
	return open(path, flags | O_CLOEXEC, 0600);
}

static void
remove_head(struct spool *s)
{
	char path[PATH_SIZE];

	if (s->count == 1 && s->tail_fd >= 0) {
		close(s->tail_fd);
		s->tail_fd = -1;
	}
	path_of(s, s->segments[0].number, path);
	unlink(path);
	memmove(s->segments, s->segments + 1, --s->count * sizeof(*s->segments));
	s->head_at = FILE_HEAD;
	s->head_records = 0;
}

/* Reads the record at offset into buf (SPOOL_RECORD_MAX); its length, or 0: end or torn. */
static size_t
read_record(int fd, uint64_t offset, uint8_t *buf)
{
	uint8_t head[RECORD_HEAD];
	struct reader r;

	if (pread(fd, head, sizeof(head), (off_t)offset) != (ssize_t)sizeof(head))
		return 0;
	reader_init(&r, head, sizeof(head));
	uint32_t len = reader_u32(&r), crc = reader_u32(&r);

	if (len == 0 || len > SPOOL_RECORD_MAX || pread(fd, buf, len, (off_t)(offset + RECORD_HEAD)) != (ssize_t)len)
		return 0;
	return crc32c(buf, len) == crc ? len : 0;
}

/* Counts whole records; false: unknown version. A torn tail is cut by not being counted. */
static bool
scan_segment(const struct spool *s, struct segment *g, char *error, size_t error_size)
{
	uint8_t *buf = xcalloc(1, SPOOL_RECORD_MAX);
	uint8_t head[FILE_HEAD];
	struct reader r;
	int fd = open_segment(s, g->number, O_RDONLY);
	bool known = true;

	g->bytes = FILE_HEAD;
	if (fd >= 0 && read(fd, head, sizeof(head)) == (ssize_t)sizeof(head)) {
		reader_init(&r, head, sizeof(head));
		known = reader_u32(&r) == magic && reader_u32(&r) == SPOOL_VERSION;
		for (size_t len; known && (len = read_record(fd, g->bytes, buf)) > 0;) {
			g->bytes += RECORD_HEAD + len;
			g->records++;
		}
	}
	if (fd >= 0)
		close(fd);
	if (!known)
		snprintf(error, error_size,
		    "spool segment %s/%016llx.seg was written by an unknown version: move it away", s->dir,
		    (unsigned long long)g->number);
	free(buf);
	return known;
}

static int
by_number(const void *a, const void *b)
{
	const struct segment *x = a, *y = b;

	return x->number < y->number ? -1 : x->number > y->number;
}

static void
add_segment(struct spool *s, uint64_t number)
{
	if (s->count == s->room) {
		s->room = s->room == 0 ? SEGMENTS : s->room * 2;
		s->segments = xrealloc(s->segments, s->room * sizeof(*s->segments));
	}
	s->segments[s->count++] = (struct segment){ .number = number, .bytes = FILE_HEAD };
}

static bool
load_segments(struct spool *s, char *error, size_t error_size)
{
	DIR *d = opendir(s->dir);
	const struct dirent *entry;
	unsigned long long number;

	if (d == NULL) {
		snprintf(error, error_size, "spool directory %s can't be read: %s", s->dir, strerror(errno));
		return false;
	}
	while ((entry = readdir(d)) != NULL) {
		if (strlen(entry->d_name) == 20 && sscanf(entry->d_name, "%16llx.seg", &number) == 1)
			add_segment(s, number);
	}
	closedir(d);
	if (s->count > 0)
		qsort(s->segments, s->count, sizeof(*s->segments), by_number);
	for (size_t i = 0; i < s->count; i++) {
		if (!scan_segment(s, &s->segments[i], error, error_size))
			return false;
	}
	while (s->count > 0 && s->segments[0].records == 0)
		remove_head(s);
	return true;
}

struct spool *
spool_open(const char *dir, uint64_t max_bytes, char *error, size_t error_size)
{
	struct spool *s = xcalloc(1, sizeof(*s));

	s->dir = xstrdup(dir);
	s->segment_max = max_bytes / SEGMENTS;
	s->tail_fd = -1;
	s->head_at = FILE_HEAD;
	if (mkdir(dir, 0700) != 0 && errno != EEXIST) {
		snprintf(error, error_size, "spool directory %s can't be made: %s", dir, strerror(errno));
		spool_close(&s);
	} else if (!load_segments(s, error, error_size)) {
		spool_close(&s);
	}
	return s;
}

void
spool_close(struct spool **sp)
{
	struct spool *s = *sp;

	if (s == NULL)
		return;
	if (s->tail_fd >= 0)
		close(s->tail_fd);
	free(s->segments);
	free(s->dir);
	free(s);
	*sp = NULL;
}

bool
spool_empty(const struct spool *s)
{
	return s->count == 0;
}

static bool
start_segment(struct spool *s, uint64_t *dropped)
{
	uint64_t number = s->count == 0 ? 1 : s->segments[s->count - 1].number + 1;
	uint8_t head[FILE_HEAD];
	struct writer w;

	if (s->tail_fd >= 0)
		close(s->tail_fd);
	s->tail_fd = -1;
	if (s->count >= SEGMENTS) {
		*dropped += s->segments[0].records - s->head_records;
		remove_head(s);
	}
	writer_init(&w, head, sizeof(head));
	writer_u32(&w, magic);
	writer_u32(&w, SPOOL_VERSION);
	int fd = open_segment(s, number, O_WRONLY | O_CREAT | O_TRUNC);
	if (fd < 0)
		return false;
	if (write(fd, head, sizeof(head)) != (ssize_t)sizeof(head)) {
		close(fd);
		return false;
	}
	s->tail_fd = fd;
	add_segment(s, number);
	return true;
}

bool
spool_append(struct spool *s, const void *data, size_t len, uint64_t *dropped)
{
	uint8_t record[RECORD_HEAD];
	struct writer w;

	if (len == 0 || len > SPOOL_RECORD_MAX)
		return false;
	if ((s->tail_fd < 0 || s->segments[s->count - 1].bytes + len > s->segment_max) && !start_segment(s, dropped))
		return false;
	struct segment *tail = &s->segments[s->count - 1];

	writer_init(&w, record, sizeof(record));
	writer_u32(&w, (uint32_t)len);
	writer_u32(&w, crc32c(data, len));
	if (pwrite(s->tail_fd, record, sizeof(record), (off_t)tail->bytes) != (ssize_t)sizeof(record) ||
	    pwrite(s->tail_fd, data, len, (off_t)(tail->bytes + RECORD_HEAD)) != (ssize_t)len)
		return false; /* a torn record beyond tail->bytes: overwritten by the next, ignored by a reader */
	tail->bytes += RECORD_HEAD + len;
	tail->records++;
	return true;
}

size_t
spool_peek(struct spool *s, size_t max, void (*each)(void *ctx, const void *data, size_t len), void *ctx)
{
	size_t n = 0, len;
	uint64_t at = s->head_at;

	if (s->count == 0)
		return 0;
	int fd = open_segment(s, s->segments[0].number, O_RDONLY);
	if (fd < 0)
		return 0;
	uint8_t *buf = xcalloc(1, SPOOL_RECORD_MAX);

	while (n < max && s->head_records + n < s->segments[0].records && (len = read_record(fd, at, buf)) > 0) {
		each(ctx, buf, len);
		at += RECORD_HEAD + len;
		n++;
	}
	free(buf);
	close(fd);
	return n;
}

static void
skip_record(void *ctx, const void *data, size_t len)
{
	uint64_t *at = ctx;

	(void)data;
	*at += RECORD_HEAD + len;
}

void
spool_drop(struct spool *s, size_t count)
{
	uint64_t at = s->head_at;

	if (s->count == 0)
		return;
	s->head_records += spool_peek(s, count, skip_record, &at);
	s->head_at = at;
	if (s->head_records >= s->segments[0].records)
		remove_head(s);
}
