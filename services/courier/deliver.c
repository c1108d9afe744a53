#include "courier/network.h"
#include "courier/resolve.h"
#include "courier/send.h"
#include "courier/trace.h"
#include "courier/worker_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <stdlib.h>
#include <string.h>

enum { SMTP_PORT = 25, RECORD_TRIES = 5 };

/* One attempt under way. */
struct attempt {
	struct worker *worker;
	struct task *task;
	struct send_result result;
	uint64_t deadline_ms;
	uint16_t port;
	enum send_tls tls;
};

static void
outcome(struct send_result *r, enum send_end end, const char *reason)
{
	memset(r, 0, sizeof(*r));
	r->end = end;
	str_copy(r->reason, sizeof(r->reason), reason);
}

/* Writes a changed job over the record that we know. */
static enum kv_result
record(struct worker *w, struct task *t, const struct job *j)
{
	char text[JOB_TEXT_MAX];

	return job_format(j, text) ? store_put(w->bus, STORE_JOBS, t->mail.id, text, &t->revision) : KV_FAILED;
}

/* From here on the server may have it: that must be on record first. */
static bool
on_last_bytes(void *ctx)
{
	struct attempt *a = ctx;
	struct job next = a->task->job;

	job_sending(&next);
	if (record(a->worker, a->task, &next) != KV_OK)
		return false;
	a->task->job = next;
	return true;
}

static bool
on_alive(void *ctx)
{
	struct attempt *a = ctx;
	bool go_on = worker_alive(a->worker);

	return go_on || (a->task->job.state == JOB_SENDING && !atomic_load(&a->worker->aborting));
}

static void
on_lookup_alive(void *ctx)
{
	worker_alive(ctx);
}

/* ---- where to ---- */

/* "host:port", port 25 when there is none; "[2001:db8::1]:25". */
static void
split_smarthost(const char *text, char host[RESOLVE_NAME_MAX], uint16_t *port)
{
	const char *colon = strrchr(text, ':');
	long number = colon == NULL ? SMTP_PORT : strtol(colon + 1, NULL, 10);

	str_copy_bytes(host, RESOLVE_NAME_MAX, text, colon == NULL ? strlen(text) : (size_t)(colon - text));
	*port = number > 0 && number <= UINT16_MAX ? (uint16_t)number : SMTP_PORT;
}

static enum resolve_result
find_smarthost(struct attempt *a, const struct resolve_settings *r, struct resolve_answer *out)
{
	const char *text = a->worker->settings->smarthost;
	struct endpoint at;

	a->tls = a->worker->settings->smarthost_tls ? SEND_TLS_REQUIRED : SEND_TLS_IF_OFFERED;
	out->count = 1;
	if (endpoint_parse(text, &at)) {
		out->targets[0].addr = at.addr;
		addr_format(&at.addr, out->targets[0].host);
		a->port = at.port;
		return RESOLVE_OK;
	}
	char host[RESOLVE_NAME_MAX];

	split_smarthost(text, host, &a->port);
	return resolve_host(r, host, a->deadline_ms, out);
}

/* A decoy beside the one that took the mail: it would come back to us. */
static bool
is_our_own(const struct attempt *a, const struct addr *host)
{
	char theirs[NETWORK_TEXT_MAX], ours[NETWORK_TEXT_MAX];

	return strcmp(network_key(host, theirs), network_key(&a->task->mail.flow.destination.addr, ours)) == 0;
}

/* The domain's servers, without those that are nobody's outside. */
static enum resolve_result
find_servers(struct attempt *a, const struct resolve_settings *r, struct resolve_answer *out)
{
	const struct deny *deny = &a->worker->settings->deny;
	enum resolve_result result = resolve_mx(r, deny_domain_of(a->task->job.recipient), a->deadline_ms, out);
	size_t kept = 0;

	a->tls = SEND_TLS_IF_OFFERED;
	a->port = SMTP_PORT;
	for (size_t i = 0; i < out->count; i++) {
		if (!deny_host(deny, &out->targets[i].addr) && !is_our_own(a, &out->targets[i].addr))
			out->targets[kept++] = out->targets[i];
	}
	out->count = kept;
	return result;
}

