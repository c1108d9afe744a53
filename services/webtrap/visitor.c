#include "webtrap/visitor.h"

#include "base/mem.h"
#include "base/slab.h"

#include <stdlib.h>
#include <string.h>

struct visitors {
	struct slab *slab;
	struct visitor **buckets;
	size_t bucket_count; /* a power of two */
	uint64_t seed;
	struct list order; /* silent longest first */
};

static struct visitor **
bucket_of(struct visitors *v, const struct addr *addr)
{
	uint64_t h = v->seed;

	for (size_t i = 0; i < sizeof(addr->b); i++)
		h = (h ^ addr->b[i]) * 0x100000001b3;
	h ^= h >> 32;
	return &v->buckets[(h * 0x9e3779b97f4a7c15 >> 32) & (v->bucket_count - 1)];
}

static void
forget_oldest(struct visitors *v)
{
	struct visitor *oldest = LIST_OWNER(v->order.next, struct visitor, order);
	struct visitor **at = bucket_of(v, &oldest->addr);

	while (*at != oldest)
		at = &(*at)->next;
	*at = oldest->next;
	list_remove(&oldest->order);
	slab_put(v->slab, oldest);
}

static struct visitor *
add(struct visitors *v, const struct addr *addr)
{
	if (slab_used(v->slab) == slab_cap(v->slab))
		forget_oldest(v);
	struct visitor *one = slab_get(v->slab), **bucket = bucket_of(v, addr);

	one->addr = *addr;
	one->next = *bucket;
	*bucket = one;
	list_append(&v->order, &one->order);
	return one;
}

struct visitor *
visitors_see(struct visitors *v, const struct addr *addr)
{
	struct visitor *one = *bucket_of(v, addr);

	while (one != NULL && !addr_equal(&one->addr, addr))
		one = one->next;
	if (one == NULL)
		one = add(v, addr);
	list_remove(&one->order);
	list_append(&v->order, &one->order);
	one->requests++;
	return one;
}

bool
visitor_trespass(struct visitor *v, unsigned addresses, uint64_t now_ms)
{
	v->forbidden++;
	v->addresses += addresses;
	if (v->said_ms != 0 && now_ms - v->said_ms < VISITOR_SAY_MS)
		return false;
	v->said_ms = now_ms;
	return true;
}

struct visitors *
visitors_new(size_t cap, uint64_t seed)
{
	struct visitors *v = xcalloc(1, sizeof(*v));

	v->slab = slab_new(sizeof(struct visitor), cap);
	v->bucket_count = 1;
	while (v->bucket_count < cap)
		v->bucket_count *= 2;
	v->buckets = xcalloc(v->bucket_count, sizeof(*v->buckets));
	v->seed = seed;
	list_init(&v->order);
	return v;
}

void
visitors_free(struct visitors **vp)
{
	if (*vp == NULL)
		return;
	slab_free(&(*vp)->slab);
	free((*vp)->buckets);
	free(*vp);
	*vp = NULL;
}

size_t
visitors_count(const struct visitors *v)
{
	return slab_used(v->slab);
}
