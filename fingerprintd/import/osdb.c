/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/osdb.h"

#include "base/mem.h"
#include "base/str.h"
#include "fingerprintd/import/options.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { COMPLAINT_MAX = 256, QUOTE_MAX = 80 };

enum block {
	BLOCK_NONE, /* between blocks: only comments and first lines of blocks */
	BLOCK_FINGERPRINT,
	BLOCK_SKIPPED, /* the points, or a fingerprint without a usable name, which was told */
};

struct osdb {
	struct osdb_sink sink;
	size_t line;
	enum block block;
	size_t len; /* of the line so far; beyond the array: too long */
	char text[OSDB_LINE_MAX + 1];
	struct osdb_fingerprint f;
};

static const char *const test_names[OSDB_TESTS] = { "SEQ", "OPS", "WIN", "ECN", "T1", "T2", "T3", "T4", "T5", "T6",
	"T7", "U1", "IE" };

static const struct {
	const char *name;
	struct expression_kind kind;
} attributes[OSDB_ATTRIBUTES] = {
#define X(name, words, letters, number, max) { #name, { words, letters, number, max } },
	OSDB_ATTRIBUTE_LIST(X)
#undef X
};

/* Which attribute a test may have: a bit each. */
#define BIT(name) (UINT64_C(1) << OSDB_##name)
#define COMMON (BIT(R) | BIT(DF) | BIT(T) | BIT(TG))
#define SEGMENT (COMMON | BIT(W) | BIT(S) | BIT(A) | BIT(F) | BIT(O) | BIT(RD) | BIT(Q))
static const uint64_t allowed[OSDB_TESTS] = {
	[OSDB_SEQ] = BIT(R) | BIT(SP) | BIT(GCD) | BIT(ISR) | BIT(TI) | BIT(CI) | BIT(II) | BIT(SS) | BIT(TS),
	[OSDB_OPS] = BIT(R) | BIT(O1) | BIT(O2) | BIT(O3) | BIT(O4) | BIT(O5) | BIT(O6),
	[OSDB_WIN] = BIT(R) | BIT(W1) | BIT(W2) | BIT(W3) | BIT(W4) | BIT(W5) | BIT(W6),
	[OSDB_ECN] = COMMON | BIT(W) | BIT(O) | BIT(CC) | BIT(Q),
	[OSDB_T1] = SEGMENT,
	[OSDB_T2] = SEGMENT,
	[OSDB_T3] = SEGMENT,
	[OSDB_T4] = SEGMENT,
	[OSDB_T5] = SEGMENT,
	[OSDB_T6] = SEGMENT,
	[OSDB_T7] = SEGMENT,
	[OSDB_U1] = COMMON | BIT(IPL) | BIT(UN) | BIT(RIPL) | BIT(RID) | BIT(RIPCK) | BIT(RUCK) | BIT(RUD),
	[OSDB_IE] = COMMON | BIT(DFI) | BIT(CD),
};

const char *
osdb_test_name(enum osdb_test test)
{
	return test_names[test];
}

const char *
osdb_attribute_name(enum osdb_attribute attribute)
{
	return attributes[attribute].name;
}

__attribute__((format(printf, 2, 3))) static void
complain(const struct osdb *o, const char *format, ...)
{
	char what[COMPLAINT_MAX];
	va_list args;

	va_start(args, format);
	vsnprintf(what, sizeof(what), format, args);
	va_end(args);
	o->sink.complaint(o->sink.ctx, o->line, what);
}

/* The same with a piece of the line behind it, made printable. */
static void
complain_of(const struct osdb *o, const char *what, const char *piece, size_t len)
{
	char quoted[QUOTE_MAX];

	str_escape(quoted, sizeof(quoted), piece, len);
	complain(o, "%s: \"%s\"", what, quoted);
}

static void
fingerprint_end(struct osdb *o)
{
	if (o->block == BLOCK_FINGERPRINT)
		o->sink.fingerprint(o->sink.ctx, &o->f);
	o->block = BLOCK_NONE;
}

/* ---- one attribute ---- */

static bool
options_sound(struct expression e)
{
	struct expression_walk walk;
	struct expression term;
	struct options options;

	expression_start(&walk, e);
	while (expression_next(&walk, &term)) {
		if (!options_parse(term, &options))
			return false;
	}
	return true;
}

static bool
value_sound(enum osdb_attribute a, struct expression e)
{
	if ((a >= OSDB_O1 && a <= OSDB_O6) || a == OSDB_O)
		return options_sound(e);
	return expression_sound(e, &attributes[a].kind);
}

static bool
attribute_find(const char *name, size_t len, enum osdb_attribute *out)
{
	for (unsigned i = 0; i < OSDB_ATTRIBUTES; i++) {
		if (strlen(attributes[i].name) == len && memcmp(attributes[i].name, name, len) == 0) {
			*out = (enum osdb_attribute)i;
			return true;
		}
	}
	return false;
}

/* "T=3B-45" */
static void
attribute_input(struct osdb *o, enum osdb_test test, const char *text, size_t len)
{
	const char *equals = memchr(text, '=', len);
	enum osdb_attribute a;

	if (equals == NULL) {
		complain_of(o, "an attribute has no value", text, len);
		return;
	}
	size_t name_len = (size_t)(equals - text);
	struct expression value = { equals + 1, len - name_len - 1 };

	if (!attribute_find(text, name_len, &a) || (allowed[test] >> a & 1) == 0)
		complain_of(o, "the test has no such attribute", text, len);
	else if (o->f.value[test][a].text != NULL)
		complain_of(o, "an attribute is given twice", text, len);
	else if (!value_sound(a, value))
		complain_of(o, "an attribute's expression is bad or out of range", text, len);
	else
		o->f.value[test][a] = value;
}

