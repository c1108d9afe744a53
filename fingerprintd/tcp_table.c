#include "fingerprintd/tcp_table.h"

#include "base/mem.h"
#include "base/rand.h"
#include "fingerprintd/siphash.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

void
tcp_table_init(struct tcp_table *t, size_t cap)
{
	size_t buckets = 64;

	while (buckets < cap)
		buckets *= 2;
	t->buckets = xcalloc(buckets, sizeof(struct tcp_entry *));
	t->mask = buckets - 1;
	rand_bytes(t->key, sizeof(t->key));
}

void
tcp_table_fini(struct tcp_table *t)
{
	free(t->buckets);
	t->buckets = NULL;
}

void
tcp_tuple_words(const struct endpoint *source, const struct endpoint *destination, uint64_t out[TCP_TUPLE_WORDS])
{
	memcpy(&out[0], source->addr.b, sizeof(source->addr.b));
	memcpy(&out[2], destination->addr.b, sizeof(destination->addr.b));
	out[4] = (uint64_t)source->port << 16 | destination->port;
}

static struct tcp_entry **
bucket(const struct tcp_table *t, const struct endpoint *source, const struct endpoint *destination)
{
	uint64_t words[TCP_TUPLE_WORDS];

	tcp_tuple_words(source, destination, words);
	return &t->buckets[siphash(t->key, words, TCP_TUPLE_WORDS) & t->mask];
}

static bool
same_endpoint(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && addr_equal(&a->addr, &b->addr);
}

struct tcp_entry *
tcp_table_find(const struct tcp_table *t, const struct endpoint *source, const struct endpoint *destination)
{
	struct tcp_entry *e = *bucket(t, source, destination);

	while (e != NULL && !(same_endpoint(&e->source, source) && same_endpoint(&e->destination, destination)))
		e = e->next;
	return e;
}

void
tcp_table_add(struct tcp_table *t, struct tcp_entry *e)
{
	struct tcp_entry **b = bucket(t, &e->source, &e->destination);

	e->next = *b;
	*b = e;
}

void
tcp_table_remove(struct tcp_table *t, struct tcp_entry *e)
{
	struct tcp_entry **at = bucket(t, &e->source, &e->destination);

	while (*at != e) {
		assert(*at != NULL);
		at = &(*at)->next;
	}
	*at = e->next;
}

void
tcp_table_each(struct tcp_table *t, void (*each)(void *ctx, struct tcp_entry *e), void *ctx)
{
	for (size_t i = 0; i <= t->mask; i++) {
		struct tcp_entry *next;

		for (struct tcp_entry *e = t->buckets[i]; e != NULL; e = next) {
			next = e->next;
			each(ctx, e);
		}
	}
}
