#include "fingerprintd/os_signature.h"

#include "base/mem.h"
#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum {
	BUCKETS = 512, /* a few dozen layouts are in use */
	ANY = -1,
	NOBODY = -1, /* no label: the line was damaged, or is still to come */
};

enum ttl_kind {
	TTL_INITIAL, /* that, less the distance */
	TTL_UP_TO, /* made up for each packet, at most that */
	TTL_UNKNOWN,
};

enum window_kind { WINDOW_ANY, WINDOW_VALUE, WINDOW_MODULO, WINDOW_MSS, WINDOW_MTU };

struct signature {
	struct signature *next; /* in its bucket, in the order of adding */
	uint32_t quirks;
	int32_t mss; /* or ANY */
	int16_t scale; /* or ANY */
	int8_t payload; /* 0, 1 or ANY */
	uint8_t ttl_kind; /* enum ttl_kind */
	uint8_t ttl;
	uint8_t ip_options;
	uint8_t window_kind; /* enum window_kind */
	uint16_t window; /* the value, or its factor */
	uint16_t label;
	uint8_t eol_padding;
	uint8_t layout_len;
	uint8_t layout[OS_LAYOUT_MAX];
};

struct label {
	char text[OS_LABEL_MAX];
	bool generic;
	bool tool;
};

struct os_signatures {
	size_t count, labels_count;
	struct signature *buckets[BUCKETS];
	struct label labels[OS_LABELS_MAX];
	struct signature all[OS_SIGNATURES_MAX];
};

/* ---- words ---- */

/* A piece of the file; not ended by NUL. */
struct words {
	const char *at;
	const char *end;
};

static size_t
left(struct words w)
{
	return (size_t)(w.end - w.at);
}

static bool
is(struct words w, const char *text)
{
	return left(w) == strlen(text) && memcmp(w.at, text, left(w)) == 0;
}

static bool
begins(struct words w, const char *text)
{
	return left(w) >= strlen(text) && memcmp(w.at, text, strlen(text)) == 0;
}

static struct words
after(struct words w, size_t n)
{
	return (struct words){ w.at + n, w.end };
}

static bool
is_space(char c)
{
	return c == ' ' || c == '\t' || c == '\r';
}

static struct words
trim(struct words w)
{
	while (w.at < w.end && is_space(*w.at))
		w.at++;
	while (w.at < w.end && is_space(w.end[-1]))
		w.end--;
	return w;
}

/* What comes before the next separator, or all; w is left with what comes after it. */
static struct words
cut(struct words *w, char separator)
{
	const char *at = left(*w) == 0 ? NULL : memchr(w->at, separator, left(*w));
	struct words head = { w->at, at != NULL ? at : w->end };

	w->at = at != NULL ? at + 1 : w->end;
	return head;
}

/* A list that ends with its separator lacks an element. */
static bool
ends(struct words w, char c)
{
	return left(w) > 0 && w.end[-1] == c;
}

static size_t
count(struct words w, char c)
{
	size_t n = 0;

	for (; w.at < w.end; w.at++)
		n += *w.at == c;
	return n;
}

/* Digits and nothing else, between min and max. */
static bool
number(struct words w, uint32_t min, uint32_t max, uint32_t *out)
{
	*out = 0;
	if (left(w) == 0 || left(w) > 5)
		return false;
	for (; w.at < w.end; w.at++) {
		if (*w.at < '0' || *w.at > '9')
			return false;
		*out = *out * 10 + (uint32_t)(*w.at - '0');
	}
	return *out >= min && *out <= max;
}

/* ---- one signature: each gives NULL, or what is wrong ---- */

static const char *
parse_version(struct words w, bool *other)
{
	*other = is(w, "6");
	return *other || is(w, "4") || is(w, "*") ? NULL : "the version must be 4, 6 or *";
}

/* "64", "64-" (at most), "54+10" (as observed, with its distance), "54+?" */
static const char *
parse_ttl(struct words w, struct signature *out)
{
	static const char why[] = "the TTL must be 1 to 255, alone or followed by -, +DISTANCE or +?";
	uint32_t ttl, distance = 0;
	struct words value = w;

	if (ends(w, '-')) {
		out->ttl_kind = TTL_UP_TO;
		value.end--;
	} else if (memchr(w.at, '+', left(w)) != NULL) {
		struct words tail = w;

		value = cut(&tail, '+');
		if (is(tail, "?"))
			out->ttl_kind = TTL_UNKNOWN;
		else if (!number(tail, 0, 255, &distance))
			return why;
	}
	if (!number(value, 1, 255, &ttl) || ttl + distance > 255)
		return why;
	out->ttl = (uint8_t)(ttl + distance);
	return NULL;
}

