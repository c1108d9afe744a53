/*
 * settings - one table says everything about a service's settings: name, type,
 * default, limits, unit and a sentence.  From it come --name=value flags,
 * HS_NAME environment variables (dots and hyphens as underscores), --help, and
 * the README's table.  A flag wins over the environment, that over the default.
 */
#ifndef DAEMON_SETTINGS_H
#define DAEMON_SETTINGS_H

#include <stdbool.h>
#include <stddef.h>

enum setting_type { SETTING_TEXT, SETTING_NUMBER, SETTING_BOOL };

struct setting {
	const char *name; /* "nats.url" */
	enum setting_type type;
	void *value; /* const char ** | long * | bool *; text lives as long as the process */
	const char *fallback; /* the default, as text; NULL: required */
	long min, max; /* for numbers */
	const char *unit; /* "" or "ms", "bytes", ... */
	const char *doc; /* one sentence */
};

/*
 * Fills every value. Exits with 0 after --help or --settings (a Markdown table)
 * and with 2 and a sentence naming the setting when something is wrong.
 */
void settings_load(const char *program, const char *purpose, const struct setting *const *tables, const size_t *counts,
    size_t table_count, int argc, char **argv);

#endif
