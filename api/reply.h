/* reply - an answer on its way to the client: status, headers, and a body that is text, a constant, or read piece by
 * piece. */
#ifndef API_REPLY_H
#define API_REPLY_H

#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct cJSON;

enum { REPLY_HEADERS_MAX = 8, REPLY_VALUE_MAX = 512 };

struct reply_header {
	const char *name; /* a constant */
	char value[REPLY_VALUE_MAX];
};

/* A body that is too large to hold. */
struct reply_stream {
	uint64_t size;
	/* At least one byte into buf, or -1: it can't be had any more. Called in order of `at`. */
	ssize_t (*read)(void *ctx, uint64_t at, char *buf, size_t max);
	void (*free)(void *ctx);
	void *ctx;
};

struct reply {
	unsigned status;
	const char *type;
	char *text; /* malloc'd body, or NULL */
	const void *constant; /* body that lives as long as the process, or NULL */
	size_t len;
	struct reply_stream stream; /* used when read is set */
	struct reply_header headers[REPLY_HEADERS_MAX];
	size_t header_count;
};

/* value is cut at REPLY_VALUE_MAX; control characters are left out. */
void reply_header(struct reply *r, const char *name, const char *value);
/* Takes the malloc'd text; NULL becomes a 500. */
void reply_json(struct reply *r, char *text, size_t len);
/* Prints and deletes *json. */
void reply_object(struct reply *r, struct cJSON **json);
/* RFC 9457; title by status, detail is one sentence for people. */
void reply_problem(struct reply *r, unsigned status, const char *format, ...) __attribute__((format(printf, 3, 4)));
/* Frees what it holds. */
void reply_fini(struct reply *r);

#endif
