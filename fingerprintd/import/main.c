/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * fingerprintd-import - reads a user's nmap-os-db and writes a personality for
 * each of its fingerprints, an index of them, and a report of what can't be
 * expressed or read.  Only files that can't be opened or written end it.
 */
#include "base/str.h"
#include "fingerprintd/import/choice.h"
#include "fingerprintd/import/convert.h"
#include "fingerprintd/import/model.h"
#include "fingerprintd/import/names.h"
#include "fingerprintd/import/osdb.h"

#include <cjson/cJSON.h>
#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum { PATH_TEXT_MAX = 4096, CHUNK = 65536, REASON_MAX = 256, EXPECT_MAX = 256, EXIT_USAGE = 2 };

struct import {
	const char *dir;
	FILE *report, *index;
	struct names *names;
	size_t written, incomplete, complaints;
};

static void __attribute__((noreturn)) fatal(const char *what, const char *path)
{
	fprintf(stderr, "fingerprintd-import: %s: %s: %s\n", path, what, strerror(errno));
	exit(EXIT_FAILURE);
}

static FILE *
must_open(const char *path, const char *mode)
{
	FILE *f = fopen(path, mode);

	if (f == NULL)
		fatal("can't be opened", path);
	return f;
}

static void
must_close(FILE *f, const char *path)
{
	bool failed = ferror(f) != 0;

	if (fclose(f) != 0 || failed)
		fatal("can't be written", path);
}

static void
path_in(const struct import *i, const char *name, char out[PATH_TEXT_MAX])
{
	int len = snprintf(out, PATH_TEXT_MAX, "%s/%s.json", i->dir, name);

	if (len < 0 || len >= PATH_TEXT_MAX) {
		errno = ENAMETOOLONG;
		fatal("can't be opened", i->dir);
	}
}

static void
put_json(FILE *f, const cJSON *json, bool pretty)
{
	char *text = pretty ? cJSON_Print(json) : cJSON_PrintUnformatted(json);

	if (text == NULL) {
		errno = ENOMEM;
		fatal("can't be written", "JSON");
	}
	fputs(text, f);
	cJSON_free(text);
}

/* ---- what can't be expressed ---- */

struct differences {
	const struct osdb_fingerprint *f;
	cJSON *list;
};

static void
add_difference(void *ctx, enum osdb_test test, enum osdb_attribute attribute, const char *seen)
{
	const struct differences *d = ctx;
	struct expression e = d->f->value[test][attribute];
	char reason[REASON_MAX];

	snprintf(reason, sizeof(reason), "%s.%s: is \"%s\", not \"%.*s\"", osdb_test_name(test),
	    osdb_attribute_name(attribute), seen, e.text == NULL ? 1 : (int)e.len, e.text == NULL ? "Y" : e.text);
	cJSON_AddItemToArray(d->list, cJSON_CreateString(reason));
}

/* The caller owns the list. */
static cJSON *
cannot(const struct osdb_fingerprint *f, const cJSON *personality)
{
	struct differences d = { f, cJSON_CreateArray() };
	struct model model;

	model_observe(personality, &model);
	model_compare(&model, f, add_difference, &d);
	if (strlen(f->name) >= EXPECT_MAX || !str_is_utf8(f->name, strlen(f->name)))
		cJSON_AddItemToArray(d.list, cJSON_CreateString("its name: longer than 255 octets, or not UTF-8"));
	return d.list;
}

/* ---- one fingerprint ---- */

static void
write_personality(const struct import *i, const char *name, const cJSON *personality)
{
	char path[PATH_TEXT_MAX];

	path_in(i, name, path);
	FILE *f = must_open(path, "we");

	put_json(f, personality, true);
	fputc('\n', f);
	must_close(f, path);
}

static cJSON *
classes_of(const struct osdb_fingerprint *f)
{
	cJSON *list = cJSON_CreateArray();

	for (size_t i = 0; i < f->class_count; i++) {
		char text[2 * OSDB_CLASS_MAX];

		str_escape(text, sizeof(text), f->classes[i], strlen(f->classes[i]));
		cJSON_AddItemToArray(list, cJSON_CreateString(text));
	}
	return list;
}

static cJSON *
ports_of(const struct osdb_fingerprint *f)
{
	cJSON *ports = cJSON_CreateObject();

	cJSON_AddBoolToObject(ports, "open", choice_open(f));
	cJSON_AddBoolToObject(ports, "closed",
	    choice_answered(f, OSDB_T5) || choice_answered(f, OSDB_T6) || choice_answered(f, OSDB_T7));
	cJSON_AddBoolToObject(ports, "closed_udp", choice_answered(f, OSDB_U1));
	return ports;
}

