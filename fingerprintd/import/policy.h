/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * policy - how a stack answers SYNs in general, found in what the database
 * says of seven of them, so that clients no scanner ever saw are answered in
 * character too.  Which of the seven the policy doesn't explain, its user asks.
 */
#ifndef IMPORT_POLICY_H
#define IMPORT_POLICY_H

#include "fingerprintd/import/options.h"
#include "fingerprintd/import/osdb.h"

enum { POLICY_PROBES = 7 }; /* six of SEQ, OPS and WIN, and ECN's */

/* A SYN of nmap's (nmap.org/book/osdetect-methods.html) and where the database keeps its answer. */
struct policy_probe {
	const char *offered; /* its options in the database's notation */
	bool ecn;
	enum osdb_test options_test, window_test;
	enum osdb_attribute options, window;
};
extern const struct policy_probe policy_probes[POLICY_PROBES];
/* The options of T2, T3 and T4. */
extern const char policy_odd_offer[];

struct policy {
	struct options options; /* values are those of the answer to a full offer */
	uint16_t mss;
	bool least; /* the smaller of ours and the peer's is announced */
	uint16_t window;
	uint8_t window_mss; /* not 0: so many segments, and window is for nobody */
	uint8_t wscale;
};

struct policy_answer {
	struct options options; /* as sent, padding included */
	uint16_t window;
};

/* The policy that explains most answers, first of all that to the fullest offer. */
void policy_choose(const struct osdb_fingerprint *f, struct policy *out);
/* What a policy says to a SYN that offers these options. */
void policy_answer(const struct policy *p, const struct options *offered, struct policy_answer *out);

/* Whether the database has it so; what it doesn't tell is so. */
bool policy_options_fit(const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct options *o);
bool policy_window_fits(const struct osdb_fingerprint *f, const struct policy_probe *probe, uint16_t window);
void policy_offer(const char *offered, struct options *out);

#endif
