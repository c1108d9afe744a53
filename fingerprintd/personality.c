#include "fingerprintd/personality.h"

#include "base/str.h"
#include "fingerprintd/tcp_options.h"

#include <cjson/cJSON.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const option_names[] = { "end", "mss", "sack", "ts", "wscale", "nop", "eol", "ts-no-echo",
	"ts-no-clock", "ts-empty", NULL }; /* enum habit_option */
static const char *const ids_names[] = { "zero", "increment", "swapped", "jumps", "random", "per-flow",
	NULL }; /* enum habit_ids_kind */
static const char *const isn_names[] = { "hash", "constant", "increments", "zero", "ack", "random",
	NULL }; /* enum habit_isn_kind */
static const char *const mss_of_names[] = { "own", "least", NULL }; /* enum habit_mss_of */
static const char *const segment_names[] = { "data", "mss", NULL }; /* enum habit_segment */
static const char *const ts_start_names[] = { "boot", "random", "zero", NULL }; /* enum habit_ts_start */
static const char *const ecn_names[] = { "none", "ece", "both", "cwr", NULL }; /* enum habit_ecn */
static const char *const seq_names[] = { "default", "zero", "ack", "ack+1", "other", NULL }; /* enum habit_seq */
static const char *const ack_names[] = { "default", "zero", "seq", "seq+1", "other", NULL }; /* enum habit_ack */
static const char *const df_names[] = { "no", "same", "yes", "other", NULL }; /* enum icmp_df */
static const char *const closed_names[] = { "unreachable", "silent", NULL }; /* enum udp_closed */

/* The index of v's text in names; -1: it is none of them. */
static int
choice(const cJSON *v, const char *const *names)
{
	for (int i = 0; cJSON_IsString(v) && names[i] != NULL; i++) {
		if (strcmp(v->valuestring, names[i]) == 0)
			return i;
	}
	return -1;
}

static bool
whole_number(const cJSON *v, double max)
{
	return cJSON_IsNumber(v) && v->valuedouble >= 0 && v->valuedouble <= max &&
	    (double)(uint64_t)v->valuedouble == v->valuedouble;
}

/* ---- options ---- */

/* "mss", "mss:1460"; false: nothing of that kind. */
static bool
parse_option(const char *text, struct habit_opt *out)
{
	const char *colon = strchr(text, ':');
	char name[16], *end;

	if (!str_copy_bytes(name, sizeof(name), text, colon == NULL ? strlen(text) : (size_t)(colon - text)))
		return false;
	for (out->kind = HABIT_OPT_MSS; option_names[out->kind] != NULL; out->kind++) {
		if (strcmp(name, option_names[out->kind]) == 0)
			break;
	}
	if (option_names[out->kind] == NULL)
		return false;
	if (colon == NULL)
		return true;
	unsigned long value = isdigit((unsigned char)colon[1]) ? strtoul(colon + 1, &end, 10) : UINT32_MAX;

	out->given = true;
	out->value = (uint16_t)value;
	return value <= (out->kind == HABIT_OPT_MSS ? UINT16_MAX : UINT8_MAX) && *end == '\0' &&
	    (out->kind == HABIT_OPT_MSS || out->kind == HABIT_OPT_WSCALE);
}

/* ["mss", "sack", "ts", "nop", "wscale"]: in the order of the segment. */
static bool
read_options(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_opt *out = field;
	const cJSON *item;
	size_t n = 0;

	if (!json_array(p, v, 0, HABITS_OPTIONS_MAX - 1))
		return false;
	memset(out, 0, HABITS_OPTIONS_MAX * sizeof(*out));
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, n };

		if (!cJSON_IsString(item) || !parse_option(item->valuestring, &out[n]))
			return json_must(&here, item,
			    "one of \"mss\", \"sack\", \"ts\", \"wscale\", \"nop\", \"eol\", \"ts-no-echo\", "
			    "\"ts-no-clock\", \"ts-empty\", or \"mss:1460\", \"wscale:7\"");
		n++;
	}
	if (tcp_options_len(out) > PACKET_TCP_OPTIONS_MAX)
		return json_refuse(p, "has %zu octets of options, and a header holds %d", tcp_options_len(out),
		    (int)PACKET_TCP_OPTIONS_MAX);
	return true;
}

