#include "fingerprintd/os_files.h"

#include "base/log.h"
#include "base/mem.h"
#include "fingerprintd/os_signature.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct damage {
	const char *file;
	size_t lines;
};

static void
report(void *ctx, size_t line, const char *why)
{
	struct damage *d = ctx;

	if (d->lines++ < OS_FILE_REPORTS_MAX)
		log_warn("msg=\"%s: line %zu passed over: %s\"", d->file, line, why);
}

static void
read_text(struct os_signatures *s, const char *file, FILE *f, char *text)
{
	struct damage damage = { .file = file };
	size_t len = fread(text, 1, OS_FILE_MAX + 1, f);

	if (ferror(f)) {
		log_error("msg=\"%s cannot be read: %s\"", file, strerror(errno));
		return;
	}
	if (len > OS_FILE_MAX) {
		log_warn("msg=\"%s: what comes after %d bytes is passed over\"", file, OS_FILE_MAX);
		len = OS_FILE_MAX;
	}
	size_t added = os_signatures_add(s, text, len, report, &damage);

	if (damage.lines > OS_FILE_REPORTS_MAX)
		log_warn("msg=\"%s: %zu lines in all passed over\"", file, damage.lines);
	log_info("msg=\"signatures read\" file=%s signatures=%zu passed_over=%zu", file, added, damage.lines);
}

static void
load_one(struct os_signatures *s, const char *file)
{
	FILE *f = fopen(file, "re");
	char *text;

	if (f == NULL && errno == ENOENT) {
		log_info("msg=\"no signatures there\" file=%s", file);
		return;
	}
	if (f == NULL) {
		log_error("msg=\"%s cannot be read: %s\"", file, strerror(errno));
		return;
	}
	text = xcalloc(1, OS_FILE_MAX + 1);
	read_text(s, file, f, text);
	free(text);
	fclose(f);
}

struct os_signatures *
os_files_load(const char *files)
{
	struct os_signatures *s = os_signatures_new();
	char *list = xstrdup(files), *save = NULL;

	for (char *file = strtok_r(list, ", ", &save); file != NULL; file = strtok_r(NULL, ", ", &save))
		load_one(s, file);
	free(list);
	return s;
}