/* Takes the reasons over. */
static void
write_index_entry(const struct import *i, const struct osdb_fingerprint *f, const char *name, cJSON *personality,
    cJSON *reasons)
{
	cJSON *entry = cJSON_CreateObject();

	cJSON_AddStringToObject(entry, "name", name);
	cJSON_AddStringToObject(entry, "expect", cJSON_GetObjectItem(personality, "expect")->valuestring);
	cJSON_AddNumberToObject(entry, "line", (double)f->line);
	cJSON_AddItemToObject(entry, "class", classes_of(f));
	cJSON_AddItemToObject(entry, "ports", ports_of(f));
	cJSON_AddItemToObject(entry, "cannot", reasons);
	fputs(i->written == 0 ? "[\n" : ",\n", i->index);
	put_json(i->index, entry, false);
	cJSON_Delete(entry);
}

static void
report_reasons(struct import *i, const char *name, size_t line, const cJSON *reasons)
{
	const cJSON *reason;

	if (cJSON_GetArraySize(reasons) == 0)
		return;
	i->incomplete++;
	fprintf(i->report, "%s (line %zu) can't be expressed in full\n", name, line);
	cJSON_ArrayForEach(reason, reasons) fprintf(i->report, "\t%s\n", reason->valuestring);
}

static void
take_complaint(void *ctx, size_t line, const char *what)
{
	struct import *i = ctx;

	i->complaints++;
	fprintf(i->report, "line %zu: %s\n", line, what);
}

static void
take_fingerprint(void *ctx, const struct osdb_fingerprint *f)
{
	struct import *i = ctx;
	char name[NAMES_TEXT_MAX];

	if (!names_give(i->names, f->name, name)) {
		take_complaint(i, f->line, "there are too many fingerprints: this one is left out");
		return;
	}
	cJSON *personality = convert_fingerprint(f, name);
	cJSON *reasons = cannot(f, personality);

	write_personality(i, name, personality);
	report_reasons(i, name, f->line, reasons);
	write_index_entry(i, f, name, personality, reasons);
	cJSON_Delete(personality);
	i->written++;
}

/* ---- the whole ---- */

static void
read_database(struct import *i, const char *path)
{
	static char chunk[CHUNK];
	const struct osdb_sink sink = { take_fingerprint, take_complaint, i };
	struct osdb *osdb = osdb_new(&sink);
	FILE *f = must_open(path, "re");
	size_t len;

	while ((len = fread(chunk, 1, sizeof(chunk), f)) > 0)
		osdb_input(osdb, chunk, len);
	if (ferror(f) != 0)
		fatal("can't be read", path);
	osdb_end(osdb);
	fclose(f);
	osdb_free(&osdb);
}

static void
import(struct import *i, const char *database)
{
	char path[PATH_TEXT_MAX];

	if (mkdir(i->dir, 0777) != 0 && errno != EEXIST)
		fatal("can't be made", i->dir);
	path_in(i, "index", path);
	i->index = must_open(path, "we");
	i->names = names_new();
	read_database(i, database);
	fputs(i->written == 0 ? "[]\n" : "\n]\n", i->index);
	must_close(i->index, path);
	names_free(&i->names);
	fprintf(i->report, "%zu fingerprints written, %zu of them can't be expressed in full, %zu complaints\n",
	    i->written, i->incomplete, i->complaints);
}

static int
usage(void)
{
	fputs("usage: fingerprintd-import [--report FILE] NMAP_OS_DB OUTPUT_DIR\n", stderr);
	return EXIT_USAGE;
}

int
main(int argc, char **argv)
{
	static const struct option options[] = { { "report", required_argument, NULL, 'r' }, { 0 } };
	const char *report = NULL;
	int c;

	while ((c = getopt_long(argc, argv, "", options, NULL)) != -1) {
		if (c != 'r')
			return usage();
		report = optarg;
	}
	if (argc - optind != 2)
		return usage();
	struct import i = { .dir = argv[optind + 1], .report = stdout };

	if (report != NULL)
		i.report = must_open(report, "we");
	import(&i, argv[optind]);
	must_close(i.report, report == NULL ? "stdout" : report);
	return EXIT_SUCCESS;
}
