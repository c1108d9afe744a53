#include "courier/worker.h"

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "courier/worker_internal.h"
#include "daemon/daemon.h"
#include "wire/event.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum {
	WAIT_MS = 500,
	AGAIN_MS = 2000, /* after something was away */
	TELL_TURN_MS = 5,
	EVENT_KEY_MAX = 64, /* of a mail id in an event's id */
};

/* What becomes of the mails that come in; the word is the label. */
#define VERDICTS(X)                                                                                                    \
	X(first) X(marked) X(salted) X(recipients) X(large) X(attachment) X(plain) X(old) X(mx) X(gone) X(malformed)

#define DEFINE_VERDICT(word) { #word, "verdict=\"" #word "\"", 0 },
static struct verdict {
	const char *word, *label;
	metric_value count;
} verdicts[] = { VERDICTS(DEFINE_VERDICT){ "bare-cr", "verdict=\"bare-cr\"", 0 } };

static metric_value results[JOB_STATES], attempts, behind;

static void
count_verdict(const char *word)
{
	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++) {
		if (strcmp(verdicts[i].word, word) == 0)
			metric_add(&verdicts[i].count, 1);
	}
}

void
worker_register_metrics(void)
{
	static const char *const labels[] = {
		[JOB_SENT] = "result=\"sent\"",
		[JOB_REFUSED] = "result=\"refused\"",
		[JOB_FAILED] = "result=\"failed\"",
		[JOB_UNKNOWN] = "result=\"unknown\"",
	};

	for (size_t i = 0; i < sizeof(verdicts) / sizeof(verdicts[0]); i++)
		metrics_register("courier_mails_total", verdicts[i].label, METRIC_COUNTER,
		    "Mails by what they were taken for.", &verdicts[i].count);
	for (size_t i = JOB_SENT; i < JOB_STATES; i++)
		metrics_register("courier_jobs_total", labels[i], METRIC_COUNTER, "Probes by how they ended.",
		    &results[i]);
	metrics_register("courier_attempts_total", NULL, METRIC_COUNTER, "Attempts to deliver.", &attempts);
	metrics_register("courier_behind", NULL, METRIC_GAUGE, "Events that wait for a courier.", &behind);
}

bool
worker_alive(struct worker *w)
{
	uint64_t now = clock_ms();

	if (now - w->alive_ms >= INTAKE_ALIVE_MS) {
		w->alive_ms = now;
		intake_alive(w->intake);
	}
	return !atomic_load(&w->stopping);
}

/* ---- telling ---- */

static void
on_safe(void *ctx)
{
	struct worker *w = ctx;

	atomic_fetch_add(&w->told, 1);
}

static struct event *
make_event(const struct worker *w, const struct task *t)
{
	char id[EVENT_ID_MAX], action[32];
	const struct job *j = &t->job;

	snprintf(id, sizeof(id), "%.*s-courier", (int)EVENT_KEY_MAX, t->mail.id);
	snprintf(action, sizeof(action), "courier-%s", job_state_name(j->state));
	struct event *e = event_create("courier", daemon_site(w->daemon), action, id, clock_wall_ms());

	event_flow(e, &t->mail.flow);
	event_text(e, "honeyspam.mail.id", t->mail.id);
	event_text(e, "honeyspam.mail.sha256", t->mail.sha256);
	event_number(e, "honeyspam.mail.size", t->mail.size);
	event_text(e, "honeyspam.courier.kind", probe_kind_name(j->kind));
	event_text(e, "honeyspam.courier.mark", mark_name(j->mark));
	event_text(e, "honeyspam.courier.recipient", j->recipient);
	event_number(e, "honeyspam.courier.attempts", j->attempts);
	if (j->host[0] != '\0') {
		event_text(e, "honeyspam.courier.host", j->host);
		event_bool(e, "honeyspam.courier.tls", j->tls);
	}
	if (j->reply[0] != '\0')
		event_text(e, "honeyspam.courier.reply", j->reply);
	if (j->reason[0] != '\0')
		event_text(e, "event.reason", j->reason);
	return e;
}

/* True when the stream or the spool has the event; its id makes a second telling harmless. */
static bool
tell(struct worker *w, const struct task *t)
{
	const struct timespec turn = { .tv_nsec = TELL_TURN_MS * 1000000L };
	struct event *e = make_event(w, t);

	if (!events_emit_then(daemon_events(w->daemon), &e, on_safe, w))
		return false;
	w->telling++;
	while (atomic_load(&w->told) != w->telling) {
		if (atomic_load(&w->aborting))
			return false;
		worker_alive(w);
		nanosleep(&turn, NULL);
	}
	return true;
}

/* ---- one event ---- */

static void
tell_and_finish(struct worker *w, const struct task *t)
{
	if (!tell(w, t)) {
		intake_again(w->intake, AGAIN_MS);
		return;
	}
	metric_add(&results[t->job.state], 1);
	intake_done(w->intake);
}

