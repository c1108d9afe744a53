/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/policy.h"

#include <limits.h>
#include <string.h>

enum {
	MSS_DEFAULT = 536, /* RFC 9293 3.7.1: of a peer that doesn't say */
	MSS_USUAL = 1460,
	TS_OCTETS = 12, /* RFC 7323 appendix A: with the NOPs that align it */
	WSCALE_MAX = 14, /* RFC 7323 2.3 */
	FULL_OFFER_WEIGHT = 8, /* more than all others together */
	CLOCK_WEIGHT = 4, /* of timestamps that SEQ contradicts */
};

const struct policy_probe policy_probes[POLICY_PROBES] = {
	{ "WANM5B4T10S", false, OSDB_OPS, OSDB_WIN, OSDB_O1, OSDB_W1 },
	{ "M578W0ST10L", false, OSDB_OPS, OSDB_WIN, OSDB_O2, OSDB_W2 },
	{ "T10NNW5NM280", false, OSDB_OPS, OSDB_WIN, OSDB_O3, OSDB_W3 },
	{ "ST10WAL", false, OSDB_OPS, OSDB_WIN, OSDB_O4, OSDB_W4 },
	{ "M218ST10WAL", false, OSDB_OPS, OSDB_WIN, OSDB_O5, OSDB_W5 },
	{ "M109ST10", false, OSDB_OPS, OSDB_WIN, OSDB_O6, OSDB_W6 },
	{ "WANM5B4SNN", true, OSDB_ECN, OSDB_ECN, OSDB_O, OSDB_W },
};
const char policy_odd_offer[] = "WANM109T10S";

void
policy_offer(const char *offered, struct options *out)
{
	options_parse(expression_of(offered), out);
}

/* ---- what a policy answers ---- */

static bool
was_offered(enum option_kind kind, const struct options *offered)
{
	return (kind != OPTION_SACK && kind != OPTION_TS && kind != OPTION_WSCALE) ||
	    options_find(offered, kind) != NULL;
}

/* What the peer didn't offer is left out, with the NOPs before it. */
static void
leave_out(const struct options *all, const struct options *offered, struct options *out)
{
	size_t nops = 0;

	out->count = 0;
	for (size_t i = 0; i < all->count; i++) {
		out->list[out->count++] = all->list[i];
		if (all->list[i].kind == OPTION_NOP) {
			nops++;
			continue;
		}
		if (!was_offered(all->list[i].kind, offered))
			out->count -= nops + 1;
		nops = 0;
	}
}

void
policy_answer(const struct policy *p, const struct options *offered, struct policy_answer *out)
{
	const struct tcp_option *theirs = options_find(offered, OPTION_MSS);
	uint16_t peer = theirs == NULL ? MSS_DEFAULT : theirs->value;
	uint16_t segment = p->mss < peer ? p->mss : peer;

	leave_out(&p->options, offered, &out->options);
	for (size_t i = 0; i < out->options.count; i++) {
		if (out->options.list[i].kind == OPTION_MSS && p->least)
			out->options.list[i].value = segment;
	}
	if (options_find(&out->options, OPTION_TS) != NULL && segment > TS_OCTETS)
		segment = (uint16_t)(segment - TS_OCTETS);
	uint32_t window = p->window_mss == 0 ? p->window : (uint32_t)segment * p->window_mss;

	out->window = (uint16_t)(window < UINT16_MAX ? window : UINT16_MAX);
	options_pad(&out->options);
}

/* ---- which policy ---- */

bool
policy_options_fit(const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct options *o)
{
	struct expression e = f->value[probe->options_test][probe->options];
	char text[OPTIONS_TEXT_MAX];

	options_format(o, text);
	return e.text == NULL || expression_matches(e, text);
}

bool
policy_window_fits(const struct osdb_fingerprint *f, const struct policy_probe *probe, uint16_t window)
{
	struct expression e = f->value[probe->window_test][probe->window];

	return e.text == NULL || expression_matches_number(e, window);
}

static unsigned
weight(size_t probe)
{
	return probe == 0 ? FULL_OFFER_WEIGHT : 1;
}

static unsigned
options_unexplained(const struct osdb_fingerprint *f, const struct policy *p)
{
	unsigned sum = 0;

	for (size_t i = 0; i < POLICY_PROBES; i++) {
		struct policy_answer answer;
		struct options offered;

		policy_offer(policy_probes[i].offered, &offered);
		policy_answer(p, &offered, &answer);
		if (!policy_options_fit(f, &policy_probes[i], &answer.options))
			sum += weight(i);
	}
	return sum;
}

static unsigned
windows_unexplained(const struct osdb_fingerprint *f, const struct policy *p)
{
	unsigned sum = 0;

	for (size_t i = 0; i < POLICY_PROBES; i++) {
		struct policy_answer answer;
		struct options offered;

		policy_offer(policy_probes[i].offered, &offered);
		policy_answer(p, &offered, &answer);
		if (!policy_window_fits(f, &policy_probes[i], answer.window))
			sum += weight(i);
	}
	return sum;
}

/* What SEQ says of timestamps: whether SYN+ACKs may, or must, have a value that isn't zero. */
static bool
clock_may_run(const struct osdb_fingerprint *f, bool *must)
{
	struct expression ts = f->value[OSDB_SEQ][OSDB_TS];
	uint32_t hz;
	bool runs = ts.text == NULL || expression_least(ts, 1, &hz);

	*must = runs && ts.text != NULL && !expression_matches_number(ts, 0);
	return runs;
}

