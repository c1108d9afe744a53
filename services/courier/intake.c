#include "courier/intake.h"

#include "base/mem.h"
#include "base/str.h"
#include "daemon/bus.h"
#include "daemon/feed.h"
#include "wire/identity.h"

#include <nats/nats.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { REQUEST_MS = 3000, PAUSE_MS = 250 };

struct intake {
	struct bus *bus;
	jsCtx *js;
	natsSubscription *sub;
	natsMsg *msg; /* the present event; NULL: settled */
};

struct intake *
intake_new(struct bus *bus)
{
	struct intake *i = xcalloc(1, sizeof(*i));

	i->bus = bus;
	return i;
}

static void
close_all(struct intake *i)
{
	natsMsg_Destroy(i->msg);
	natsSubscription_Destroy(i->sub);
	i->msg = NULL;
	i->sub = NULL;
}

void
intake_free(struct intake **ip)
{
	if (*ip == NULL)
		return;
	close_all(*ip);
	jsCtx_Destroy((*ip)->js);
	free(*ip);
	*ip = NULL;
}

static bool
open_all(struct intake *i)
{
	jsOptions options;
	jsSubOptions sub;
	jsErrCode code = 0;

	jsOptions_Init(&options);
	options.Wait = REQUEST_MS;
	if (i->js == NULL && natsConnection_JetStream(&i->js, bus_connection(i->bus), &options) != NATS_OK)
		return false;
	jsSubOptions_Init(&sub);
	sub.Stream = "EVENTS";
	sub.Consumer = "courier";
	return js_PullSubscribe(&i->sub, i->js, "hs.*.event.relaytrap.relay-mail", "courier", NULL, &sub, &code) ==
	    NATS_OK;
}

static void
pause_ms(uint64_t ms)
{
	struct timespec ts = { .tv_sec = (time_t)(ms / 1000), .tv_nsec = (long)(ms % 1000 * 1000000) };

	nanosleep(&ts, NULL);
}

static void
describe(const struct intake *i, struct intake_event *out)
{
	jsMsgMetaData *meta = NULL;

	*out = (struct intake_event){ natsMsg_GetData(i->msg), (size_t)natsMsg_GetDataLength(i->msg), 0, 0 };
	if (natsMsg_GetMetaData(&meta, i->msg) != NATS_OK)
		return;
	out->stored_wall_ms = (uint64_t)(meta->Timestamp / 1000000);
	out->behind = meta->NumPending;
	jsMsgMetaData_Destroy(meta);
}

bool
intake_next(struct intake *i, uint64_t wait_ms, struct intake_event *out)
{
	natsMsgList list = { NULL, 0 };
	jsErrCode code = 0;

	natsMsg_Destroy(i->msg);
	i->msg = NULL;
	if (i->sub == NULL) {
		if (bus_wait(i->bus, PAUSE_MS) && !open_all(i))
			pause_ms(PAUSE_MS);
		return false;
	}
	natsStatus status = natsSubscription_Fetch(&list, i->sub, 1, (int64_t)wait_ms, &code);

	if (status == NATS_OK && list.Count == 1) {
		i->msg = list.Msgs[0];
		list.Msgs[0] = NULL;
	}
	natsMsgList_Destroy(&list);
	if (i->msg != NULL)
		describe(i, out);
	else if (status != NATS_TIMEOUT || !bus_connected(i->bus))
		close_all(i); /* made anew: the server may have forgotten whom it serves */
	return i->msg != NULL;
}

bool
intake_ready(const struct intake *i)
{
	return i->sub != NULL;
}

void
intake_done(struct intake *i)
{
	natsMsg_Ack(i->msg, NULL);
}

void
intake_again(struct intake *i, uint64_t delay_ms)
{
	natsMsg_NakWithDelay(i->msg, (int64_t)delay_ms, NULL);
}

void
intake_alive(struct intake *i)
{
	natsMsg_InProgress(i->msg, NULL);
}

static const char *
header_of(const void *ctx, const char *name)
{
	const char *value = NULL;
	natsMsg *msg;

	memcpy(&msg, &ctx, sizeof(msg)); /* nats.c reads headers of messages that aren't const */
	return natsMsgHeader_Get(msg, name, &value) == NATS_OK ? value : NULL;
}

/* What is being put together. */
struct mail {
	char *data;
	size_t len, room;
	struct sha256 *sha;
};

static bool
append(struct mail *m, const void *data, size_t len)
{
	if (len > m->room - m->len)
		return false;
	memcpy(m->data + m->len, data, len);
	m->len += len;
	sha256_add(m->sha, data, len);
	return true;
}

static enum intake_fetch
append_parts(struct intake *i, const struct mail_commit *c, struct mail *m)
{
	for (size_t p = 0; p < c->part_count; p++) {
		size_t len;
		bool gone;
		void *body = feed_get(i->bus, "MAIL", c->parts[p], &len, &gone);

		if (body == NULL)
			return gone ? INTAKE_GONE : INTAKE_AWAY;
		bool fits = append(m, body, len);

		free(body);
		if (!fits)
			return INTAKE_GONE;
	}
	return INTAKE_OK;
}

static bool
digest_is(struct mail *m, const char *expected)
{
	uint8_t digest[SHA256_BYTES];
	char text[2 * SHA256_BYTES + 1];

	sha256_finish(&m->sha, digest);
	str_hex(text, digest, sizeof(digest));
	return strcmp(text, expected) == 0;
}

static enum intake_fetch
assemble(struct intake *i, const struct relay_mail *r, natsMsg *commit, struct mail *m)
{
	struct mail_commit c;
	const char *error;

	if (!mail_commit_parse(header_of, commit, &c, &error) || strcmp(c.id, r->id) != 0 || c.size != r->size)
		return INTAKE_GONE;
	enum intake_fetch result = append_parts(i, &c, m);

	if (result == INTAKE_OK &&
	    (!append(m, natsMsg_GetData(commit), (size_t)natsMsg_GetDataLength(commit)) || m->len != r->size))
		result = INTAKE_GONE;
	if (result == INTAKE_OK && !digest_is(m, r->sha256))
		result = INTAKE_GONE;
	return result;
}

enum intake_fetch
intake_fetch(struct intake *i, const struct relay_mail *r, char **data, size_t *len)
{
	natsMsg *commit = NULL;
	jsErrCode code = 0;
	natsStatus status = js_GetMsg(&commit, i->js, "MAIL", r->sequence, NULL, &code);

	if (status != NATS_OK)
		return status == NATS_NOT_FOUND || code == JSNoMessageFoundErr ? INTAKE_GONE : INTAKE_AWAY;
	struct mail m = { .data = xcalloc(1, r->size + 1), .room = r->size, .sha = sha256_new() };
	enum intake_fetch result = assemble(i, r, commit, &m);

	if (m.sha != NULL)
		sha256_finish(&m.sha, NULL);
	natsMsg_Destroy(commit);
	if (result != INTAKE_OK) {
		free(m.data);
		return result;
	}
	*data = m.data;
	*len = m.len;
	return INTAKE_OK;
}
