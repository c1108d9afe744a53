#include "courier/dropbox.h"
#include "courier/network.h"
#include "courier/worker_internal.h"

#include "base/clock.h"
#include "base/str.h"

#include <string.h>

enum { COUNTER_TRIES = 16 };

enum intake_fetch
task_fetch(struct worker *w, struct task *t)
{
	enum intake_fetch result = t->data != NULL ? INTAKE_OK : intake_fetch(w->intake, &t->mail, &t->data, &t->len);

	if (result == INTAKE_OK)
		message_parse(&t->message, t->data, t->len);
	return result;
}

/* ---- facts ---- */

/* Is this the first mail of its network? Who creates the network's key is; the same mail seen again still is. */
static bool
find_first(struct worker *w, const struct task *t, const char *network, bool *first)
{
	uint64_t revision = STORE_NEW;
	enum kv_result answer = store_get(w->bus, STORE_NETWORKS, network, w->value, &revision);

	if (answer == KV_NONE) {
		answer = store_put(w->bus, STORE_NETWORKS, network, t->mail.id, &revision);
		*first = answer == KV_OK;
		if (answer != KV_TAKEN)
			return answer != KV_FAILED;
		answer = store_get(w->bus, STORE_NETWORKS, network, w->value, &revision);
	}
	*first = answer == KV_OK && strcmp(w->value, t->mail.id) == 0;
	return answer == KV_OK;
}

static enum kv_result
get_dropbox(struct worker *w, const char *address, char key[33], struct dropbox *out, uint64_t *revision)
{
	quota_hash(address, key);
	enum kv_result answer = store_get(w->bus, STORE_DROPBOXES, key, w->value, revision);

	if (answer == KV_OK && !dropbox_parse(w->value, out))
		*out = (struct dropbox){ .proven = false };
	return answer;
}

/* The first recipient that is a known drop-box. */
static bool
find_dropbox(struct worker *w, const struct task *t, int *index)
{
	*index = -1;
	for (size_t i = 0; i < t->mail.recipient_count && *index < 0; i++) {
		struct dropbox d;
		char key[33];
		uint64_t revision;
		enum kv_result answer = get_dropbox(w, t->mail.recipients[i], key, &d, &revision);

		if (answer == KV_FAILED)
			return false;
		if (answer == KV_OK && d.proven)
			*index = (int)i;
	}
	return true;
}

/* ---- memory ---- */

/* False: away. A full bucket only means that less is remembered. */
static bool
remember(struct worker *w, const struct probe_verdict *v, const char *recipient, const char *network)
{
	struct dropbox d;
	char key[33], value[DROPBOX_VALUE_MAX];
	uint64_t revision;
	enum kv_result answer = get_dropbox(w, recipient, key, &d, &revision);

	if (answer == KV_FAILED)
		return false;
	bool known = answer == KV_OK;
	bool proves = probe_proves_dropbox(v, known && strcmp(d.network, network) != 0);

	if (v->kind == PROBE_MARKED && !proves)
		return true; /* a port alone proves nothing */
	if (known && (d.proven || !proves))
		return true;
	if (!known)
		str_copy(d.network, sizeof(d.network), network);
	d.proven = proves;
	dropbox_format(&d, recipient, value);
	return store_put(w->bus, STORE_DROPBOXES, key, value, &revision) != KV_FAILED;
}

/* ---- what it may cost ---- */

enum charge { CHARGE_OK, CHARGE_REFUSED, CHARGE_AWAY };

static enum charge
charge_one(struct worker *w, const char *key, const char *mail_id, uint64_t limit)
{
	for (int i = 0; i < COUNTER_TRIES; i++) {
		char next[QUOTA_VALUE_MAX];
		uint64_t revision;
		enum kv_result answer = store_get(w->bus, STORE_QUOTAS, key, w->value, &revision);

		if (answer == KV_FAILED)
			return CHARGE_AWAY;
		switch (quota_next(w->value, mail_id, limit, next)) {
		case QUOTA_COUNTED:
			return CHARGE_OK;
		case QUOTA_FULL:
			return CHARGE_REFUSED;
		case QUOTA_COUNT:
			break;
		}
		answer = store_put(w->bus, STORE_QUOTAS, key, next, &revision);
		if (answer != KV_TAKEN)
			return answer == KV_OK ? CHARGE_OK : answer == KV_FULL ? CHARGE_REFUSED : CHARGE_AWAY;
	}
	return CHARGE_AWAY;
}

