/* sendmail_address - which addresses Sendmail takes and what it says of others (observed from a running server). */
#ifndef RELAYTRAP_LOOKS_SENDMAIL_ADDRESS_H
#define RELAYTRAP_LOOKS_SENDMAIL_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

struct smtp_session;

struct sendmail_address {
	const char *code, *error; /* "553 5.1.3", "Hostname required"; NULL: good */
	char *written; /* inside the text given, ends with NUL */
	char *rest; /* what follows it: the parameters */
	char *address; /* without brackets, comments aside */
};

/* Parses text, which it cuts into pieces; out holds as much as text. */
void sendmail_address_parse(struct sendmail_address *a, char *text, char *out);
/*
 * Where mail to address goes in the end: source routes, user%domain, domain!user and "user@domain" at our own name
 * unrolled; domains in lower case. out holds as much as address. False: to a user of our own.
 */
bool sendmail_address_resolve(const struct smtp_session *s, const char *address, char *out);

#endif
