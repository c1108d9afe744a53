#include "logship/state.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

bool
state_load(const char *path, struct state *out, char *error, size_t error_size)
{
	unsigned long long sequence, offset;
	unsigned version;
	FILE *f = fopen(path, "re");

	*out = (struct state){ 0, 0 };
	if (f == NULL && errno == ENOENT)
		return true;
	if (f == NULL) {
		snprintf(error, error_size, "state file %s can't be read: %s", path, strerror(errno));
		return false;
	}
	int fields = fscanf(f, "version %u sequence %llu offset %llu", &version, &sequence, &offset);

	fclose(f);
	if (fields != 3 || version != STATE_VERSION) {
		snprintf(error, error_size, "state file %s is of an unknown version: move it and its data away", path);
		return false;
	}
	*out = (struct state){ sequence, offset };
	return true;
}

bool
state_save(const char *path, const struct state *s)
{
	char beside[STATE_PATH_MAX + 8], text[128];
	int len = snprintf(text, sizeof(text), "version %d sequence %llu offset %llu\n", (int)STATE_VERSION,
	    (unsigned long long)s->sequence, (unsigned long long)s->offset);

	snprintf(beside, sizeof(beside), "%s.new", path);
	int fd = open(beside, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0640);
	if (fd < 0)
		return false;
	bool ok = write(fd, text, (size_t)len) == len && fdatasync(fd) == 0;

	close(fd);
	return ok && rename(beside, path) == 0;
}