/* ---- small fields ---- */

static bool
read_gaps(const struct json_place *p, const cJSON *v, void *field)
{
	uint16_t *out = field;
	const cJSON *item;
	size_t n = 0;

	if (!json_array(p, v, 1, HABITS_GAPS_MAX))
		return false;
	memset(out, 0, HABITS_GAPS_MAX * sizeof(*out));
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, n };

		if (!cJSON_IsNumber(item) || item->valuedouble < 100 || item->valuedouble > UINT16_MAX)
			return json_must(&here, item, "milliseconds from 100 to 65535");
		out[n++] = (uint16_t)item->valuedouble;
	}
	return true;
}

/* "00:0c:29" */
static bool
read_prefix(const struct json_place *p, const cJSON *v, void *field)
{
	unsigned b[PERSONALITY_PREFIX];
	int used = 0;
	uint8_t *out = field;

	if (!cJSON_IsString(v) ||
	    sscanf(v->valuestring, "%2x:%2x:%2x%n", &b[0], &b[1], &b[2], &used) != PERSONALITY_PREFIX ||
	    v->valuestring[used] != '\0' || (b[0] & 1) != 0)
		return json_must(p, v, "three bytes of a unicast MAC address like \"00:0c:29\"");
	for (size_t i = 0; i < PERSONALITY_PREFIX; i++)
		out[i] = (uint8_t)b[i];
	return true;
}

static bool
read_ids(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_ids *out = field;
	int i = choice(v, ids_names);

	if (whole_number(v, UINT16_MAX))
		*out = (struct habit_ids){ HABIT_IDS_CONSTANT, (uint16_t)v->valuedouble };
	else if (i >= 0)
		*out = (struct habit_ids){ (uint8_t)i, 0 };
	else
		return json_must(p, v,
		    "one of \"zero\", \"increment\", \"swapped\", \"jumps\", \"random\", \"per-flow\", or a number up "
		    "to 65535");
	return true;
}

static bool
read_rate(const struct json_place *p, const cJSON *v, void *field)
{
	static const double rate_max = 1e11;

	if (!cJSON_IsNumber(v) || v->valuedouble < 0 || v->valuedouble > rate_max)
		return json_must(p, v, "a number from 0 to 1e11");
	*(double *)field = v->valuedouble;
	return true;
}

/* true or false; the struct's field also knows "not said". */
static bool
read_flag(const struct json_place *p, const cJSON *v, void *field)
{
	if (!cJSON_IsBool(v))
		return json_must(p, v, "true or false");
	*(uint8_t *)field = cJSON_IsTrue(v) ? HABIT_YES : HABIT_NO;
	return true;
}

static bool
read_flags(const struct json_place *p, const cJSON *v, void *field)
{
	static const char letters[] = "FSRPAUEC"; /* from FIN's bit upwards */
	struct habit_answer *out = field;

	out->has_flags = true;
	out->flags = 0;
	for (const char *c = cJSON_IsString(v) ? v->valuestring : "?"; *c != '\0'; c++) {
		const char *at = strchr(letters, *c);

		if (at == NULL)
			return json_must(p, v, "letters of FSRPAUEC");
		out->flags |= (uint8_t)(1 << (at - letters));
	}
	return true;
}

static bool
read_data(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_answer *out = field;
	const char *text = cJSON_IsString(v) ? v->valuestring : "?";
	size_t len = strlen(text);

	if (len % 2 != 0 || len / 2 > HABITS_DATA_MAX || text[strspn(text, "0123456789abcdefABCDEF")] != '\0')
		return json_must(p, v, "up to %d octets in hexadecimal", (int)HABITS_DATA_MAX);
	for (size_t i = 0; i < len / 2; i++) {
		const char pair[3] = { text[2 * i], text[2 * i + 1], '\0' };

		out->data[i] = (uint8_t)strtoul(pair, NULL, 16);
	}
	out->data_len = (uint8_t)(len / 2);
	return true;
}

