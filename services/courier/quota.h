/*
 * quota - how much may go out in a day (UTC): in all, for each source network,
 * to each recipient, to each domain.  Counted before a mail is sent and never
 * given back: a crash can make the count too high, never too low, and mostly does
 * neither, for a counter remembers whom it counted last.  Keys and
 * arithmetic only; store.h keeps the counters.
 */
#ifndef COURIER_QUOTA_H
#define COURIER_QUOTA_H

#include "courier/probe.h"
#include "wire/mail_commit.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum quota {
	QUOTA_TOTAL,
	QUOTA_NETWORK, /* tests, by who sent them */
	QUOTA_SALTED, /* mails to known drop-boxes, by who sent them */
	QUOTA_RECIPIENT,
	QUOTA_DOMAIN,
	QUOTAS
};

enum { QUOTA_KEY_MAX = 80, QUOTA_VALUE_MAX = MAIL_ID_MAX + 24 };

struct quota_limits {
	uint64_t a_day[QUOTAS];
};

/* Whom a mail counts for. */
struct quota_subject {
	const char *network; /* network_key() */
	const char *recipient;
	enum probe_kind kind;
};

/* Does the quota count this mail? If so key gets the name of today's counter. */
bool quota_key(enum quota q, const struct quota_subject *s, uint64_t wall_ms, char key[QUOTA_KEY_MAX]);
enum quota_step {
	QUOTA_COUNT, /* next is to be written, then the mail may go */
	QUOTA_COUNTED, /* this mail is counted already: who did that died before the job was on record */
	QUOTA_FULL, /* or the value is none of ours: nothing goes out */
};

/* The counter's next value, "COUNT MAIL-ID", from its present one ("" when there is none). */
enum quota_step quota_next(const char *value, const char *mail_id, uint64_t limit, char next[QUOTA_VALUE_MAX]);
/* "quota-network": why a mail was refused. */
const char *quota_word(enum quota q);
/* A key for a text that a peer chose: the first 32 hexadecimal digits of its SHA-256, in lower case before. */
void quota_hash(const char *text, char out[33]);

#endif
