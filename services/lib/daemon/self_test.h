/*
 * self_test - what `--self-test` does (`helm test` runs it in a part's own
 * image): tries NATS as this part's user, then a running part's admin port and
 * its flows, says in one line each what came of it, and ends. Blocks: there is
 * no loop.
 */
#ifndef DAEMON_SELF_TEST_H
#define DAEMON_SELF_TEST_H

#include "daemon/bus.h"

#include <stdbool.h>

struct self_test {
	struct bus_settings nats;
	const char *site;
	const char *http; /* "http://host:port/path" whose answer must be 200; "" for none */
	const char *flow; /* "host:port" that must answer a flow with a PROXY header; "" for none */
	const char *say; /* what the flow says first, with \r and \n written so */
	long seconds; /* for each of them, tried until it works */
};

/* Prints to stdout; true when all of it worked. */
bool self_test_run(const struct self_test *t);
/* "\r" and "\n" as those two characters become what they mean; returns the length. out holds size bytes. */
size_t self_test_unescape(const char *text, char *out, size_t size);

#endif
