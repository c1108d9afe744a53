/* siphash - SipHash-2-4 (Aumasson, Bernstein 2012): keyed hashes of short inputs that a peer can't steer. */
#ifndef FINGERPRINTD_SIPHASH_H
#define FINGERPRINTD_SIPHASH_H

#include <stddef.h>
#include <stdint.h>

/* The words are taken as values, so the result is the same on every machine. */
uint64_t siphash(const uint64_t key[2], const uint64_t *words, size_t count);

#endif
