/*
 * look - what one mail server is: the texts it says, the order of its checks,
 * its limits.  A look is a table of commands and a few hooks; looks of one
 * server's versions share those and differ in their data.
 *
 * In a text %h is our host, %c the name that the client gave, %i its address,
 * %a the argument, %q the queue id, %n the largest message, %v the version
 * (%V: up to its slash),
 * %d and %D the date as Sendmail and as Exim write it, %% a percent sign.  Lines are
 * separated by \n; each carries its own code, as on the wire.
 */
#ifndef RELAYTRAP_LOOK_H
#define RELAYTRAP_LOOK_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct site_key;
struct smtp_auth_texts;
struct smtp_session;

enum { LOOK_REPLY_MAX = 8192, LOOK_HOST_MAX = 256, LOOK_QUEUE_ID_MAX = 32 };

/* What EHLO offers, and when. */
enum look_when {
	LOOK_ALWAYS,
	LOOK_WITHOUT_TLS, /* TLS is possible, but not there yet */
	LOOK_WITH_AUTH, /* logging in is possible */
	LOOK_BEFORE_SYNC, /* the client may still run ahead (Exim) */
};

struct look_keyword {
	const char *text; /* a format, like all texts */
	enum look_when when;
};

/* One row of a server's command table. arg is what follows the verb, without leading blanks; it may be written to. */
struct look_command {
	const char *verb; /* upper case; any case is understood */
	void (*run)(struct smtp_session *s, char *arg);
};

/* Where a message ends besides CRLF . CRLF, and what is not taken. */
enum look_data {
	LOOK_DATA_LF_ENDS = 1, /* any LF ends a line: LF . LF ends the message */
	LOOK_DATA_FIRST_LINE = 4, /* LF ends lines if it ended the first one */
	LOOK_DATA_BARE_REFUSED = 2, /* CR without LF and LF without CR end the conversation */
};

/* How a server ends TLS when it hangs up by itself, not for QUIT. */
enum look_tls_end {
	LOOK_TLS_ENDS, /* its goodbye, then TLS' own (close_notify) */
	LOOK_TLS_BREAKS_OFF, /* no close_notify */
	LOOK_TLS_LEAVES, /* its goodbye is said in the clear */
};

struct look {
	const char *name;
	const char *version; /* NULL: derived from versions and the decoy's secret */
	const char *const *versions;
	size_t version_count;
	const struct look_keyword *keywords;
	size_t keyword_count;
	const struct look_command *commands;
	size_t command_count;
	const char *banner, *ehlo, *shutdown;
	const char *crowded; /* instead of the banner, to a client with too many connections */
	const char *timeout; /* NULL: closes without a word */
	const char *data_timeout; /* within a message, %a being the sender; NULL: as at any time */
	const struct smtp_auth_texts *auth; /* NULL: it can't */
	unsigned idle_ms;
	unsigned data_rules; /* of enum look_data */
	enum look_tls_end tls_end;
	const void *flavour; /* what tells versions apart; only the look's own commands read it */
	size_t line_max; /* octets of a command that are read */
	bool line_split; /* what is beyond them is the next command, not lost */

	/* The line as it came, without its end: what isn't an ordinary command is answered here; true: it was. */
	bool (*line)(struct smtp_session *s, char *line, size_t len);
	/* No row of the table has this verb. */
	void (*unknown)(struct smtp_session *s, char *line);
	/* Milliseconds that the next answer is late; NULL: never. */
	unsigned (*lateness)(struct smtp_session *s);
	/* After each command: too many errors? NULL: nothing to do. */
	void (*after)(struct smtp_session *s);
	/* The message ended: ok says whether it is kept. */
	void (*stored)(struct smtp_session *s, bool ok);
	void (*too_big)(struct smtp_session *s);
	/* The octets of a BDAT were read, more chunks follow or nobody wanted them. NULL: no BDAT. */
	void (*chunk)(struct smtp_session *s);
	/* The header is complete: false when the message was refused for it and answered. NULL: always fine. */
	bool (*acceptable)(struct smtp_session *s);
	bool eof_ends_line; /* what was said without an end is a command all the same, at EOF and when patience is lost
			     */
	/* The client closed its side; NULL: nothing is said. */
	void (*eof)(struct smtp_session *s);
	void (*queue_id)(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter);
};

struct look_values {
	const char *host, *client, *address, *argument, *queue_id, *version;
	uint64_t bytes;
	uint64_t wall_ms;
	bool tls_possible; /* offered and not active */
	bool auth_possible;
	bool sync; /* the client must wait for answers (Exim) */
};

/* The look of that name; postfix when it is unknown or "". */
const struct look *look_find(const char *name);
/* All of them; NULL ends the list. */
const struct look *look_at(size_t i);
/* Writes text with CRLF after each line; returns its length. Values that are NULL are empty. */
size_t look_format(const char *text, const struct look_values *v, char out[LOOK_REPLY_MAX]);
/* The same for the answer to EHLO: the look's first line, then the keywords. */
size_t look_format_ehlo(const struct look *l, const struct look_values *v, char out[LOOK_REPLY_MAX]);
/* The version that the decoy with this secret has. */
const char *look_version(const struct look *l, uint32_t host_secret);
/* The decoy's own name, from the site key: stable, different for each address. */
void look_host(const struct site_key *key, const struct addr *decoy, const char *domain, char out[LOOK_HOST_MAX]);
/* Has the machine a user or alias of that name? All looks have the same, those that every Unix has. */
bool look_local_user(const char *name, size_t len);

extern const struct look look_postfix, look_postfix_2;
extern const struct look look_sendmail, look_sendmail_8_12, look_exim, look_exchange, look_exchange_5_0;

#endif
