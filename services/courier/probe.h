/*
 * probe - is this mail a test of our relay, which must arrive to be believed?
 *
 * A spammer's first mail through a new relay goes to a drop-box of his own; so
 * does a mail that carries the relay's address; and a copy to the drop-box is
 * salted into later runs (Jackpot).  All else is spam and stays.  A pure
 * decision: facts and text in, verdict out; what it may cost is quota.h's.
 */
#ifndef COURIER_PROBE_H
#define COURIER_PROBE_H

#include "base/addr.h"
#include "courier/mark.h"
#include "courier/message.h"

/* What is known without the text. */
struct probe_facts {
	uint64_t size;
	uint64_t recipients; /* that the mail had */
	bool first; /* nothing came from its network before */
	int dropbox; /* index of a recipient that is a known drop-box; -1: none */
};

struct probe_limits {
	uint64_t size_max; /* of a test */
	uint64_t salted_max; /* of a mail to a known drop-box: the spam itself */
};

enum probe_kind {
	PROBE_NONE,
	PROBE_FIRST,
	PROBE_MARKED, /* carries our address or port */
	PROBE_SALTED, /* to a known drop-box */
};

struct probe_verdict {
	enum probe_kind kind;
	enum mark mark;
	size_t recipient; /* index of the only one that gets it */
	const char *why; /* with PROBE_NONE: a word for metrics; else NULL */
};

/* False: it is none whatever its text says; then `why` tells. True: judge it with its text. */
bool probe_wants_text(const struct probe_facts *f, const struct probe_limits *l, const char **why);
/* decoy: our own address and port, as the sender saw them. */
struct probe_verdict probe_judge(const struct probe_facts *f, const struct probe_limits *l,
    const struct endpoint *decoy, const struct message *m);
/*
 * What to remember of the recipient of a probe: a drop-box at once when the mail
 * named our address; else only when two networks chose the same recipient for
 * their first mail, for the first mail of a run may go to a victim.
 */
bool probe_proves_dropbox(const struct probe_verdict *v, bool another_network_chose_it);
const char *probe_kind_name(enum probe_kind k); /* "first", "marked", "salted" */

#endif
