/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/model.h"

#include "fingerprintd/import/choice.h"
#include "fingerprintd/import/crc32.h"
#include "fingerprintd/import/policy.h"
#include "fingerprintd/import/sequence.h"

#include <cjson/cJSON.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { DATA_MAX = 128, PROBE_ID = 0x1042, PROBE_LEN = 328 /* of the UDP probe */ };

/* ---- reading the document ---- */

static double
number(const cJSON *object, const char *key, double otherwise)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsNumber(v) ? v->valuedouble : otherwise;
}

static bool
flag(const cJSON *object, const char *key, bool otherwise)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsBool(v) ? cJSON_IsTrue(v) : otherwise;
}

static const char *
word(const cJSON *object, const char *key, const char *otherwise)
{
	const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, key);

	return cJSON_IsString(v) ? v->valuestring : otherwise;
}

static const cJSON *
part(const cJSON *object, const char *key)
{
	return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* ---- writing what is seen ---- */

__attribute__((format(printf, 4, 5))) static void
see(struct model *m, enum osdb_test test, enum osdb_attribute a, const char *format, ...)
{
	struct model_value *v = &m->seen[test][a];
	va_list args;

	va_start(args, format);
	vsnprintf(v->text, sizeof(v->text), format, args);
	va_end(args);
	v->present = true;
}

static void
see_number(struct model *m, enum osdb_test test, enum osdb_attribute a, double value)
{
	see(m, test, a, "%X", (unsigned)value);
}

/* A word of ours in nmap's letters; pairs of both, NULL ends. */
static void
see_word(struct model *m, enum osdb_test test, enum osdb_attribute a, const char *ours, const char *const pairs[][2])
{
	for (size_t i = 0; pairs[i][0] != NULL; i++) {
		if (strcmp(ours, pairs[i][0]) == 0)
			see(m, test, a, "%s", pairs[i][1]);
	}
}

static void
see_ip(struct model *m, enum osdb_test test, double ttl, bool df)
{
	see(m, test, OSDB_R, "Y");
	see(m, test, OSDB_T, "%X", (unsigned)(int)(ttl + m->hops) & 0xffff);
	see_number(m, test, OSDB_TG, ttl <= 32 ? 32 : ttl <= 64 ? 64 : ttl <= 128 ? 128 : 255);
	see(m, test, OSDB_DF, df ? "Y" : "N");
}

static void
see_quirks(struct model *m, enum osdb_test test, const cJSON *of)
{
	see(m, test, OSDB_Q, "%s%s", flag(of, "reserved", false) ? "R" : "", flag(of, "urgent", false) ? "U" : "");
}

/* ---- answers to segments ---- */

static void
see_flags(struct model *m, enum osdb_test test, const char *flags)
{
	char out[16];
	size_t len = 0;

	for (const char *letter = "EUAPRSF"; *letter != '\0'; letter++) {
		if (strchr(flags, *letter) != NULL)
			out[len++] = *letter;
	}
	out[len] = '\0';
	see(m, test, OSDB_F, "%s", out);
}

/* The sum of a reset's text; of other segments' nmap keeps none. */
static void
see_data(struct model *m, enum osdb_test test, const char *hex, bool reset)
{
	uint8_t data[DATA_MAX];
	size_t len = strlen(hex) / 2;

	for (size_t i = 0; i < len && i < DATA_MAX; i++) {
		const char pair[3] = { hex[2 * i], hex[2 * i + 1], '\0' };

		data[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	see_number(m, test, OSDB_RD, reset && len > 0 ? crc32_of(data, len) : 0);
}

static void
see_options(struct model *m, enum osdb_test test, enum osdb_attribute a, const struct options *o)
{
	char text[OPTIONS_TEXT_MAX];

	options_format(o, text);
	see(m, test, a, "%s", text);
}

/* nmap's probes carry an acknowledgement other than zero, so that "ack" is told from "zero". */
static void
see_answer(struct model *m, enum osdb_test test, const cJSON *tcp, const cJSON *a, const char *usual_flags)
{
	static const char *const seqs[][2] = { { "zero", "Z" }, { "ack", "A" }, { "ack+1", "A+" }, { "other", "O" },
		{ NULL, NULL } };
	static const char *const acks[][2] = { { "zero", "Z" }, { "seq", "S" }, { "seq+1", "S+" }, { "other", "O" },
		{ NULL, NULL } };
	bool to_ack = strchr(usual_flags, 'A') == NULL;
	const char *flags = word(a, "flags", usual_flags);
	struct options options;

	see_ip(m, test, number(a, "ttl", number(tcp, "ttl", 0)), flag(a, "df", flag(tcp, "df", false)));
	see_flags(m, test, flags);
	see_word(m, test, OSDB_S, word(a, "seq", to_ack ? "ack" : "zero"), seqs);
	see_word(m, test, OSDB_A, word(a, "ack", to_ack ? "zero" : "seq+1"), acks);
	see_number(m, test, OSDB_W, number(a, "window", 0));
	see_data(m, test, word(a, "data", ""), strchr(flags, 'R') != NULL);
	see_quirks(m, test, a);
	options_from_json(part(a, "options"), (uint16_t)number(tcp, "mss", 0), (uint8_t)number(tcp, "wscale", 0),
	    &options);
	options_pad(&options);
	see_options(m, test, OSDB_O, &options);
}

static const struct {
	enum osdb_test test;
	const char *key;
	const char *flags; /* RFC 9293 3.10.7.1; NULL: silence */
} classes[] = {
	{ OSDB_T2, "open_null", NULL },
	{ OSDB_T3, "open_syn_fin", NULL },
	{ OSDB_T4, "open_ack", "R" },
	{ OSDB_T5, "closed_syn", "RA" },
	{ OSDB_T6, "closed_ack", "R" },
	{ OSDB_T7, "closed_fin", "RA" },
};

static void
observe_answers(struct model *m, const cJSON *tcp)
{
	const cJSON *answers = part(tcp, "answers");

	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		const cJSON *a = part(answers, classes[i].key);

		if (cJSON_IsString(a) || (a == NULL && classes[i].flags == NULL))
			see(m, classes[i].test, OSDB_R, "N");
		else
			see_answer(m, classes[i].test, tcp, a, classes[i].flags == NULL ? "RA" : classes[i].flags);
	}
}

/* ---- answers to SYNs ---- */

static void
policy_of(const cJSON *tcp, struct policy *p)
{
	memset(p, 0, sizeof(*p));
	p->mss = (uint16_t)number(tcp, "mss", 0);
	p->wscale = (uint8_t)number(tcp, "wscale", 0);
	p->least = strcmp(word(tcp, "mss_of", "own"), "least") == 0;
	p->window = (uint16_t)number(tcp, "window", 0);
	p->window_mss = (uint8_t)number(tcp, "window_mss", 0);
	options_from_json(part(tcp, "options"), p->mss, p->wscale, &p->options);
}

static bool
offer_equals(const cJSON *offered, const struct options *o)
{
	struct options theirs;

	if (!options_from_json(offered, 0, 0, &theirs) || theirs.count != o->count)
		return false;
	for (size_t i = 0; i < o->count; i++) {
		if (theirs.list[i].kind != o->list[i].kind)
			return false;
		if (o->list[i].kind != OPTION_TS && theirs.list[i].value != o->list[i].value)
			return false;
	}
	return true;
}

/* The first that matches, or NULL. */
static const cJSON *
case_for(const cJSON *tcp, const struct policy_probe *probe, const struct options *offered)
{
	const cJSON *c;

	cJSON_ArrayForEach(c, part(tcp, "cases"))
	{
		const cJSON *list = part(c, "offered");

		if (flag(c, "ecn", probe->ecn) == probe->ecn && (list == NULL || offer_equals(list, offered)))
			return c;
	}
	return NULL;
}

static void
answer_of(const cJSON *tcp, const cJSON *c, const struct options *offered, struct policy_answer *out)
{
	const cJSON *options = part(c, "options");
	struct policy p;

	policy_of(tcp, &p);
	policy_answer(&p, offered, out);
	out->window = (uint16_t)number(c, "window", out->window);
	if (options != NULL) {
		options_from_json(options, p.mss, p.wscale, &out->options);
		options_pad(&out->options);
	}
}

static void
observe_ecn(struct model *m, const cJSON *tcp, const cJSON *c)
{
	static const char *const flags[][2] = { { "none", "N" }, { "ece", "Y" }, { "both", "S" }, { "cwr", "O" },
		{ NULL, NULL } };

	see_ip(m, OSDB_ECN, number(c, "ttl", number(tcp, "ttl", 0)), flag(c, "df", flag(tcp, "df", false)));
	see_quirks(m, OSDB_ECN, c);
	see_word(m, OSDB_ECN, OSDB_CC, word(c, "ecn_flags", word(tcp, "ecn", "none")), flags);
}

static void
observe_t1(struct model *m, const cJSON *tcp, const cJSON *c)
{
	static const char *const seqs[][2] = { { "zero", "Z" }, { "ack", "A" }, { NULL, NULL } };

	see_ip(m, OSDB_T1, number(c, "ttl", number(tcp, "ttl", 0)), flag(c, "df", flag(tcp, "df", false)));
	see(m, OSDB_T1, OSDB_S, "O");
	see_word(m, OSDB_T1, OSDB_S, word(part(tcp, "isn"), "kind", "hash"), seqs);
	see(m, OSDB_T1, OSDB_A, "S+");
	see(m, OSDB_T1, OSDB_F, "AS");
	see(m, OSDB_T1, OSDB_RD, "0");
	see_quirks(m, OSDB_T1, c);
}

/* A segment that is no SYN+ACK of a handshake, or silence. */
static void
observe_instead(struct model *m, const cJSON *tcp, const struct policy_probe *probe, const cJSON *answer)
{
	const char *flags = word(answer, "flags", "RA");
	struct model_value options, window;
	struct model one = { .hops = m->hops };
	/* The six of SEQ are told apart by options and window alone; T1 is the first. */
	enum osdb_test test = probe->ecn ? OSDB_ECN : OSDB_T1;
	bool told = probe->ecn || probe == &policy_probes[0];

	if (cJSON_IsString(answer)) {
		if (told)
			see(m, test, OSDB_R, "N");
		return;
	}
	see_answer(&one, test, tcp, answer, "RA");
	options = one.seen[test][OSDB_O];
	window = one.seen[test][OSDB_W];
	if (told)
		memcpy(m->seen[test], one.seen[test], sizeof(one.seen[test]));
	if (probe->ecn)
		see(m, test, OSDB_CC, "%s",
		    strchr(flags, 'E') == NULL       ? strchr(flags, 'C') == NULL ? "N" : "O"
			: strchr(flags, 'C') == NULL ? "Y"
						     : "S");
	m->seen[probe->options_test][probe->options] = options;
	m->seen[probe->window_test][probe->window] = window;
	if (strchr(flags, 'S') == NULL && !probe->ecn)
		m->without_numbers |= 1U << (probe - policy_probes);
}

static void
observe_syn(struct model *m, const cJSON *tcp, const struct policy_probe *probe)
{
	struct policy_answer answer;
	struct options offered;

	policy_offer(probe->offered, &offered);
	const cJSON *c = case_for(tcp, probe, &offered);

	if (part(c, "answer") != NULL) {
		observe_instead(m, tcp, probe, part(c, "answer"));
		return;
	}
	if (probe == &policy_probes[0])
		observe_t1(m, tcp, c);
	if (probe->ecn)
		observe_ecn(m, tcp, c);
	answer_of(tcp, c, &offered, &answer);
	see_options(m, probe->options_test, probe->options, &answer.options);
	see_number(m, probe->window_test, probe->window, answer.window);
}

static void
observe_syns(struct model *m, const cJSON *tcp)
{
	if (part(part(tcp, "answers"), "open_syn") != NULL) {
		see(m, OSDB_T1, OSDB_R, "N");
		see(m, OSDB_ECN, OSDB_R, "N");
		return;
	}
	for (size_t i = 0; i < POLICY_PROBES; i++)
		observe_syn(m, tcp, &policy_probes[i]);
}

/* ---- sequences ---- */

static void
observe_isn(struct model *m, const cJSON *isn)
{
	double unit = number(isn, "multiple_of", 1), rate = number(isn, "per_second", 0);
	double deviation = number(isn, "deviation", 0);
	const char *kind = word(isn, "kind", "hash");

	/* nmap's six SYNs have the same acknowledgement. */
	if (strcmp(kind, "constant") == 0 || strcmp(kind, "zero") == 0 || strcmp(kind, "ack") == 0) {
		see(m, OSDB_SEQ, OSDB_GCD, "0");
		see(m, OSDB_SEQ, OSDB_ISR, "0");
		see(m, OSDB_SEQ, OSDB_SP, "0");
	} else if (strcmp(kind, "increments") == 0) {
		see_number(m, OSDB_SEQ, OSDB_GCD, lround(rate / 10 / unit) == 0 && deviation <= 0 ? 0 : unit);
		see_number(m, OSDB_SEQ, OSDB_ISR, sequence_logarithm(rate));
		see_number(m, OSDB_SEQ, OSDB_SP,
		    sequence_logarithm(deviation / (unit > SEQUENCE_GCD_SMALL ? unit : 1)));
	}
}

/* What an option's clock shows over the SYN+ACKs that came: 0 when one is zero, else U when one has none. */
static void
observe_clock(struct model *m, const cJSON *tcp)
{
	static const enum osdb_attribute lists[] = { OSDB_O1, OSDB_O2, OSDB_O3, OSDB_O4, OSDB_O5, OSDB_O6 };
	const char *start = word(tcp, "ts_start", "boot");
	bool some = false, none = false, zero = false;

	for (size_t i = 0; i < sizeof(lists) / sizeof(lists[0]); i++) {
		const struct model_value *list = &m->seen[OSDB_OPS][lists[i]];
		const char *ts = strchr(list->text, 'T');

		if (m->without_numbers >> i & 1)
			continue;
		some = some || list->present;
		none = none || (list->present && ts == NULL);
		zero = zero || (ts != NULL && ts[1] == '0');
	}
	if (!some)
		return;
	if (zero || (!none && strcmp(start, "zero") == 0))
		see(m, OSDB_SEQ, OSDB_TS, "0");
	else if (none)
		see(m, OSDB_SEQ, OSDB_TS, "U");
	else if (strcmp(start, "random") == 0)
		see_number(m, OSDB_SEQ, OSDB_TS, SEQUENCE_TS_RANDOM);
	else
		see_number(m, OSDB_SEQ, OSDB_TS, sequence_ts_of_hz(number(tcp, "ts_hz", 1)));
}

/* True: a counter. */
static bool
see_ids(struct model *m, enum osdb_attribute a, const cJSON *ids)
{
	static const char *const kinds[][2] = { { "zero", "Z" }, { "increment", "I" }, { "swapped", "BI" },
		{ "jumps", "RI" }, { "random", "RD" }, { "per-flow", "I" }, { NULL, NULL } };

	if (cJSON_IsNumber(ids))
		see_number(m, OSDB_SEQ, a, ids->valuedouble);
	else if (cJSON_IsString(ids))
		see_word(m, OSDB_SEQ, a, ids->valuestring, kinds);
	return m->seen[OSDB_SEQ][a].present && strstr("I BI RI", m->seen[OSDB_SEQ][a].text) != NULL;
}

static void
observe_sequences(struct model *m, const cJSON *tcp, const cJSON *icmp)
{
	const cJSON *usual = part(tcp, "ip_id"), *reset = part(tcp, "reset_ip_id");
	bool ti = see_ids(m, OSDB_TI, usual);
	bool ii = see_ids(m, OSDB_II, part(icmp, "ip_id"));

	see_ids(m, OSDB_CI, reset == NULL ? usual : reset);
	if (ti && ii)
		see(m, OSDB_SEQ, OSDB_SS, flag(icmp, "shared_ip_id", false) ? "S" : "O");
	observe_isn(m, part(tcp, "isn"));
	observe_clock(m, tcp);
}

/* ---- icmp and udp ---- */

static void
observe_echo(struct model *m, const cJSON *icmp)
{
	static const char *const dfs[][2] = { { "no", "N" }, { "same", "S" }, { "yes", "Y" }, { "other", "O" },
		{ NULL, NULL } };
	static const char *const codes[][2] = { { "same", "S" }, { "zero", "Z" }, { NULL, NULL } };
	const cJSON *code = part(icmp, "echo_code");

	if (!flag(icmp, "echo", true)) {
		see(m, OSDB_IE, OSDB_R, "N");
		return;
	}
	see_ip(m, OSDB_IE, number(icmp, "ttl", 0), false);
	see_word(m, OSDB_IE, OSDB_DFI, word(icmp, "echo_df", ""), dfs);
	see_word(m, OSDB_IE, OSDB_CD, word(icmp, "echo_code", ""), codes);
	if (cJSON_IsNumber(code))
		see_number(m, OSDB_IE, OSDB_CD, code->valuedouble);
}

static void
see_quoted(struct model *m, enum osdb_attribute a, const cJSON *udp, const char *key)
{
	static const char *const words[][2] = { { "same", "G" }, { "zero", "Z" }, { "wrong", "I" },
		{ "swapped", "4210" }, { NULL, NULL } };
	const cJSON *v = part(udp, key);

	/* A number may be what was sent, which nmap calls good. */
	if (cJSON_IsNumber(v) && v->valueint != (a == OSDB_RID ? PROBE_ID : a == OSDB_RIPL ? PROBE_LEN : -1))
		see_number(m, OSDB_U1, a, v->valuedouble);
	else if (cJSON_IsNumber(v))
		see(m, OSDB_U1, a, "G");
	else
		see_word(m, OSDB_U1, a, word(udp, key, "same"), words);
}

static void
observe_unreachable(struct model *m, const cJSON *udp, const cJSON *icmp)
{
	enum { HEADERS = 20 + 8 + 20, DATAGRAM = 308 };
	double quote = number(udp, "quote", 8);

	if (strcmp(word(udp, "closed", ""), "silent") == 0) {
		see(m, OSDB_U1, OSDB_R, "N");
		return;
	}
	see_ip(m, OSDB_U1, number(udp, "ttl", number(icmp, "ttl", 0)), flag(udp, "df", false));
	see_number(m, OSDB_U1, OSDB_IPL, HEADERS + (flag(udp, "quote_filled", false) ? quote : fmin(quote, DATAGRAM)));
	see_number(m, OSDB_U1, OSDB_UN, number(udp, "unused", 0));
	see_quoted(m, OSDB_RIPL, udp, "quoted_length");
	see_quoted(m, OSDB_RID, udp, "quoted_id");
	see_quoted(m, OSDB_RIPCK, udp, "quoted_ip_checksum");
	see_quoted(m, OSDB_RUCK, udp, "quoted_udp_checksum");
	see_quoted(m, OSDB_RUD, udp, "quoted_data");
}

/* ---- all of it ---- */

void
model_observe(const struct cJSON *personality, struct model *out)
{
	const cJSON *tcp = part(personality, "tcp"), *icmp = part(personality, "icmp");

	memset(out, 0, sizeof(*out));
	out->hops = number(part(personality, "udp"), "quoted_ttl_less", 0);
	observe_syns(out, tcp);
	observe_answers(out, tcp);
	observe_sequences(out, tcp, icmp);
	observe_echo(out, icmp);
	observe_unreachable(out, part(personality, "udp"), icmp);
}

static bool
accepted(const struct model *m, const struct osdb_fingerprint *f, enum osdb_test test, enum osdb_attribute a)
{
	const struct model_value *seen = &m->seen[test][a];
	struct expression e = f->value[test][a];

	/* The database leaves R=Y out where there is something else to tell. */
	if (a == OSDB_R && e.text == NULL && strcmp(seen->text, "N") == 0)
		return !choice_answered(f, test);
	if (!seen->present || e.text == NULL || expression_matches(e, seen->text))
		return true;
	/* A guessed TTL is compared only where the exact one isn't. */
	if (a == OSDB_TG)
		return f->value[test][OSDB_T].text != NULL;
	if (a == OSDB_TS && strtoul(seen->text, NULL, 16) == SEQUENCE_TS_RANDOM) {
		for (uint32_t ts = SEQUENCE_TS_RANDOM_MIN; ts <= SEQUENCE_TS_RANDOM_MAX; ts++) {
			if (expression_matches_number(e, ts))
				return true;
		}
	}
	return false;
}

size_t
model_compare(const struct model *m, const struct osdb_fingerprint *f, model_difference *difference, void *ctx)
{
	size_t count = 0;

	for (unsigned test = 0; test < OSDB_TESTS; test++) {
		for (unsigned a = 0; a < OSDB_ATTRIBUTES; a++) {
			if (!accepted(m, f, (enum osdb_test)test, (enum osdb_attribute)a)) {
				difference(ctx, (enum osdb_test)test, (enum osdb_attribute)a, m->seen[test][a].text);
				count++;
			}
			/* Of a probe without an answer there is nothing else to compare. */
			if (a == OSDB_R && strcmp(m->seen[test][a].text, "N") == 0)
				break;
		}
	}
	return count;
}
