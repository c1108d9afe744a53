#include "base/slab.h"

#include "base/log.h"
#include "base/mem.h"

#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

struct slab {
	uint8_t *memory;
	size_t object_size;
	size_t cap;
	size_t used;
	size_t fresh; /* objects below this index were handed out at least once */
	void *free_list; /* first word of a free object points at the next */
};

struct slab *
slab_new(size_t object_size, size_t cap)
{
	struct slab *s = xcalloc(1, sizeof(*s));

	s->object_size = (object_size + 15) / 16 * 16;
	s->cap = cap;
	s->memory = mmap(NULL, s->object_size * cap, PROT_READ | PROT_WRITE,
	    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (s->memory == MAP_FAILED)
		log_fatal("msg=\"no address space for a table\" objects=%zu bytes=%zu", cap, s->object_size);
	return s;
}

void
slab_free(struct slab **slabp)
{
	struct slab *s = *slabp;

	if (s == NULL)
		return;
	munmap(s->memory, s->object_size * s->cap);
	free(s);
	*slabp = NULL;
}

void *
slab_get(struct slab *s)
{
	void *object = s->free_list;

	if (object != NULL) {
		memcpy(&s->free_list, object, sizeof(s->free_list));
		memset(object, 0, s->object_size);
	} else if (s->fresh < s->cap) {
		object = s->memory + s->fresh++ * s->object_size;
	} else {
		return NULL;
	}
	s->used++;
	return object;
}

void
slab_put(struct slab *s, void *object)
{
	assert(s->used > 0);
	memcpy(object, &s->free_list, sizeof(s->free_list));
	s->free_list = object;
	s->used--;
}

size_t
slab_used(const struct slab *s)
{
	return s->used;
}

size_t
slab_cap(const struct slab *s)
{
	return s->cap;
}
