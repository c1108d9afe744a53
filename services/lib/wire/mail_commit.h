/* mail_commit - the headers of a commit in stream MAIL (DESIGN 3.4), read back. */
#ifndef WIRE_MAIL_COMMIT_H
#define WIRE_MAIL_COMMIT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { MAIL_COMMIT_VERSION = 1, MAIL_PARTS_MAX = 256, MAIL_ID_MAX = 280, MAIL_SHA256_TEXT = 64 };

struct mail_commit {
	char id[MAIL_ID_MAX];
	char sha256[MAIL_SHA256_TEXT + 1]; /* lower-case hexadecimal */
	uint64_t size;
	uint64_t parts[MAIL_PARTS_MAX]; /* stream sequences of what comes before the commit's own body */
	size_t part_count;
	const char *envelope; /* JSON text; borrowed from the header */
};

/*
 * header(ctx, name) gives a header's value or NULL. False with a reason in
 * error (borrowed, constant) when a header is missing or malformed.  An id is
 * letters, digits and hyphens: it names files.
 */
bool mail_commit_parse(const char *(*header)(const void *ctx, const char *name), const void *ctx,
    struct mail_commit *out, const char **error);

#endif
