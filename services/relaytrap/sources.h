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
	SOURCES_STEP_MS = 2, /* that each mail beyond the free ones adds to a reply's delay */
};

struct sources_settings {
	size_t max; /* sources remembered */
	size_t sessions; /* most of one source */
	size_t free_mails; /* that cost nothing; 0: no tarpit */
};

struct sources *sources_new(const struct sources_settings *s);
/* Room for one session more? The source, held until sources_leave(); NULL: at its cap, or the table is full of holders.
 */
struct source *sources_enter(struct sources *s, const struct addr *address, uint64_t now_ms);
void sources_leave(struct source *source);
void sources_mail(struct source *source, uint64_t now_ms);
/*
 * How late the next reply should be: nothing at first, so that who tries us
 * out is served well; then slower with each mail, up to what a loaded server of
 * this look would show (max_ms).
 */
unsigned sources_delay(struct source *source, unsigned max_ms, uint64_t now_ms);
size_t sources_count(const struct sources *s);
void sources_free(struct sources **sp);

#endif
