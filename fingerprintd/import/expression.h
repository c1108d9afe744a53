/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * expression - what one attribute of nmap's database accepts: alternatives
 * parted by '|', each a literal, a hexadecimal range a-b, >x or <x; within a
 * literal, [..] holds an expression for a run of hexadecimal digits.  Borrowed
 * text of any length; nothing is allocated.
 */
#ifndef IMPORT_EXPRESSION_H
#define IMPORT_EXPRESSION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct expression {
	const char *text; /* NULL: absent, the attribute was not given; matches nothing */
	size_t len;
};

/* A walk over the alternatives; the empty expression has one, which is empty. */
struct expression_walk {
	struct expression left;
	bool done;
};

/* Texts of up to 15 octets: what an attribute takes beside or instead of numbers. */
struct expression_kind {
	const char *words; /* parted by '|', or NULL */
	const char *letters; /* or any text of these letters, the empty one too; NULL: none */
	bool number; /* or hexadecimal up to max */
	uint32_t max;
};

struct expression expression_of(const char *text);
void expression_start(struct expression_walk *walk, struct expression e);
/* The next alternative; false when there are no more. */
bool expression_next(struct expression_walk *walk, struct expression *term);

/* Every alternative is of the kind, and no range is upside down. */
bool expression_sound(struct expression e, const struct expression_kind *kind);
bool expression_matches(struct expression e, const char *value);
bool expression_matches_number(struct expression e, uint32_t value);
/* The accepted number nearest to the wanted one, not above max; false when none. */
bool expression_nearest(struct expression e, uint32_t wanted, uint32_t max, uint32_t *out);
/* The least accepted number from min on; false when none. */
bool expression_least(struct expression e, uint32_t min, uint32_t *out);
/* The middle of the first alternative that is a number or a range; false when none is. */
bool expression_middle(struct expression e, uint32_t *out);
/* The first of these words (NULL ends) that is accepted, or NULL. */
const char *expression_prefer(struct expression e, const char *const *words);

#endif