/* ---- tcp ---- */

#define ISN(field) offsetof(struct habit_isn, field)
#define CASE(field) offsetof(struct habit_case, field)
#define ANSWER(field) offsetof(struct habit_answer, field)
#define TCP(field) offsetof(struct habits, field)

static const struct json_field isn_fields[] = {
	{ "kind", JSON_CHOICE, false, ISN(kind), 0, 0, isn_names, NULL, NULL },
	{ "per_second", JSON_OWN, true, ISN(per_second), 0, 0, NULL, NULL, read_rate },
	{ "deviation", JSON_OWN, true, ISN(deviation), 0, 0, NULL, NULL, read_rate },
	{ "multiple_of", JSON_U32, true, ISN(multiple_of), 1, UINT32_MAX, NULL, NULL, NULL },
	{ 0 },
};

static bool
read_offered(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_case *out = field;

	out->any_offer = false;
	return read_options(p, v, out->offered);
}

/* ["sack", "ts"]: kinds, whatever their values and their order. */
static bool
read_kinds(const struct json_place *p, const cJSON *v, void *field)
{
	uint16_t *out = field;
	const cJSON *item;
	size_t n = 0;

	if (!json_array(p, v, 1, HABIT_OPT_WSCALE))
		return false;
	*out = 0;
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, n++ };
		int kind = choice(item, option_names);

		if (kind < HABIT_OPT_MSS || kind > HABIT_OPT_WSCALE)
			return json_must(&here, item, "one of \"mss\", \"sack\", \"ts\", \"wscale\"");
		*out |= (uint16_t)(1 << kind);
	}
	return true;
}

static bool
read_case_options(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_case *out = field;

	out->has_options = true;
	return read_options(p, v, out->options);
}

static bool
read_case_order(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_case *out = field;

	if (out->has_options)
		return json_refuse(p, "can't stand beside \"options\"");
	out->has_order = true;
	return read_options(p, v, out->options);
}

static bool
read_case_window(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_case *out = field;

	if (!whole_number(v, UINT16_MAX))
		return json_must(p, v, "a whole number from 0 to 65535");
	out->has_window = true;
	out->window = (uint16_t)v->valuedouble;
	return true;
}

static const struct json_field answer_fields[] = {
	{ "flags", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_flags },
	{ "seq", JSON_CHOICE, true, ANSWER(seq), 0, 0, seq_names, NULL, NULL },
	{ "ack", JSON_CHOICE, true, ANSWER(ack), 0, 0, ack_names, NULL, NULL },
	{ "window", JSON_U16, true, ANSWER(window), 0, 65535, NULL, NULL, NULL },
	{ "df", JSON_OWN, true, ANSWER(df), 0, 0, NULL, NULL, read_flag },
	{ "ttl", JSON_U8, true, ANSWER(ttl), 1, 255, NULL, NULL, NULL },
	{ "options", JSON_OWN, true, ANSWER(options), 0, 0, NULL, NULL, read_options },
	{ "reserved", JSON_FLAG, true, ANSWER(reserved), 0, 0, NULL, NULL, NULL },
	{ "urgent", JSON_FLAG, true, ANSWER(urgent), 0, 0, NULL, NULL, NULL },
	{ "data", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_data },
	{ 0 },
};

static bool
read_answer(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_answer *out = field;

	if (cJSON_IsString(v) && strcmp(v->valuestring, "silent") == 0) {
		out->kind = HABIT_ANSWER_SILENT;
		return true;
	}
	if (!cJSON_IsObject(v))
		return json_must(p, v, "\"silent\" or an object");
	out->kind = HABIT_ANSWER_GIVEN;
	return json_read(p, v, answer_fields, out);
}

