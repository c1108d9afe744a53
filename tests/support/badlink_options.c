#include "support/badlink_options.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

enum {
	TIME_MAX_MS = 60000,
	RATE_MIN = 1000 /* a frame of the longest kind then takes 16 s */
};

static const double rate_max = 1e12;

enum kind {
	KIND_NUMBER,
	KIND_SHARE,
	KIND_TIME, /* milliseconds in, microseconds kept */
	KIND_RATE
};

static const struct row {
	const char *name;
	enum kind kind;
	size_t offset; /* in struct badlink_settings */
	const char *help;
} rows[] = {
	{ "seed", KIND_NUMBER, offsetof(struct badlink_settings, seed), "what all chance comes from (default 0)" },
	{ "loss", KIND_SHARE, offsetof(struct badlink_settings, loss), "share of the frames that get lost" },
	{ "reorder", KIND_SHARE, offsetof(struct badlink_settings, reorder), "share held back for reorder-delay" },
	{ "reorder-delay", KIND_TIME, offsetof(struct badlink_settings, reorder_delay_us),
	    "so that the next ones overtake (default 10)" },
	{ "duplicate", KIND_SHARE, offsetof(struct badlink_settings, duplicate), "share that arrives twice" },
	{ "corrupt", KIND_SHARE, offsetof(struct badlink_settings, corrupt),
	    "share with one bit flipped behind the Ethernet header" },
	{ "delay", KIND_TIME, offsetof(struct badlink_settings, delay_us), "of every frame" },
	{ "jitter", KIND_TIME, offsetof(struct badlink_settings, jitter_us),
	    "delay is uniform in delay +- jitter; keeps the order" },
	{ "rate", KIND_RATE, offsetof(struct badlink_settings, rate), "limit; k, M and G may follow the number" },
};

static const struct {
	const char *placeholder;
	const char *wanted;
} kinds[] = {
	[KIND_NUMBER] = { "N", "a number" },
	[KIND_SHARE] = { "P", "a share: 0 to 1, or per cent such as 8%" },
	[KIND_TIME] = { "MS", "a time of 0 to 60000 milliseconds" },
	[KIND_RATE] = { "BITS/s", "a rate of 1k to 1000G bits a second" },
};

enum { ROWS = sizeof(rows) / sizeof(rows[0]) };

/* A number that is not negative, with one of `units` or nothing behind it; false: it is something else. */
static bool
parse_number(const char *text, const char *units, double *value, char *unit)
{
	size_t digits = strspn(text, "0123456789."); /* strtod(3) would take 0x10, 1e3 and nan too */
	char *end;

	*value = strtod(text, &end);
	*unit = *end;
	if (digits == 0 || end != text + digits)
		return false;
	return *end == '\0' || (strchr(units, *end) != NULL && end[1] == '\0');
}

static bool
parse_seed(const char *text, uint64_t *out)
{
	char *end;

	errno = 0;
	*out = strtoull(text, &end, 10);
	return strspn(text, "0123456789") > 0 && *end == '\0' && errno == 0;
}

static bool
parse_share(const char *text, double *out)
{
	char unit;

	if (!parse_number(text, "%", out, &unit))
		return false;
	if (unit == '%')
		*out /= 100;
	return *out <= 1;
}

static bool
parse_time(const char *text, uint64_t *out)
{
	double ms;
	char unit;

	if (!parse_number(text, "", &ms, &unit) || ms > TIME_MAX_MS)
		return false;
	*out = (uint64_t)(ms * 1000 + 0.5);
	return true;
}

static bool
parse_rate(const char *text, uint64_t *out)
{
	double rate;
	char unit;

	if (!parse_number(text, "kMG", &rate, &unit))
		return false;
	rate *= unit == 'k' ? 1e3 : unit == 'M' ? 1e6 : unit == 'G' ? 1e9 : 1;
	*out = rate <= rate_max ? (uint64_t)rate : 0;
	return *out >= RATE_MIN;
}

