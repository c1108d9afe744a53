#include "daemon/kv.h"

#include "base/mem.h"
#include "daemon/bus.h"
#include "daemon/bus_internal.h"
#include "wire/subject.h"

#include <stdio.h>
#include <string.h>

static enum kv_result
take_value(natsMsg *answer, char **value, size_t *len)
{
	const char *status = NULL;

	/* Values carry no status; 404 is "none", anything else is trouble. */
	if (natsMsgHeader_Get(answer, "Status", &status) == NATS_OK)
		return strcmp(status, "404") == 0 ? KV_NONE : KV_FAILED;
	*len = (size_t)natsMsg_GetDataLength(answer);
	if (*len > KV_VALUE_MAX)
		return KV_FAILED;
	*value = xcalloc(1, *len + 1);
	memcpy(*value, natsMsg_GetData(answer), *len);
	return KV_OK;
}

enum kv_result
kv_get(struct bus *b, const char *bucket, const char *key, char **value, size_t *len)
{
	char subject[SUBJECT_MAX];
	natsMsg *answer = NULL;

	if (!bus_connected(b))
		return KV_FAILED;
	snprintf(subject, sizeof(subject), "$JS.API.DIRECT.GET.KV_%s.$KV.%s.%s", bucket, bucket, key);
	if (natsConnection_Request(&answer, bus_connection(b), subject, NULL, 0, KV_WAIT_MS) != NATS_OK)
		return KV_FAILED;
	enum kv_result result = take_value(answer, value, len);
	natsMsg_Destroy(answer);
	return result;
}

/* The server refuses a value whose key has one already, and says so with this number in its answer. */
static enum kv_result
creation(natsMsg *answer)
{
	static const char wrong_last_sequence[] = "10071";
	uint64_t sequence;

	if (bus_ack_parse(answer, &sequence) == BUS_ACK_STORED)
		return KV_OK;
	return memmem(natsMsg_GetData(answer), (size_t)natsMsg_GetDataLength(answer), wrong_last_sequence,
		   sizeof(wrong_last_sequence) - 1) != NULL
	    ? KV_TAKEN
	    : KV_FAILED;
}

enum kv_result
kv_create(struct bus *b, const char *bucket, const char *key, const void *value, size_t len)
{
	char subject[SUBJECT_MAX];
	natsMsg *msg = NULL, *answer = NULL;
	enum kv_result result = KV_FAILED;

	if (!bus_connected(b))
		return KV_FAILED;
	snprintf(subject, sizeof(subject), "$KV.%s.%s", bucket, key);
	if (natsMsg_Create(&msg, subject, NULL, value, (int)len) != NATS_OK)
		return KV_FAILED;
	natsMsgHeader_Set(msg, "Nats-Expected-Last-Subject-Sequence", "0");
	if (natsConnection_RequestMsg(&answer, bus_connection(b), msg, KV_WAIT_MS) == NATS_OK) {
		result = creation(answer);
		natsMsg_Destroy(answer);
	}
	natsMsg_Destroy(msg);
	return result;
}
