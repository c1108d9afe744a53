/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * sequence - what grows from one answer to the next: initial sequence numbers,
 * IP ids and the timestamp clock (the database's SEQ line).  The figures of
 * nmap.org/book/osdetect-methods.html are turned back into rates.
 */
#ifndef IMPORT_SEQUENCE_H
#define IMPORT_SEQUENCE_H

#include "fingerprintd/import/osdb.h"

struct cJSON;
struct policy;

/* ISR and SP are eight times the binary logarithm of their rates. */
double sequence_rate(uint32_t logarithm);
uint32_t sequence_logarithm(double rate);
/* From here on a divisor is taken out of the deviation. */
enum { SEQUENCE_GCD_SMALL = 9 };
/* TS of a clock of so many Hz. */
uint32_t sequence_ts_of_hz(double hz);
/* Clocks with a random offset: differences are folded at 2^31, five of them make one of these by chance. */
enum { SEQUENCE_TS_RANDOM = 0x21, SEQUENCE_TS_RANDOM_MIN = 0x20, SEQUENCE_TS_RANDOM_MAX = 0x22 };

/* Initial sequence numbers are known to differ. */
bool sequence_grows(const struct osdb_fingerprint *f);
/* They are as good as random. */
bool sequence_is_random(const struct osdb_fingerprint *f);
/* Keys isn, ts_hz, ts_start, ip_id, flow_ip_id and reset_ip_id. */
void sequence_add_tcp(struct cJSON *tcp, const struct osdb_fingerprint *f, const struct policy *policy, bool df);
/* Keys ip_id and shared_ip_id. */
void sequence_add_icmp(struct cJSON *icmp, const struct osdb_fingerprint *f);

#endif
