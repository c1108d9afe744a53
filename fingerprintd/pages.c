#include "fingerprintd/pages.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/mman.h>

struct pages {
	uint8_t *memory;
	size_t chunk_size;
	size_t cap;
	size_t free_count;
	uint32_t *free_stack; /* the chunk that was put last is warm: it is got first */
};

struct pages *
pages_new(size_t chunk_size, size_t cap)
{
	struct pages *p = xcalloc(1, sizeof(*p));

	p->chunk_size = chunk_size;
	p->cap = cap;
	p->free_count = cap;
	p->free_stack = xcalloc(cap, sizeof(*p->free_stack));
	for (size_t i = 0; i < cap; i++)
		p->free_stack[i] = (uint32_t)(cap - 1 - i);
	p->memory =
	    mmap(NULL, chunk_size * cap, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p->memory == MAP_FAILED)
		log_fatal("msg=\"no address space for buffers\" chunks=%zu bytes=%zu", cap, chunk_size);
	/* A huge page would make a whole flow's buffers resident at its first byte. */
	(void)madvise(p->memory, chunk_size * cap, MADV_NOHUGEPAGE);
	return p;
}

void
pages_free(struct pages **pp)
{
	struct pages *p = *pp;

	if (p == NULL)
		return;
	munmap(p->memory, p->chunk_size * p->cap);
	free(p->free_stack);
	free(p);
	*pp = NULL;
}

void *
pages_get(struct pages *p)
{
	if (p->free_count == 0)
		return NULL;
	return p->memory + p->free_stack[--p->free_count] * p->chunk_size;
}

void
pages_put(struct pages *p, void *chunk)
{
	assert(p->free_count < p->cap);
	p->free_stack[p->free_count++] = (uint32_t)((size_t)((uint8_t *)chunk - p->memory) / p->chunk_size);
}

void
pages_release(struct pages *p, void *chunk)
{
	(void)madvise(chunk, p->chunk_size, MADV_DONTNEED);
}
