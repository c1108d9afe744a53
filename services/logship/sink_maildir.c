/*
 * sink_maildir - mails into a Maildir: written to tmp/, renamed into new/ under
 * the mail's id; a batch is synced as one (syncfs) before its state is written.
 * A second delivery of the same mail is the same file, so a crash can double
 * nothing; after a power cut the stream gives again what was not synced.
 */
#include "logship/sink.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/metrics.h"
#include "logship/state.h"
#include "wire/identity.h"
#include "wire/mail_commit.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct sink {
	struct bus *bus;
	char dir[STATE_PATH_MAX - 512];
	char state_path[STATE_PATH_MAX];
	int new_fd; /* the directory, to sync names */
	struct state written, saved;
};

static metric_value damaged;

static void
maildir_close(struct sink **sp)
{
	if (*sp == NULL)
		return;
	if ((*sp)->new_fd >= 0)
		close((*sp)->new_fd);
	free(*sp);
	*sp = NULL;
}

static bool
make_dirs(const struct sink *s)
{
	static const char *const names[] = { "", "/tmp", "/new", "/cur" };
	char path[STATE_PATH_MAX];

	for (size_t i = 0; i < 4; i++) {
		snprintf(path, sizeof(path), "%s%s", s->dir, names[i]);
		if (mkdir(path, 0750) != 0 && errno != EEXIST)
			return false;
	}
	return true;
}

static struct sink *
maildir_open(const char *path, struct bus *bus, char *error, size_t error_size)
{
	struct sink *s = xcalloc(1, sizeof(*s));
	char new_path[STATE_PATH_MAX];

	s->bus = bus;
	s->new_fd = -1;
	str_copy(s->dir, sizeof(s->dir), path);
	snprintf(s->state_path, sizeof(s->state_path), "%s/state", s->dir);
	snprintf(new_path, sizeof(new_path), "%s/new", s->dir);
	if (make_dirs(s))
		s->new_fd = open(new_path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (s->new_fd < 0) {
		snprintf(error, error_size, "Maildir %s can't be made: %s", path, strerror(errno));
		maildir_close(&s);
		return NULL;
	}
	if (!state_load(s->state_path, &s->saved, error, error_size)) {
		maildir_close(&s);
		return NULL;
	}
	s->written = s->saved;
	metrics_register("mails_damaged_total", NULL, METRIC_COUNTER, "Mails whose parts or digest were wrong.",
	    &damaged);
	return s;
}

static const char *
header_of(const void *ctx, const char *name)
{
	const struct feed_message *m = ctx;

	return m->header(m, name);
}

static bool
write_all(int fd, const void *data, size_t len)
{
	const char *p = data;

	while (len > 0) {
		ssize_t n = write(fd, p, len);

		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return false;
		p += n;
		len -= (size_t)n;
	}
	return true;
}

enum part_result { PART_OK, PART_LATER, PART_GONE };

static enum part_result
write_parts(struct sink *s, int fd, const struct mail_commit *c, struct sha256 *sha)
{
	for (size_t i = 0; i < c->part_count; i++) {
		size_t len;
		bool gone;
		void *body = feed_get(s->bus, "MAIL", c->parts[i], &len, &gone);

		if (body == NULL)
			return gone ? PART_GONE : PART_LATER;
		sha256_add(sha, body, len);
		bool ok = write_all(fd, body, len);
		free(body);
		if (!ok)
			return PART_LATER;
	}
	return PART_OK;
}

/* tmp/ID is complete, and its digest is what the commit says. */
static enum part_result
write_mail(struct sink *s, const char *tmp, const struct mail_commit *c, const struct feed_message *m)
{
	uint8_t digest[SHA256_BYTES];
	char text[2 * SHA256_BYTES + 1];
	struct sha256 *sha = sha256_new();
	int fd = open(tmp, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	enum part_result result = fd < 0 ? PART_LATER : write_parts(s, fd, c, sha);

	if (result == PART_OK) {
		sha256_add(sha, m->data, m->len);
		if (!write_all(fd, m->data, m->len))
			result = PART_LATER;
	}
	if (fd >= 0)
		close(fd);
	sha256_finish(&sha, digest);
	str_hex(text, digest, sizeof(digest));
	if (result == PART_OK && strcmp(text, c->sha256) != 0)
		result = PART_GONE;
	return result;
}

/* What can't be put together is kept in the stream and told; the others must not wait for it. */
static bool
pass_over(struct sink *s, const struct feed_message *m, const char *why)
{
	metric_add(&damaged, 1);
	log_error("msg=\"a mail can't be put together\" sequence=%llu why=\"%s\"", (unsigned long long)m->sequence,
	    why);
	s->written.sequence = m->sequence;
	return true;
}

static bool
maildir_put(struct sink *s, const struct feed_message *m)
{
	char tmp[STATE_PATH_MAX], path[STATE_PATH_MAX];
	struct mail_commit c;
	const char *error;

	if (!mail_commit_parse(header_of, m, &c, &error))
		return pass_over(s, m, error);
	snprintf(tmp, sizeof(tmp), "%s/tmp/%s", s->dir, c.id);
	snprintf(path, sizeof(path), "%s/new/%s", s->dir, c.id);
	switch (write_mail(s, tmp, &c, m)) {
	case PART_LATER:
		unlink(tmp);
		return false;
	case PART_GONE:
		unlink(tmp);
		return pass_over(s, m, "a part is gone, or the digest is wrong");
	case PART_OK:
		break;
	}
	if (rename(tmp, path) != 0)
		return false;
	s->written.sequence = m->sequence;
	return true;
}

static bool
maildir_commit(struct sink *s)
{
	if (s->written.sequence == s->saved.sequence)
		return true;
	if (syncfs(s->new_fd) != 0 || !state_save(s->state_path, &s->written))
		return false;
	s->saved = s->written;
	return true;
}

static uint64_t
maildir_last(const struct sink *s)
{
	return s->saved.sequence;
}

const struct sink_ops sink_maildir = {
	.name = "logship-maildir",
	.stream = "MAIL",
	.subject = "hs.*.mail.commit",
	.open = maildir_open,
	.put = maildir_put,
	.commit = maildir_commit,
	.last = maildir_last,
	.close = maildir_close,
};
