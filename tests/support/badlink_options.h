/* badlink_options - the command line of badlink. */
#ifndef SUPPORT_BADLINK_OPTIONS_H
#define SUPPORT_BADLINK_OPTIONS_H

#include "support/badlink_core.h"

#include <stdbool.h>
#include <stdio.h>

enum { BADLINK_A_TO_B, BADLINK_B_TO_A, BADLINK_DIRECTIONS };

struct badlink_options {
	struct badlink_settings way[BADLINK_DIRECTIONS];
	const char *interface[2]; /* a, b: point into argv */
	bool help;
};

/* False: error says in one sentence what is wrong. */
bool badlink_options_parse(int argc, char **argv, struct badlink_options *out, char *error, size_t size);
void badlink_options_usage(FILE *f);

#endif