/* The narrow ones first, so that who is over his own limit uses up nobody else's. */
static enum charge
charge_all(struct worker *w, const char *mail_id, const struct quota_subject *s, const char **why)
{
	static const enum quota order[] = { QUOTA_NETWORK, QUOTA_SALTED, QUOTA_RECIPIENT, QUOTA_DOMAIN, QUOTA_TOTAL };
	uint64_t now = clock_wall_ms();

	for (size_t i = 0; i < sizeof(order) / sizeof(order[0]); i++) {
		char key[QUOTA_KEY_MAX];

		if (!quota_key(order[i], s, now, key))
			continue;
		enum charge result = charge_one(w, key, mail_id, w->settings->quotas.a_day[order[i]]);

		if (result != CHARGE_OK) {
			*why = quota_word(order[i]);
			return result;
		}
	}
	return CHARGE_OK;
}

/* ---- the decision ---- */

/* Why we don't want to carry it, whatever the quotas say; NULL: we do. */
static const char *
objection(const struct worker *w, const struct task *t)
{
	const char *why;

	if (deny_source(&w->settings->deny, &t->mail.flow.source.addr))
		return "denied-source";
	if (!deny_sender_valid(t->mail.mail_from))
		return "bad-sender";
	why = deny_recipient(&w->settings->deny, t->job.recipient);
	if (why != NULL)
		return why;
	return w->settings->enabled ? NULL : "disabled";
}

static void
refuse(struct job *j, const char *why)
{
	j->state = JOB_REFUSED;
	str_copy(j->reason, sizeof(j->reason), why);
}

static enum admit_result
put_on_record(struct worker *w, struct task *t)
{
	char text[JOB_TEXT_MAX];

	t->revision = STORE_NEW;
	if (!job_format(&t->job, text))
		return ADMIT_LATER;
	switch (store_put(w->bus, STORE_JOBS, t->mail.id, text, &t->revision)) {
	case KV_OK:
		return ADMIT_JOB;
	case KV_FULL: /* what can't be recorded can't be sent once only */
		if (t->job.state != JOB_REFUSED)
			refuse(&t->job, "store-full");
		return ADMIT_REFUSED;
	default:
		return ADMIT_LATER;
	}
}

static enum admit_result
take_on(struct worker *w, struct task *t, const struct probe_verdict *v, const char *network)
{
	const struct quota_subject s = { network, t->job.recipient, v->kind };
	const char *why = objection(w, t);

	if ((why == NULL || strcmp(why, "disabled") == 0) && !remember(w, v, t->job.recipient, network))
		return ADMIT_LATER;
	if (why == NULL && charge_all(w, t->mail.id, &s, &why) == CHARGE_AWAY)
		return ADMIT_LATER;
	if (why != NULL)
		refuse(&t->job, why);
	return put_on_record(w, t);
}

enum admit_result
admit(struct worker *w, struct task *t, const char **why)
{
	struct probe_facts f = { .size = t->mail.size, .recipients = t->mail.recipient_total };
	char network[NETWORK_TEXT_MAX];

	network_key(&t->mail.flow.source.addr, network);
	*why = "mx";
	if (t->mail.mx)
		return ADMIT_NONE;
	*why = "old";
	if (clock_wall_ms() > t->stored_wall_ms + w->settings->age_max_ms)
		return ADMIT_NONE;
	if (!find_first(w, t, network, &f.first) || !find_dropbox(w, t, &f.dropbox))
		return ADMIT_LATER;
	if (!probe_wants_text(&f, &w->settings->limits, why))
		return ADMIT_NONE;
	*why = "gone";
	if (t->mail.recipient_count == 0)
		return ADMIT_NONE;
	enum intake_fetch fetched = task_fetch(w, t);

	if (fetched != INTAKE_OK)
		return fetched == INTAKE_GONE ? ADMIT_NONE : ADMIT_LATER;
	struct probe_verdict v = probe_judge(&f, &w->settings->limits, &t->mail.flow.destination, &t->message);

	*why = v.why;
	if (v.kind == PROBE_NONE)
		return ADMIT_NONE;
	t->job = (struct job){ .state = JOB_WAITING, .kind = v.kind, .mark = v.mark };
	str_copy(t->job.recipient, sizeof(t->job.recipient), t->mail.recipients[v.recipient]);
	return take_on(w, t, &v, network);
}
