/*
 * os_signature - whose SYN looks like this one.  Signatures are text in the
 * syntax of p0f 3, section [tcp:request]; other sections are passed over.  Pure:
 * files are read by os_files.h, packets by os_observe.h.
 *
 * The best match counts, whichever file it is from: an exact one of a specific
 * signature, an exact one of a generic one, a fuzzy one of either; among equals
 * the first that was added.  Fuzzy is what p0f's documentation calls so: `df`
 * and `id+` are missing, `id-` or `ecn` are there as well, or the TTL fits no
 * distance.  A tool (class "!") is never matched so: its packets don't vary.
 */
#ifndef FINGERPRINTD_OS_SIGNATURE_H
#define FINGERPRINTD_OS_SIGNATURE_H

#include "fingerprintd/os_observe.h"

struct os_signatures;

enum {
	OS_SIGNATURES_MAX = 4096,
	OS_LABELS_MAX = 1024,
	OS_LABEL_MAX = 128, /* bytes of a label's text with its end */
};

struct os_guess {
	const char *label; /* name and flavour: "Linux 6.16 or newer"; as long as the signatures live */
	bool tool; /* the label names a program that makes its own packets, no OS */
	bool generic;
	bool fuzzy;
	int distance; /* hops; -1: the TTL doesn't tell */
};

/* Of a line that was passed over. */
typedef void os_signatures_report(void *ctx, size_t line, const char *why);

struct os_signatures *os_signatures_new(void);
void os_signatures_free(struct os_signatures **sp);
/* Adds a file's text; damaged lines are reported and passed over. Returns how many signatures were added. */
size_t os_signatures_add(struct os_signatures *s, const char *text, size_t len, os_signatures_report *report,
    void *ctx);
size_t os_signatures_count(const struct os_signatures *s);
/* False: it is like none. Nothing is allocated. */
bool os_signatures_match(const struct os_signatures *s, const struct os_observation *o, struct os_guess *out);

#endif
