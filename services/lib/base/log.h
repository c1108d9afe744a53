/*
 * log - what the operator reads: one key=value line an entry on stderr.
 *
 * Observations about peers are events, not logs: a peer's mistake never
 * appears here above debug.  Meanings follow Postfix: warn = we coped,
 * error = something is lost, fatal = we exit.
 */
#ifndef BASE_LOG_H
#define BASE_LOG_H

#include <stdbool.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR, LOG_LEVEL_FATAL };

/* name must outlive the process' logging. */
void log_init(const char *name, enum log_level least);
bool log_level_parse(const char *text, enum log_level *out);
void log_at(enum log_level level, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Logs and exits with status 1: environment failures at start-up. */
_Noreturn void log_fatal(const char *format, ...) __attribute__((format(printf, 1, 2)));

#define log_debug(...) log_at(LOG_LEVEL_DEBUG, __VA_ARGS__)
#define log_info(...) log_at(LOG_LEVEL_INFO, __VA_ARGS__)
#define log_warn(...) log_at(LOG_LEVEL_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_LEVEL_ERROR, __VA_ARGS__)

#endif
