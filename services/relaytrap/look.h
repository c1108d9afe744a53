/*
 * look - what one mail server says, as data.  A text is a format in which
 * %h is our host, %c the name the client gave, %i its address, %a the address
 * or argument as the client wrote it, %x the command's first word, %q the queue
 * id, %n a number of bytes, %d the date, %% a percent sign.  Several lines are
 * separated by \n; each carries its own code, as on the wire.
 */
#ifndef RELAYTRAP_LOOK_H
#define RELAYTRAP_LOOK_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct site_key;

enum look_text {
	LOOK_BANNER,
	LOOK_HELO,
	LOOK_EHLO, /* the first line: the keywords follow */
	LOOK_HELO_SYNTAX,
	LOOK_EHLO_SYNTAX,
	LOOK_MAIL_OK,
	LOOK_MAIL_NESTED,
	LOOK_MAIL_SYNTAX,
	LOOK_MAIL_ADDRESS,
	LOOK_MAIL_TOO_BIG,
	LOOK_MAIL_OPTION,
	LOOK_RCPT_OK,
	LOOK_RCPT_EARLY,
	LOOK_RCPT_SYNTAX,
	LOOK_RCPT_ADDRESS,
	LOOK_RCPT_UNKNOWN, /* no such local user: real open relays refuse these too */
	LOOK_RCPT_ROUTE,
	LOOK_RCPT_TOO_MANY,
	LOOK_DATA_EARLY,
	LOOK_DATA_NO_RCPT,
	LOOK_DATA_GO,
	LOOK_QUEUED,
	LOOK_TOO_BIG,
	LOOK_TRY_LATER,
	LOOK_RSET,
	LOOK_RSET_SYNTAX,
	LOOK_NOOP,
	LOOK_VRFY_OK,
	LOOK_VRFY_UNKNOWN,
	LOOK_VRFY_SYNTAX,
	LOOK_EXPN,
	LOOK_EXPN_SYNTAX,
	LOOK_HELP,
	LOOK_HELP_TOPIC,
	LOOK_ETRN,
	LOOK_ETRN_SYNTAX,
	LOOK_AUTH_OFF,
	LOOK_STARTTLS_OFF,
	LOOK_STARTTLS_GO,
	LOOK_VERB,
	LOOK_UNIMPLEMENTED,
	LOOK_UNKNOWN,
	LOOK_EMPTY,
	LOOK_HTTP, /* GET, POST, CONNECT: then the connection is closed */
	LOOK_TOO_MANY_ERRORS,
	LOOK_TIMEOUT,
	LOOK_SHUTDOWN,
	LOOK_BYE,
	LOOK_TEXTS
};

enum { LOOK_REPLY_MAX = 2048, LOOK_HOST_MAX = 256, LOOK_QUEUE_ID_MAX = 32 };

/* What EHLO offers, and when. */
enum look_when { LOOK_ALWAYS, LOOK_WITHOUT_TLS /* TLS is possible, but not there yet */ };

struct look_keyword {
	const char *text; /* a format, like the texts */
	enum look_when when;
};

struct look {
	const char *name;
	const struct look_keyword *keywords;
	size_t keyword_count;
	const char *texts[LOOK_TEXTS];
	unsigned slow_after; /* errors until replies are delayed, 0: never */
	unsigned close_after; /* errors until LOOK_TOO_MANY_ERRORS closes */
	unsigned slow_ms;
	unsigned idle_ms;

	bool refuses_double_at; /* u@x@host is an invalid route address */
	void (*queue_id)(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter);
};

struct look_values {
	const char *host, *client, *address, *argument, *word, *queue_id;
	uint64_t bytes;
	uint64_t wall_ms;
	bool tls_possible; /* offered and not active */
};

/* The look of that name; postfix when it is unknown or "". */
const struct look *look_find(const char *name);
/* Writes the reply with CRLF after each line; returns its length. Values that are NULL are empty. */
size_t look_format(const struct look *l, enum look_text text, const struct look_values *v, char out[LOOK_REPLY_MAX]);
/* The decoy's own name, from the site key: stable, different for each address. */
void look_host(const struct site_key *key, const struct addr *decoy, const char *domain, char out[LOOK_HOST_MAX]);

extern const struct look look_postfix;
extern const struct look look_sendmail;

#endif
