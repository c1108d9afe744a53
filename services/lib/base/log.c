#include "base/log.h"

#include "base/clock.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { LOG_LINE_MAX = 2048 };

static const char *const level_names[] = { "debug", "info", "warn", "error", "fatal" };
static const char *log_name = "honeyspam";
static enum log_level log_least = LOG_LEVEL_INFO;

void
log_init(const char *name, enum log_level least)
{
	log_name = name;
	log_least = least;
}

bool
log_level_parse(const char *text, enum log_level *out)
{
	for (unsigned i = 0; i < sizeof(level_names) / sizeof(level_names[0]); i++) {
		if (strcmp(text, level_names[i]) == 0) {
			*out = (enum log_level)i;
			return true;
		}
	}
	return false;
}

/* One write(2) a line, so that threads don't interleave. */
__attribute__((format(printf, 2, 0))) static void
write_line(enum log_level level, const char *format, va_list args)
{
	char line[LOG_LINE_MAX], when[CLOCK_TEXT_MAX];
	int head = snprintf(line, sizeof(line), "time=%s level=%s service=%s ", clock_rfc3339(clock_wall_ms(), when),
	    level_names[level], log_name);
	size_t used = (size_t)head;
	int body = vsnprintf(line + used, sizeof(line) - used - 1, format, args);

	used += body < 0 ? 0 : (size_t)body;
	if (used > sizeof(line) - 2)
		used = sizeof(line) - 2;
	line[used++] = '\n';
	if (write(STDERR_FILENO, line, used) < 0)
		return; /* nowhere left to say it */
}

void
log_at(enum log_level level, const char *format, ...)
{
	va_list args;

	if (level < log_least)
		return;
	va_start(args, format);
	write_line(level, format, args);
	va_end(args);
}

_Noreturn void
log_fatal(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	write_line(LOG_LEVEL_FATAL, format, args);
	va_end(args);
	exit(1);
}
