#include "api/setup.h"

#include "base/clock.h"
#include "base/log.h"
#include "daemon/bus.h"

#include <nats/nats.h>
#include <stdio.h>
#include <time.h>

enum { REQUEST_MS = 5000, RETRY_MS = 250, SUBJECTS_MAX = 2 };
#define SECOND_NS INT64_C(1000000000)
#define MIB (INT64_C(1024) * 1024)
#define DAY_S (INT64_C(24) * 3600)

/* Which setting bounds the bytes; a bucket's bound is in its plan. */
enum bytes { BYTES_FIXED, BYTES_EVENTS, BYTES_MAIL };

struct plan {
	const char *name, *description;
	const char *subjects[SUBJECTS_MAX];
	int subject_count;
	jsDiscardPolicy discard;
	enum bytes bytes;
	bool bucket; /* holds the last value of each key (ADR-8) */
	int64_t fixed_bytes;
	int64_t age_s; /* 0: no limit */
	int64_t duplicates_s; /* not longer than age */
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
	    .fixed_bytes = 16 * MIB,
	    .age_s = 5, /* a lease that nobody renews ends by itself */
	    .duplicates_s = 5,
	    .bucket = true,
	},
	{
	    .name = "KV_CERTS",
	    .description = "Keys and certificates of decoys, made once each",
	    .subjects = { "$KV.CERTS.>" },
	    .subject_count = 1,
	    .discard = js_DiscardNew,
	    .fixed_bytes = 64 * MIB, /* 3 KiB a decoy that was asked for TLS */
	    .duplicates_s = 120,
	    .bucket = true,
	},
	{
	    .name = "KV_COURIER_JOBS",
	    .description = "What became of each probe that the courier took on",
	    .subjects = { "$KV.COURIER_JOBS.>" },
	    .subject_count = 1,
	    .discard = js_DiscardNew, /* full: what can't be recorded isn't sent */
	    .fixed_bytes = 64 * MIB,
	    .age_s = 14 * DAY_S, /* longer than a probe's event may wait */
	    .duplicates_s = 120,
	    .bucket = true,
	},
	{
	    .name = "KV_COURIER_QUOTAS",
	    .description = "How much the courier sent today, and for whom",
	    .subjects = { "$KV.COURIER_QUOTAS.>" },
	    .subject_count = 1,
	    .discard = js_DiscardNew,
	    .fixed_bytes = 16 * MIB,
	    .age_s = 2 * DAY_S,
	    .duplicates_s = 120,
	    .bucket = true,
	},
	{
	    .name = "KV_COURIER_NETWORKS",
	    .description = "The first mail of each network",
	    .subjects = { "$KV.COURIER_NETWORKS.>" },
	    .subject_count = 1,
	    .discard = js_DiscardNew,
	    .fixed_bytes = 64 * MIB,
	    .age_s = 90 * DAY_S,
	    .duplicates_s = 120,
	    .bucket = true,
	},
	{
	    .name = "KV_COURIER_DROPBOXES",
	    .description = "Addresses at which spammers look whether a relay works",
	    .subjects = { "$KV.COURIER_DROPBOXES.>" },
	    .subject_count = 1,
	    .discard = js_DiscardNew,
	    .fixed_bytes = 16 * MIB,
	    .age_s = 90 * DAY_S,
	    .duplicates_s = 120,
	    .bucket = true,
	},
};
enum { PLANS = sizeof(plans) / sizeof(plans[0]) };

/* A consumer that several readers share, so that none of them may make it. */
struct consumer_plan {
	const char *stream, *name, *subject, *description;
	int64_t ack_wait_s; /* a reader that is silent for so long has died */
	int64_t ack_pending_max;
};

static const struct consumer_plan consumers[] = {
	{ "EVENTS", "courier", "hs.*.event.relaytrap.relay-mail", "Mails that may be probes", 15, 10000 },
};

enum outcome { DONE, LATER, REFUSED };

static int64_t
bytes_of(const struct plan *p, const struct setup_settings *s)
{
	switch (p->bytes) {
	case BYTES_EVENTS:
		return s->events_bytes;
	case BYTES_MAIL:
		return s->mail_bytes;
	case BYTES_FIXED:
		break;
	}
	return p->fixed_bytes;
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
failed(const char *what, const char *name, natsStatus status, jsErrCode code, char *error, size_t error_size)
{
	const char *detail = status == NATS_TIMEOUT
	    ? "no answer; may this user make streams, and has the server JetStream?"
	    : nats_GetLastError(NULL);
	bool later = status == NATS_TIMEOUT || status == NATS_NO_RESPONDERS || status == NATS_CONNECTION_CLOSED ||
	    status == NATS_CONNECTION_DISCONNECTED || code == JSClusterNotAvailErr || code == JSClusterNotLeaderErr ||
	    code == JSClusterNoPeersErr;

	snprintf(error, error_size, "%s %s can't be made: %s: %s", what, name, natsStatus_GetText(status),
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
		return failed("stream", p->name, status, code, error, error_size);
	if (made)
		config = *info->Config;
	else
		jsStreamConfig_Init(&config);
	apply_plan(p, s, subjects, &config);
	status = made ? js_UpdateStream(NULL, js, &config, NULL, &code) : js_AddStream(NULL, js, &config, NULL, &code);
	jsStreamInfo_Destroy(info);
	if (status != NATS_OK)
		return failed("stream", p->name, status, code, error, error_size);
	log_info("msg=\"%s\" stream=%s max_bytes=%lld replicas=%lld", made ? "stream is up to date" : "made a stream",
	    p->name, (long long)config.MaxBytes, (long long)config.Replicas);
	return DONE;
}

static enum outcome
make_consumer(jsCtx *js, const struct consumer_plan *p, char *error, size_t error_size)
{
	jsConsumerConfig config;
	jsErrCode code = 0;

	jsConsumerConfig_Init(&config);
	config.Durable = p->name;
	config.Description = p->description;
	config.DeliverPolicy = js_DeliverAll;
	config.AckPolicy = js_AckExplicit;
	config.AckWait = p->ack_wait_s * SECOND_NS;
	config.MaxAckPending = p->ack_pending_max;
	config.FilterSubject = p->subject;
	natsStatus status = js_AddConsumer(NULL, js, p->stream, &config, NULL, &code);

	return status == NATS_OK ? DONE : failed("consumer", p->name, status, code, error, error_size);
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
	for (size_t i = 0; i < sizeof(consumers) / sizeof(consumers[0]) && outcome == DONE; i++)
		outcome = make_consumer(js, &consumers[i], error, error_size);
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
