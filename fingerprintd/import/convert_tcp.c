/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The general policy first; what it doesn't explain of nmap's SYNs becomes cases, and T2 to T7 become answers. */
#include "fingerprintd/import/choice.h"
#include "fingerprintd/import/convert.h"
#include "fingerprintd/import/crc32.h"
#include "fingerprintd/import/family.h"
#include "fingerprintd/import/policy.h"
#include "fingerprintd/import/sequence.h"

#include "base/str.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum { FLAGS_TEXT_MAX = 16 };

/* Known, and not so. */
static bool
isnt(struct expression e, const char *word)
{
	return e.text != NULL && !expression_matches(e, word);
}

/* Initial sequence numbers were seen to be this or that. */
static bool
numbers_seen(const struct osdb_fingerprint *f)
{
	const struct expression *seq = f->value[OSDB_SEQ];

	return seq[OSDB_SP].text != NULL || seq[OSDB_GCD].text != NULL || seq[OSDB_ISR].text != NULL;
}

/* The first SYN got a number that isn't of the sequence; among random ones it doesn't matter where it comes from. */
static bool
numbers_oddly(const struct osdb_fingerprint *f)
{
	struct expression seq = f->value[OSDB_T1][OSDB_S];

	if (!isnt(seq, "O"))
		return false;
	if (expression_matches(seq, "Z"))
		return sequence_grows(f);
	return !expression_matches(seq, "A") || sequence_is_random(f);
}

/* The first SYN got an answer by which no handshake can be completed. */
static bool
answers_oddly(const struct osdb_fingerprint *f)
{
	const struct expression *v = f->value[OSDB_T1];

	return isnt(v[OSDB_F], "AS") || isnt(v[OSDB_A], "S+") || numbers_oddly(f);
}

/* So do all: what other SYNs get, nobody has seen, only that the port is open. */
static bool
answers_nobody(const struct osdb_fingerprint *f)
{
	return answers_oddly(f) && !numbers_seen(f);
}

/* What all segments share unless they say otherwise. */
struct usual {
	struct policy policy;
	uint8_t ttl;
	bool df;
};

static void
usual_choose(const struct osdb_fingerprint *f, struct usual *u)
{
	static const enum osdb_test tests[] = { OSDB_T1, OSDB_ECN, OSDB_T5, OSDB_T6, OSDB_T4, OSDB_T7, OSDB_T3, OSDB_T2,
		OSDB_IE, OSDB_U1 };
	bool df_known = false;

	*u = (struct usual){ .df = true };
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++) {
		if (u->ttl == 0 && choice_ttl_known(f, tests[i]))
			u->ttl = choice_ttl(f, tests[i], 0);
		if (!df_known && f->value[tests[i]][OSDB_DF].text != NULL && tests[i] <= OSDB_T7) {
			u->df = choice_df(f, tests[i], true);
			df_known = true;
		}
	}
	if (u->ttl == 0)
		u->ttl = choice_ttl(f, OSDB_T1, 0);
	policy_choose(f, &u->policy);
	if (answers_nobody(f)) {
		/* Of ordinary SYNs nothing is known: they get what anybody can work with. */
		if (u->policy.window == 0 && u->policy.window_mss == 0)
			u->policy.window = UINT16_MAX;
		if (u->policy.options.count == 0)
			u->policy.options.list[u->policy.options.count++] =
			    (struct tcp_option){ .kind = OPTION_MSS, .value = u->policy.mss };
	}
}

/* ---- what cases and answers have in common ---- */

static void
add_ip(cJSON *to, const struct osdb_fingerprint *f, enum osdb_test test, const struct usual *u)
{
	uint8_t ttl = choice_ttl(f, test, u->ttl);
	bool df = choice_df(f, test, u->df);

	if (ttl != u->ttl)
		cJSON_AddNumberToObject(to, "ttl", ttl);
	if (df != u->df)
		cJSON_AddBoolToObject(to, "df", df);
}

