/*
 * sources - who sends how much: sessions held and mails of late by source
 * address (of IPv6 the /64), a cap on the former and a tarpit's delay from the
 * latter.  Pure: the time is given.
 *
 * Bounded: when the table is full, the source that was quiet longest is forgotten; one that holds sessions never is.
 */
#ifndef RELAYTRAP_SOURCES_H
#define RELAYTRAP_SOURCES_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct source;
struct sources;

enum {
	SOURCES_HALF_LIFE_MS = 10 * 60 * 1000, /* after which a mail counts half */
};

struct sources_settings {
	size_t max; /* sources remembered */
	size_t sessions; /* most of one source */
	size_t free_mails; /* that cost nothing; 0: no tarpit */
};

/* How a server gets slower with the mails beyond the free ones: first_ms, step_ms for each, then a share for so many.
 */
struct sources_growth {
	unsigned first_ms;
	unsigned step_ms;
	unsigned percent; /* that the delay grows by, for every... */
	unsigned mails; /* ...so many; 0 when percent is 0 */
	unsigned grain_ms; /* delays are multiples of this, at least 1 */
	unsigned max_ms;
};

struct sources *sources_new(const struct sources_settings *s);
/* Room for one session more? The source, held until sources_leave(); NULL: at its cap, or the table is full of holders.
 */
struct source *sources_enter(struct sources *s, const struct addr *address, uint64_t now_ms);
void sources_leave(struct source *source);
void sources_mail(struct source *source, uint64_t now_ms);
/*
 * How late the next reply should be: nothing at first, so that who tries us
 * out is served well; then slower and slower, as a loaded server of this look.
 */
unsigned sources_delay(struct source *source, const struct sources_growth *growth, uint64_t now_ms);
size_t sources_count(const struct sources *s);
void sources_free(struct sources **sp);

#endif
