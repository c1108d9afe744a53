/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * choice - what a test of a fingerprint says of things that many tests have:
 * whether there is an answer at all, its TTL and its DF.  Where several values
 * are accepted, the usual one, so that a host has one and not many.
 */
#ifndef IMPORT_CHOICE_H
#define IMPORT_CHOICE_H

#include "fingerprintd/import/osdb.h"

/* The test's probe is known to get no answer. */
bool choice_silent(const struct osdb_fingerprint *f, enum osdb_test test);
/* The test's probe is known to get one. */
bool choice_answered(const struct osdb_fingerprint *f, enum osdb_test test);
/* Something of the database can only come of an open port. */
bool choice_open(const struct osdb_fingerprint *f);
/*
 * What nmap adds to every TTL: it takes a quoted TTL for a sign of distance,
 * and stacks quote others than came.  No TTL is above 255, so it is known
 * where a sum is, or where it is negative (16 bits).
 */
int choice_hops(const struct osdb_fingerprint *f);
/* The TTL it was sent with; usual (0: none yet) when it fits or nothing is known. */
uint8_t choice_ttl(const struct osdb_fingerprint *f, enum osdb_test test, uint8_t usual);
bool choice_ttl_known(const struct osdb_fingerprint *f, enum osdb_test test);
bool choice_df(const struct osdb_fingerprint *f, enum osdb_test test, bool usual);

#endif
