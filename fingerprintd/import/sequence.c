/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/sequence.h"

#include "fingerprintd/import/policy.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stddef.h>

enum {
	STEPS_A_SECOND = 10, /* nmap's SYNs come 100 ms apart */
	WHOLE_FROM = 1000, /* rates above are told without fractions */
	HZ_USUAL = 100,
	RANDOM_FROM = 0x100, /* ISR of numbers that are */
	TS_CODE_MAX = 29, /* 2^29 Hz: a personality's clock takes up to 10^9 */
};
/* Steps of 2^31 and more look like steps back. */
static const double clocks_apart = 0.0005; /* of nmap's sending and our receiving, in shares of its pace */
static const double rate_max = 2147483647.0 * STEPS_A_SECOND;

double
sequence_rate(uint32_t logarithm)
{
	return exp2((double)logarithm / 8);
}

uint32_t
sequence_logarithm(double rate)
{
	return rate <= 1 ? 0 : (uint32_t)(8 * log2(rate) + 0.5);
}

/* ---- initial sequence numbers ---- */

struct isn {
	struct expression isr, sp;
	uint32_t unit;
	double per_second, deviation;
};

static double
whole(double rate)
{
	return rate < WHOLE_FROM ? rate : round(rate);
}

static double
deviation_of(const struct isn *isn, uint32_t sp)
{
	return sequence_rate(sp) * (isn->unit > SEQUENCE_GCD_SMALL ? isn->unit : 1);
}

/* Where nothing scatters, steps of whole units make the same rate each time. */
static void
fit_units(struct isn *isn)
{
	double a_step = (double)isn->unit * STEPS_A_SECOND;
	double steps = fmax(1, round(isn->per_second / a_step));

	if (isn->deviation <= 0 && expression_matches_number(isn->isr, sequence_logarithm(steps * a_step)))
		isn->per_second = steps * a_step;
}

/* The least rates that are accepted, one above the bound where that is accepted too. */
static uint32_t
low_of(struct expression e)
{
	uint32_t low = 0;

	expression_least(e, 0, &low);
	return expression_matches_number(e, low + 1) ? low + 1 : low;
}

/*
 * Where the numbers scatter less than clocks do or than whole steps can, a
 * larger unit must divide them: then it is in these units that they scatter.
 */
static void
choose_unit(struct isn *isn, struct expression gcd, uint32_t sp)
{
	double least = fmax(isn->per_second * clocks_apart, STEPS_A_SECOND / 2.0);
	uint32_t unit;

	if (isn->unit > SEQUENCE_GCD_SMALL || isn->deviation >= least ||
	    !expression_least(gcd, SEQUENCE_GCD_SMALL + 1, &unit) ||
	    isn->per_second < (double)unit * STEPS_A_SECOND / 2)
		return;
	isn->unit = unit;
	isn->deviation = sp > 0 ? deviation_of(isn, sp) : 0;
}

static void
choose_rates(struct isn *isn, struct expression gcd)
{
	uint32_t isr = 0, sp = 0;

	expression_middle(isn->isr, &isr);
	isn->per_second = sequence_rate(isr);
	if (isn->sp.text != NULL && !expression_matches_number(isn->sp, 0) && expression_middle(isn->sp, &sp))
		isn->deviation = deviation_of(isn, sp);
	choose_unit(isn, gcd, sp);
	if (isn->per_second + isn->deviation > rate_max)
		isn->per_second = fmax(sequence_rate(low_of(isn->isr)), rate_max - isn->deviation);
	if (isn->deviation > 0 && isn->per_second + isn->deviation > rate_max)
		isn->deviation = deviation_of(isn, low_of(isn->sp));
	if (isn->deviation > 2 * isn->per_second &&
	    expression_nearest(isn->isr, sequence_logarithm(isn->deviation), UINT32_MAX, &isr))
		isn->per_second = sequence_rate(isr);
	isn->per_second = fmin(isn->per_second, rate_max);
	/* More than twice the rate would take the counter back. */
	if (isn->deviation > 2 * isn->per_second)
		isn->deviation = deviation_of(isn, low_of(isn->sp));
	fit_units(isn);
	isn->per_second = whole(isn->per_second);
	isn->deviation = fmin(whole(isn->deviation), 2 * isn->per_second);
}

/* NULL: the numbers are the host's own. */
static const char *
borrowed_isn(struct expression seq)
{
	if (seq.text == NULL || expression_matches(seq, "O"))
		return NULL;
	if (expression_matches(seq, "A"))
		return "ack";
	return expression_matches(seq, "Z") ? "zero" : NULL;
}

bool
sequence_is_random(const struct osdb_fingerprint *f)
{
	uint32_t isr;

	return expression_least(f->value[OSDB_SEQ][OSDB_ISR], RANDOM_FROM, &isr);
}

bool
sequence_grows(const struct osdb_fingerprint *f)
{
	struct expression gcd = f->value[OSDB_SEQ][OSDB_GCD];

	return gcd.text != NULL && !expression_matches_number(gcd, 0);
}