static bool
find_targets(struct attempt *a, struct resolve_answer *out)
{
	const struct resolve_settings r = { .servers = a->worker->settings->dns_servers,
		.alive = on_lookup_alive,
		.ctx = a->worker };
	bool direct = a->worker->settings->smarthost[0] == '\0';

	switch (direct ? find_servers(a, &r, out) : find_smarthost(a, &r, out)) {
	case RESOLVE_OK:
		if (out->count == 0)
			outcome(&a->result, SEND_NEVER, "denied-network");
		return out->count > 0;
	case RESOLVE_NULL_MX:
		outcome(&a->result, SEND_NEVER, "null-mx");
		return false;
	case RESOLVE_NO_DOMAIN:
		outcome(&a->result, direct ? SEND_NEVER : SEND_LATER, "no-domain");
		return false;
	case RESOLVE_LATER:
		break;
	}
	outcome(&a->result, SEND_LATER, "no-dns");
	return false;
}

/* ---- the attempt ---- */

static const char *
choose_helo(const struct attempt *a)
{
	const char *own = a->worker->settings->helo, *decoys = a->task->mail.host;

	if (own[0] != '\0')
		return own;
	return deny_domain_valid(decoys) ? decoys : "localhost.localdomain";
}

static void
try_targets(struct attempt *a, const struct resolve_answer *to, const char *data, size_t len)
{
	const struct worker_settings *s = a->worker->settings;

	for (size_t i = 0; i < to->count; i++) {
		const struct send_order order = {
			.target = &to->targets[i],
			.port = a->port,
			.tls = a->tls,
			.user = s->smarthost[0] == '\0' ? "" : s->smarthost_user,
			.password = s->smarthost_password,
			.helo = choose_helo(a),
			.mail_from = a->task->mail.mail_from,
			.recipient = a->task->job.recipient,
			.data = data,
			.len = len,
			.deadline_ms = a->deadline_ms,
			.last_bytes = on_last_bytes,
			.alive = on_alive,
			.ctx = a,
		};

		send_mail(&order, &a->result);
		/* Another server is only asked when this one certainly has nothing. */
		if (a->result.end != SEND_LATER || a->task->job.state == JOB_SENDING || clock_ms() >= a->deadline_ms ||
		    !worker_alive(a->worker))
			return;
	}
}

static void
run(struct attempt *a)
{
	struct resolve_answer to;
	char trace[TRACE_MAX];
	size_t len;

	if (!find_targets(a, &to))
		return;
	trace_format(&a->task->mail, a->task->job.recipient, a->task->stored_wall_ms, trace);
	char *data = message_compose(&a->task->message, trace, &len);

	try_targets(a, &to, data, len);
	free(data);
}

/* What the server did is known only here: it is worth some patience. */
static bool
record_end(struct worker *w, struct task *t)
{
	enum kv_result answer = KV_FAILED;

	for (int i = 0; i < RECORD_TRIES && answer != KV_OK && answer != KV_TAKEN; i++) {
		answer = record(w, t, &t->job);
		worker_alive(w);
	}
	return answer == KV_OK;
}

bool
deliver(struct worker *w, struct task *t)
{
	struct attempt a = { .worker = w, .task = t, .deadline_ms = clock_ms() + w->settings->deliver_ms };

	run(&a);
	/* We broke off ourselves: no attempt, the next courier begins anew. */
	if (a.result.end == SEND_LATER && t->job.state == JOB_WAITING && atomic_load(&w->stopping))
		return false;
	job_attempted(&t->job, &a.result, &w->settings->retry, clock_wall_ms());
	return record_end(w, t);
}
