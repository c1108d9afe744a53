/*
 * pages - equal chunks of address space, one a flow, that become memory only
 * where they are written.  Unlike a slab's objects they aren't zeroed, so that
 * reuse touches nothing.
 */
#ifndef FINGERPRINTD_PAGES_H
#define FINGERPRINTD_PAGES_H

#include <stddef.h>

struct pages;

struct pages *pages_new(size_t chunk_size, size_t cap);
void pages_free(struct pages **pp);
/* NULL: all are in use. What a chunk holds is whatever it held. */
void *pages_get(struct pages *p);
void pages_put(struct pages *p, void *chunk);
/* Gives the memory of a chunk (not the chunk) back to the system; its contents are lost. */
void pages_release(struct pages *p, void *chunk);

#endif