static const struct json_field case_fields[] = {
	{ "offered", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_offered },
	{ "has", JSON_OWN, true, CASE(has), 0, 0, NULL, NULL, read_kinds },
	{ "lacks", JSON_OWN, true, CASE(lacks), 0, 0, NULL, NULL, read_kinds },
	{ "ecn", JSON_OWN, true, CASE(ecn), 0, 0, NULL, NULL, read_flag },
	{ "answer", JSON_OWN, true, CASE(answer), 0, 0, NULL, NULL, read_answer },
	{ "window", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_case_window },
	{ "options", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_case_options },
	{ "order", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_case_order },
	{ "df", JSON_OWN, true, CASE(df), 0, 0, NULL, NULL, read_flag },
	{ "ttl", JSON_U8, true, CASE(ttl), 1, 255, NULL, NULL, NULL },
	{ "ecn_flags", JSON_CHOICE, true, CASE(ecn_flags), 0, 0, ecn_names, NULL, NULL },
	{ "reserved", JSON_FLAG, true, CASE(reserved), 0, 0, NULL, NULL, NULL },
	{ "urgent", JSON_FLAG, true, CASE(urgent), 0, 0, NULL, NULL, NULL },
	{ 0 },
};

static bool
read_cases(const struct json_place *p, const cJSON *v, void *field)
{
	struct habits *out = field;
	const cJSON *item;

	if (!json_array(p, v, 0, HABITS_CASES_MAX))
		return false;
	cJSON_ArrayForEach(item, v)
	{
		struct json_place here = { p->file, p->error, p, NULL, out->case_count };
		struct habit_case *c = &out->cases[out->case_count++];

		*c = (struct habit_case){ .any_offer = true, .ecn_flags = HABIT_ECN_DEFAULT };
		if (!json_read(&here, item, case_fields, c))
			return false;
	}
	return true;
}

/* Stacks that look at SYN first begin a handshake. */
static bool
read_syn_fin(const struct json_place *p, const cJSON *v, void *field)
{
	struct habit_answer *out = field;

	if (!cJSON_IsString(v) || strcmp(v->valuestring, "syn") != 0)
		return read_answer(p, v, field);
	out->kind = HABIT_ANSWER_SYN;
	return true;
}

#define CLASS(name, id)                                                                                                \
	{                                                                                                              \
		name, JSON_OWN, true, (id) * sizeof(struct habit_answer), 0, 0, NULL, NULL, read_answer                \
	}
static const struct json_field class_fields[] = {
	CLASS("open_syn", HABIT_OPEN_SYN),
	CLASS("open_null", HABIT_OPEN_NULL),
	{ "open_syn_fin", JSON_OWN, true, HABIT_OPEN_SYN_FIN * sizeof(struct habit_answer), 0, 0, NULL, NULL,
	    read_syn_fin },
	CLASS("open_ack", HABIT_OPEN_ACK),
	CLASS("open_fin", HABIT_OPEN_FIN),
	CLASS("closed_syn", HABIT_CLOSED_SYN),
	CLASS("closed_ack", HABIT_CLOSED_ACK),
	CLASS("closed_fin", HABIT_CLOSED_FIN),
	{ 0 },
};

