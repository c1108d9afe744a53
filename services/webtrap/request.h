/*
 * request - the head of an HTTP request as bytes: is it one that the server we
 * play would take, and what does it ask?  Servers differ in what they forgive;
 * the differences are data (struct request_rules), the reading is one.
 * Pure.  Bodies are not read here.
 */
#ifndef WEBTRAP_REQUEST_H
#define WEBTRAP_REQUEST_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	REQUEST_HEAD_MAX = 16 * 1024,
	REQUEST_LINE_MAX = 8190, /* Apache's LimitRequestLine and LimitRequestFieldSize; nginx has 8 KiB */
	REQUEST_FIELDS_MAX = 100, /* Apache's LimitRequestFields */
};

#define REQUEST_VERDICTS(X)                                                                                            \
	X(MORE, "incomplete") /* a prefix of a head so far */                                                          \
	X(OK, "ok")                                                                                                    \
	X(SIMPLE, "http-0.9") /* "GET /path" and no more */                                                            \
	X(BAD_LINE, "bad-request-line")                                                                                \
	X(BAD_FIELD, "bad-header")                                                                                     \
	X(NO_HOST, "no-host")                                                                                          \
	X(BAD_HOST, "bad-host")                                                                                        \
	X(BAD_LENGTH, "bad-length")                                                                                    \
	X(BAD_CODING, "bad-transfer-encoding")                                                                         \
	X(LONG_LINE, "long-request-line")                                                                              \
	X(LONG_FIELD, "long-header")                                                                                   \
	X(BAD_VERSION, "bad-version")                                                                                  \
	X(LATE, "timeout") /* said by the caller */

enum request_verdict {
#define X(name, text) REQUEST_##name,
	REQUEST_VERDICTS(X)
#undef X
	    REQUEST_VERDICT_COUNT,
};

const char *request_verdict_name(enum request_verdict v);

/* What a server forgives, as measured. */
struct request_rules {
	bool lf_alone; /* lines may end without CR */
	bool upper_methods; /* a method has capitals, '-' and '_' only ... */
	bool at_once; /* ... and is refused at its first other byte, without waiting for a line */
	bool loose_fields; /* a line without colon or with control characters is skipped */
	bool loose_spaces; /* several between the parts of the request line */
	bool any_version; /* HTTP/9.9 is taken for 1.1 */
	bool other_targets; /* "*" and "host:port" as CONNECT has them */
};

/* A piece of somebody else's buffer; at is NULL when there is none. */
struct span {
	const char *at;
	size_t len;
};

struct request {
	struct span line; /* the request line, as far as it was read */
	struct span method, target;
	struct span host, user_agent, referrer, connection, if_none_match, if_modified_since;
	unsigned minor; /* of HTTP/1.x */
	uint64_t length; /* Content-Length */
	bool has_length, chunked;
	bool expects; /* 100-continue: the body comes when it is asked for */
	size_t head_len; /* bytes of data that were the head; 0 unless OK or SIMPLE */
	unsigned number; /* on its connection, from 0; set by the caller */
};

/* Reads a head. The spans of req point into data; with any verdict, req holds what was understood. */
enum request_verdict request_check(const struct request_rules *rules, const void *data, size_t len,
    struct request *req);
/* RFC 9112 9.3: does the client want to go on after this one? */
bool request_keeps(const struct request *req);
bool request_has_body(const struct request *req);

bool span_is(struct span s, const char *text);
bool span_is_nocase(struct span s, const char *text);
/* Is the word an element of a list like "keep-alive, TE"? */
bool span_lists(struct span s, const char *word);

/* "Host: name:port" -> name and port (80 when there is none); false: not a host. */
bool request_host(struct span host, struct span *name, uint16_t *port);

enum { REQUEST_PATH_MAX = 1024 };
enum request_path { REQUEST_PATH_OK, REQUEST_PATH_BAD, REQUEST_PATH_LONG, REQUEST_PATH_NUL };
/* The target's path: scheme, authority and query cut off, %XX decoded, doubled slashes and dots resolved. */
enum request_path request_path(struct span target, char out[REQUEST_PATH_MAX]);

#endif