static void
add_quirks(cJSON *to, const struct osdb_fingerprint *f, enum osdb_test test)
{
	static const char *const words[] = { "", "R", "U", "RU", NULL };
	const char *quirks = expression_prefer(f->value[test][OSDB_Q], words);

	if (quirks != NULL && strchr(quirks, 'R') != NULL)
		cJSON_AddTrueToObject(to, "reserved");
	if (quirks != NULL && strchr(quirks, 'U') != NULL)
		cJSON_AddTrueToObject(to, "urgent");
}

/* What a SYN+ACK in general would have, when that is accepted; else an Ethernet's MSS, else the most options. */
static bool
pick_options(struct expression e, const struct options *general, struct options *out)
{
	struct expression_walk walk;
	struct expression term;
	char text[OPTIONS_TEXT_MAX];
	size_t best = 0;

	options_format(general, text);
	*out = *general;
	if (expression_matches(e, text))
		return true;
	expression_start(&walk, e);
	while (expression_next(&walk, &term)) {
		struct options candidate;

		if (!options_parse(term, &candidate))
			continue;
		const struct tcp_option *mss = options_find(&candidate, OPTION_MSS);

		size_t rank = 1 + candidate.count + (mss != NULL && mss->value == 1460 ? OPTIONS_MAX : 0);

		if (rank > best) {
			*out = candidate;
			best = rank;
		}
	}
	return best > 0;
}

/* ---- segments of no connection ---- */

struct word {
	const char *theirs, *ours;
};

static const struct word seq_of_syn[] = { { "O", "other" }, { "A", "ack" }, { "Z", "zero" }, { "A+", "ack+1" } };
static const struct word seq_of_reset[] = { { "A", "ack" }, { "Z", "zero" }, { "A+", "ack+1" }, { "O", "other" } };
static const struct word acks[] = { { "S+", "seq+1" }, { "S", "seq" }, { "Z", "zero" }, { "O", "other" } };
enum { WORDS = 4 };

static void
add_word(cJSON *to, const char *key, struct expression e, const struct word words[WORDS])
{
	for (size_t i = 0; i < WORDS; i++) {
		if (expression_matches(e, words[i].theirs)) {
			cJSON_AddStringToObject(to, key, words[i].ours);
			return;
		}
	}
}

/* nmap's letters are ours in another order. */
static const char *
pick_flags(struct expression e, char out[FLAGS_TEXT_MAX])
{
	static const char *const preferred[] = { "AS", "AR", "R", NULL };
	const char *flags = expression_prefer(e, preferred);
	struct expression_walk walk;
	struct expression first;

	if (e.text == NULL)
		return NULL;
	expression_start(&walk, e);
	expression_next(&walk, &first);
	if (flags != NULL)
		first = expression_of(flags);
	size_t len = 0;

	for (const char *letter = "FSRPAUE"; *letter != '\0'; letter++) {
		if (first.len > 0 && memchr(first.text, *letter, first.len) != NULL)
			out[len++] = *letter;
	}
	out[len] = '\0';
	return out;
}

/* Texts that stacks are publicly known to put in their resets: rather these than four octets with the same sum. */
static const char *const reset_texts[] = { "No TCP", "No listener", "no tcp, reset" };

static void
add_data(cJSON *answer, struct expression e)
{
	char hex[2 * CRC32_FORGED + 1], text_hex[64];
	uint8_t forged[CRC32_FORGED];
	uint32_t sum;

	if (expression_matches_number(e, 0) || !expression_nearest(e, 0, UINT32_MAX, &sum))
		return;
	for (size_t i = 0; i < sizeof(reset_texts) / sizeof(reset_texts[0]); i++) {
		if (crc32_of(reset_texts[i], strlen(reset_texts[i])) == sum) {
			str_hex(text_hex, reset_texts[i], strlen(reset_texts[i]));
			cJSON_AddStringToObject(answer, "data", text_hex);
			return;
		}
	}
	crc32_forge(sum, forged);
	str_hex(hex, forged, sizeof(forged));
	cJSON_AddStringToObject(answer, "data", hex);
}

