#include "relaytrap/sources.h"

#include "base/list.h"
#include "base/mem.h"
#include "base/rand.h"

#include <stdlib.h>
#include <string.h>

enum { BUCKETS = 4096, SCALE = 1024 /* mails are counted in parts of this, so that halves add up */ };

struct source {
	struct list in_bucket;
	struct list by_age; /* the quiet ones: the one that was here last at the end */
	struct sources *owner;
	struct addr address;
	size_t sessions;
	uint64_t mails; /* times SCALE, as of counted_ms */
	uint64_t counted_ms;
};

struct sources {
	struct sources_settings settings;
	struct list buckets[BUCKETS];
	struct list quiet;
	size_t count;
	uint32_t seed; /* peers choose their addresses, not our buckets */
};

/* An IPv6 host has 2^64 addresses to come from. */
static struct addr
network_of(const struct addr *address)
{
	struct addr a = *address;

	if (!addr_is_v4(&a))
		memset(a.b + 8, 0, 8);
	return a;
}

static struct list *
bucket_of(struct sources *s, const struct addr *a)
{
	uint32_t h = s->seed;

	for (size_t i = 0; i < sizeof(a->b); i++)
		h = (h ^ a->b[i]) * 0x01000193;
	return &s->buckets[(h ^ h >> 16) % BUCKETS];
}

static void
forget(struct source *source)
{
	list_remove(&source->in_bucket);
	list_remove(&source->by_age);
	source->owner->count--;
	free(source);
}

static struct source *
find(struct sources *s, const struct addr *a)
{
	struct list *bucket = bucket_of(s, a);

	for (struct list *node = bucket->next; node != bucket; node = node->next) {
		struct source *source = LIST_OWNER(node, struct source, in_bucket);

		if (memcmp(source->address.b, a->b, sizeof(a->b)) == 0)
			return source;
	}
	return NULL;
}

static struct source *
add(struct sources *s, const struct addr *a, uint64_t now_ms)
{
	struct source *source;

	if (s->count >= s->settings.max && !list_empty(&s->quiet))
		forget(LIST_OWNER(s->quiet.next, struct source, by_age));
	if (s->count >= s->settings.max)
		return NULL;
	source = xcalloc(1, sizeof(*source));
	source->owner = s;
	source->address = *a;
	source->counted_ms = now_ms;
	list_init(&source->by_age);
	list_append(bucket_of(s, a), &source->in_bucket);
	s->count++;
	return source;
}

struct source *
sources_enter(struct sources *s, const struct addr *address, uint64_t now_ms)
{
	struct addr a = network_of(address);
	struct source *source = find(s, &a);

	if (source == NULL)
		source = add(s, &a, now_ms);
	if (source == NULL || source->sessions >= s->settings.sessions)
		return NULL;
	source->sessions++;
	list_remove(&source->by_age);
	return source;
}

void
sources_leave(struct source *source)
{
	if (--source->sessions == 0)
		list_append(&source->owner->quiet, &source->by_age);
}

static void
decay(struct source *source, uint64_t now_ms)
{
	while (now_ms - source->counted_ms >= SOURCES_HALF_LIFE_MS && source->mails > 0) {
		source->mails /= 2;
		source->counted_ms += SOURCES_HALF_LIFE_MS;
	}
	if (source->mails == 0)
		source->counted_ms = now_ms;
}

void
sources_mail(struct source *source, uint64_t now_ms)
{
	decay(source, now_ms);
	source->mails += SCALE;
}

static uint64_t
grown(const struct sources_growth *g, uint64_t mails)
{
	uint64_t delay = g->first_ms + mails * g->step_ms;

	for (uint64_t n = g->mails == 0 ? 0 : mails / g->mails; n > 0 && delay < g->max_ms; n--)
		delay += delay * g->percent / 100 + 1;
	return delay < g->max_ms ? delay : g->max_ms;
}

unsigned
sources_delay(struct source *source, const struct sources_growth *growth, uint64_t now_ms)
{
	const struct sources_settings *settings = &source->owner->settings;

	decay(source, now_ms);
	uint64_t mails = source->mails / SCALE;
	if (settings->free_mails == 0 || mails <= settings->free_mails)
		return 0;
	unsigned delay = (unsigned)grown(growth, mails - settings->free_mails);
	return delay - delay % growth->grain_ms;
}

size_t
sources_count(const struct sources *s)
{
	return s->count;
}

struct sources *
sources_new(const struct sources_settings *settings)
{
	struct sources *s = xcalloc(1, sizeof(*s));

	s->settings = *settings;
	s->seed = rand_u32();
	list_init(&s->quiet);
	for (size_t i = 0; i < BUCKETS; i++)
		list_init(&s->buckets[i]);
	return s;
}

void
sources_free(struct sources **sp)
{
	struct sources *s = *sp;

	if (s == NULL)
		return;
	for (size_t i = 0; i < BUCKETS; i++) {
		while (!list_empty(&s->buckets[i]))
			/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it can't follow lists */
			forget(LIST_OWNER(s->buckets[i].next, struct source, in_bucket));
	}
	free(s);
	*sp = NULL;
}
