/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/choice.h"

enum {
	TTL_USUAL = 64,
	TTL_MAX = 255,
	SUM_MASK = 0xffff,
	NEGATIVE_FROM = 0xff00, /* as 16 bits */
	HOPS_MAX = 53, /* nmap sends TTLs of 51 to 64, and none that is quoted is below 0 */
};

bool
choice_silent(const struct osdb_fingerprint *f, enum osdb_test test)
{
	return expression_matches(f->value[test][OSDB_R], "N") && !expression_matches(f->value[test][OSDB_R], "Y");
}

bool
choice_answered(const struct osdb_fingerprint *f, enum osdb_test test)
{
	if (f->value[test][OSDB_R].text != NULL)
		return expression_matches(f->value[test][OSDB_R], "Y");
	for (unsigned a = 0; a < OSDB_ATTRIBUTES; a++) {
		if (f->value[test][a].text != NULL)
			return true;
	}
	return false;
}

bool
choice_open(const struct osdb_fingerprint *f)
{
	return choice_answered(f, OSDB_T1) || choice_answered(f, OSDB_ECN) || choice_answered(f, OSDB_T2) ||
	    choice_answered(f, OSDB_T3) || choice_answered(f, OSDB_T4);
}

int
choice_hops(const struct osdb_fingerprint *f)
{
	int most = 0;

	for (unsigned test = 0; test < OSDB_TESTS; test++) {
		uint32_t sum;

		if (!expression_least(f->value[test][OSDB_T], TTL_MAX + 1, &sum))
			continue;
		/* The less is added to the quoted TTL, the less is cut off at 255. */
		if (sum >= NEGATIVE_FROM && expression_nearest(f->value[test][OSDB_T], SUM_MASK, SUM_MASK, &sum))
			return (int)sum - SUM_MASK - 1 - TTL_USUAL;
		int hops = (int)sum - TTL_MAX;
		bool certain = !expression_matches_number(f->value[test][OSDB_T], TTL_MAX);

		if (certain && hops > most && hops <= HOPS_MAX)
			most = hops;
	}
	return most;
}

static uint32_t
sum_of(const struct osdb_fingerprint *f, uint32_t ttl)
{
	return (ttl + (uint32_t)choice_hops(f)) & SUM_MASK;
}

/* TG is only a guess of T's: it is compared where T isn't. */
static bool
ttl_fits(const struct osdb_fingerprint *f, enum osdb_test test, uint8_t ttl)
{
	struct expression exact = f->value[test][OSDB_T], guess = f->value[test][OSDB_TG];

	return exact.text != NULL ? expression_matches_number(exact, sum_of(f, ttl))
				  : expression_matches_number(guess, ttl);
}

bool
choice_ttl_known(const struct osdb_fingerprint *f, enum osdb_test test)
{
	return f->value[test][OSDB_T].text != NULL || f->value[test][OSDB_TG].text != NULL;
}

uint8_t
choice_ttl(const struct osdb_fingerprint *f, enum osdb_test test, uint8_t usual)
{
	static const uint8_t initial[] = { 64, 128, 255, 32 };
	struct expression exact = f->value[test][OSDB_T], guess = f->value[test][OSDB_TG];
	uint32_t near = TTL_USUAL, ttl;

	if (usual != 0 && (!choice_ttl_known(f, test) || ttl_fits(f, test, usual)))
		return usual;
	for (size_t i = 0; i < sizeof(initial); i++) {
		if (ttl_fits(f, test, initial[i]) &&
		    (guess.text == NULL || expression_matches_number(guess, initial[i])))
			return initial[i];
	}
	expression_nearest(guess, TTL_USUAL, TTL_MAX, &near);
	if (exact.text == NULL)
		return (uint8_t)near;
	if (!expression_nearest(exact, sum_of(f, near), SUM_MASK, &ttl))
		return TTL_MAX;
	ttl = (ttl - (uint32_t)choice_hops(f)) & SUM_MASK;
	return ttl == 0 ? 1 : ttl > TTL_MAX ? TTL_MAX : (uint8_t)ttl;
}

bool
choice_df(const struct osdb_fingerprint *f, enum osdb_test test, bool usual)
{
	struct expression e = f->value[test][OSDB_DF];

	if (e.text == NULL || expression_matches(e, usual ? "Y" : "N"))
		return usual;
	return !usual;
}