static bool
parse_value(const struct row *row, const char *text, struct badlink_settings *out)
{
	void *at = (char *)out + row->offset;

	switch (row->kind) {
	case KIND_NUMBER:
		return parse_seed(text, at);
	case KIND_SHARE:
		return parse_share(text, at);
	case KIND_TIME:
		return parse_time(text, at);
	case KIND_RATE:
		return parse_rate(text, at);
	}
	return false;
}

static const struct row *
find_row(const char *name, size_t len)
{
	for (size_t i = 0; i < ROWS; i++)
		if (strlen(rows[i].name) == len && memcmp(rows[i].name, name, len) == 0)
			return &rows[i];
	return NULL;
}

/* "--only=": which of both ways stays as good as new; BADLINK_DIRECTIONS: neither. */
static bool
parse_only(const char *text, unsigned *good)
{
	if (strcmp(text, "a-to-b") == 0)
		*good = BADLINK_B_TO_A;
	else if (strcmp(text, "b-to-a") == 0)
		*good = BADLINK_A_TO_B;
	else
		return false;
	return true;
}

/* One "--name=value". */
static bool
parse_option(const char *word, struct badlink_settings *set, unsigned *good, char *error, size_t size)
{
	const char *name = word + 2, *value = strchr(name, '=');
	size_t len = value != NULL ? (size_t)(value - name) : strlen(name);
	const struct row *row = find_row(name, len);
	bool is_only = len == 4 && memcmp(name, "only", len) == 0;

	if (row == NULL && !is_only)
		snprintf(error, size, "there is no option --%.*s; see --help", (int)len, name);
	else if (value == NULL)
		snprintf(error, size, "--%s needs a value: --%s=VALUE", name, name);
	else if (is_only && !parse_only(value + 1, good))
		snprintf(error, size, "--only=%s is neither a-to-b nor b-to-a", value + 1);
	else if (row != NULL && !parse_value(row, value + 1, set))
		snprintf(error, size, "%s is not %s", word, kinds[row->kind].wanted);
	else
		return true;
	return false;
}

bool
badlink_options_parse(int argc, char **argv, struct badlink_options *out, char *error, size_t size)
{
	struct badlink_settings set = badlink_perfect();
	unsigned good = BADLINK_DIRECTIONS, interfaces = 0;

	memset(out, 0, sizeof(*out));
	for (int i = 1; i < argc; i++) {
		if (strcmp(argv[i], "--help") == 0) {
			out->help = true;
			return true;
		}
		if (strncmp(argv[i], "--", 2) == 0) {
			if (!parse_option(argv[i], &set, &good, error, size))
				return false;
		} else if (interfaces++ < 2) {
			out->interface[interfaces - 1] = argv[i];
		}
	}
	if (interfaces != 2) {
		snprintf(error, size, "two interfaces are needed, %u given; see --help", interfaces);
		return false;
	}
	for (unsigned way = 0; way < BADLINK_DIRECTIONS; way++)
		out->way[way] = way == good ? badlink_perfect() : set;
	return true;
}

void
badlink_options_usage(FILE *f)
{
	fputs("usage: badlink [OPTION...] A B\n"
	      "Bridges the interfaces A and B as a bad wire would, until SIGTERM or SIGINT;\n"
	      "then prints what it did as one line of JSON.  Needs CAP_NET_RAW.\n\n",
	    f);
	for (size_t i = 0; i < ROWS; i++) {
		int n = fprintf(f, "  --%s=%s", rows[i].name, kinds[rows[i].kind].placeholder);

		fprintf(f, "%*s%s\n", n < 26 ? 26 - n : 1, "", rows[i].help);
	}
	fputs("  --only=a-to-b|b-to-a    the other direction stays perfect\n\n"
	      "P is a share, 0 to 1 or per cent (8%).  The same seed hits the same frames.\n",
	    f);
}
