#include "daemon/settings.h"

#include "base/mem.h"

#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ENV_NAME_MAX = 128, EXIT_SETTINGS = 2 };

struct tables {
	const char *program;
	const struct setting *const *list;
	const size_t *counts;
	size_t count;
};

__attribute__((format(printf, 2, 3))) static _Noreturn void
refuse(const char *program, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	fprintf(stderr, "%s: ", program);
	vfprintf(stderr, format, args);
	fprintf(stderr, "\n");
	va_end(args);
	exit(EXIT_SETTINGS);
}

static void
set_bool(const char *program, const struct setting *s, const char *text)
{
	bool yes = strcmp(text, "true") == 0 || strcmp(text, "on") == 0 || strcmp(text, "1") == 0;

	if (!yes && strcmp(text, "false") != 0 && strcmp(text, "off") != 0 && strcmp(text, "0") != 0)
		refuse(program, "%s must be true or false, not \"%s\"", s->name, text);
	*(bool *)s->value = yes;
}

static void
set_number(const char *program, const struct setting *s, const char *text)
{
	char *end;
	long v = strtol(text, &end, 10);

	if (*text == '\0' || *end != '\0' || v < s->min || v > s->max)
		refuse(program, "%s must be a whole number from %ld to %ld%s%s, not \"%s\"", s->name, s->min, s->max,
		    s->unit[0] == '\0' ? "" : " ", s->unit, text);
	*(long *)s->value = v;
}

static void
set_value(const char *program, const struct setting *s, const char *text)
{
	switch (s->type) {
	case SETTING_TEXT:
		*(const char **)s->value = xstrdup(text);
		break;
	case SETTING_NUMBER:
		set_number(program, s, text);
		break;
	case SETTING_BOOL:
		set_bool(program, s, text);
		break;
	}
}

static void
env_name(const char *name, char out[ENV_NAME_MAX])
{
	int head = snprintf(out, ENV_NAME_MAX, "HS_%s", name);

	for (char *p = out + 3; p < out + head && *p != '\0'; p++)
		*p = *p == '.' || *p == '-' ? '_' : (char)toupper((unsigned char)*p);
}

static const struct setting *
at(const struct tables *t, size_t index)
{
	for (size_t i = 0; i < t->count; i++) {
		if (index < t->counts[i])
			return &t->list[i][index];
		index -= t->counts[i];
	}
	return NULL;
}

static const struct setting *
find(const struct tables *t, const char *name, size_t len)
{
	const struct setting *s;

	for (size_t i = 0; (s = at(t, i)) != NULL; i++) {
		if (strlen(s->name) == len && memcmp(s->name, name, len) == 0)
			return s;
	}
	return NULL;
}

static _Noreturn void
print_help(const struct tables *t, const char *purpose)
{
	const struct setting *s;
	char env[ENV_NAME_MAX];

	printf("%s - %s\n\nEach setting is a flag --NAME=VALUE or an environment variable.\n\n", t->program, purpose);
	for (size_t i = 0; (s = at(t, i)) != NULL; i++) {
		env_name(s->name, env);
		printf("  --%s (%s)\n      %s", s->name, env, s->doc);
		if (s->type == SETTING_NUMBER)
			printf(" %ld to %ld%s%s.", s->min, s->max, s->unit[0] == '\0' ? "" : " ", s->unit);
		if (s->fallback == NULL)
			printf(" Required.\n");
		else
			printf(" Default: %s\n", s->fallback[0] == '\0' ? "none" : s->fallback);
	}
	exit(0);
}

static _Noreturn void
print_markdown(const struct tables *t)
{
	const struct setting *s;

	printf("| setting | default | what it does |\n|---|---|---|\n");
	for (size_t i = 0; (s = at(t, i)) != NULL; i++)
		printf("| `%s` | %s | %s |\n", s->name, s->fallback == NULL ? "required" : s->fallback, s->doc);
	exit(0);
}

static void
apply_flag(const struct tables *t, const char *purpose, const char *arg, bool *given)
{
	const char *name = arg + 2;
	const char *value = strchr(arg, '=');

	if (strcmp(arg, "--help") == 0)
		print_help(t, purpose);
	if (strcmp(arg, "--settings") == 0)
		print_markdown(t);
	if (strcmp(arg, "--version") == 0) {
		printf("%s " HS_VERSION "\n", t->program);
		exit(0);
	}
	if (strncmp(arg, "--", 2) != 0)
		refuse(t->program, "\"%s\" is not a setting: they look like --name=value (see --help)", arg);
	const struct setting *s = find(t, name, value == NULL ? strlen(name) : (size_t)(value - name));
	if (s == NULL)
		refuse(t->program, "there is no setting \"%s\" (see --help)", name);
	if (value == NULL && s->type != SETTING_BOOL)
		refuse(t->program, "%s needs a value: --%s=...", s->name, s->name);
	set_value(t->program, s, value == NULL ? "true" : value + 1);
	for (size_t i = 0; at(t, i) != NULL; i++) {
		if (at(t, i) == s)
			given[i] = true;
	}
}

void
settings_load(const char *program, const char *purpose, const struct setting *const *list, const size_t *counts,
    size_t table_count, int argc, char **argv)
{
	struct tables t = { program, list, counts, table_count };
	const struct setting *s;
	size_t total = 0;
	char env[ENV_NAME_MAX];

	while (at(&t, total) != NULL)
		total++;
	bool *given = xcalloc(total, sizeof(*given));

	for (int i = 1; i < argc; i++)
		apply_flag(&t, purpose, argv[i], given);
	for (size_t i = 0; (s = at(&t, i)) != NULL; i++) {
		env_name(s->name, env);
		const char *text = getenv(env);

		if (given[i])
			continue;
		if (text == NULL)
			text = s->fallback;
		if (text == NULL)
			refuse(program, "%s is required: give --%s=... or %s", s->name, s->name, env);
		set_value(program, s, text);
	}
	free(given);
}
