#include "relaytrap/store.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/str.h"
#include "daemon/bus.h"
#include "wire/json.h"
#include "wire/subject.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct store {
	struct bus *bus;
	char part_subject[SUBJECT_MAX];
	char commit_subject[SUBJECT_MAX];
	uint64_t memory_max;
	uint64_t memory;
	size_t pending;
};

struct store_mail {
	struct store *store;
	struct flow_info flow;
	char id[STORE_MAIL_ID_MAX];
	struct sha256 *sha;
	char sha_text[2 * SHA256_BYTES + 1];
	uint64_t size;
	uint8_t *buf;
	size_t len, room;
	uint64_t parts[STORE_PARTS_MAX];
	unsigned part_count;
	unsigned parts_waiting;
	bool failed;
	bool aborted;
	bool committing; /* the end of data was seen */
	struct json *envelope;
	store_done_cb *done;
	void *ctx;
};

struct part {
	struct store_mail *mail;
	unsigned number;
};

struct store *
store_new(struct bus *bus, const char *site, uint64_t memory_max)
{
	struct store *s = xcalloc(1, sizeof(*s));

	s->bus = bus;
	s->memory_max = memory_max;
	subject_mail_part(s->part_subject, site);
	subject_mail_commit(s->commit_subject, site);
	return s;
}

static void
mail_free(struct store_mail *m)
{
	m->store->memory -= m->room;
	m->store->pending--;
	sha256_finish(&m->sha, NULL);
	json_destroy(&m->envelope);
	free(m->buf);
	free(m);
}

struct store_mail *
store_begin(struct store *s, const struct flow_info *flow, unsigned number)
{
	struct store_mail *m;

	if (s->memory >= s->memory_max)
		return NULL;
	m = xcalloc(1, sizeof(*m));
	m->store = s;
	m->flow = *flow;
	m->sha = sha256_new();
	snprintf(m->id, sizeof(m->id), "%s-m%u", flow->id, number);
	s->pending++;
	return m;
}

static void
finish(struct store_mail *m, bool ok, uint64_t sequence)
{
	struct store_result r = { .ok = ok,
		.mail_id = m->id,
		.sha256 = m->sha_text,
		.size = m->size,
		.sequence = sequence };

	if (m->done != NULL)
		m->done(m->ctx, &r);
	mail_free(m);
}

static void send_commit(struct store_mail *m);

static void
part_stored(void *ctx, bool ok, uint64_t sequence)
{
	struct part *p = ctx;
	struct store_mail *m = p->mail;

	m->parts[p->number] = sequence;
	m->failed = m->failed || !ok;
	free(p);
	if (--m->parts_waiting > 0)
		return;
	if (m->aborted)
		mail_free(m);
	else if (m->committing)
		send_commit(m);
}

static void
send_part(struct store_mail *m)
{
	char id[STORE_MAIL_ID_MAX + 24], number[16];
	struct part *p;

	if (m->failed || m->part_count == STORE_PARTS_MAX) {
		m->failed = true;
		m->len = 0;
		return;
	}
	p = xcalloc(1, sizeof(*p));
	p->mail = m;
	p->number = m->part_count++;
	snprintf(number, sizeof(number), "%u", p->number + 1);
	snprintf(id, sizeof(id), "%s-p%s", m->id, number);
	const struct bus_header headers[] = { { "Nats-Msg-Id", id }, { "Hs-Mail-Id", m->id }, { "Hs-Part", number } };

	m->parts_waiting++;
	if (!bus_publish_stored(m->store->bus, m->store->part_subject, headers, 3, m->buf, m->len, STORE_TIMEOUT_MS,
		part_stored, p)) {
		m->parts_waiting--;
		m->failed = true;
		free(p);
	}
	m->len = 0;
}

static bool
grow(struct store_mail *m, size_t need)
{
	size_t room = m->room == 0 ? 8192 : m->room;

	while (room < need)
		room *= 2;
	if (room > STORE_PART_BYTES)
		room = STORE_PART_BYTES;
	if (m->store->memory + (room - m->room) > m->store->memory_max)
		return false;
	m->buf = xrealloc(m->buf, room);
	m->store->memory += room - m->room;
	m->room = room;
	return true;
}