static const struct json_field tcp_fields[] = {
	{ "ttl", JSON_U8, false, TCP(ttl), 1, 255, NULL, NULL, NULL },
	{ "df", JSON_FLAG, false, TCP(df), 0, 0, NULL, NULL, NULL },
	{ "mss", JSON_U16, false, TCP(mss), 1, 65535, NULL, NULL, NULL },
	{ "mss_of", JSON_CHOICE, true, TCP(mss_of), 0, 0, mss_of_names, NULL, NULL },
	{ "mss_default", JSON_U16, true, TCP(mss_default), 1, 65535, NULL, NULL, NULL },
	{ "window", JSON_U16, false, TCP(window), 0, 65535, NULL, NULL, NULL },
	{ "window_mss", JSON_U8, true, TCP(window_mss), 0, 255, NULL, NULL, NULL },
	{ "window_segment", JSON_CHOICE, true, TCP(window_segment), 0, 0, segment_names, NULL, NULL },
	{ "window_buffer", JSON_U32, true, TCP(window_buffer), 1, 1 << 30, NULL, NULL, NULL },
	{ "window_unscaled", JSON_U16, true, TCP(window_unscaled), 64, 65535, NULL, NULL, NULL },
	{ "wscale", JSON_U8, true, TCP(wscale), 0, 14, NULL, NULL, NULL }, /* RFC 7323 2.3 */
	{ "options", JSON_OWN, false, TCP(options), 0, 0, NULL, NULL, read_options },
	{ "ts_hz", JSON_U32, true, TCP(ts_hz), 1, 1000000000, NULL, NULL, NULL },
	{ "ts_start", JSON_CHOICE, true, TCP(ts_start), 0, 0, ts_start_names, NULL, NULL },
	{ "ts_apart", JSON_U32, true, TCP(ts_apart), 1, INT32_MAX, NULL, NULL, NULL },
	{ "isn", JSON_TABLE, true, TCP(isn), 0, 0, NULL, isn_fields, NULL },
	{ "ip_id", JSON_OWN, false, TCP(ip_id), 0, 0, NULL, NULL, read_ids },
	{ "flow_ip_id", JSON_OWN, true, TCP(flow_ip_id), 0, 0, NULL, NULL, read_ids },
	{ "reset_ip_id", JSON_OWN, true, TCP(reset_ip_id), 0, 0, NULL, NULL, read_ids },
	{ "ecn", JSON_CHOICE, true, TCP(ecn), 0, 0, ecn_names, NULL, NULL },
	{ "syn_ack_gaps_ms", JSON_OWN, false, TCP(gaps_ms), 0, 0, NULL, NULL, read_gaps },
	{ "final_reset", JSON_FLAG, true, TCP(final_reset), 0, 0, NULL, NULL, NULL },
	{ "cases", JSON_OWN, true, 0, 0, 0, NULL, NULL, read_cases },
	{ "answers", JSON_TABLE, true, TCP(answers), 0, 0, NULL, class_fields, NULL },
	{ 0 },
};

/* ---- icmp and udp ---- */

static bool
read_field(const struct json_place *p, const cJSON *v, void *field)
{
	static const char *const names[] = { "same", "zero", NULL }; /* enum icmp_field_kind */
	struct icmp_field *out = field;
	int i = choice(v, names);

	if (whole_number(v, UINT8_MAX))
		*out = (struct icmp_field){ ICMP_FIELD_VALUE, (uint8_t)v->valuedouble };
	else if (i >= 0)
		*out = (struct icmp_field){ (uint8_t)i, 0 };
	else
		return json_must(p, v, "\"same\", \"zero\" or a number up to 255");
	return true;
}

static bool
read_quoted(const struct json_place *p, const cJSON *v, void *field)
{
	static const char *const names[] = { "same", "zero", "wrong", "swapped", NULL }; /* enum quoted_kind */
	struct quoted *out = field;
	int i = choice(v, names);

	if (whole_number(v, UINT16_MAX))
		*out = (struct quoted){ QUOTED_VALUE, (uint16_t)v->valuedouble };
	else if (i >= 0)
		*out = (struct quoted){ (uint8_t)i, 0 };
	else
		return json_must(p, v, "\"same\", \"zero\", \"wrong\", \"swapped\" or a number up to 65535");
	return true;
}

static bool
read_quote(const struct json_place *p, const cJSON *v, void *field)
{
	if (!whole_number(v, UINT16_MAX) ||
	    (v->valuedouble > PERSONALITY_QUOTE_MAX && v->valuedouble != PERSONALITY_QUOTE_ALL))
		return json_must(p, v, "a whole number up to %d, or %d", (int)PERSONALITY_QUOTE_MAX,
		    (int)PERSONALITY_QUOTE_ALL);
	*(uint16_t *)field = (uint16_t)v->valuedouble;
	return true;
}