static void
add_answer_options(cJSON *answer, struct expression e, const char *offer, const struct policy *p)
{
	struct policy_answer general;
	struct options offered, options;

	if (e.text == NULL || expression_matches(e, ""))
		return;
	policy_offer(offer, &offered);
	policy_answer(p, &offered, &general);
	if (pick_options(e, &general.options, &options))
		cJSON_AddItemToObject(answer, "options", options_to_json(&options, true));
}

static void
add_window(cJSON *answer, struct expression e)
{
	uint32_t window;

	if (expression_nearest(e, 0, UINT16_MAX, &window) && window != 0)
		cJSON_AddNumberToObject(answer, "window", window);
}

/* TTL, DF and quirks may be told by another test. */
static cJSON *
answer_object(const struct osdb_fingerprint *f, enum osdb_test test, enum osdb_test ip_test, const struct usual *u)
{
	const struct expression *v = f->value[test];
	cJSON *answer = cJSON_CreateObject();
	char text[FLAGS_TEXT_MAX];
	const char *flags = pick_flags(v[OSDB_F], text);

	if (flags != NULL)
		cJSON_AddStringToObject(answer, "flags", flags);
	add_word(answer, "seq", v[OSDB_S], flags != NULL && strchr(flags, 'S') != NULL ? seq_of_syn : seq_of_reset);
	add_word(answer, "ack", v[OSDB_A], acks);
	add_ip(answer, f, ip_test, u);
	add_quirks(answer, f, ip_test);
	if (flags == NULL || strchr(flags, 'R') != NULL)
		add_data(answer, v[OSDB_RD]);
	return answer;
}

static const struct {
	enum osdb_test test;
	const char *key;
	const char *offer; /* of the probe */
} classes[] = {
	{ OSDB_T2, "open_null", policy_odd_offer },
	{ OSDB_T3, "open_syn_fin", policy_odd_offer },
	{ OSDB_T4, "open_ack", policy_odd_offer },
	{ OSDB_T5, "closed_syn", policy_odd_offer },
	{ OSDB_T6, "closed_ack", policy_odd_offer },
	{ OSDB_T7, "closed_fin", "WFNM109T10S" },
};

static void
add_answers(cJSON *tcp, const struct osdb_fingerprint *f, const struct usual *u)
{
	cJSON *answers = cJSON_CreateObject();

	if (choice_silent(f, OSDB_T1) && !choice_open(f))
		cJSON_AddStringToObject(answers, "open_syn", "silent");
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		enum osdb_test test = classes[i].test;

		if (choice_silent(f, test)) {
			cJSON_AddStringToObject(answers, classes[i].key, "silent");
		} else if (choice_answered(f, test)) {
			cJSON *answer = answer_object(f, test, test, u);

			add_window(answer, f->value[test][OSDB_W]);
			add_answer_options(answer, f->value[test][OSDB_O], classes[i].offer, &u->policy);
			cJSON_AddItemToObject(answers, classes[i].key, answer);
		}
	}
	if (answers->child != NULL)
		cJSON_AddItemToObject(tcp, "answers", answers);
	else
		cJSON_Delete(answers);
}

/* ---- SYNs that get no SYN+ACK ---- */

/* Where T1 tells of silence and yet a port was open, SYNs that have no answer in the database get none. */
static bool
gets_nothing(const struct osdb_fingerprint *f, const struct policy_probe *probe)
{
	return choice_silent(f, OSDB_T1) && choice_open(f) &&
	    (probe == &policy_probes[0] || f->value[probe->options_test][probe->options].text == NULL);
}

