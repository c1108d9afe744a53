#include "logship/purge.h"

#include "daemon/bus.h"

#include <nats/nats.h>
#include <stdbool.h>

enum { REQUEST_MS = 5000 };

/* True when the message at sequence, or the first that is left after it, is older than the limit. */
static bool
older(jsCtx *js, uint64_t sequence, int64_t limit_ns)
{
	natsMsg *msg = NULL;
	jsErrCode code = 0;

	if (js_GetMsg(&msg, js, "MAIL", sequence, NULL, &code) != NATS_OK)
		return code == JSNoMessageFoundErr; /* deleted already: no reason to keep what is before it */
	bool result = natsMsg_GetTime(msg) < limit_ns;

	natsMsg_Destroy(msg);
	return result;
}

/* The first sequence in [first, end) that is not older than the limit, or end: times grow with sequences. */
static uint64_t
find_cut(jsCtx *js, uint64_t first, uint64_t end, int64_t limit_ns)
{
	while (first < end) {
		uint64_t middle = first + (end - first) / 2;

		if (older(js, middle, limit_ns))
			first = middle + 1;
		else
			end = middle;
	}
	return first;
}

static uint64_t
purge_up_to(jsCtx *js, uint64_t done, int64_t limit_ns)
{
	jsStreamInfo *info = NULL;
	jsErrCode code = 0;
	jsOptions options;

	if (js_GetStreamInfo(&info, js, "MAIL", NULL, &code) != NATS_OK)
		return 0;
	uint64_t first = info->State.FirstSeq;

	jsStreamInfo_Destroy(info);
	if (first == 0 || first > done || !older(js, first, limit_ns))
		return 0;
	jsOptions_Init(&options);
	options.Stream.Purge.Sequence = find_cut(js, first, done + 1, limit_ns); /* kept from here on */
	if (js_PurgeStream(js, "MAIL", &options, &code) != NATS_OK)
		return 0;
	return options.Stream.Purge.Sequence - first;
}

uint64_t
purge_mail(struct bus *b, uint64_t done, uint64_t keep_ms, uint64_t now_wall_ms)
{
	jsOptions options;
	jsCtx *js = NULL;

	if (!bus_connected(b) || done == 0 || now_wall_ms < keep_ms)
		return 0;
	jsOptions_Init(&options);
	options.Wait = REQUEST_MS;
	if (natsConnection_JetStream(&js, bus_connection(b), &options) != NATS_OK)
		return 0;
	uint64_t count = purge_up_to(js, done, (int64_t)(now_wall_ms - keep_ms) * 1000000);

	jsCtx_Destroy(js);
	return count;
}