static bool
read_ttl_less(const struct json_place *p, const cJSON *v, void *field)
{
	if (!cJSON_IsNumber(v) || v->valuedouble != (double)v->valueint || v->valueint < -UINT8_MAX ||
	    v->valueint > UINT8_MAX)
		return json_must(p, v, "a whole number from -255 to 255");
	*(int16_t *)field = (int16_t)v->valueint;
	return true;
}

#define ICMP(field) offsetof(struct icmp_habits, field)
#define UDP(field) offsetof(struct udp_habits, field)

static const struct json_field icmp_fields[] = {
	{ "ttl", JSON_U8, false, ICMP(ttl), 1, 255, NULL, NULL, NULL },
	{ "echo", JSON_FLAG, true, ICMP(echo), 0, 0, NULL, NULL, NULL },
	{ "echo_code", JSON_OWN, false, ICMP(echo_code), 0, 0, NULL, NULL, read_field },
	{ "echo_tos", JSON_OWN, false, ICMP(echo_tos), 0, 0, NULL, NULL, read_field },
	{ "echo_df", JSON_CHOICE, false, ICMP(echo_df), 0, 0, df_names, NULL, NULL },
	{ "echo_per_second", JSON_U16, true, ICMP(echo_per_second), 1, 10000, NULL, NULL, NULL },
	{ "timestamp", JSON_FLAG, true, ICMP(timestamp), 0, 0, NULL, NULL, NULL },
	{ "mask", JSON_FLAG, true, ICMP(mask), 0, 0, NULL, NULL, NULL },
	{ "information", JSON_FLAG, true, ICMP(information), 0, 0, NULL, NULL, NULL },
	{ "ip_id", JSON_OWN, false, ICMP(ip_id), 0, 0, NULL, NULL, read_ids },
	{ "shared_ip_id", JSON_FLAG, true, ICMP(shared_ip_id), 0, 0, NULL, NULL, NULL },
	{ "errors_per_second", JSON_U16, true, ICMP(errors_per_second), 1, 10000, NULL, NULL, NULL },
	{ "errors_burst", JSON_U16, true, ICMP(errors_burst), 1, 10000, NULL, NULL, NULL },
	{ 0 },
};

static const struct json_field udp_fields[] = {
	{ "closed", JSON_CHOICE, false, UDP(closed), 0, 0, closed_names, NULL, NULL },
	{ "quote", JSON_OWN, true, UDP(quote), 0, 0, NULL, NULL, read_quote },
	{ "tos", JSON_U8, true, UDP(tos), 0, 255, NULL, NULL, NULL },
	{ "df", JSON_FLAG, true, UDP(df), 0, 0, NULL, NULL, NULL },
	{ "ttl", JSON_U8, true, UDP(ttl), 1, 255, NULL, NULL, NULL },
	{ "unused", JSON_U32, true, UDP(unused), 0, UINT32_MAX, NULL, NULL, NULL },
	{ "quote_filled", JSON_FLAG, true, UDP(quote_filled), 0, 0, NULL, NULL, NULL },
	{ "quoted_ttl_less", JSON_OWN, true, UDP(quoted_ttl_less), 0, 0, NULL, NULL, read_ttl_less },
	{ "quoted_length", JSON_OWN, true, UDP(length), 0, 0, NULL, NULL, read_quoted },
	{ "quoted_id", JSON_OWN, true, UDP(id), 0, 0, NULL, NULL, read_quoted },
	{ "quoted_ip_checksum", JSON_OWN, true, UDP(ip_checksum), 0, 0, NULL, NULL, read_quoted },
	{ "quoted_udp_checksum", JSON_OWN, true, UDP(udp_checksum), 0, 0, NULL, NULL, read_quoted },
	{ "quoted_data", JSON_OWN, true, UDP(data), 0, 0, NULL, NULL, read_quoted },
	{ 0 },
};

