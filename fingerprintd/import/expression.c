/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/expression.h"

#include <stdio.h>
#include <string.h>

enum { HEX_DIGITS_MAX = 8, VALUE_TEXT_MAX = 16 };

struct range {
	uint32_t low, high;
};

struct expression
expression_of(const char *text)
{
	return (struct expression){ text, text == NULL ? 0 : strlen(text) };
}

void
expression_start(struct expression_walk *walk, struct expression e)
{
	walk->left = e;
	walk->done = e.text == NULL;
}

/* A bar within brackets belongs to the inner expression. */
bool
expression_next(struct expression_walk *walk, struct expression *term)
{
	size_t len = 0;
	bool inside = false;

	if (walk->done)
		return false;
	for (; len < walk->left.len && (inside || walk->left.text[len] != '|'); len++) {
		if (walk->left.text[len] == '[')
			inside = true;
		else if (walk->left.text[len] == ']')
			inside = false;
	}
	*term = (struct expression){ walk->left.text, len };
	walk->done = len == walk->left.len;
	if (!walk->done)
		walk->left = (struct expression){ walk->left.text + len + 1, walk->left.len - len - 1 };
	return true;
}

static int
digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* All of the text is one hexadecimal number. */
static bool
hex(const char *text, size_t len, uint32_t *out)
{
	*out = 0;
	if (len == 0 || len > HEX_DIGITS_MAX)
		return false;
	for (size_t i = 0; i < len; i++) {
		if (digit(text[i]) < 0)
			return false;
		*out = *out << 4 | (uint32_t)digit(text[i]);
	}
	return true;
}

/* A number, a range, or a bound: "5", "5-9", ">5", "<9"; false when it is neither or accepts nothing. */
static bool
term_range(struct expression t, struct range *r)
{
	const char *dash = t.len == 0 ? NULL : memchr(t.text, '-', t.len);

	if (t.len > 0 && t.text[0] == '>') {
		r->high = UINT32_MAX;
		return hex(t.text + 1, t.len - 1, &r->low) && r->low++ != UINT32_MAX;
	}
	if (t.len > 0 && t.text[0] == '<') {
		r->low = 0;
		return hex(t.text + 1, t.len - 1, &r->high) && r->high-- != 0;
	}
	if (dash == NULL) {
		bool good = hex(t.text, t.len, &r->low);

		r->high = r->low;
		return good;
	}
	size_t before = (size_t)(dash - t.text);

	return hex(t.text, before, &r->low) && hex(dash + 1, t.len - before - 1, &r->high) && r->low <= r->high;
}

static bool
same(struct expression t, const char *text, size_t len)
{
	return t.len == len && memcmp(t.text, text, len) == 0;
}

static bool
only_letters(struct expression t, const char *letters)
{
	for (size_t i = 0; i < t.len; i++) {
		if (t.text[i] == '\0' || strchr(letters, t.text[i]) == NULL)
			return false;
	}
	return true;
}

static bool
is_word(struct expression t, const char *words)
{
	struct expression_walk walk;
	struct expression word;

	expression_start(&walk, expression_of(words));
	while (expression_next(&walk, &word)) {
		if (same(t, word.text, word.len))
			return true;
	}
	return false;
}

bool
expression_sound(struct expression e, const struct expression_kind *kind)
{
	struct expression_walk walk;
	struct expression t;

	expression_start(&walk, e);
	while (expression_next(&walk, &t)) {
		struct range r;
		bool open = t.len > 0 && (t.text[0] == '>' || t.text[0] == '<');

		if (is_word(t, kind->words) ||
		    (kind->letters != NULL && t.len < VALUE_TEXT_MAX && only_letters(t, kind->letters)))
			continue;
		if (!kind->number || !term_range(t, &r) || r.low > kind->max || (!open && r.high > kind->max))
			return false;
	}
	return e.text != NULL;
}

static bool term_matches(struct expression t, const char *value, size_t len);

static bool
any_matches(struct expression e, const char *value, size_t len)
{
	struct expression_walk walk;
	struct expression t;

	expression_start(&walk, e);
	while (expression_next(&walk, &t)) {
		if (term_matches(t, value, len))
			return true;
	}
	return false;
}

/* "M[5A0-5B4]ST11": literal up to the bracket, digits by the inner expression, and what follows by itself. */
static bool
nested_matches(struct expression t, size_t bracket, const char *value, size_t len)
{
	const char *close = memchr(t.text + bracket, ']', t.len - bracket);
	size_t end = bracket;

	if (close == NULL || len < bracket || memcmp(t.text, value, bracket) != 0)
		return false;
	while (end < len && digit(value[end]) >= 0)
		end++;
	struct expression inner = { t.text + bracket + 1, (size_t)(close - t.text) - bracket - 1 };
	struct expression rest = { close + 1, t.len - (size_t)(close + 1 - t.text) };

	return any_matches(inner, value + bracket, end - bracket) && term_matches(rest, value + end, len - end);
}

static bool
term_matches(struct expression t, const char *value, size_t len)
{
	const char *bracket = t.len == 0 ? NULL : memchr(t.text, '[', t.len);
	struct range r;
	uint32_t n;

	if (same(t, value, len))
		return true;
	if (bracket != NULL)
		return nested_matches(t, (size_t)(bracket - t.text), value, len);
	return term_range(t, &r) && hex(value, len, &n) && n >= r.low && n <= r.high;
}

bool
expression_matches(struct expression e, const char *value)
{
	return any_matches(e, value, strlen(value));
}

bool
expression_matches_number(struct expression e, uint32_t value)
{
	char text[VALUE_TEXT_MAX];

	snprintf(text, sizeof(text), "%X", value);
	return expression_matches(e, text);
}

bool
expression_nearest(struct expression e, uint32_t wanted, uint32_t max, uint32_t *out)
{
	uint32_t least_off = UINT32_MAX;
	struct expression_walk walk;
	struct expression t;
	struct range r;
	bool found = false;

	expression_start(&walk, e);
	while (expression_next(&walk, &t)) {
		if (!term_range(t, &r) || r.low > max)
			continue;
		uint32_t high = r.high > max ? max : r.high;
		uint32_t n = wanted < r.low ? r.low : wanted > high ? high : wanted;
		uint32_t off = n > wanted ? n - wanted : wanted - n;

		if (!found || off < least_off) {
			*out = n;
			least_off = off;
		}
		found = true;
	}
	return found;
}

bool
expression_least(struct expression e, uint32_t min, uint32_t *out)
{
	struct expression_walk walk;
	struct expression t;
	struct range r;
	bool found = false;

	expression_start(&walk, e);
	while (expression_next(&walk, &t)) {
		if (!term_range(t, &r) || r.high < min)
			continue;
		uint32_t n = r.low < min ? min : r.low;

		if (!found || n < *out)
			*out = n;
		found = true;
	}
	return found;
}

bool
expression_middle(struct expression e, uint32_t *out)
{
	struct expression_walk walk;
	struct expression t;
	struct range r;

	expression_start(&walk, e);
	while (expression_next(&walk, &t)) {
		if (!term_range(t, &r))
			continue;
		*out = r.high == UINT32_MAX ? r.low : r.low + (r.high - r.low) / 2;
		return true;
	}
	return false;
}

const char *
expression_prefer(struct expression e, const char *const *words)
{
	for (; *words != NULL; words++) {
		if (expression_matches(e, *words))
			return *words;
	}
	return NULL;
}
