#include "daemon/admin.h"

#include "base/addr.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/metrics.h"

#include <microhttpd.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum { ADMIN_CONNECTIONS_MAX = 64, ADMIN_TIMEOUT_S = 10 };

struct check {
	const char *name;
	bool ready;
};

struct admin {
	struct MHD_Daemon *mhd;
	const char *service;
	const char *instance;
	pthread_mutex_t lock;
	struct check checks[READY_CHECKS_MAX];
	size_t check_count;
};

/* "[+]nats ok" or "[-]nats failed" a line, as Kubernetes' own health endpoints print with ?verbose. */
static bool
describe_checks(struct admin *a, char *text, size_t size)
{
	bool all = true;
	size_t used = 0;

	text[0] = '\0';
	pthread_mutex_lock(&a->lock);
	for (size_t i = 0; i < a->check_count; i++) {
		bool ready = a->checks[i].ready;
		int n = snprintf(text + used, size - used, "[%c]%s %s\n", ready ? '+' : '-', a->checks[i].name,
		    ready ? "ok" : "failed");

		all = all && ready;
		if (n > 0 && (size_t)n < size - used)
			used += (size_t)n;
	}
	pthread_mutex_unlock(&a->lock);
	return all;
}

static enum MHD_Result
answer(struct MHD_Connection *c, unsigned status, const char *type, char *text)
{
	static const char failed[] = "out of memory\n";
	struct MHD_Response *r;
	enum MHD_Result result;

	if (text == NULL) {
		text = xstrdup(failed);
		status = MHD_HTTP_INTERNAL_SERVER_ERROR;
	}
	r = MHD_create_response_from_buffer(strlen(text), text, MHD_RESPMEM_MUST_FREE);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, type);
	MHD_add_response_header(r, MHD_HTTP_HEADER_CACHE_CONTROL, "no-store");
	result = MHD_queue_response(c, status, r);
	MHD_destroy_response(r);
	return result;
}

static enum MHD_Result
answer_ready(struct admin *a, struct MHD_Connection *c)
{
	char text[READY_CHECKS_MAX * 96];
	bool ready = describe_checks(a, text, sizeof(text));

	return answer(c, ready ? MHD_HTTP_OK : MHD_HTTP_SERVICE_UNAVAILABLE, "text/plain", xstrdup(text));
}

static enum MHD_Result
handle(void *ctx, struct MHD_Connection *c, const char *url, const char *method, const char *version,
    const char *upload, size_t *upload_len, void **request)
{
	struct admin *a = ctx;

	(void)version;
	(void)upload;
	(void)request;
	*upload_len = 0;
	if (strcmp(method, "GET") != 0 && strcmp(method, "HEAD") != 0)
		return answer(c, MHD_HTTP_METHOD_NOT_ALLOWED, "text/plain", xstrdup("GET and HEAD only\n"));
	if (strcmp(url, "/livez") == 0 || strcmp(url, "/healthz") == 0)
		return answer(c, MHD_HTTP_OK, "text/plain", xstrdup("ok\n"));
	if (strcmp(url, "/readyz") == 0)
		return answer_ready(a, c);
	if (strcmp(url, "/metrics") == 0)
		return answer(c, MHD_HTTP_OK, "text/plain; version=0.0.4", metrics_prometheus());
	if (strcmp(url, "/v1/stats") == 0)
		return answer(c, MHD_HTTP_OK, "application/json", metrics_json(a->service, a->instance));
	return answer(c, MHD_HTTP_NOT_FOUND, "text/plain", xstrdup("/livez /readyz /metrics /v1/stats\n"));
}

static void
quiet(void *ctx, const char *format, va_list args)
{
	(void)ctx;
	(void)format;
	(void)args; /* what clients do wrong is not the operator's news */
}

struct admin *
admin_new(const char *address, const char *service, const char *instance)
{
	struct admin *a = xcalloc(1, sizeof(*a));
	struct endpoint at;
	struct sockaddr_storage ss;

	if (!endpoint_parse(address, &at))
		log_fatal("msg=\"admin.listen must be address:port\" value=\"%s\"", address);
	endpoint_to_sockaddr(&at, &ss);
	a->service = service;
	a->instance = instance;
	pthread_mutex_init(&a->lock, NULL);
	unsigned flags = MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG;

	if (!addr_is_v4(&at.addr))
		flags |= MHD_USE_IPv6;
	a->mhd = MHD_start_daemon(flags, at.port, NULL, NULL, handle, a, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&ss, MHD_OPTION_CONNECTION_LIMIT, (unsigned)ADMIN_CONNECTIONS_MAX,
	    MHD_OPTION_CONNECTION_TIMEOUT, (unsigned)ADMIN_TIMEOUT_S, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
	    MHD_OPTION_END);
	if (a->mhd == NULL)
		log_fatal("msg=\"the admin port can't be opened: is the address here and the port free?\" address=%s",
		    address);
	return a;
}

void
admin_free(struct admin **ap)
{
	if (*ap == NULL)
		return;
	MHD_stop_daemon((*ap)->mhd);
	free(*ap);
	*ap = NULL;
}

void
admin_ready(struct admin *a, const char *name, bool ready)
{
	size_t i = 0;

	pthread_mutex_lock(&a->lock);
	while (i < a->check_count && strcmp(a->checks[i].name, name) != 0)
		i++;
	if (i < READY_CHECKS_MAX) {
		if (i == a->check_count)
			a->checks[a->check_count++].name = name;
		a->checks[i].ready = ready;
	}
	pthread_mutex_unlock(&a->lock);
}
