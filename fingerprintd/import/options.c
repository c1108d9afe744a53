/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/options.h"

#include <cjson/cJSON.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { LIKELY_MSS = 1460, LIKELY_WSCALE = 7, VALUE_DIGITS_MAX = 8, WORD_MAX = 16 };

static const struct {
	const char *word; /* ours */
	char letter; /* nmap's */
	uint8_t octets;
	uint16_t likely;
} kinds[] = {
	[OPTION_EOL] = { "eol", 'L', 1, 0 },
	[OPTION_NOP] = { "nop", 'N', 1, 0 },
	[OPTION_MSS] = { "mss", 'M', 4, LIKELY_MSS },
	[OPTION_WSCALE] = { "wscale", 'W', 3, LIKELY_WSCALE },
	[OPTION_SACK] = { "sack", 'S', 2, 0 },
	[OPTION_TS] = { "ts", 'T', 10, 0 },
};
enum { KINDS = sizeof(kinds) / sizeof(kinds[0]) };

static const char *const ts_words[] = {
	[0] = "ts-empty",
	[OPTION_TS_CLOCK] = "ts-no-echo",
	[OPTION_TS_ECHO] = "ts-no-clock",
	[OPTION_TS_CLOCK | OPTION_TS_ECHO] = "ts",
};
enum { TS_WORDS = sizeof(ts_words) / sizeof(ts_words[0]) };

static bool
kind_of_letter(char letter, enum option_kind *kind)
{
	for (unsigned i = 0; i < KINDS; i++) {
		if (kinds[i].letter == letter) {
			*kind = (enum option_kind)i;
			return true;
		}
	}
	return false;
}

/* "5B4" or "[5A0-5B4|400]"; moves past it. */
static bool
parse_number(struct expression *left, const struct tcp_option *option, uint16_t *out)
{
	size_t len = 0;
	bool bracket = left->len > 0 && left->text[0] == '[';
	uint32_t value, max = option->kind == OPTION_MSS ? UINT16_MAX : UINT8_MAX;

	if (bracket) {
		const char *close = memchr(left->text, ']', left->len);

		if (close == NULL)
			return false;
		len = (size_t)(close - left->text) + 1;
	}
	while (!bracket && len < left->len && strchr("0123456789ABCDEFabcdef", left->text[len]) != NULL &&
	    left->text[len] != '\0')
		len++;
	struct expression number = { left->text + (bracket ? 1 : 0), len - (bracket ? 2 : 0) };

	if (number.len == 0 || !expression_nearest(number, kinds[option->kind].likely, max, &value))
		return false;
	*out = (uint16_t)value;
	*left = (struct expression){ left->text + len, left->len - len };
	return true;
}

/* "10": our clock is not zero, the echo is. */
static bool
parse_ts(struct expression *left, uint16_t *out)
{
	if (left->len < 2 || (left->text[0] != '0' && left->text[0] != '1') ||
	    (left->text[1] != '0' && left->text[1] != '1'))
		return false;
	*out = (uint16_t)((left->text[0] == '1' ? OPTION_TS_CLOCK : 0) | (left->text[1] == '1' ? OPTION_TS_ECHO : 0));
	*left = (struct expression){ left->text + 2, left->len - 2 };
	return true;
}

bool
options_parse(struct expression term, struct options *out)
{
	out->count = 0;
	while (term.len > 0) {
		struct tcp_option *o = &out->list[out->count];

		if (out->count == OPTIONS_MAX || !kind_of_letter(term.text[0], &o->kind))
			return false;
		term = (struct expression){ term.text + 1, term.len - 1 };
		o->value = 0;
		if ((o->kind == OPTION_MSS || o->kind == OPTION_WSCALE) && !parse_number(&term, o, &o->value))
			return false;
		if (o->kind == OPTION_TS && !parse_ts(&term, &o->value))
			return false;
		out->count++;
	}
	return options_octets(out) <= OPTIONS_OCTETS_MAX;
}

void
options_format(const struct options *o, char out[OPTIONS_TEXT_MAX])
{
	size_t len = 0;

	out[0] = '\0';
	for (size_t i = 0; i < o->count && len < OPTIONS_TEXT_MAX - WORD_MAX; i++) {
		const struct tcp_option *x = &o->list[i];

		out[len++] = kinds[x->kind].letter;
		if (x->kind == OPTION_MSS || x->kind == OPTION_WSCALE)
			len += (size_t)snprintf(out + len, OPTIONS_TEXT_MAX - len, "%X", x->value);
		if (x->kind == OPTION_TS)
			len += (size_t)snprintf(out + len, OPTIONS_TEXT_MAX - len, "%d%d",
			    (x->value & OPTION_TS_CLOCK) != 0, (x->value & OPTION_TS_ECHO) != 0);
		out[len] = '\0';
	}
}

size_t
options_octets(const struct options *o)
{
	size_t octets = 0;

	for (size_t i = 0; i < o->count; i++)
		octets += kinds[o->list[i].kind].octets;
	return octets;
}

void
options_pad(struct options *o)
{
	while (options_octets(o) % 4 != 0 && o->count < OPTIONS_MAX)
		o->list[o->count++] = (struct tcp_option){ OPTION_EOL, 0 };
}

const struct tcp_option *
options_find(const struct options *o, enum option_kind kind)
{
	for (size_t i = 0; i < o->count; i++) {
		if (o->list[i].kind == kind)
			return &o->list[i];
	}
	return NULL;
}

struct cJSON *
options_to_json(const struct options *o, bool values)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < o->count; i++) {
		const struct tcp_option *x = &o->list[i];
		char word[WORD_MAX];

		if (x->kind == OPTION_TS)
			snprintf(word, sizeof(word), "%s", ts_words[x->value % TS_WORDS]);
		else if (values && (x->kind == OPTION_MSS || x->kind == OPTION_WSCALE))
			snprintf(word, sizeof(word), "%s:%u", kinds[x->kind].word, x->value);
		else
			snprintf(word, sizeof(word), "%s", kinds[x->kind].word);
		cJSON_AddItemToArray(list, cJSON_CreateString(word));
	}
	return list;
}

static bool
ts_from_word(const char *word, struct tcp_option *out)
{
	for (unsigned i = 0; i < TS_WORDS; i++) {
		if (strcmp(word, ts_words[i]) == 0) {
			*out = (struct tcp_option){ OPTION_TS, (uint16_t)i };
			return true;
		}
	}
	return false;
}

static bool
option_from_word(const char *word, uint16_t mss, uint8_t wscale, struct tcp_option *out)
{
	size_t len = strcspn(word, ":");

	if (ts_from_word(word, out))
		return true;
	for (unsigned i = 0; i < KINDS; i++) {
		if (strlen(kinds[i].word) != len || strncmp(kinds[i].word, word, len) != 0)
			continue;
		out->kind = (enum option_kind)i;
		out->value = out->kind == OPTION_MSS ? mss : out->kind == OPTION_WSCALE ? wscale : 0;
		if (word[len] == ':')
			out->value = (uint16_t)strtoul(word + len + 1, NULL, 10);
		return true;
	}
	return false;
}

bool
options_from_json(const struct cJSON *json, uint16_t mss, uint8_t wscale, struct options *out)
{
	const cJSON *item;

	out->count = 0;
	cJSON_ArrayForEach(item, json)
	{
		if (out->count == OPTIONS_MAX || !cJSON_IsString(item) ||
		    !option_from_word(item->valuestring, mss, wscale, &out->list[out->count]))
			return false;
		out->count++;
	}
	return true;
}