void
store_add(struct store_mail *m, const void *data, size_t len)
{
	const uint8_t *p = data;

	sha256_add(m->sha, data, len);
	m->size += len;
	while (len > 0 && !m->failed) {
		size_t n = STORE_PART_BYTES - m->len;

		if (n == 0) {
			send_part(m);
			continue;
		}
		if (n > len)
			n = len;
		if (m->len + n > m->room && !grow(m, m->len + n)) {
			m->failed = true;
			return;
		}
		memcpy(m->buf + m->len, p, n);
		m->len += n;
		p += n;
		len -= n;
	}
}

static void
commit_stored(void *ctx, bool ok, uint64_t sequence)
{
	finish(ctx, ok, sequence);
}

static void
parts_text(const struct store_mail *m, char *out, size_t size)
{
	size_t used = 0;

	out[0] = '\0';
	for (unsigned i = 0; i < m->part_count && used < size; i++)
		used += (size_t)snprintf(out + used, size - used, "%s%llu", i == 0 ? "" : ",",
		    (unsigned long long)m->parts[i]);
}

static void
send_commit(struct store_mail *m)
{
	char size[24], parts[STORE_PARTS_MAX * 21];

	if (m->failed) {
		finish(m, false, 0);
		return;
	}
	snprintf(size, sizeof(size), "%llu", (unsigned long long)m->size);
	parts_text(m, parts, sizeof(parts));
	const struct bus_header headers[] = {
		{ "Nats-Msg-Id", m->id }, { "Hs-Version", "1" }, { "Hs-Mail-Id", m->id }, { "Hs-Sha256", m->sha_text },
		{ "Hs-Size", size }, { "Hs-Envelope", json_print(m->envelope, NULL) },
		{ "Hs-Parts", parts }, /* last: left out when empty, nats.c can't read an empty header */
	};
	size_t count = sizeof(headers) / sizeof(headers[0]) - (m->part_count == 0 ? 1 : 0);

	bool sent = bus_publish_stored(m->store->bus, m->store->commit_subject, headers, count, m->buf, m->len,
	    STORE_TIMEOUT_MS, commit_stored, m);

	json_destroy(&m->envelope); /* the message has it, and may wait for NATS */
	if (!sent)
		finish(m, false, 0);
}

static void
add_endpoint(struct json *j, const char *ip, const char *port, const struct endpoint *at)
{
	json_addr(j, ip, &at->addr);
	json_number(j, port, at->port);
}

static struct json *
envelope_json(const struct store_mail *m, const struct smtp_envelope *e, const char *look, uint64_t wall_ms)
{
	struct json *j = json_create();
	char when[CLOCK_TEXT_MAX];

	json_text(j, "mail_from", e->mail_from);
	for (size_t i = 0; i < e->recipient_count; i++)
		json_append(j, "rcpt_to", e->recipients[i], strlen(e->recipients[i]), e->recipient_count);
	json_text(j, "helo", e->helo);
	add_endpoint(j, "source.ip", "source.port", &m->flow.source);
	add_endpoint(j, "destination.ip", "destination.port", &m->flow.destination);
	json_text(j, "flow", m->flow.id);
	json_text(j, "via", m->flow.via);
	json_text(j, "asked", m->flow.asked);
	json_text(j, "authority", m->flow.authority);
	json_text(j, "look", look);
	json_bytes(j, "subject", e->subject, e->subject_len);
	json_text(j, "queue_id", e->queue_id);
	json_text(j, "received", clock_rfc3339(wall_ms, when));
	return j;
}

void
store_commit(struct store_mail *m, const struct smtp_envelope *e, const char *look, uint64_t wall_ms,
    store_done_cb *done, void *ctx)
{
	uint8_t digest[SHA256_BYTES];

	m->done = done;
	m->ctx = ctx;
	m->committing = true;
	sha256_finish(&m->sha, digest);
	str_hex(m->sha_text, digest, sizeof(digest));
	m->envelope = envelope_json(m, e, look, wall_ms);
	if (m->parts_waiting == 0)
		send_commit(m);
}

void
store_abort(struct store_mail *m)
{
	m->aborted = true;
	if (m->parts_waiting == 0)
		mail_free(m);
}

void
store_forget(struct store_mail *m)
{
	m->done = NULL;
}

size_t
store_pending(const struct store *s)
{
	return s->pending;
}
