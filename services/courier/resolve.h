/*
 * resolve - who takes mail for a domain: its MX hosts and their addresses, in
 * order (RFC 5321 5.1, RFC 7505).  libcurl looks up no MX, so c-ares does.
 * Blocking, within a deadline: for a worker's own thread.
 */
#ifndef COURIER_RESOLVE_H
#define COURIER_RESOLVE_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { RESOLVE_HOSTS_MAX = 5, RESOLVE_TARGETS_MAX = 10, RESOLVE_NAME_MAX = 256 };

struct resolve_target {
	char host[RESOLVE_NAME_MAX];
	struct addr addr;
};

struct resolve_answer {
	struct resolve_target targets[RESOLVE_TARGETS_MAX]; /* the best first */
	size_t count;
};

enum resolve_result {
	RESOLVE_OK,
	RESOLVE_NO_DOMAIN, /* there is no such domain, or nothing in it takes mail */
	RESOLVE_NULL_MX, /* it says that it takes none */
	RESOLVE_LATER, /* no answer, or the server failed */
};

struct resolve_settings {
	const char *servers; /* "address[:port],..."; "" for the machine's own */
	void (*alive)(void *ctx); /* called at least once a second */
	void *ctx;
};

enum resolve_result resolve_mx(const struct resolve_settings *s, const char *domain, uint64_t deadline_ms,
    struct resolve_answer *out);
/* The addresses of one host. */
enum resolve_result resolve_host(const struct resolve_settings *s, const char *host, uint64_t deadline_ms,
    struct resolve_answer *out);

#endif
