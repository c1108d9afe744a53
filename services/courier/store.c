#include "courier/store.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>

static const char *const bucket_names[] = {
	[STORE_JOBS] = "COURIER_JOBS",
	[STORE_QUOTAS] = "COURIER_QUOTAS",
	[STORE_NETWORKS] = "COURIER_NETWORKS",
	[STORE_DROPBOXES] = "COURIER_DROPBOXES",
};

enum kv_result
store_get(struct bus *b, enum store_bucket bucket, const char *key, char value[STORE_VALUE_MAX], uint64_t *revision)
{
	char *found;
	size_t len;
	enum kv_result result = kv_read(b, bucket_names[bucket], key, &found, &len, revision);

	value[0] = '\0';
	if (result != KV_OK)
		return result;
	str_copy_bytes(value, STORE_VALUE_MAX, found, len);
	free(found);
	return KV_OK;
}

enum kv_result
store_put(struct bus *b, enum store_bucket bucket, const char *key, const char *value, uint64_t *revision)
{
	return kv_replace(b, bucket_names[bucket], key, value, strlen(value), revision);
}