static bool
clock_fits(const struct osdb_fingerprint *f, const struct options *o)
{
	const struct tcp_option *ts = options_find(o, OPTION_TS);
	bool must, may = clock_may_run(f, &must);

	if (ts == NULL)
		return !must;
	return ts->value & OPTION_TS_CLOCK ? may : !must;
}

/* Only an answer to an offer without timestamps is known, and yet there are some. */
static void
add_unseen_timestamps(const struct osdb_fingerprint *f, struct policy *p)
{
	static const struct tcp_option padded[] = { { .kind = OPTION_NOP }, { .kind = OPTION_NOP },
		{ .kind = OPTION_TS, .value = OPTION_TS_CLOCK | OPTION_TS_ECHO } };
	struct expression ts = f->value[OSDB_SEQ][OSDB_TS];
	size_t more = sizeof(padded) / sizeof(padded[0]);

	if (f->value[OSDB_OPS][OSDB_O1].text != NULL || ts.text == NULL || expression_matches(ts, "U") ||
	    options_find(&p->options, OPTION_TS) != NULL || p->options.count + more > OPTIONS_MAX)
		return;
	memcpy(&p->options.list[p->options.count], padded, sizeof(padded));
	p->options.count += more;
}

/* The answer to the fullest offer that the database tells of. */
static struct expression
fullest_options(const struct osdb_fingerprint *f)
{
	for (size_t i = 0; i < POLICY_PROBES; i++) {
		const struct policy_probe *probe = &policy_probes[i];

		if (f->value[probe->options_test][probe->options].text != NULL)
			return f->value[probe->options_test][probe->options];
	}
	return expression_of("M5B4");
}

static struct expression
fullest_window(const struct osdb_fingerprint *f)
{
	for (size_t i = 0; i < POLICY_PROBES; i++) {
		const struct policy_probe *probe = &policy_probes[i];

		if (f->value[probe->window_test][probe->window].text != NULL)
			return f->value[probe->window_test][probe->window];
	}
	return expression_of("FFFF");
}

/* Zeros that only fill the last word are no part of a policy: another choice of options needs others. */
static void
unpad(struct options *o)
{
	struct options shorter = *o;

	while (shorter.count > 0 && shorter.list[shorter.count - 1].kind == OPTION_EOL)
		shorter.count--;
	struct options padded = shorter;

	options_pad(&padded);
	if (options_octets(&padded) == options_octets(o))
		*o = shorter;
}

static void
options_policy(const struct options *seen, bool least, struct policy *p)
{
	const struct tcp_option *mss = options_find(seen, OPTION_MSS), *wscale = options_find(seen, OPTION_WSCALE);

	p->options = *seen;
	p->mss = mss != NULL && mss->value > 0 ? mss->value : MSS_USUAL;
	p->wscale = wscale == NULL ? 0 : wscale->value > WSCALE_MAX ? WSCALE_MAX : (uint8_t)wscale->value;
	p->least = least;
	for (size_t i = 0; i < p->options.count; i++) {
		struct tcp_option *o = &p->options.list[i];

		if (o->kind == OPTION_MSS)
			o->value = p->mss;
		else if (o->kind == OPTION_WSCALE)
			o->value = p->wscale;
	}
	unpad(&p->options);
}

static void
choose_options(const struct osdb_fingerprint *f, struct policy *out)
{
	unsigned fewest = UINT_MAX;
	struct expression_walk walk;
	struct expression term;
	struct options seen;

	expression_start(&walk, fullest_options(f));
	while (expression_next(&walk, &term)) {
		for (int least = 0; options_parse(term, &seen) && least <= 1; least++) {
			struct policy p = *out;

			options_policy(&seen, least, &p);
			/* Doubled, so that an Ethernet's MSS decides between equals. */
			unsigned unexplained = 2 * options_unexplained(f, &p) +
			    (p.mss != MSS_USUAL || seen.count == 0) + (clock_fits(f, &seen) ? 0 : CLOCK_WEIGHT);

			if (unexplained < fewest) {
				fewest = unexplained;
				*out = p;
			}
		}
	}
}

static void
try_window(const struct osdb_fingerprint *f, uint16_t window, uint8_t window_mss, unsigned *fewest, struct policy *out)
{
	struct policy p = *out;

	p.window = window;
	p.window_mss = window_mss;
	unsigned unexplained = windows_unexplained(f, &p);

	if (unexplained < *fewest) {
		*fewest = unexplained;
		*out = p;
	}
}

static void
choose_window(const struct osdb_fingerprint *f, struct policy *out)
{
	struct expression e = fullest_window(f);
	unsigned fewest = UINT_MAX;
	struct expression_walk walk;
	struct expression term;
	uint32_t window = UINT16_MAX;

	expression_start(&walk, e);
	while (expression_next(&walk, &term)) {
		if (expression_nearest(term, 0, UINT16_MAX, &window))
			try_window(f, (uint16_t)window, 0, &fewest, out);
	}
	if (fewest == UINT_MAX)
		out->window = UINT16_MAX;
	for (unsigned segments = 1; fewest > 0 && segments <= UINT8_MAX; segments++)
		try_window(f, out->window, (uint8_t)segments, &fewest, out);
}

void
policy_choose(const struct osdb_fingerprint *f, struct policy *out)
{
	memset(out, 0, sizeof(*out));
	choose_options(f, out);
	add_unseen_timestamps(f, out);
	choose_window(f, out);
}