static const char *
parse_ip_options(struct words w, struct signature *out)
{
	uint32_t n;

	if (!number(w, 0, 255, &n))
		return "the length of IP options must be 0 to 255";
	out->ip_options = (uint8_t)n;
	return NULL;
}

static const char *
parse_mss(struct words w, struct signature *out)
{
	uint32_t n;

	out->mss = ANY;
	if (is(w, "*"))
		return NULL;
	if (!number(w, 0, 65535, &n))
		return "the MSS must be * or 0 to 65535";
	out->mss = (int32_t)n;
	return NULL;
}

static const char *
parse_window(struct words w, struct signature *out)
{
	static const struct {
		const char *prefix;
		enum window_kind kind;
		uint32_t min;
	} forms[] = {
		{ "mss*", WINDOW_MSS, 1 },
		{ "mtu*", WINDOW_MTU, 1 },
		{ "%", WINDOW_MODULO, 2 },
		{ "", WINDOW_VALUE, 0 },
	};
	uint32_t n;

	if (is(w, "*")) {
		out->window_kind = WINDOW_ANY;
		return NULL;
	}
	for (size_t i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (!begins(w, forms[i].prefix))
			continue;
		if (!number(after(w, strlen(forms[i].prefix)), forms[i].min, 65535, &n))
			break;
		out->window_kind = (uint8_t)forms[i].kind;
		out->window = (uint16_t)n;
		return NULL;
	}
	return "the window must be *, a number, %NUMBER, mss*NUMBER or mtu*NUMBER";
}

static const char *
parse_scale(struct words w, struct signature *out)
{
	uint32_t n;

	out->scale = ANY;
	if (is(w, "*"))
		return NULL;
	if (!number(w, 0, 255, &n))
		return "the window scale must be * or 0 to 255";
	out->scale = (int16_t)n;
	return NULL;
}

static const char *
parse_option(struct words w, struct signature *out, uint8_t *kind)
{
	uint32_t n;

	if (begins(w, "eol+")) {
		if (!number(after(w, 4), 0, OS_LAYOUT_MAX, &n))
			return "eol+ must be followed by 0 to 40";
		out->eol_padding = (uint8_t)n;
		*kind = 0;
		return NULL;
	}
	if (begins(w, "?")) {
		if (!number(after(w, 1), 0, 255, &n))
			return "? must be followed by an option's number";
		*kind = (uint8_t)n;
		return NULL;
	}
	for (*kind = 1; *kind != 0; ++*kind) {
		const char *name = os_option_name(*kind);

		if (name != NULL && is(w, name))
			return NULL;
	}
	return "an option of the layout is not known";
}

static const char *
parse_layout(struct words w, struct signature *out)
{
	if (ends(w, ','))
		return "the layout ends with a comma";
	while (left(w) > 0) {
		const char *why;

		if (out->layout_len == OS_LAYOUT_MAX)
			return "the layout has too many options";
		if (out->layout_len > 0 && out->layout[out->layout_len - 1] == 0)
			return "eol must be the layout's last";
		why = parse_option(cut(&w, ','), out, &out->layout[out->layout_len]);
		if (why != NULL)
			return why;
		out->layout_len++;
	}
	return NULL;
}

static const char *
parse_quirks(struct words w, struct signature *out)
{
	if (ends(w, ','))
		return "the quirks end with a comma";
	while (left(w) > 0) {
		struct words name = cut(&w, ',');
		size_t i = 0;

		while (i < OS_QUIRK_COUNT && !is(name, os_quirk_name(i)))
			i++;
		if (i == OS_QUIRK_COUNT)
			return "a quirk is not known";
		out->quirks |= 1U << i;
	}
	return NULL;
}

static const char *
parse_payload(struct words w, struct signature *out)
{
	out->payload = is(w, "*") ? ANY : is(w, "+");
	return is(w, "*") || is(w, "+") || is(w, "0") ? NULL : "the payload must be 0, + or *";
}

