/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/convert.h"

#include "base/str.h"
#include "fingerprintd/import/choice.h"
#include "fingerprintd/import/family.h"
#include "fingerprintd/import/sequence.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <string.h>

enum {
	TEXT_MAX = 256, /* a personality's longest, with its NUL */
	LINE_TEXT_MAX = 32,
	/* An unreachable: its IP header, its own and the quoted one; nmap's datagram has 308 octets behind that. */
	UNREACHABLE_HEADERS = 20 + 8 + 20,
	UNREACHABLE_ALL = UNREACHABLE_HEADERS + 308,
	UNREACHABLE_LEAST = UNREACHABLE_HEADERS + 8,
	QUOTE_MOST = 548,
	PROBE_ID_SWAPPED = 0x4210,
};

/* ---- icmp ---- */

static void
add_echo_code(cJSON *icmp, struct expression e)
{
	uint32_t code;

	if (e.text == NULL || expression_matches(e, "S"))
		cJSON_AddStringToObject(icmp, "echo_code", "same");
	else if (!expression_matches(e, "Z") && expression_middle(e, &code))
		cJSON_AddNumberToObject(icmp, "echo_code", code);
	else
		cJSON_AddStringToObject(icmp, "echo_code", "zero");
}

static const char *
echo_df(struct expression e)
{
	static const char *const words[][2] = { { "N", "no" }, { "S", "same" }, { "Y", "yes" }, { "O", "other" } };

	for (size_t i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		if (expression_matches(e, words[i][0]))
			return words[i][1];
	}
	return "same";
}

static cJSON *
convert_icmp(const struct osdb_fingerprint *f, uint8_t ttl)
{
	cJSON *icmp = cJSON_CreateObject();

	cJSON_AddNumberToObject(icmp, "ttl", ttl);
	sequence_add_icmp(icmp, f);
	if (choice_silent(f, OSDB_IE))
		cJSON_AddFalseToObject(icmp, "echo");
	add_echo_code(icmp, f->value[OSDB_IE][OSDB_CD]);
	cJSON_AddStringToObject(icmp, "echo_tos", "same");
	cJSON_AddStringToObject(icmp, "echo_df", echo_df(f->value[OSDB_IE][OSDB_DFI]));
	if (family_of(f)->timestamp)
		cJSON_AddTrueToObject(icmp, "timestamp");
	return icmp;
}

/* ---- udp ---- */

static uint32_t
quote_of(const struct osdb_fingerprint *f)
{
	struct expression e = f->value[OSDB_U1][OSDB_IPL];
	uint32_t len;

	if (e.text == NULL)
		return family_of(f)->quote;
	if (expression_matches_number(e, UNREACHABLE_ALL))
		return QUOTE_MOST;
	if (!expression_nearest(e, UNREACHABLE_LEAST, UNREACHABLE_HEADERS + QUOTE_MOST, &len))
		return QUOTE_MOST;
	return len < UNREACHABLE_HEADERS ? 0 : len - UNREACHABLE_HEADERS;
}

/* Good is as it was sent; else a number that is accepted. */
static void
add_quoted_number(cJSON *udp, const char *key, struct expression e)
{
	uint32_t value;

	if (!expression_matches(e, "G") && expression_nearest(e, 0, UINT16_MAX, &value))
		cJSON_AddNumberToObject(udp, key, value);
}

