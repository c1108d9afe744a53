/*
 * sink_jsonl - events as JSON lines, each exactly as it was published.  At
 * start the file is cut to what its state says, so that a crash between the
 * two leaves neither a double nor a hole.
 */
#include "logship/sink.h"

#include "base/mem.h"
#include "logship/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

struct sink {
	int fd;
	struct state written; /* as far as put() got */
	struct state saved;
	char state_path[STATE_PATH_MAX];
};

static void
jsonl_close(struct sink **sp)
{
	if (*sp == NULL)
		return;
	if ((*sp)->fd >= 0)
		close((*sp)->fd);
	free(*sp);
	*sp = NULL;
}

static struct sink *
jsonl_open(const char *path, struct bus *bus, char *error, size_t error_size)
{
	struct sink *s = xcalloc(1, sizeof(*s));

	(void)bus;
	snprintf(s->state_path, sizeof(s->state_path), "%s.state", path);
	s->fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0640);
	if (s->fd < 0)
		snprintf(error, error_size, "%s can't be opened: %s", path, strerror(errno));
	if (s->fd < 0 || !state_load(s->state_path, &s->saved, error, error_size)) {
		jsonl_close(&s);
		return NULL;
	}
	if (ftruncate(s->fd, (off_t)s->saved.offset) != 0) {
		snprintf(error, error_size, "%s can't be cut to its state: %s", path, strerror(errno));
		jsonl_close(&s);
		return NULL;
	}
	s->written = s->saved;
	return s;
}

/* A short write is cut off by the next one, which starts at the same offset. */
static bool
jsonl_put(struct sink *s, const struct feed_message *m)
{
	char newline = '\n';
	struct iovec parts[2];

	memcpy(&parts[0].iov_base, &m->data, sizeof(m->data));
	parts[0].iov_len = m->len;
	parts[1] = (struct iovec){ &newline, 1 };
	if (pwritev(s->fd, parts, 2, (off_t)s->written.offset) != (ssize_t)(m->len + 1))
		return false;
	s->written.offset += m->len + 1;
	s->written.sequence = m->sequence;
	return true;
}

static bool
jsonl_commit(struct sink *s)
{
	if (s->written.sequence == s->saved.sequence)
		return true;
	if (fdatasync(s->fd) != 0 || !state_save(s->state_path, &s->written))
		return false;
	s->saved = s->written;
	return true;
}

static uint64_t
jsonl_last(const struct sink *s)
{
	return s->saved.sequence;
}

const struct sink_ops sink_jsonl = {
	.name = "logship-jsonl",
	.stream = "EVENTS",
	.subject = "hs.*.event.>",
	.open = jsonl_open,
	.put = jsonl_put,
	.commit = jsonl_commit,
	.last = jsonl_last,
	.close = jsonl_close,
};
