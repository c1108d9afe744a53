/* SPDX-License-Identifier: GPL-2.0-or-later */
/* sample - invented fingerprints for the importer's tests: a database's text in, its fingerprints and complaints out.
 */
#ifndef TESTS_IMPORT_SAMPLE_H
#define TESTS_IMPORT_SAMPLE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/import/osdb.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SAMPLE_MAX = 4, SAMPLE_TEXT_MAX = 4096 };

struct sample {
	size_t count;
	struct osdb_fingerprint f[SAMPLE_MAX]; /* borrow from osdb, which lives as long */
	size_t complaint_count;
	char complaints[SAMPLE_TEXT_MAX]; /* "3: what it says\n" */
	struct osdb *osdb;
};

static inline void
sample_fingerprint(void *ctx, const struct osdb_fingerprint *f)
{
	struct sample *s = ctx;

	assert_true(s->count < SAMPLE_MAX);
	s->f[s->count] = *f;
	/* The copy borrows from itself. */
	for (unsigned test = 0; test < OSDB_TESTS; test++) {
		for (unsigned a = 0; a < OSDB_ATTRIBUTES; a++) {
			if (f->value[test][a].text != NULL)
				s->f[s->count].value[test][a].text =
				    s->f[s->count].text + (f->value[test][a].text - f->text);
		}
	}
	s->count++;
}

static inline void
sample_complaint(void *ctx, size_t line, const char *what)
{
	struct sample *s = ctx;
	size_t len = strlen(s->complaints);

	snprintf(s->complaints + len, sizeof(s->complaints) - len, "%zu: %s\n", line, what);
	s->complaint_count++;
}

/* In pieces of so many octets. */
static inline struct sample *
sample_read(const char *text, size_t len, size_t piece)
{
	struct sample *s = calloc(1, sizeof(*s));

	assert_non_null(s);
	const struct osdb_sink sink = { sample_fingerprint, sample_complaint, s };

	s->osdb = osdb_new(&sink);
	for (size_t at = 0; at < len; at += piece)
		osdb_input(s->osdb, text + at, len - at < piece ? len - at : piece);
	osdb_end(s->osdb);
	return s;
}

static inline void
sample_free(struct sample **sp)
{
	osdb_free(&(*sp)->osdb);
	free(*sp);
	*sp = NULL;
}

#endif
