#include "daemon/kv.h"

#include "base/mem.h"
#include "daemon/bus.h"
#include "daemon/bus_internal.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { KV_SUBJECT_MAX = 512 };

static enum kv_result
take_value(natsMsg *answer, char **value, size_t *len, uint64_t *revision)
{
	const char *status = NULL, *sequence = NULL;

	/* Values carry no status; 404 is "none", anything else is trouble. */
	if (natsMsgHeader_Get(answer, "Status", &status) == NATS_OK)
		return strcmp(status, "404") == 0 ? KV_NONE : KV_FAILED;
	*len = (size_t)natsMsg_GetDataLength(answer);
	if (*len > KV_VALUE_MAX || natsMsgHeader_Get(answer, "Nats-Sequence", &sequence) != NATS_OK)
		return KV_FAILED;
	*revision = strtoull(sequence, NULL, 10);
	*value = xcalloc(1, *len + 1);
	memcpy(*value, natsMsg_GetData(answer), *len);
	return KV_OK;
}

enum kv_result
kv_read(struct bus *b, const char *bucket, const char *key, char **value, size_t *len, uint64_t *revision)
{
	char subject[KV_SUBJECT_MAX];
	natsMsg *answer = NULL;

	*revision = 0;
	if (!bus_connected(b))
		return KV_FAILED;
	snprintf(subject, sizeof(subject), "$JS.API.DIRECT.GET.KV_%s.$KV.%s.%s", bucket, bucket, key);
	if (natsConnection_Request(&answer, bus_connection(b), subject, NULL, 0, KV_WAIT_MS) != NATS_OK)
		return KV_FAILED;
	enum kv_result result = take_value(answer, value, len, revision);
	natsMsg_Destroy(answer);
	return result;
}

enum kv_result
kv_get(struct bus *b, const char *bucket, const char *key, char **value, size_t *len)
{
	uint64_t revision;

	return kv_read(b, bucket, key, value, len, &revision);
}

/* What the server's refusal means, by the number in it; all others are trouble that may pass. */
static enum kv_result
refusal(natsMsg *answer)
{
	static const struct {
		const char *code;
		enum kv_result result;
	} rows[] = {
		{ "\"err_code\":10071", KV_TAKEN }, /* wrong last sequence */
		{ "\"err_code\":10164", KV_TAKEN }, /* the same, said without the number */
		{ "\"err_code\":10077", KV_FULL }, /* maximum bytes exceeded */
	};
	const char *text = natsMsg_GetData(answer);
	size_t len = (size_t)natsMsg_GetDataLength(answer);

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		if (memmem(text, len, rows[i].code, strlen(rows[i].code)) != NULL)
			return rows[i].result;
	}
	return KV_FAILED;
}

enum kv_result
kv_replace(struct bus *b, const char *bucket, const char *key, const void *value, size_t len, uint64_t *revision)
{
	char subject[KV_SUBJECT_MAX], expected[24];
	natsMsg *msg = NULL, *answer = NULL;
	enum kv_result result = KV_FAILED;

	if (!bus_connected(b))
		return KV_FAILED;
	snprintf(subject, sizeof(subject), "$KV.%s.%s", bucket, key);
	snprintf(expected, sizeof(expected), "%" PRIu64, *revision);
	if (natsMsg_Create(&msg, subject, NULL, value, (int)len) != NATS_OK)
		return KV_FAILED;
	natsMsgHeader_Set(msg, "Nats-Expected-Last-Subject-Sequence", expected);
	if (natsConnection_RequestMsg(&answer, bus_connection(b), msg, KV_WAIT_MS) == NATS_OK) {
		result = bus_ack_parse(answer, revision) == BUS_ACK_STORED ? KV_OK : refusal(answer);
		natsMsg_Destroy(answer);
	}
	natsMsg_Destroy(msg);
	return result;
}

enum kv_result
kv_create(struct bus *b, const char *bucket, const char *key, const void *value, size_t len)
{
	uint64_t revision = 0;

	return kv_replace(b, bucket, key, value, len, &revision);
}