/* ver:ittl:olen:mss:wsize,scale:olayout:quirks:pclass. True in other: right, but never matches IPv4. */
static const char *
parse_signature(struct words w, struct signature *out, bool *other)
{
	enum { VERSION, TTL, IP_OPTIONS, MSS, WINDOW, LAYOUT, QUIRKS, PAYLOAD, FIELDS };
	struct words field[FIELDS];
	const char *why;

	memset(out, 0, sizeof(*out));
	if (count(w, ':') != FIELDS - 1)
		return "a signature has eight fields, with : between them";
	for (size_t i = 0; i < FIELDS; i++)
		field[i] = cut(&w, ':');
	struct words scale = field[WINDOW], window = cut(&scale, ',');

	if ((why = parse_version(field[VERSION], other)) != NULL || (why = parse_ttl(field[TTL], out)) != NULL ||
	    (why = parse_ip_options(field[IP_OPTIONS], out)) != NULL || (why = parse_mss(field[MSS], out)) != NULL ||
	    (why = parse_window(window, out)) != NULL || (why = parse_scale(scale, out)) != NULL ||
	    (why = parse_layout(field[LAYOUT], out)) != NULL || (why = parse_quirks(field[QUIRKS], out)) != NULL)
		return why;
	out->quirks &= ~(uint32_t)OS_QUIRK_FLOW; /* of IPv6 only */
	return parse_payload(field[PAYLOAD], out);
}

/* ---- one label ---- */

static bool
printable(struct words w)
{
	for (const char *p = w.at; p < w.end; p++) {
		if ((unsigned char)*p < 0x20 || *p == 0x7f)
			return false;
	}
	return str_is_utf8(w.at, left(w));
}

/* type:class:name:flavour, the last of which may be empty */
static const char *
parse_label(struct words w, struct label *out)
{
	struct words type = cut(&w, ':'), family = cut(&w, ':'), name = trim(cut(&w, ':')), flavour = trim(w);

	if (!is(type, "s") && !is(type, "g"))
		return "a label begins with s: or g:";
	if (left(family) == 0 || left(name) == 0)
		return "a label is type:class:name:flavour";
	if (!printable(name) || !printable(flavour))
		return "a label is printable UTF-8";
	if (left(name) + 1 + left(flavour) >= sizeof(out->text))
		return "the label is too long";
	out->generic = is(type, "g");
	out->tool = is(family, "!");
	snprintf(out->text, sizeof(out->text), "%.*s%s%.*s", (int)left(name), name.at, left(flavour) > 0 ? " " : "",
	    (int)left(flavour), flavour.at);
	return NULL;
}

/* ---- a file ---- */

struct reading {
	struct os_signatures *to;
	bool inside; /* of [tcp:request] */
	int label; /* or NOBODY */
	size_t added;
};

static size_t
bucket(const uint8_t *layout, size_t len, uint8_t eol_padding)
{
	uint32_t hash = 2166136261U; /* FNV-1a */

	for (size_t i = 0; i < len; i++)
		hash = (hash ^ layout[i]) * 16777619U;
	return ((hash ^ eol_padding) * 16777619U) % BUCKETS;
}

static const char *
take_label(struct reading *f, struct words value)
{
	struct os_signatures *s = f->to;
	const char *why;

	f->label = NOBODY;
	if (s->labels_count == OS_LABELS_MAX)
		return "too many labels";
	why = parse_label(value, &s->labels[s->labels_count]);
	if (why == NULL)
		f->label = (int)s->labels_count++;
	return why;
}

static const char *
take_signature(struct reading *f, struct words value)
{
	struct os_signatures *s = f->to;
	struct signature *new = &s->all[s->count], **at;
	const char *why;
	bool other;

	if (f->label == NOBODY)
		return "a signature without a label";
	if (s->count == OS_SIGNATURES_MAX)
		return "too many signatures";
	why = parse_signature(value, new, &other);
	if (why != NULL || other)
		return why;
	new->label = (uint16_t)f->label;
	at = &s->buckets[bucket(new->layout, new->layout_len, new->eol_padding)];
	while (*at != NULL)
		at = &(*at)->next;
	*at = new;
	s->count++;
	f->added++;
	return NULL;
}

static const char *
take_section(struct reading *f, struct words line)
{
	f->inside = is(line, "[tcp:request]");
	f->label = NOBODY;
	return line.end[-1] == ']' ? NULL : "a section's name without its ]";
}

/* NULL, or why the line is passed over. */
static const char *
take_line(struct reading *f, struct words line)
{
	struct words key, value = line;

	if (left(line) == 0 || *line.at == ';')
		return NULL;
	if (*line.at == '[')
		return take_section(f, line);
	if (!f->inside)
		return NULL;
	key = trim(cut(&value, '='));
	value = trim(value);
	if (is(key, "label"))
		return take_label(f, value);
	if (is(key, "sig"))
		return take_signature(f, value);
	return is(key, "sys") ? NULL : "neither label, sys nor sig";
}

