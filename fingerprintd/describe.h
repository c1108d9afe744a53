/* describe - a personality in words, for the operator who chooses one. */
#ifndef FINGERPRINTD_DESCRIBE_H
#define FINGERPRINTD_DESCRIBE_H

#include "fingerprintd/personality.h"

#include <stdio.h>

void describe(const struct personality *p, FILE *out);

#endif