static void
add_isn(struct cJSON *tcp, const struct osdb_fingerprint *f)
{
	struct expression gcd = f->value[OSDB_SEQ][OSDB_GCD];
	/* Where SEQ saw numbers grow, T1's is a stray. */
	const char *borrowed = sequence_grows(f) ? NULL : borrowed_isn(f->value[OSDB_T1][OSDB_S]);
	struct isn isn = { f->value[OSDB_SEQ][OSDB_ISR], f->value[OSDB_SEQ][OSDB_SP], 1, 0, 0 };
	bool constant = gcd.text != NULL && !expression_least(gcd, 1, &isn.unit);

	if (isn.isr.text == NULL && !constant && borrowed == NULL)
		return;
	cJSON *object = cJSON_AddObjectToObject(tcp, "isn");

	cJSON_AddStringToObject(object, "kind", borrowed != NULL ? borrowed : constant ? "constant" : "increments");
	if (constant || borrowed != NULL)
		return;
	choose_rates(&isn, gcd);
	cJSON_AddNumberToObject(object, "per_second", isn.per_second);
	cJSON_AddNumberToObject(object, "deviation", isn.deviation);
	cJSON_AddNumberToObject(object, "multiple_of", isn.unit);
}

/* ---- timestamps ---- */

uint32_t
sequence_ts_of_hz(double hz)
{
	if (hz <= 5.66)
		return 1;
	if (hz > 70 && hz <= 150)
		return 7;
	if (hz > 150 && hz <= 350)
		return 8;
	return (uint32_t)lround(log2(hz));
}

static double
hz_of_ts(uint32_t code)
{
	switch (code) {
	case 0:
		return HZ_USUAL;
	case 1:
		return 2;
	case 7:
		return 100;
	case 8:
		return 250;
	case 10:
		return 1000;
	default:
		return exp2(code);
	}
}

/* A clock that shows zero and yet echoes always shows zero; one that is silent in SYN+ACKs only may run. */
static bool
stands_still(const struct policy *policy, uint32_t code)
{
	const struct tcp_option *ts = options_find(&policy->options, OPTION_TS);

	return code == 0 && (ts == NULL || ts->value != 0);
}

static void
add_clock(struct cJSON *tcp, const struct osdb_fingerprint *f, const struct policy *policy)
{
	const struct tcp_option *ts = options_find(&policy->options, OPTION_TS);
	bool runs = ts != NULL && ts->value & OPTION_TS_CLOCK;
	uint32_t code;

	/* Zero and a rate, one of which was seen: what the options show decides. */
	if (!(runs && expression_least(f->value[OSDB_SEQ][OSDB_TS], 1, &code)) &&
	    !expression_middle(f->value[OSDB_SEQ][OSDB_TS], &code))
		code = sequence_ts_of_hz(HZ_USUAL);
	bool random = code > TS_CODE_MAX;

	cJSON_AddNumberToObject(tcp, "ts_hz", random ? 1000 : hz_of_ts(code));
	if (random)
		cJSON_AddNumberToObject(tcp, "ts_apart", fmin(round(exp2(code) / STEPS_A_SECOND), INT32_MAX));
	if (random || stands_still(policy, code))
		cJSON_AddStringToObject(tcp, "ts_start", random ? "random" : "zero");
}

/* ---- IP ids ---- */

static const struct {
	const char *seen, *kind;
} id_kinds[] = { { "Z", "zero" }, { "I", "increment" }, { "BI", "swapped" }, { "RD", "random" }, { "RI", "jumps" } };

/* NULL: nothing is known. */
static cJSON *
ids_of(struct expression e)
{
	uint32_t constant;

	for (size_t i = 0; i < sizeof(id_kinds) / sizeof(id_kinds[0]); i++) {
		if (expression_matches(e, id_kinds[i].seen))
			return cJSON_CreateString(id_kinds[i].kind);
	}
	if (expression_middle(e, &constant))
		return cJSON_CreateNumber(constant);
	return NULL;
}

static cJSON *
ids_first(struct expression a, struct expression b, const char *otherwise)
{
	cJSON *ids = ids_of(a);

	if (ids == NULL)
		ids = ids_of(b);
	return ids != NULL ? ids : cJSON_CreateString(otherwise);
}

static void
add_ids(struct cJSON *tcp, const struct osdb_fingerprint *f, bool df)
{
	const struct expression *seq = f->value[OSDB_SEQ];
	cJSON *usual = ids_first(seq[OSDB_TI], seq[OSDB_CI], "increment"), *reset = ids_of(seq[OSDB_CI]);
	bool zero = cJSON_IsString(usual) && usual->valuestring[0] == 'z';

	cJSON_AddItemToObject(tcp, "ip_id", usual);
	if (zero)
		cJSON_AddStringToObject(tcp, "flow_ip_id", df ? "per-flow" : "zero");
	if (reset != NULL && !cJSON_Compare(reset, usual, true))
		cJSON_AddItemToObject(tcp, "reset_ip_id", reset);
	else
		cJSON_Delete(reset);
}

void
sequence_add_tcp(struct cJSON *tcp, const struct osdb_fingerprint *f, const struct policy *policy, bool df)
{
	add_isn(tcp, f);
	add_clock(tcp, f, policy);
	add_ids(tcp, f, df);
}

void
sequence_add_icmp(struct cJSON *icmp, const struct osdb_fingerprint *f)
{
	const struct expression *seq = f->value[OSDB_SEQ];

	cJSON_AddItemToObject(icmp, "ip_id", ids_first(seq[OSDB_II], seq[OSDB_CI], "increment"));
	if (expression_matches(seq[OSDB_SS], "S"))
		cJSON_AddTrueToObject(icmp, "shared_ip_id");
}
