/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/choice.h"

enum { TTL_USUAL = 64, TTL_MAX = 255 };

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

/* TG is only a guess of T's: it is compared where T isn't. */
static bool
ttl_fits(const struct osdb_fingerprint *f, enum osdb_test test, uint8_t ttl)
{
	struct expression exact = f->value[test][OSDB_T], guess = f->value[test][OSDB_TG];

	return expression_matches_number(exact.text != NULL ? exact : guess, ttl);
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
	if (expression_nearest(exact.text != NULL ? exact : guess, near, TTL_MAX, &ttl) && ttl > 0)
		return (uint8_t)ttl;
	return exact.text != NULL ? TTL_MAX : TTL_USUAL;
}

bool
choice_df(const struct osdb_fingerprint *f, enum osdb_test test, bool usual)
{
	struct expression e = f->value[test][OSDB_DF];

	if (e.text == NULL || expression_matches(e, usual ? "Y" : "N"))
		return usual;
	return !usual;
}
