/* purge - takes out of stream MAIL what every mail sink has and `keep` has passed, and only that (DESIGN 3.5). */
#ifndef LOGSHIP_PURGE_H
#define LOGSHIP_PURGE_H

#include <stdint.h>

struct bus;

/* done: the sequence up to which all mail sinks have everything. Blocking; returns how many messages went, 0 also while
 * NATS is away. */
uint64_t purge_mail(struct bus *b, uint64_t done, uint64_t keep_ms, uint64_t now_wall_ms);

#endif
