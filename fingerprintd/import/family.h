/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * family - what the database doesn't say and a fingerprint's classes let one
 * guess: the vendor's MAC prefix (IEEE's public list), times between SYN+ACKs
 * and the habits of its ICMP.
 */
#ifndef IMPORT_FAMILY_H
#define IMPORT_FAMILY_H

#include "fingerprintd/import/osdb.h"

enum { FAMILY_GAPS_MAX = 6 };

struct family {
	const char *vendor, *os, *generation; /* prefixes of a class's fields; NULL: any */
	uint16_t gaps_ms[FAMILY_GAPS_MAX]; /* 0 ends */
	uint16_t quote; /* of an unreachable, when the database doesn't tell */
	uint8_t error_tos;
	bool timestamp; /* answers ICMP timestamp requests */
};

/* Of the first class that is known, or an ordinary one. */
const struct family *family_of(const struct osdb_fingerprint *f);
const char *family_mac_prefix(const struct osdb_fingerprint *f);

#endif
