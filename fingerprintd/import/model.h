/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * model - what nmap would see of a personality, and what of that its
 * fingerprint doesn't accept.  It reads the finished document, as the gateway
 * would, and knows nothing of how the document came about: so it checks the
 * conversion, and what is left is what the format can't express.
 */
#ifndef IMPORT_MODEL_H
#define IMPORT_MODEL_H

#include "fingerprintd/import/options.h"
#include "fingerprintd/import/osdb.h"

struct cJSON;

struct model_value {
	bool present; /* absent ones are not compared */
	char text[OPTIONS_TEXT_MAX];
};

struct model {
	double hops; /* that nmap adds to each TTL: what a quoted one lacks */
	unsigned without_numbers; /* which of SEQ's SYNs got no SYN+ACK: a bit each */
	struct model_value seen[OSDB_TESTS][OSDB_ATTRIBUTES];
};

void model_observe(const struct cJSON *personality, struct model *out);

/* One attribute that isn't accepted. */
typedef void model_difference(void *ctx, enum osdb_test test, enum osdb_attribute attribute, const char *seen);
/* Calls back for each; returns how many. */
size_t model_compare(const struct model *m, const struct osdb_fingerprint *f, model_difference *difference, void *ctx);

#endif
