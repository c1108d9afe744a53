#include "api/setup.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/bus.h"

#include <nats/nats.h>
#include <stdio.h>
#include <time.h>

enum { REQUEST_MS = 5000, RETRY_MS = 250, SUBJECTS_MAX = 2, LEASES_BYTES = 16 * 1024 * 1024 };
#define SECOND_NS INT64_C(1000000000)

/* Which setting bounds the bytes. */
enum bytes { BYTES_EVENTS, BYTES_MAIL, BYTES_LEASES };

struct plan {
	const char *name, *description;
	const char *subjects[SUBJECTS_MAX];
	int subject_count;
	jsDiscardPolicy discard;
	enum bytes bytes;
	int64_t age_s; /* 0: no limit */
	int64_t duplicates_s; /* not longer than age */
	bool bucket; /* holds the last value of each key (ADR-8) */
};

static const struct plan plans[] = {
	{
	    .name = "EVENTS",
	    .description = "What the parts observe",
	    .subjects = { "hs.*.event.>" },
	    .subject_count = 1,
	    .discard = js_DiscardOld,
	    .bytes = BYTES_EVENTS,
	    .duplicates_s = 120,
	},
	{
	    .name = "MAIL",
	    .description = "Mail that got 250",
	    .subjects = { "hs.*.mail.part", "hs.*.mail.commit" },
	    .subject_count = 2,
	    .discard = js_DiscardNew, /* full: the relay answers 452 and no promise breaks */
	    .bytes = BYTES_MAIL,
	    .duplicates_s = 120,
	},
	{
	    .name = "KV_LEASES",
	    .description = "Which gateway holds which shard of decoys",
	    .subjects = { "$KV.LEASES.>" },
	    .subject_count = 1,
	    .discard = js_DiscardNew,
	    .bytes = BYTES_LEASES,
	    .age_s = 5, /* a lease that nobody renews ends by itself */
	    .duplicates_s = 5,
	    .bucket = true,
	},
};
enum { PLANS = sizeof(plans) / sizeof(plans[0]) };

enum outcome { DONE, LATER, REFUSED };

static int64_t
bytes_of(const struct plan *p, const struct setup_settings *s)
{
	switch (p->bytes) {
	case BYTES_EVENTS:
		return s->events_bytes;
	case BYTES_MAIL:
		return s->mail_bytes;
	case BYTES_LEASES:
		break;
	}
	return LEASES_BYTES;
}

/* Writes over what the plan says; the rest stays as it was made or as the server's administrator changed it. */
static void
apply_plan(const struct plan *p, const struct setup_settings *s, const char **subjects, jsStreamConfig *config)
{
	for (int i = 0; i < p->subject_count; i++)
		subjects[i] = p->subjects[i];
	config->Name = p->name;
	config->Description = p->description;
	config->Subjects = subjects;
	config->SubjectsLen = p->subject_count;
	config->Storage = js_FileStorage;
	config->Retention = js_LimitsPolicy;
	config->Discard = p->discard;
	config->MaxBytes = bytes_of(p, s);
	config->MaxAge = p->age_s * SECOND_NS;
	config->Duplicates = p->duplicates_s * SECOND_NS;
	config->Replicas = s->replicas;
	config->MaxMsgsPerSubject = p->bucket ? 1 : -1;
	config->AllowRollup = p->bucket;
	config->AllowDirect = p->bucket;
	config->DenyDelete = p->bucket;
}

/* A sentence about what failed; the server's own words are the most exact ones. */
static enum outcome
failed(const struct plan *p, natsStatus status, jsErrCode code, char *error, size_t error_size)
{
	const char *detail = status == NATS_TIMEOUT
	    ? "no answer; may this user make streams, and has the server JetStream?"
	    : nats_GetLastError(NULL);
	bool later = status == NATS_TIMEOUT || status == NATS_NO_RESPONDERS || status == NATS_CONNECTION_CLOSED ||
	    status == NATS_CONNECTION_DISCONNECTED || code == JSClusterNotAvailErr || code == JSClusterNotLeaderErr ||
	    code == JSClusterNoPeersErr;

	snprintf(error, error_size, "stream %s can't be made: %s: %s", p->name, natsStatus_GetText(status),
	    detail == NULL ? "" : detail);
	return later ? LATER : REFUSED;
}

static enum outcome
make_one(jsCtx *js, const struct plan *p, const struct setup_settings *s, char *error, size_t error_size)
{
	const char *subjects[SUBJECTS_MAX];
	jsStreamConfig config;
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	natsStatus status = js_GetStreamInfo(&info, js, p->name, NULL, &code);
	bool made = status == NATS_OK;

	if (!made && status != NATS_NOT_FOUND)
		return failed(p, status, code, error, error_size);
	if (made)
		config = *info->Config;
	else
		jsStreamConfig_Init(&config);
	apply_plan(p, s, subjects, &config);
	status = made ? js_UpdateStream(NULL, js, &config, NULL, &code) : js_AddStream(NULL, js, &config, NULL, &code);
	jsStreamInfo_Destroy(info);
	if (status != NATS_OK)
		return failed(p, status, code, error, error_size);
	log_info("msg=\"%s\" stream=%s max_bytes=%lld replicas=%lld", made ? "stream is up to date" : "made a stream",
	    p->name, (long long)config.MaxBytes, (long long)config.Replicas);
	return DONE;
}

static enum outcome
make_all(struct bus *b, const struct setup_settings *s, char *error, size_t error_size)
{
	jsOptions options;
	jsCtx *js = NULL;
	enum outcome outcome = DONE;

	if (!bus_connected(b)) {
		snprintf(error, error_size, "NATS can't be reached: is nats.url right and the server up?");
		return LATER;
	}
	jsOptions_Init(&options);
	options.Wait = REQUEST_MS;
	if (natsConnection_JetStream(&js, bus_connection(b), &options) != NATS_OK) {
		snprintf(error, error_size, "memory is out");
		return REFUSED;
	}
	for (size_t i = 0; i < PLANS && outcome == DONE; i++)
		outcome = make_one(js, &plans[i], s, error, error_size);
	jsCtx_Destroy(js);
	return outcome;
}

bool
setup_run(struct bus *b, const struct setup_settings *s, const atomic_bool *stopping, char *error, size_t error_size)
{
	const struct timespec pause = { .tv_nsec = RETRY_MS * 1000000L };
	uint64_t end = clock_ms() + s->wait_ms;
	enum outcome outcome;

	while ((outcome = make_all(b, s, error, error_size)) == LATER && clock_ms() < end && !atomic_load(stopping))
		nanosleep(&pause, NULL);
	return outcome == DONE;
}