/* After several SYNs a small backlog is full: no option, no window. */
static bool
turns_away(const struct osdb_fingerprint *f, const struct policy_probe *probe)
{
	struct expression options = f->value[probe->options_test][probe->options];

	return probe != &policy_probes[0] && options.text != NULL && options.len == 0 &&
	    expression_matches_number(f->value[probe->window_test][probe->window], 0) &&
	    !expression_matches(f->value[OSDB_OPS][OSDB_O1], "");
}

/* flags: what they are where the database doesn't tell. ECN's answer may have flags of its own. */
static void
add_flags(cJSON *answer, const struct osdb_fingerprint *f, const struct policy_probe *probe, const char *flags)
{
	static const struct word words[WORDS] = { { "N", "" }, { "Y", "E" }, { "S", "EC" }, { "O", "C" } };
	const cJSON *known = cJSON_GetObjectItem(answer, "flags");
	const char *more = "";
	char text[FLAGS_TEXT_MAX];

	for (size_t i = WORDS; probe->ecn && i-- > 0;) {
		if (expression_matches(f->value[OSDB_ECN][OSDB_CC], words[i].theirs))
			more = words[i].ours;
	}
	snprintf(text, sizeof(text), "%s%s", known != NULL ? known->valuestring : flags, more);
	cJSON_DeleteItemFromObject(answer, "flags");
	cJSON_AddStringToObject(answer, "flags", text);
}

static cJSON *
turning_away(const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct usual *u)
{
	cJSON *answer = answer_object(f, OSDB_T5, probe->ecn ? OSDB_ECN : OSDB_T5, u);

	add_flags(answer, f, probe, "RA");
	return answer;
}

static cJSON *
odd_answer(const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct usual *u)
{
	cJSON *answer = answer_object(f, OSDB_T1, probe->ecn ? OSDB_ECN : OSDB_T1, u);
	struct policy_answer general;
	struct options offered, options;
	uint32_t window;

	add_flags(answer, f, probe, "SA");
	policy_offer(probe->offered, &offered);
	policy_answer(&u->policy, &offered, &general);
	options = general.options;
	pick_options(f->value[probe->options_test][probe->options], &general.options, &options);
	window = general.window;
	expression_nearest(f->value[probe->window_test][probe->window], general.window, UINT16_MAX, &window);
	cJSON_AddNumberToObject(answer, "window", window);
	cJSON_AddItemToObject(answer, "options", options_to_json(&options, true));
	return answer;
}

/* NULL: it gets a SYN+ACK. */
static cJSON *
answer_instead(const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct usual *u)
{
	if (probe->ecn ? choice_silent(f, OSDB_ECN) : gets_nothing(f, probe))
		return cJSON_CreateString("silent");
	if (turns_away(f, probe))
		return turning_away(f, probe, u);
	if (answers_oddly(f) && (probe == &policy_probes[0] || answers_nobody(f)))
		return odd_answer(f, probe, u);
	return NULL;
}

/* ---- SYNs that the policy doesn't explain ---- */

static void
case_answer(cJSON *c, const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct policy *p)
{
	struct policy_answer general;
	struct options offered, options;
	uint32_t window;

	policy_offer(probe->offered, &offered);
	policy_answer(p, &offered, &general);
	bool other_options = !policy_options_fit(f, probe, &general.options);

	if (other_options && pick_options(f->value[probe->options_test][probe->options], &general.options, &options))
		cJSON_AddItemToObject(c, "options", options_to_json(&options, true));
	/* Other options may mean another size of segments. */
	window = general.window;
	expression_nearest(f->value[probe->window_test][probe->window], general.window, UINT16_MAX, &window);
	if (window != general.window || (other_options && p->window_mss != 0))
		cJSON_AddNumberToObject(c, "window", window);
}

static cJSON *
case_of(const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct usual *u)
{
	cJSON *c = cJSON_CreateObject(), *answer = answer_instead(f, probe, u);

	if (answer != NULL) {
		cJSON_AddItemToObject(c, "answer", answer);
		return c;
	}
	case_answer(c, f, probe, &u->policy);
	add_ip(c, f, probe->ecn ? OSDB_ECN : OSDB_T1, u);
	add_quirks(c, f, probe->ecn ? OSDB_ECN : OSDB_T1);
	return c;
}

