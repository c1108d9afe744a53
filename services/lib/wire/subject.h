/* subject - names on the bus (DESIGN 3.2-3.7): one place that spells them. */
#ifndef WIRE_SUBJECT_H
#define WIRE_SUBJECT_H

#include <stdbool.h>
#include <stddef.h>

enum { SUBJECT_MAX = 192 };

/* A site, service, instance or action is one token: letters, digits, '-' and '_', 1 to 63 characters. */
bool subject_token_valid(const char *token);

/* Each writes into out (SUBJECT_MAX) and returns it. "*" is allowed as a token. */
const char *subject_presence(char out[SUBJECT_MAX], const char *site, const char *service, const char *instance);
const char *subject_event(char out[SUBJECT_MAX], const char *site, const char *service, const char *action);
const char *subject_mail_part(char out[SUBJECT_MAX], const char *site);
const char *subject_mail_commit(char out[SUBJECT_MAX], const char *site);
const char *subject_control(char out[SUBJECT_MAX], const char *site, const char *service, const char *target,
    const char *verb);

#endif
