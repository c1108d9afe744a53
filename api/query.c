#include "api/query.h"

#include <string.h>
#include <time.h>

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	return -1;
}

bool
query_decode(const char *text, size_t len, char *out, size_t size)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		char c = text[i];

		if (c == '%') {
			int high = len - i > 2 ? hex_digit(text[i + 1]) : -1;
			int low = len - i > 2 ? hex_digit(text[i + 2]) : -1;

			if (high < 0 || low < 0)
				return false;
			c = (char)(high * 16 + low);
			i += 2;
		}
		if (c == '\0' || n + 1 >= size)
			return false;
		out[n++] = c;
	}
	out[n] = '\0';
	return true;
}

static bool
add_pair(struct query *q, const char *text, size_t len, const char **error)
{
	const char *equals = memchr(text, '=', len);
	size_t name_len = equals == NULL ? len : (size_t)(equals - text);
	size_t value_len = equals == NULL ? 0 : len - name_len - 1;
	struct query_pair *p = &q->pairs[q->count];

	*error = "there are too many parameters";
	if (q->count == QUERY_PAIRS_MAX)
		return false;
	*error = "a parameter is too long or not percent-encoded as it should be";
	if (name_len == 0 || !query_decode(text, name_len, p->name, sizeof(p->name)) ||
	    !query_decode(equals == NULL ? "" : equals + 1, value_len, p->value, sizeof(p->value)))
		return false;
	*error = "a parameter is given twice";
	if (query_get(q, p->name) != NULL)
		return false;
	q->count++;
	return true;
}

bool
query_parse(const char *text, struct query *out, const char **error)
{
	out->count = 0;
	while (*text != '\0') {
		size_t len = strcspn(text, "&");

		if (len > 0 && !add_pair(out, text, len, error))
			return false;
		text += len;
		text += *text == '&' ? 1 : 0;
	}
	return true;
}

const char *
query_get(const struct query *q, const char *name)
{
	for (size_t i = 0; i < q->count; i++) {
		if (strcmp(q->pairs[i].name, name) == 0)
			return q->pairs[i].value;
	}
	return NULL;
}

bool
query_number(const char *text, uint64_t min, uint64_t max, uint64_t *out)
{
	uint64_t v = 0;

	if (*text == '\0')
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9' || v > max / 10)
			return false;
		v = v * 10 + (uint64_t)(*text - '0');
	}
	*out = v;
	return v >= min && v <= max;
}

/* Reads exactly n digits; false and the rest untouched when there are fewer. */
static bool
digits(const char **text, size_t n, int min, int max, int *out)
{
	int v = 0;

	for (size_t i = 0; i < n; i++) {
		if ((*text)[i] < '0' || (*text)[i] > '9')
			return false;
		v = v * 10 + ((*text)[i] - '0');
	}
	*text += n;
	*out = v;
	return v >= min && v <= max;
}

static bool
literal(const char **text, const char *any_of)
{
	if (**text == '\0' || strchr(any_of, **text) == NULL)
		return false;
	(*text)++;
	return true;
}

/* time-secfrac: as many digits as people like, three count */
static bool
fraction(const char **text, int *ms)
{
	int scale = 100;

	*ms = 0;
	if (!literal(text, "."))
		return true;
	if (**text < '0' || **text > '9')
		return false;
	for (; **text >= '0' && **text <= '9'; (*text)++, scale /= 10)
		*ms += (**text - '0') * scale;
	return true;
}

/* time-offset: "Z" or "+hh:mm"; what must be taken away to get UTC */
static bool
offset(const char **text, int *seconds)
{
	int sign = **text == '-' ? -1 : 1, hours, minutes;

	*seconds = 0;
	if (literal(text, "Zz"))
		return true;
	if (!literal(text, "+-") || !digits(text, 2, 0, 23, &hours) || !literal(text, ":") ||
	    !digits(text, 2, 0, 59, &minutes))
		return false;
	*seconds = sign * (hours * 3600 + minutes * 60);
	return true;
}

static int
days_in(int year, int month)
{
	static const int days[] = { 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31 };
	bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;

	return days[month - 1] + (month == 2 && leap ? 1 : 0);
}

bool
query_time(const char *text, uint64_t *wall_ms)
{
	struct tm tm = { 0 };
	int ms, away;

	if (!digits(&text, 4, 1970, 9999, &tm.tm_year) || !literal(&text, "-") ||
	    !digits(&text, 2, 1, 12, &tm.tm_mon) || !literal(&text, "-") ||
	    !digits(&text, 2, 1, days_in(tm.tm_year, tm.tm_mon), &tm.tm_mday) || !literal(&text, "Tt ") ||
	    !digits(&text, 2, 0, 23, &tm.tm_hour) || !literal(&text, ":") || !digits(&text, 2, 0, 59, &tm.tm_min) ||
	    !literal(&text, ":") || !digits(&text, 2, 0, 60, &tm.tm_sec) || !fraction(&text, &ms) ||
	    !offset(&text, &away) || *text != '\0')
		return false;
	tm.tm_year -= 1900;
	tm.tm_mon -= 1;
	time_t t = timegm(&tm) - away;

	*wall_ms = t < 0 ? 0 : (uint64_t)t * 1000 + (uint64_t)ms;
	return true;
}
