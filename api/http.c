#include "api/http.h"

#include "api/api.h"
#include "api/route.h"
#include "base/log.h"
#include "base/mem.h"
#include "daemon/metrics.h"

#include <errno.h>
#include <microhttpd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

enum {
	IDLE_S = 15,
	MEMORY_MAX = 16 * 1024, /* a connection: its headers and what is being written */
	STREAM_BLOCK = 8 * 1024,
	STATUS_CLASSES = 6,
};

struct http {
	struct MHD_Daemon *mhd;
	const struct api *api;
};

/* A request's own state: the target as it was sent, because libmicrohttpd decodes what it hands over. */
struct exchange {
	char target[TARGET_MAX + 1]; /* one more than route_answer() takes: too long stays too long */
	bool seen;
};

static metric_value answered[STATUS_CLASSES], open_connections;

/* Everything that leaves may be a spammer's text: no browser shall run, sniff, frame or keep it. */
static const struct {
	const char *name, *value;
} headers[] = {
	{ "Content-Security-Policy",
	    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
	    "base-uri 'none'; form-action 'none'; frame-ancestors 'none'" },
	{ "X-Content-Type-Options", "nosniff" },
	{ "Referrer-Policy", "no-referrer" },
	{ "Cross-Origin-Resource-Policy", "same-origin" },
	{ "Cross-Origin-Opener-Policy", "same-origin" },
	{ "Cache-Control", "no-store" },
};

/* ---- replies ---- */

static ssize_t
read_stream(void *ctx, uint64_t at, char *buf, size_t max)
{
	const struct reply_stream *s = ctx;
	ssize_t n = s->read(s->ctx, at, buf, max);

	return n > 0 ? n : MHD_CONTENT_READER_END_WITH_ERROR;
}

static void
free_stream(void *ctx)
{
	struct reply_stream *s = ctx;

	s->free(s->ctx);
	free(s);
}

static struct MHD_Response *
stream_response(struct reply *r)
{
	struct reply_stream *s = xmemdup(&r->stream, sizeof(r->stream));
	struct MHD_Response *response =
	    MHD_create_response_from_callback(s->size, STREAM_BLOCK, read_stream, s, free_stream);

	if (response == NULL)
		free_stream(s);
	memset(&r->stream, 0, sizeof(r->stream));
	return response;
}

static struct MHD_Response *
make_response(struct reply *r)
{
	if (r->stream.read != NULL)
		return stream_response(r);
	if (r->constant != NULL) /* PERSISTENT: it is not written to and not freed */
		return MHD_create_response_from_buffer(r->len, (void *)(uintptr_t)r->constant, MHD_RESPMEM_PERSISTENT);
	struct MHD_Response *response = MHD_create_response_from_buffer(r->len, r->text, MHD_RESPMEM_MUST_FREE);

	if (response != NULL)
		r->text = NULL;
	return response;
}

static enum MHD_Result
send_reply(struct MHD_Connection *c, struct reply *r)
{
	struct MHD_Response *response = make_response(r);
	unsigned class = r->status / 100;

	reply_fini(r);
	if (response == NULL)
		return MHD_NO;
	MHD_add_response_header(response, MHD_HTTP_HEADER_CONTENT_TYPE, r->type);
	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++)
		MHD_add_response_header(response, headers[i].name, headers[i].value);
	for (size_t i = 0; i < r->header_count; i++)
		MHD_add_response_header(response, r->headers[i].name, r->headers[i].value);
	enum MHD_Result result = MHD_queue_response(c, r->status, response);

	MHD_destroy_response(response);
	metric_add(&answered[class < STATUS_CLASSES ? class : 0], 1);
	return result;
}

/* ---- requests ---- */

static void *
begin_request(void *ctx, const char *target, struct MHD_Connection *c)
{
	struct exchange *e = calloc(1, sizeof(*e));

	(void)ctx;
	(void)c;
	if (e != NULL)
		strncpy(e->target, target, sizeof(e->target) - 1);
	return e;
}

static void
end_request(void *ctx, struct MHD_Connection *c, void **state, enum MHD_RequestTerminationCode why)
{
	(void)ctx;
	(void)c;
	(void)why;
	free(*state);
	*state = NULL;
}