size_t
os_signatures_add(struct os_signatures *s, const char *text, size_t len, os_signatures_report *report, void *ctx)
{
	struct reading f = { .to = s, .label = NOBODY };
	struct words rest = { text, text + len };

	for (size_t line = 1; left(rest) > 0; line++) {
		const char *why = take_line(&f, trim(cut(&rest, '\n')));

		if (why != NULL)
			report(ctx, line, why);
	}
	return f.added;
}

/* ---- matching ---- */

/* From the best to none. */
enum quality { EXACT, EXACT_GENERIC, FUZZY, NO_MATCH };

static bool
window_matches(const struct signature *s, const struct os_observation *o)
{
	switch ((enum window_kind)s->window_kind) {
	case WINDOW_ANY:
		return true;
	case WINDOW_VALUE:
		return o->window == s->window;
	case WINDOW_MODULO:
		return o->window % s->window == 0;
	case WINDOW_MSS:
		return o->window_base == OS_WINDOW_MSS && o->window_multiple == s->window;
	case WINDOW_MTU:
		return o->window_base == OS_WINDOW_MTU && o->window_multiple == s->window;
	}
	return false;
}

/* What neither kind of match is lenient about. */
static bool
body_matches(const struct signature *s, const struct os_observation *o)
{
	return s->layout_len == o->layout_len && memcmp(s->layout, o->layout, s->layout_len) == 0 &&
	    s->eol_padding == o->eol_padding && s->ip_options == o->ip_options && (s->mss == ANY || s->mss == o->mss) &&
	    (s->scale == ANY || s->scale == o->scale) && (s->payload == ANY || s->payload == o->payload) &&
	    window_matches(s, o);
}

static bool
ttl_in_reach(const struct signature *s, uint8_t ttl)
{
	return ttl <= s->ttl && s->ttl - ttl <= OS_DISTANCE_MAX;
}

static enum quality
compare(const struct signature *s, const struct label *label, const struct os_observation *o)
{
	uint32_t gone = s->quirks & ~o->quirks, come = o->quirks & ~s->quirks;
	bool fuzzy = gone != 0 || come != 0;

	if (!body_matches(s, o) || (gone & ~(uint32_t)(OS_QUIRK_DF | OS_QUIRK_ID_WITH_DF)) != 0 ||
	    (come & ~(uint32_t)(OS_QUIRK_NO_ID | OS_QUIRK_ECN)) != 0)
		return NO_MATCH;
	if (s->ttl_kind == TTL_UP_TO && o->ttl > s->ttl)
		return NO_MATCH;
	if (s->ttl_kind == TTL_INITIAL && !ttl_in_reach(s, o->ttl))
		fuzzy = true;
	if (fuzzy)
		return label->tool ? NO_MATCH : FUZZY;
	return label->generic ? EXACT_GENERIC : EXACT;
}

/* When the signature's TTL doesn't fit, the packet's own most likely one counts. */
static int
distance(const struct signature *s, uint8_t ttl)
{
	if (s->ttl_kind != TTL_INITIAL)
		return -1;
	return (ttl_in_reach(s, ttl) ? s->ttl : os_initial_ttl(ttl)) - ttl;
}

bool
os_signatures_match(const struct os_signatures *s, const struct os_observation *o, struct os_guess *out)
{
	const struct signature *best = NULL;
	enum quality quality = NO_MATCH;

	for (const struct signature *i = s->buckets[bucket(o->layout, o->layout_len, o->eol_padding)];
	     i != NULL && quality != EXACT; i = i->next) {
		enum quality now = compare(i, &s->labels[i->label], o);

		if (now < quality) {
			quality = now;
			best = i;
		}
	}
	if (best == NULL)
		return false;
	const struct label *label = &s->labels[best->label];

	*out = (struct os_guess){
		.label = label->text,
		.tool = label->tool,
		.generic = label->generic,
		.fuzzy = quality == FUZZY,
		.distance = distance(best, o->ttl),
	};
	return true;
}

/* ---- the whole ---- */

struct os_signatures *
os_signatures_new(void)
{
	static_assert(OS_LABELS_MAX <= UINT16_MAX, "a signature names its label in 16 bits");
	return xcalloc(1, sizeof(struct os_signatures));
}

void
os_signatures_free(struct os_signatures **sp)
{
	free(*sp);
	*sp = NULL;
}

size_t
os_signatures_count(const struct os_signatures *s)
{
	return s->count;
}
