#include "daemon/self_test.h"

#include "base/addr.h"
#include "base/clock.h"
#include "base/rand.h"
#include "base/str.h"
#include "wire/proxy.h"

#include <errno.h>
#include <netdb.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

enum { TRY_S = 3, PAUSE_MS = 500, ERROR_MAX = 512, HOST_MAX = 256, SAY_MAX = 1024 };

/* One try of one thing; false with a sentence. */
typedef bool attempt(const struct self_test *t, char error[ERROR_MAX]);

static bool
try_nats(const struct self_test *t, char error[ERROR_MAX])
{
	return bus_try(&t->nats, error, ERROR_MAX);
}

/* "host:port" or "[v6]:port" into its two halves. */
static bool
split(const char *text, size_t len, char host[HOST_MAX], char port[16])
{
	const char *colon = NULL;

	for (size_t i = 0; i < len; i++) {
		if (text[i] == ':')
			colon = text + i;
	}
	if (colon == NULL)
		return false;
	bool brackets = text[0] == '[' && colon > text + 1 && colon[-1] == ']';
	const char *start = text + (brackets ? 1 : 0);

	return str_copy_bytes(host, HOST_MAX, start, (size_t)(colon - start) - (brackets ? 1 : 0)) &&
	    str_copy_bytes(port, 16, colon + 1, len - (size_t)(colon + 1 - text));
}

static int
dial(const char *target, size_t len, char error[ERROR_MAX])
{
	struct addrinfo hints = { .ai_socktype = SOCK_STREAM }, *found = NULL;
	struct timeval limit = { .tv_sec = TRY_S };
	char host[HOST_MAX], port[16];
	int fd = -1;

	if (!split(target, len, host, port)) {
		snprintf(error, ERROR_MAX, "must look like host:port");
		return -1;
	}
	int status = getaddrinfo(host, port, &hints, &found);

	if (status != 0) {
		snprintf(error, ERROR_MAX, "%s: %s", host, gai_strerror(status));
		return -1;
	}
	for (struct addrinfo *a = found; a != NULL && fd < 0; a = a->ai_next) {
		fd = socket(a->ai_family, a->ai_socktype | SOCK_CLOEXEC, a->ai_protocol);
		if (fd < 0)
			continue;
		setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &limit, sizeof(limit));
		setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &limit, sizeof(limit));
		if (connect(fd, a->ai_addr, a->ai_addrlen) != 0) {
			snprintf(error, ERROR_MAX, "no connection to %s port %s: %s", host, port, strerror(errno));
			close(fd);
			fd = -1;
		}
	}
	freeaddrinfo(found);
	return fd;
}

/* Sends and takes what comes first; 0 or less: nothing came. */
static ssize_t
exchange(int fd, const void *data, size_t len, char *answer, size_t size)
{
	ssize_t n = -1;

	if (send(fd, data, len, MSG_NOSIGNAL) == (ssize_t)len)
		n = recv(fd, answer, size - 1, 0);
	answer[n > 0 ? n : 0] = '\0';
	return n;
}

static bool
try_http(const struct self_test *t, char error[ERROR_MAX])
{
	const char *host = strncmp(t->http, "http://", 7) == 0 ? t->http + 7 : "";
	const char *path = strchr(host, '/');
	char request[SAY_MAX], answer[64];

	if (path == NULL) {
		snprintf(error, ERROR_MAX, "must look like http://host:port/path");
		return false;
	}
	int fd = dial(host, (size_t)(path - host), error);

	if (fd < 0)
		return false;
	int len = snprintf(request, sizeof(request), "GET %s HTTP/1.0\r\nHost: self-test\r\n\r\n", path);
	ssize_t n = exchange(fd, request, (size_t)len, answer, sizeof(answer));
	bool good = n > 0 && strncmp(answer, "HTTP/1.", 7) == 0 && strncmp(answer + 8, " 200", 4) == 0;

	answer[strcspn(answer, "\r\n")] = '\0';
	if (!good)
		snprintf(error, ERROR_MAX, "answers \"%s\", not 200", answer);
	close(fd);
	return good;
}

size_t
self_test_unescape(const char *text, char *out, size_t size)
{
	size_t n = 0;

	for (; *text != '\0' && n < size; text++) {
		bool escape = text[0] == '\\' && (text[1] == 'r' || text[1] == 'n');

		out[n++] = escape ? (text[1] == 'r' ? '\r' : '\n') : *text;
		text += escape;
	}
	return n;
}

/* As the gateway would open a flow; its addresses are of the network for documentation (RFC 5737). */
static size_t
opening(const struct self_test *t, char *out, size_t size)
{
	struct flow_info info = { 0 };

	endpoint_parse("192.0.2.1:49152", &info.source);
	endpoint_parse("192.0.2.2:25", &info.destination);
	ulid_new(clock_wall_ms(), info.id);
	str_copy(info.site, sizeof(info.site), t->site);
	size_t len = proxy_format(&info, out, size);

	return len + self_test_unescape(t->say, out + len, size - len);
}

static bool
try_flow(const struct self_test *t, char error[ERROR_MAX])
{
	char first[PROXY_HEADER_MAX + SAY_MAX], answer[SAY_MAX];
	int fd = dial(t->flow, strlen(t->flow), error);

	if (fd < 0)
		return false;
	ssize_t n = exchange(fd, first, opening(t, first, sizeof(first)), answer, sizeof(answer));

	close(fd);
	if (n > 0)
		return true;
	snprintf(error, ERROR_MAX, "%s",
	    n == 0 ? "closes without a word: does listen.networks name this pod's network?" : "says nothing");
	return false;
}

static bool
until_it_works(attempt *try, const struct self_test *t, const char *what, const char *where)
{
	struct timespec pause = { .tv_nsec = PAUSE_MS * 1000000L };
	uint64_t end = clock_ms() + (uint64_t)t->seconds * 1000;
	char error[ERROR_MAX] = "";

	do {
		if (try(t, error)) {
			printf("ok      %s %s\n", what, where);
			return true;
		}
		nanosleep(&pause, NULL);
	} while (clock_ms() < end);
	printf("FAILED  %s %s: %s\n", what, where, error);
	return false;
}

bool
self_test_run(const struct self_test *t)
{
	bool good = until_it_works(try_nats, t, "NATS", t->nats.url);

	if (t->http[0] != '\0')
		good = until_it_works(try_http, t, "readiness", t->http) && good;
	if (t->flow[0] != '\0')
		good = until_it_works(try_flow, t, "a flow to", t->flow) && good;
	fflush(stdout);
	return good;
}