/* libmicrohttpd calls once for the headers and again for body and end; a body is of no use here and is not waited for.
 */
static bool
wait_for_end(struct MHD_Connection *c, const char *method, struct exchange *e)
{
	bool reads = strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0;
	bool first = !e->seen;

	e->seen = true;
	return first && reads && MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Content-Length") == NULL &&
	    MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Transfer-Encoding") == NULL;
}

static enum MHD_Result
handle(void *ctx, struct MHD_Connection *c, const char *url, const char *method, const char *version, const char *data,
    size_t *data_len, void **state)
{
	const struct http *h = ctx;
	struct exchange *e = *state;
	struct reply reply = { 0 };

	(void)url;
	(void)version;
	(void)data;
	*data_len = 0;
	if (e == NULL)
		return MHD_NO;
	if (wait_for_end(c, method, e))
		return MHD_YES;
	route_answer(h->api, method, e->target, MHD_lookup_connection_value(c, MHD_HEADER_KIND, "Authorization"),
	    &reply);
	return send_reply(c, &reply);
}

static void
count_connection(void *ctx, struct MHD_Connection *c, void **state, enum MHD_ConnectionNotificationCode what)
{
	(void)ctx;
	(void)c;
	(void)state;
	if (what == MHD_CONNECTION_NOTIFY_STARTED)
		metric_add(&open_connections, 1);
	else
		metric_sub(&open_connections, 1);
}

/* A client's mistakes are no matter for the operator. */
static void
quiet(void *ctx, const char *format, va_list args)
{
	(void)ctx;
	(void)format;
	(void)args;
}

static void
register_metrics(void)
{
	metrics_register("http_answers_total", "class=\"2xx\"", METRIC_COUNTER, "Answers by class of status.",
	    &answered[2]);
	metrics_register("http_answers_total", "class=\"4xx\"", METRIC_COUNTER, "Answers by class of status.",
	    &answered[4]);
	metrics_register("http_answers_total", "class=\"5xx\"", METRIC_COUNTER, "Answers by class of status.",
	    &answered[5]);
	metrics_register("http_connections", NULL, METRIC_GAUGE, "Open connections.", &open_connections);
}

struct http *
http_new(const struct http_settings *s, const struct api *api)
{
	struct http *h = xcalloc(1, sizeof(*h));
	struct sockaddr_storage ss;
	struct endpoint at;
	unsigned flags = MHD_USE_EPOLL | MHD_USE_INTERNAL_POLLING_THREAD | MHD_USE_ERROR_LOG;

	if (!endpoint_parse(s->address, &at))
		log_fatal("msg=\"listen.address must look like 127.0.0.1:8025\" value=\"%s\"", s->address);
	endpoint_to_sockaddr(&at, &ss);
	if (!addr_is_v4(&at.addr))
		flags |= MHD_USE_IPv6;
	h->api = api;
	register_metrics();
	h->mhd = MHD_start_daemon(flags, at.port, NULL, NULL, handle, h, MHD_OPTION_EXTERNAL_LOGGER, quiet, NULL,
	    MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&ss, MHD_OPTION_LISTENING_ADDRESS_REUSE, 1u,
	    MHD_OPTION_THREAD_POOL_SIZE, (unsigned)s->threads, MHD_OPTION_CONNECTION_LIMIT, (unsigned)s->connections,
	    MHD_OPTION_PER_IP_CONNECTION_LIMIT, (unsigned)s->per_client, MHD_OPTION_CONNECTION_TIMEOUT,
	    (unsigned)IDLE_S, MHD_OPTION_CONNECTION_MEMORY_LIMIT, (size_t)MEMORY_MAX, MHD_OPTION_URI_LOG_CALLBACK,
	    begin_request, NULL, MHD_OPTION_NOTIFY_COMPLETED, end_request, NULL, MHD_OPTION_NOTIFY_CONNECTION,
	    count_connection, NULL, MHD_OPTION_END);
	if (h->mhd == NULL)
		log_fatal("msg=\"listen.address can't be had\" address=%s error=\"%m\"", s->address);
	return h;
}

void
http_free(struct http **hp)
{
	struct http *h = *hp;

	if (h == NULL)
		return;
	MHD_stop_daemon(h->mhd);
	free(h);
	*hp = NULL;
}
