#include "wire/subject.h"

#include <stdio.h>
#include <string.h>

enum { TOKEN_MAX = 63 };

bool
subject_token_valid(const char *token)
{
	size_t len = strspn(token, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_");

	return len > 0 && len <= TOKEN_MAX && token[len] == '\0';
}

const char *
subject_presence(char out[SUBJECT_MAX], const char *site, const char *service, const char *instance)
{
	snprintf(out, SUBJECT_MAX, "hs.%s.presence.%s.%s", site, service, instance);
	return out;
}

const char *
subject_event(char out[SUBJECT_MAX], const char *site, const char *service, const char *action)
{
	snprintf(out, SUBJECT_MAX, "hs.%s.event.%s.%s", site, service, action);
	return out;
}

const char *
subject_mail_part(char out[SUBJECT_MAX], const char *site)
{
	snprintf(out, SUBJECT_MAX, "hs.%s.mail.part", site);
	return out;
}

const char *
subject_mail_commit(char out[SUBJECT_MAX], const char *site)
{
	snprintf(out, SUBJECT_MAX, "hs.%s.mail.commit", site);
	return out;
}

const char *
subject_control(char out[SUBJECT_MAX], const char *site, const char *service, const char *target, const char *verb)
{
	snprintf(out, SUBJECT_MAX, "hs.%s.control.%s.%s.%s", site, service, target, verb);
	return out;
}