static void
add_case(cJSON *cases, const struct osdb_fingerprint *f, const struct policy_probe *probe, const struct usual *u)
{
	cJSON *c = case_of(f, probe, u);
	struct options offered;

	if (c->child == NULL) {
		cJSON_Delete(c);
		return;
	}
	policy_offer(probe->offered, &offered);
	for (size_t i = 0; i < offered.count; i++) {
		/* The peer's values of a timestamp don't matter. */
		if (offered.list[i].kind == OPTION_TS)
			offered.list[i].value = OPTION_TS_CLOCK | OPTION_TS_ECHO;
	}
	cJSON_AddItemToObject(c, "offered", options_to_json(&offered, true));
	if (probe->ecn)
		cJSON_AddTrueToObject(c, "ecn");
	cJSON_AddItemToArray(cases, c);
}

static void
add_cases(cJSON *tcp, const struct osdb_fingerprint *f, const struct usual *u)
{
	cJSON *cases = cJSON_CreateArray();

	for (size_t i = 0; i < POLICY_PROBES; i++)
		add_case(cases, f, &policy_probes[i], u);
	/* T1's quirks are those of any SYN+ACK. */
	cJSON *rest = cJSON_CreateObject();

	add_quirks(rest, f, OSDB_T1);
	if (rest->child != NULL)
		cJSON_AddItemToArray(cases, rest);
	else
		cJSON_Delete(rest);
	if (cJSON_GetArraySize(cases) > 0)
		cJSON_AddItemToObject(tcp, "cases", cases);
	else
		cJSON_Delete(cases);
}

/* ---- all of it ---- */

static const char *
ecn_of(struct expression e)
{
	static const struct word flags[WORDS] = { { "N", NULL }, { "Y", "ece" }, { "S", "both" }, { "O", "cwr" } };

	for (size_t i = 0; i < WORDS; i++) {
		if (expression_matches(e, flags[i].theirs))
			return flags[i].ours;
	}
	return NULL;
}

static void
add_policy(cJSON *tcp, const struct policy *p)
{
	cJSON_AddNumberToObject(tcp, "mss", p->mss);
	if (p->least)
		cJSON_AddStringToObject(tcp, "mss_of", "least");
	cJSON_AddNumberToObject(tcp, "window", p->window);
	if (p->window_mss != 0)
		cJSON_AddNumberToObject(tcp, "window_mss", p->window_mss);
	cJSON_AddItemToObject(tcp, "options", options_to_json(&p->options, false));
	if (p->wscale != 0)
		cJSON_AddNumberToObject(tcp, "wscale", p->wscale);
}

static void
add_gaps(cJSON *tcp, const struct family *family)
{
	cJSON *gaps = cJSON_AddArrayToObject(tcp, "syn_ack_gaps_ms");

	for (size_t i = 0; i < FAMILY_GAPS_MAX && family->gaps_ms[i] != 0; i++)
		cJSON_AddItemToArray(gaps, cJSON_CreateNumber(family->gaps_ms[i]));
}

struct cJSON *
convert_tcp(const struct osdb_fingerprint *f)
{
	cJSON *tcp = cJSON_CreateObject();
	const char *ecn = ecn_of(f->value[OSDB_ECN][OSDB_CC]);
	struct usual u;

	usual_choose(f, &u);
	cJSON_AddNumberToObject(tcp, "ttl", u.ttl);
	cJSON_AddBoolToObject(tcp, "df", u.df);
	add_policy(tcp, &u.policy);
	sequence_add_tcp(tcp, f, &u.policy, u.df);
	if (ecn != NULL)
		cJSON_AddStringToObject(tcp, "ecn", ecn);
	add_gaps(tcp, family_of(f));
	add_cases(tcp, f, &u);
	add_answers(tcp, f, &u);
	return tcp;
}