/* ---- the whole ---- */

#define TOP(field) offsetof(struct personality, field)

struct document {
	struct personality personality;
	uint8_t version;
};

static const struct json_field fields[] = {
	{ "version", JSON_U8, false, offsetof(struct document, version), PERSONALITY_VERSION, PERSONALITY_VERSION, NULL,
	    NULL, NULL },
	{ "name", JSON_TEXT, false, TOP(name), 0, PERSONALITY_NAME_MAX, NULL, NULL, NULL },
	{ "about", JSON_TEXT, true, TOP(about), 0, PERSONALITY_TEXT_MAX, NULL, NULL, NULL },
	{ "expect", JSON_TEXT, true, TOP(expect), 0, PERSONALITY_TEXT_MAX, NULL, NULL, NULL },
	{ "mac_prefix", JSON_OWN, false, TOP(mac_prefix), 0, 0, NULL, NULL, read_prefix },
	{ "tcp", JSON_TABLE, false, TOP(tcp), 0, 0, NULL, tcp_fields, NULL },
	{ "icmp", JSON_TABLE, false, TOP(icmp), 0, 0, NULL, icmp_fields, NULL },
	{ "udp", JSON_TABLE, false, TOP(udp), 0, 0, NULL, udp_fields, NULL },
	{ 0 },
};

static bool
has_clock(const struct habit_opt *options)
{
	for (; options->kind != HABIT_OPT_END; options++) {
		if (options->kind == HABIT_OPT_TS || options->kind == HABIT_OPT_TS_NO_ECHO)
			return true;
	}
	return false;
}

/* What no single field can tell. */
static bool
whole_sane(const struct json_place *p, const struct personality *x)
{
	if (has_clock(x->tcp.options) && x->tcp.ts_hz == 0 && x->tcp.ts_start != HABIT_TS_ZERO)
		return json_refuse(p, "lists \"ts\" in tcp.options but has no tcp.ts_hz");
	if (x->tcp.isn.deviation > 2 * x->tcp.isn.per_second)
		return json_refuse(p,
		    "has a tcp.isn whose deviation is more than twice its rate: it would run backwards");
	for (const char *c = x->name; *c != '\0'; c++) {
		if (strchr("abcdefghijklmnopqrstuvwxyz0123456789.-_", *c) == NULL)
			return json_refuse(p,
			    "has a name that is not of lower-case letters, digits, dots, hyphens and underscores");
	}
	return true;
}

static void
fill_defaults(struct habits *tcp)
{
	if (tcp->flow_ip_id.kind == UINT8_MAX)
		tcp->flow_ip_id = tcp->ip_id;
	if (tcp->reset_ip_id.kind == UINT8_MAX)
		tcp->reset_ip_id = tcp->ip_id;
}

static bool
from_json(const char *file, const cJSON *json, struct personality *out, struct json_error *error)
{
	struct json_place root = { .file = file, .error = error };
	struct document
	    d = { .personality = {
		      .tcp = { .flow_ip_id = { UINT8_MAX, 0 },
			  .reset_ip_id = { UINT8_MAX, 0 },
			  .isn = { .multiple_of = 1 } },
		      .icmp = { .echo = true, .echo_per_second = 1000, .errors_per_second = 100, .errors_burst = 100 },
		      .udp = { .quote = 8 },
		  } };

	if (!json_read(&root, json, fields, &d) || !whole_sane(&root, &d.personality))
		return false;
	fill_defaults(&d.personality.tcp);
	*out = d.personality;
	return true;
}

bool
personality_parse(const char *file, const char *text, size_t len, struct personality *out, struct json_error *error)
{
	cJSON *json = json_parse(file, text, len, error);
	bool good = json != NULL && from_json(file, json, out, error);

	cJSON_Delete(json);
	return good;
}