static void
add_quoted(cJSON *udp, const struct expression *v)
{
	add_quoted_number(udp, "quoted_length", v[OSDB_RIPL]);
	if (!expression_matches(v[OSDB_RID], "G") && expression_matches_number(v[OSDB_RID], PROBE_ID_SWAPPED))
		cJSON_AddStringToObject(udp, "quoted_id", "swapped");
	else
		add_quoted_number(udp, "quoted_id", v[OSDB_RID]);
	if (expression_matches(v[OSDB_RIPCK], "Z") && !expression_matches(v[OSDB_RIPCK], "G"))
		cJSON_AddStringToObject(udp, "quoted_ip_checksum", "zero");
	else if (expression_matches(v[OSDB_RIPCK], "I") && !expression_matches(v[OSDB_RIPCK], "G"))
		cJSON_AddStringToObject(udp, "quoted_ip_checksum", "wrong");
	add_quoted_number(udp, "quoted_udp_checksum", v[OSDB_RUCK]);
	if (expression_matches(v[OSDB_RUD], "I") && !expression_matches(v[OSDB_RUD], "G"))
		cJSON_AddStringToObject(udp, "quoted_data", "wrong");
}

static cJSON *
convert_udp(const struct osdb_fingerprint *f, uint8_t icmp_ttl)
{
	const struct expression *v = f->value[OSDB_U1];
	cJSON *udp = cJSON_CreateObject();
	uint8_t ttl = choice_ttl(f, OSDB_U1, icmp_ttl);
	uint32_t unused, quote = quote_of(f);

	cJSON_AddStringToObject(udp, "closed", choice_silent(f, OSDB_U1) ? "silent" : "unreachable");
	cJSON_AddNumberToObject(udp, "quote", quote);
	if (quote > UNREACHABLE_ALL - UNREACHABLE_HEADERS &&
	    expression_matches_number(v[OSDB_IPL], UNREACHABLE_HEADERS + quote))
		cJSON_AddTrueToObject(udp, "quote_filled");
	if (family_of(f)->error_tos != 0)
		cJSON_AddNumberToObject(udp, "tos", family_of(f)->error_tos);
	if (choice_df(f, OSDB_U1, false))
		cJSON_AddTrueToObject(udp, "df");
	if (ttl != icmp_ttl)
		cJSON_AddNumberToObject(udp, "ttl", ttl);
	if (expression_nearest(v[OSDB_UN], 0, UINT32_MAX, &unused) && unused != 0)
		cJSON_AddNumberToObject(udp, "unused", unused);
	if (choice_hops(f) != 0)
		cJSON_AddNumberToObject(udp, "quoted_ttl_less", choice_hops(f));
	add_quoted(udp, v);
	return udp;
}

/* ---- the whole ---- */

static void
add_texts(cJSON *json, const struct osdb_fingerprint *f)
{
	char expect[TEXT_MAX], about[TEXT_MAX], line[LINE_TEXT_MAX];
	size_t line_len = (size_t)snprintf(line, sizeof(line), " (line %zu)", f->line);

	str_escape(expect, sizeof(expect), f->name, strlen(f->name));
	str_escape(about, sizeof(about) - line_len, f->name, strlen(f->name));
	snprintf(about + strlen(about), sizeof(about) - strlen(about), "%s", line);
	cJSON_AddStringToObject(json, "about", about);
	cJSON_AddStringToObject(json, "expect", expect);
}

struct cJSON *
convert_fingerprint(const struct osdb_fingerprint *f, const char *name)
{
	cJSON *json = cJSON_CreateObject();
	cJSON *tcp = convert_tcp(f);
	uint8_t ttl = (uint8_t)cJSON_GetObjectItem(tcp, "ttl")->valueint;
	/* ICMP's own where it is known, be it of echo replies or of errors. */
	enum osdb_test test = choice_ttl_known(f, OSDB_IE) ? OSDB_IE : OSDB_U1;

	ttl = choice_ttl(f, test, ttl);
	cJSON_AddNumberToObject(json, "version", 1);
	cJSON_AddStringToObject(json, "name", name);
	add_texts(json, f);
	cJSON_AddStringToObject(json, "mac_prefix", family_mac_prefix(f));
	cJSON_AddItemToObject(json, "tcp", tcp);
	cJSON_AddItemToObject(json, "icmp", convert_icmp(f, ttl));
	cJSON_AddItemToObject(json, "udp", convert_udp(f, ttl));
	return json;
}
