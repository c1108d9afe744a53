/*
 * slab - a capped store of objects of one size, allocated once.
 *
 * Full is an ordinary answer (NULL).  Objects come zeroed.  Pages are touched
 * only when first used, so a large cap costs address space, not memory.
 */
#ifndef BASE_SLAB_H
#define BASE_SLAB_H

#include <stdbool.h>
#include <stddef.h>

struct slab;

struct slab *slab_new(size_t object_size, size_t cap);
/* Frees the slab with all its objects and sets the caller's pointer to NULL. */
void slab_free(struct slab **slabp);
void *slab_get(struct slab *s);
void slab_put(struct slab *s, void *object);
size_t slab_used(const struct slab *s);
size_t slab_cap(const struct slab *s);

#endif