static void
attempt(struct worker *w, struct task *t)
{
	uint64_t wait_ms;

	metric_add(&attempts, 1);
	if (!deliver(w, t))
		intake_again(w->intake, atomic_load(&w->stopping) ? 0 : AGAIN_MS);
	else if (job_next(&t->job, clock_wall_ms(), &wait_ms) == JOB_STEP_TELL)
		tell_and_finish(w, t);
	else
		intake_again(w->intake, wait_ms);
}

static void
give_up(struct worker *w, struct task *t)
{
	char text[JOB_TEXT_MAX];

	job_lost(&t->job);
	if (job_format(&t->job, text) && store_put(w->bus, STORE_JOBS, t->mail.id, text, &t->revision) == KV_OK)
		tell_and_finish(w, t);
	else
		intake_again(w->intake, AGAIN_MS);
}

/* The mail of a job that is to be sent may have been purged meanwhile. */
static void
send_again(struct worker *w, struct task *t)
{
	switch (task_fetch(w, t)) {
	case INTAKE_OK:
		attempt(w, t);
		break;
	case INTAKE_GONE:
		count_verdict("gone");
		intake_done(w->intake);
		break;
	case INTAKE_AWAY:
		intake_again(w->intake, AGAIN_MS);
		break;
	}
}

static void
go_on(struct worker *w, struct task *t)
{
	uint64_t wait_ms;

	switch (job_next(&t->job, clock_wall_ms(), &wait_ms)) {
	case JOB_STEP_SEND:
		send_again(w, t);
		break;
	case JOB_STEP_WAIT:
		intake_again(w->intake, wait_ms);
		break;
	case JOB_STEP_GIVE_UP:
		give_up(w, t);
		break;
	case JOB_STEP_TELL:
		tell_and_finish(w, t);
		break;
	}
}

static void
begin(struct worker *w, struct task *t)
{
	const char *why;
	enum admit_result result = admit(w, t, &why);

	if (result == ADMIT_LATER) {
		intake_again(w->intake, AGAIN_MS);
		return;
	}
	count_verdict(result == ADMIT_NONE ? why : probe_kind_name(t->job.kind));
	if (result == ADMIT_NONE)
		intake_done(w->intake);
	else if (t->job.state == JOB_REFUSED)
		tell_and_finish(w, t);
	else
		attempt(w, t);
}

static void
handle(struct worker *w, struct task *t)
{
	switch (store_get(w->bus, STORE_JOBS, t->mail.id, w->value, &t->revision)) {
	case KV_NONE:
		begin(w, t);
		break;
	case KV_OK:
		if (job_parse(w->value, strlen(w->value), &t->job)) {
			go_on(w, t);
			break;
		}
		log_error("msg=\"a job of an unknown version is left alone\" mail=%s", t->mail.id);
		intake_done(w->intake);
		break;
	default:
		intake_again(w->intake, AGAIN_MS);
		break;
	}
}

static void
take(struct worker *w, const struct intake_event *e)
{
	struct task *t = xcalloc(1, sizeof(*t));
	const char *error;

	w->alive_ms = clock_ms();
	t->stored_wall_ms = e->stored_wall_ms;
	if (relay_mail_parse(e->data, e->len, &t->mail, &error)) {
		handle(w, t);
	} else {
		count_verdict("malformed");
		log_debug("msg=\"an event can't be read\" error=\"%s\"", error);
		intake_done(w->intake);
	}
	free(t->data);
	free(t);
}

/* ---- the thread ---- */

static void
on_ended(void *ctx)
{
	struct worker *w = ctx;

	w->ended(w->ctx);
}

static void *
worker_main(void *ctx)
{
	struct worker *w = ctx;
	struct intake_event e;

	daemon_confine(w->settings->enabled ? SANDBOX_REACHES : SANDBOX_SERVES);
	while (!atomic_load(&w->stopping)) {
		bool got = intake_next(w->intake, WAIT_MS, &e);

		if (got) {
			metric_set(&behind, e.behind);
			take(w, &e);
		}
		admin_ready(daemon_admin(w->daemon), "consumer", intake_ready(w->intake));
	}
	intake_free(&w->intake);
	loop_call(daemon_loop(w->daemon), on_ended, w);
	return NULL;
}

struct worker *
worker_start(struct daemon *d, const struct worker_settings *s, void (*ended)(void *ctx), void *ctx)
{
	struct worker *w = xcalloc(1, sizeof(*w));

	w->daemon = d;
	w->settings = s;
	w->ended = ended;
	w->ctx = ctx;
	w->bus = daemon_bus(d);
	w->intake = intake_new(w->bus);
	if (pthread_create(&w->thread, NULL, worker_main, w) != 0)
		log_fatal("msg=\"no thread for a worker\"");
	return w;
}

void
worker_stop(struct worker *w)
{
	atomic_store(&w->stopping, true);
}

void
worker_join(struct worker *w)
{
	atomic_store(&w->stopping, true);
	atomic_store(&w->aborting, true);
	pthread_join(w->thread, NULL);
}
