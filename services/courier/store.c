#include "courier/store.h"

#include "base/mem.h"
#include "base/str.h"
#include "daemon/bus.h"

#include <inttypes.h>
#include <nats/nats.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	REQUEST_MS = 3000,
	SUBJECT_SIZE = 384,
	WRONG_LAST_SEQUENCE = 10071,
	WRONG_LAST_SEQUENCE_CONSTANT = 10164, /* the same without the number, from newer servers */
	STORE_FAILED = 10077, /* "maximum bytes exceeded" */
};

struct store {
	struct bus *bus;
	jsCtx *js;
};

static const char *const bucket_names[] = {
	[STORE_JOBS] = "COURIER_JOBS",
	[STORE_QUOTAS] = "COURIER_QUOTAS",
	[STORE_NETWORKS] = "COURIER_NETWORKS",
	[STORE_DROPBOXES] = "COURIER_DROPBOXES",
};

struct store *
store_new(struct bus *bus)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->bus = bus;
	return s;
}

void
store_free(struct store **sp)
{
	if (*sp == NULL)
		return;
	jsCtx_Destroy((*sp)->js);
	free(*sp);
	*sp = NULL;
}

static bool
ready(struct store *s)
{
	jsOptions options;

	if (!bus_connected(s->bus))
		return false;
	if (s->js != NULL)
		return true;
	jsOptions_Init(&options);
	options.Wait = REQUEST_MS;
	return natsConnection_JetStream(&s->js, bus_connection(s->bus), &options) == NATS_OK;
}

static void
subject_of(enum store_bucket bucket, const char *key, char out[SUBJECT_SIZE])
{
	snprintf(out, SUBJECT_SIZE, "$KV.%s.%s", bucket_names[bucket], key);
}

enum store_answer
store_get(struct store *s, enum store_bucket bucket, const char *key, char value[STORE_VALUE_MAX], uint64_t *revision)
{
	char subject[SUBJECT_SIZE], stream[64];
	natsMsg *msg = NULL;
	jsErrCode code = 0;

	value[0] = '\0';
	*revision = STORE_NEW;
	if (!ready(s))
		return STORE_AWAY;
	subject_of(bucket, key, subject);
	snprintf(stream, sizeof(stream), "KV_%s", bucket_names[bucket]);
	natsStatus status = js_GetLastMsg(&msg, s->js, stream, subject, NULL, &code);

	if (status != NATS_OK)
		return status == NATS_NOT_FOUND || code == JSNoMessageFoundErr ? STORE_MISSING : STORE_AWAY;
	str_copy_bytes(value, STORE_VALUE_MAX, natsMsg_GetDataLength(msg) == 0 ? "" : natsMsg_GetData(msg),
	    (size_t)natsMsg_GetDataLength(msg));
	*revision = natsMsg_GetSequence(msg);
	natsMsg_Destroy(msg);
	return STORE_OK;
}

static enum store_answer
refusal(jsErrCode code)
{
	switch ((int)code) {
	case WRONG_LAST_SEQUENCE:
	case WRONG_LAST_SEQUENCE_CONSTANT:
		return STORE_CONFLICT;
	case STORE_FAILED:
		return STORE_FULL;
	default:
		return STORE_AWAY;
	}
}

enum store_answer
store_put(struct store *s, enum store_bucket bucket, const char *key, const char *value, uint64_t *revision)
{
	char subject[SUBJECT_SIZE], expected[24];
	natsMsg *msg = NULL;
	jsPubAck *ack = NULL;
	jsErrCode code = 0;

	if (!ready(s))
		return STORE_AWAY;
	subject_of(bucket, key, subject);
	snprintf(expected, sizeof(expected), "%" PRIu64, *revision);
	if (natsMsg_Create(&msg, subject, NULL, value, (int)strlen(value)) != NATS_OK)
		return STORE_AWAY;
	natsMsgHeader_Set(msg, "Nats-Expected-Last-Subject-Sequence", expected);
	natsStatus status = js_PublishMsg(&ack, s->js, msg, NULL, &code);

	if (status == NATS_OK)
		*revision = ack->Sequence;
	jsPubAck_Destroy(ack);
	natsMsg_Destroy(msg);
	return status == NATS_OK ? STORE_OK : refusal(code);
}
