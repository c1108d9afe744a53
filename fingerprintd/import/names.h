/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * names - file names for fingerprints: what is left of a fingerprint's own name
 * in lower-case letters, digits, dots, hyphens and underscores, each given once.
 */
#ifndef IMPORT_NAMES_H
#define IMPORT_NAMES_H

#include <stdbool.h>
#include <stddef.h>

enum {
	NAMES_TEXT_MAX = 64, /* a personality's longest name, with its NUL */
	NAMES_MAX = 65536, /* fingerprints in one database; the newest has a tenth of it */
};

struct names;

struct names *names_new(void);
void names_free(struct names **np);
/* The second with the same slug gets "-2" and so on; false when there are NAMES_MAX. */
bool names_give(struct names *n, const char *fingerprint, char out[NAMES_TEXT_MAX]);

#endif