/* "R=Y%DF=N": a copy of it stays with the fingerprint. */
static void
attributes_input(struct osdb *o, enum osdb_test test, const char *text, size_t len)
{
	char *at = o->f.text + o->f.used;
	const char *end = at + len;

	memcpy(at, text, len);
	o->f.used += len;
	while (at < end) {
		char *percent = memchr(at, '%', (size_t)(end - at));
		const char *stop = percent == NULL ? end : percent;

		attribute_input(o, test, at, (size_t)(stop - at));
		if (percent == NULL)
			break;
		at = percent + 1;
	}
}

/* ---- one line ---- */

static bool
test_find(const char *name, size_t len, enum osdb_test *out)
{
	for (unsigned i = 0; i < OSDB_TESTS; i++) {
		if (strlen(test_names[i]) == len && memcmp(test_names[i], name, len) == 0) {
			*out = (enum osdb_test)i;
			return true;
		}
	}
	return false;
}

static void
test_input(struct osdb *o, const char *text, size_t len)
{
	const char *open = memchr(text, '(', len);
	enum osdb_test test;

	if (open == NULL || text[len - 1] != ')') {
		complain_of(o, "this is no line of a database", text, len);
		return;
	}
	size_t name_len = (size_t)(open - text);

	if (!test_find(text, name_len, &test)) {
		complain_of(o, "there is no such test", text, len);
		return;
	}
	if (o->f.seen[test]) {
		complain_of(o, "the fingerprint has this test twice", text, len);
		return;
	}
	o->f.seen[test] = true;
	attributes_input(o, test, open + 1, len - name_len - 2);
}

static void
name_input(struct osdb *o, const char *name, size_t len)
{
	fingerprint_end(o);
	o->block = BLOCK_SKIPPED;
	if (len == 0 || len >= OSDB_NAME_MAX) {
		complain_of(o, "a fingerprint's name is empty or too long: it is left out", name, len);
		return;
	}
	memset(&o->f, 0, offsetof(struct osdb_fingerprint, text));
	o->f.line = o->line;
	str_copy_bytes(o->f.name, sizeof(o->f.name), name, len);
	o->block = BLOCK_FINGERPRINT;
}

static void
class_input(struct osdb *o, const char *text, size_t len)
{
	if (len == 0 || len >= OSDB_CLASS_MAX || o->f.class_count == OSDB_CLASSES_MAX) {
		complain_of(o, "a class is empty or too long, or there are too many", text, len);
		return;
	}
	str_copy_bytes(o->f.classes[o->f.class_count++], OSDB_CLASS_MAX, text, len);
}

/* Where the text goes on behind a word and a blank, or NULL. */
static const char *
after(const char *word, const char *text, size_t len)
{
	size_t word_len = strlen(word);

	if (len < word_len || memcmp(text, word, word_len) != 0)
		return NULL;
	if (len == word_len)
		return text + len;
	return text[word_len] == ' ' ? text + word_len + 1 : NULL;
}

static void
block_line(struct osdb *o, const char *text, size_t len)
{
	const char *rest;

	if (o->block == BLOCK_SKIPPED)
		return;
	if (o->block == BLOCK_NONE)
		complain_of(o, "the line belongs to no fingerprint", text, len);
	else if ((rest = after("Class", text, len)) != NULL)
		class_input(o, rest, (size_t)(text + len - rest));
	else if (after("CPE", text, len) == NULL)
		test_input(o, text, len);
}

static void
line_input(struct osdb *o, const char *text, size_t len)
{
	const char *rest;

	if (len == 0) {
		fingerprint_end(o);
	} else if (text[0] == '#') {
		return;
	} else if ((rest = after("Fingerprint", text, len)) != NULL) {
		name_input(o, rest, (size_t)(text + len - rest));
	} else if (after("MatchPoints", text, len) != NULL) {
		fingerprint_end(o);
		o->block = BLOCK_SKIPPED;
	} else {
		block_line(o, text, len);
	}
}

/* Comments may hold what they like. */
static void
line_end(struct osdb *o)
{
	size_t len = o->len;

	o->len = 0;
	o->line++;
	if (len > 0 && len <= OSDB_LINE_MAX && o->text[len - 1] == '\r')
		len--;
	if (len > 0 && o->text[0] == '#')
		return;
	if (len > OSDB_LINE_MAX)
		complain(o, "the line is longer than %d octets", (int)OSDB_LINE_MAX);
	else if (memchr(o->text, '\0', len) != NULL)
		complain_of(o, "the line has a NUL octet", o->text, len);
	else
		line_input(o, o->text, len);
}

/* ---- the stream ---- */

struct osdb *
osdb_new(const struct osdb_sink *sink)
{
	struct osdb *o = xcalloc(1, sizeof(*o));

	o->sink = *sink;
	return o;
}

void
osdb_free(struct osdb **op)
{
	free(*op);
	*op = NULL;
}

void
osdb_input(struct osdb *o, const void *data, size_t len)
{
	const char *at = data;
	const char *end = at + len;

	while (at < end) {
		const char *newline = memchr(at, '\n', (size_t)(end - at));
		size_t piece = (size_t)((newline == NULL ? end : newline) - at);
		size_t room = o->len < sizeof(o->text) ? sizeof(o->text) - o->len : 0;
		size_t kept = piece < room ? piece : room;

		memcpy(o->text + sizeof(o->text) - room, at, kept);
		o->len += kept;
		at += piece;
		if (newline == NULL)
			break;
		line_end(o);
		at++;
	}
}

void
osdb_end(struct osdb *o)
{
	if (o->len > 0)
		line_end(o);
	fingerprint_end(o);
}
