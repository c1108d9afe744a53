#include "daemon/admin.h"

#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/conn.h"
#include "daemon/listener.h"
#include "daemon/metrics.h"

#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ADMIN_CONNECTIONS_MAX = 64, ADMIN_TIMEOUT_MS = 10 * 1000, REQUEST_MAX = 8192, HEAD_MAX = 512 };

struct check {
	const char *name;
	bool ready;
	bool (*ask)(void *ctx); /* NULL: ready was told */
	void *ctx;
};

struct admin {
	struct listener *listener;
	struct list visits;
	const char *service;
	const char *instance;
	pthread_mutex_t lock;
	struct check checks[READY_CHECKS_MAX];
	size_t check_count;
};

struct visit {
	struct list node;
	struct admin *admin;
	struct conn *conn;
	bool head_only;
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
		const struct check *c = &a->checks[i];
		bool ready = c->ask != NULL ? c->ask(c->ctx) : c->ready;
		int n = snprintf(text + used, size - used, "[%c]%s %s\n", ready ? '+' : '-', c->name,
		    ready ? "ok" : "failed");

		all = all && ready;
		if (n > 0 && (size_t)n < size - used)
			used += (size_t)n;
	}
	pthread_mutex_unlock(&a->lock);
	return all;
}

/* ---- one request ---- */

static void
end(struct visit *v)
{
	listener_flow_ended(v->admin->listener);
	list_remove(&v->node);
	free(v);
}

/* Takes the malloc'd text; the connection is closed when it is out. v is freed. */
static void
answer(struct visit *v, unsigned status, const char *type, char *text)
{
	char head[HEAD_MAX];
	size_t len = text == NULL ? 0 : strlen(text);
	int n = snprintf(head, sizeof(head),
	    "HTTP/1.1 %u %s\r\nContent-Type: %s\r\nContent-Length: %zu\r\nCache-Control: no-store\r\n"
	    "Connection: close\r\n\r\n",
	    status, status == 200 ? "OK" : "No", type, len);

	conn_write(v->conn, head, (size_t)n);
	if (!v->head_only && len > 0)
		conn_write(v->conn, text, len);
	free(text);
	conn_close(v->conn);
	end(v);
}

static void
answer_ready(struct visit *v)
{
	char text[READY_CHECKS_MAX * 96];
	bool ready = describe_checks(v->admin, text, sizeof(text));

	answer(v, ready ? 200 : 503, "text/plain", xstrdup(text));
}

static void
answer_path(struct visit *v, const char *path)
{
	if (strcmp(path, "/livez") == 0 || strcmp(path, "/healthz") == 0)
		answer(v, 200, "text/plain", xstrdup("ok\n"));
	else if (strcmp(path, "/readyz") == 0)
		answer_ready(v);
	else if (strcmp(path, "/metrics") == 0)
		answer(v, 200, "text/plain; version=0.0.4", metrics_prometheus());
	else if (strcmp(path, "/v1/stats") == 0)
		answer(v, 200, "application/json", metrics_json(v->admin->service, v->admin->instance));
	else
		answer(v, 404, "text/plain", xstrdup("/livez /readyz /metrics /v1/stats\n"));
}

/* "GET /readyz?verbose HTTP/1.1"; line is cut up. */
static void
answer_line(struct visit *v, char *line)
{
	char *save = NULL;
	const char *method = strtok_r(line, " ", &save), *target = strtok_r(NULL, " ?", &save);

	if (method == NULL || target == NULL) {
		answer(v, 400, "text/plain", xstrdup("that is no request\n"));
		return;
	}
	v->head_only = strcmp(method, "HEAD") == 0;
	if (!v->head_only && strcmp(method, "GET") != 0)
		answer(v, 405, "text/plain", xstrdup("GET and HEAD only\n"));
	else
		answer_path(v, target);
}

/* ---- connections ---- */

/* Headers say nothing that we need, but are waited for: an early close would reset who is still writing. */
static void
on_data(void *ctx)
{
	struct visit *v = ctx;
	char line[HEAD_MAX];
	size_t len;
	const uint8_t *data = conn_peek(v->conn, 0, &len);
	const uint8_t *blank = memmem(data, len, "\r\n\r\n", 4), *first = memmem(data, len, "\r\n", 2);

	if (blank == NULL && len < REQUEST_MAX)
		return;
	if (blank == NULL || (size_t)(first - data) >= sizeof(line)) {
		answer(v, 431, "text/plain", xstrdup("that is too long\n"));
		return;
	}
	str_copy_bytes(line, sizeof(line), data, (size_t)(first - data));
	answer_line(v, line);
}

static void
on_closed(void *ctx, enum conn_end why)
{
	(void)why; /* what clients do wrong is not the operator's news */
	end(ctx);
}

static const struct conn_ops visit_ops = { .data = on_data, .closed = on_closed };

static void
on_open(void *ctx, struct conn *c, const struct flow_info *info)
{
	struct admin *a = ctx;
	struct visit *v = calloc(1, sizeof(*v));

	(void)info;
	if (v == NULL) {
		conn_reset(c);
		listener_flow_ended(a->listener);
		return;
	}
	v->admin = a;
	v->conn = c;
	list_append(&a->visits, &v->node);
	conn_set_ops(c, &visit_ops, v);
	conn_set_idle(c, ADMIN_TIMEOUT_MS);
}

struct admin *
admin_new(struct loop *l, const char *address, const char *service, const char *instance)
{
	struct listener_settings s = {
		.address = address,
		.networks = "0.0.0.0/0,::/0",
		.anywhere = true,
		.uncounted = true,
		.capacity = ADMIN_CONNECTIONS_MAX,
	};
	struct admin *a = xcalloc(1, sizeof(*a));
	char error[HEAD_MAX];

	a->service = service;
	a->instance = instance;
	list_init(&a->visits);
	pthread_mutex_init(&a->lock, NULL);
	a->listener = listener_try(l, &s, on_open, a, error, sizeof(error));
	if (a->listener == NULL)
		log_fatal("msg=\"the admin port (admin.listen) can't be opened: %s\"", error);
	return a;
}

void
admin_free(struct admin **ap)
{
	struct admin *a = *ap;

	if (a == NULL)
		return;
	while (!list_empty(&a->visits)) {
		struct visit *v = LIST_OWNER(a->visits.next, struct visit, node);

		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it can't follow lists */
		conn_reset(v->conn);
		end(v);
	}
	listener_free(&a->listener);
	pthread_mutex_destroy(&a->lock);
	free(a);
	*ap = NULL;
}

static void
set_check(struct admin *a, const struct check *check)
{
	size_t i = 0;

	pthread_mutex_lock(&a->lock);
	while (i < a->check_count && strcmp(a->checks[i].name, check->name) != 0)
		i++;
	if (i < READY_CHECKS_MAX) {
		a->checks[i] = *check;
		a->check_count += i == a->check_count ? 1 : 0;
	}
	pthread_mutex_unlock(&a->lock);
}

void
admin_ready(struct admin *a, const char *name, bool ready)
{
	const struct check told = { .name = name, .ready = ready };

	set_check(a, &told);
}

void
admin_ask(struct admin *a, const char *name, bool (*ready)(void *ctx), void *ctx)
{
	const struct check asked = { .name = name, .ask = ready, .ctx = ctx };

	set_check(a, &asked);
}
