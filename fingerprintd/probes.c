#include "fingerprintd/probes.h"

#include "base/mem.h"
#include "base/rand.h"

#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * PROBES_SOURCES_MAX, SLOT_EMPTY = 0 };

struct window {
	struct probe_report *list; /* PROBES_SOURCES_MAX */
	size_t count;
	uint16_t slots[SLOTS]; /* index into list + 1; open addressing, at most half full */
	uint64_t overflow;
};

struct probes {
	struct probes_ops ops;
	struct window windows[2];
	struct window *open; /* being filled */
	struct window *told; /* being reported */
	size_t told_count; /* of which so many are */
	uint64_t ends_ms;
	uint32_t seed; /* sources are chosen by attackers: they must not choose collisions too */
};

static size_t
slot_of(const struct probes *p, const struct addr *a)
{
	uint32_t h = p->seed;

	for (size_t i = 0; i < sizeof(a->b); i++) {
		h = (h ^ a->b[i]) * 0x9e3779b1U;
		h ^= h >> 15;
	}
	return h % SLOTS;
}

static struct probe_report *
find_or_add(struct probes *p, const struct addr *source, const struct addr *destination)
{
	struct window *w = p->open;
	size_t i = slot_of(p, source);

	for (; w->slots[i] != SLOT_EMPTY; i = (i + 1) % SLOTS) {
		if (addr_equal(&w->list[w->slots[i] - 1].source, source))
			return &w->list[w->slots[i] - 1];
	}
	if (w->count == PROBES_SOURCES_MAX)
		return NULL;
	struct probe_report *r = &w->list[w->count];

	memset(r, 0, sizeof(*r));
	r->source = *source;
	r->destination = *destination;
	w->slots[i] = (uint16_t)++w->count;
	return r;
}

static void
note_port(struct probe_report *r, uint16_t port)
{
	for (size_t i = 0; i < r->port_count; i++) {
		if (r->ports[i] == port)
			return;
	}
	if (r->port_count < PROBES_PORTS_MAX)
		r->ports[r->port_count++] = port;
	else
		r->ports_truncated = true;
}

void
probes_note(struct probes *p, enum probe_kind kind, const struct addr *source, const struct addr *destination,
    uint16_t port)
{
	struct probe_report *r = find_or_add(p, source, destination);

	if (r == NULL) {
		p->open->overflow++;
		return;
	}
	if (r->counts[kind] < UINT32_MAX)
		r->counts[kind]++;
	if (port != 0)
		note_port(r, port);
}

static void
tell(struct probes *p, size_t max)
{
	struct window *w = p->told;

	for (; max > 0 && p->told_count < w->count; max--)
		p->ops.report(p->ops.ctx, &w->list[p->told_count++]);
}

static void
turn_over(struct probes *p)
{
	struct window *full = p->open;

	tell(p, PROBES_SOURCES_MAX); /* what a slow tick left */
	if (full->overflow > 0)
		p->ops.overflow(p->ops.ctx, full->overflow);
	p->open = p->told;
	p->told = full;
	p->told_count = 0;
	p->open->count = 0;
	p->open->overflow = 0;
	memset(p->open->slots, 0, sizeof(p->open->slots));
}

void
probes_tick(struct probes *p, uint64_t now_ms)
{
	tell(p, PROBES_TURN_MAX);
	if (now_ms < p->ends_ms)
		return;
	p->ends_ms = now_ms + PROBES_WINDOW_MS;
	turn_over(p);
}

void
probes_flush(struct probes *p)
{
	turn_over(p);
	tell(p, PROBES_SOURCES_MAX);
}

struct probes *
probes_new(const struct probes_ops *ops, uint64_t now_ms)
{
	struct probes *p = xcalloc(1, sizeof(*p));

	p->ops = *ops;
	p->seed = rand_u32();
	p->ends_ms = now_ms + PROBES_WINDOW_MS;
	p->open = &p->windows[0];
	p->told = &p->windows[1];
	for (size_t i = 0; i < 2; i++)
		p->windows[i].list = xcalloc(PROBES_SOURCES_MAX, sizeof(struct probe_report));
	return p;
}

void
probes_free(struct probes **pp)
{
	if (*pp == NULL)
		return;
	free((*pp)->windows[0].list);
	free((*pp)->windows[1].list);
	free(*pp);
	*pp = NULL;
}
