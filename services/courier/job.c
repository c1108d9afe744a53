#include "courier/job.h"

#include "base/str.h"

#include <assert.h>
#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

enum { BACKOFF_FACTOR = 3, BACKOFF_STEPS_MAX = 8 };

static const char *const state_names[] = {
	[JOB_WAITING] = "waiting",
	[JOB_SENDING] = "sending",
	[JOB_SENT] = "sent",
	[JOB_REFUSED] = "refused",
	[JOB_FAILED] = "failed",
	[JOB_UNKNOWN] = "unknown",
};

const char *
job_state_name(enum job_state s)
{
	return state_names[s];
}

enum job_step
job_next(const struct job *j, uint64_t now_wall_ms, uint64_t *wait_ms)
{
	*wait_ms = 0;
	if (j->state == JOB_SENDING)
		return JOB_STEP_GIVE_UP;
	if (j->state != JOB_WAITING)
		return JOB_STEP_TELL;
	if (now_wall_ms >= j->due_wall_ms)
		return JOB_STEP_SEND;
	*wait_ms = j->due_wall_ms - now_wall_ms;
	return JOB_STEP_WAIT;
}

void
job_sending(struct job *j)
{
	assert(j->state == JOB_WAITING);
	j->state = JOB_SENDING;
}

void
job_lost(struct job *j)
{
	assert(j->state == JOB_SENDING);
	j->state = JOB_UNKNOWN;
	str_copy(j->reason, sizeof(j->reason), "found-sending");
}

static uint64_t
backoff(const struct job_policy *p, unsigned attempts)
{
	uint64_t ms = p->retry_ms;

	for (unsigned i = 1; i < attempts && i < BACKOFF_STEPS_MAX; i++)
		ms *= BACKOFF_FACTOR;
	return ms;
}

/* By what an attempt gave, before and after `sending` was on record. */
static enum job_state
state_after(const struct job *j, enum send_end end, const struct job_policy *p)
{
	static const enum job_state after[][2] = {
		[SEND_ACCEPTED] = { JOB_SENT, JOB_SENT },
		[SEND_NEVER] = { JOB_FAILED, JOB_FAILED },
		[SEND_LATER] = { JOB_WAITING, JOB_FAILED },
		[SEND_UNSURE] = { JOB_UNKNOWN, JOB_UNKNOWN },
	};
	enum job_state next = after[end][j->state == JOB_SENDING];

	return next == JOB_WAITING && j->attempts >= p->attempts_max ? JOB_FAILED : next;
}

void
job_attempted(struct job *j, const struct send_result *r, const struct job_policy *p, uint64_t now_wall_ms)
{
	assert(j->state == JOB_WAITING || j->state == JOB_SENDING);
	j->attempts++;
	j->state = state_after(j, r->end, p);
	if (j->state == JOB_WAITING)
		j->due_wall_ms = now_wall_ms + backoff(p, j->attempts);
	str_copy(j->reason, sizeof(j->reason), r->reason);
	str_copy(j->host, sizeof(j->host), r->host);
	str_copy(j->reply, sizeof(j->reply), r->reply);
	j->tls = r->tls;
}

/* ---- the record ---- */

bool
job_format(const struct job *j, char out[JOB_TEXT_MAX])
{
	cJSON *json = cJSON_CreateObject();

	cJSON_AddNumberToObject(json, "version", JOB_VERSION);
	cJSON_AddStringToObject(json, "state", state_names[j->state]);
	cJSON_AddStringToObject(json, "kind", probe_kind_name(j->kind));
	cJSON_AddStringToObject(json, "mark", mark_name(j->mark));
	cJSON_AddStringToObject(json, "recipient", j->recipient);
	cJSON_AddNumberToObject(json, "attempts", j->attempts);
	cJSON_AddNumberToObject(json, "due_ms", (double)j->due_wall_ms);
	cJSON_AddStringToObject(json, "reason", j->reason);
	cJSON_AddStringToObject(json, "host", j->host);
	cJSON_AddStringToObject(json, "reply", j->reply);
	cJSON_AddBoolToObject(json, "tls", j->tls);
	bool whole = cJSON_PrintPreallocated(json, out, JOB_TEXT_MAX, false);

	cJSON_Delete(json);
	return whole;
}

static bool
get_text(const cJSON *json, const char *name, char *out, size_t size)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	return cJSON_IsString(item) && str_copy(out, size, item->valuestring);
}

static bool
get_number(const cJSON *json, const char *name, uint64_t max, uint64_t *out)
{
	const cJSON *item = cJSON_GetObjectItemCaseSensitive(json, name);

	if (!cJSON_IsNumber(item) || !(item->valuedouble >= 0 && item->valuedouble <= (double)max))
		return false;
	*out = (uint64_t)item->valuedouble;
	return true;
}

static bool
get_state(const cJSON *json, enum job_state *out)
{
	char word[JOB_WORD_MAX];

	if (!get_text(json, "state", word, sizeof(word)))
		return false;
	for (unsigned s = 0; s < JOB_STATES; s++) {
		*out = (enum job_state)s;
		if (strcmp(word, state_names[s]) == 0)
			return true;
	}
	return false;
}

static bool
get_kind(const cJSON *json, struct job *out)
{
	char kind[JOB_WORD_MAX], mark[JOB_WORD_MAX];

	if (!get_text(json, "kind", kind, sizeof(kind)) || !get_text(json, "mark", mark, sizeof(mark)))
		return false;
	for (unsigned m = MARK_NONE; m <= MARK_ADDRESS; m++) {
		if (strcmp(mark, mark_name((enum mark)m)) == 0)
			out->mark = (enum mark)m;
	}
	for (unsigned k = PROBE_FIRST; k <= PROBE_SALTED; k++) {
		out->kind = (enum probe_kind)k;
		if (strcmp(kind, probe_kind_name(out->kind)) == 0)
			return true;
	}
	return false;
}

static bool
read_all(const cJSON *json, struct job *out)
{
	const cJSON *tls = cJSON_GetObjectItemCaseSensitive(json, "tls");
	uint64_t version, attempts;

	if (!get_number(json, "version", JOB_VERSION, &version) || version != JOB_VERSION)
		return false;
	if (!get_number(json, "attempts", 1000000, &attempts) ||
	    !get_number(json, "due_ms", UINT64_C(9007199254740991), &out->due_wall_ms))
		return false;
	out->attempts = (unsigned)attempts;
	out->tls = cJSON_IsTrue(tls);
	return get_state(json, &out->state) && get_kind(json, out) &&
	    get_text(json, "recipient", out->recipient, sizeof(out->recipient)) &&
	    get_text(json, "reason", out->reason, sizeof(out->reason)) &&
	    get_text(json, "host", out->host, sizeof(out->host)) &&
	    get_text(json, "reply", out->reply, sizeof(out->reply));
}

bool
job_parse(const char *text, size_t len, struct job *out)
{
	cJSON *json = len < JOB_TEXT_MAX ? cJSON_ParseWithLength(text, len) : NULL;

	memset(out, 0, sizeof(*out));
	bool good = json != NULL && read_all(json, out);

	cJSON_Delete(json);
	return good;
}
