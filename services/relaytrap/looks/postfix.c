/* Postfix 3.7, measured on Debian 12. */
#include "relaytrap/look.h"

#include <stdio.h>

/* Short queue id: five hexadecimal digits of microseconds, then the queue file's inode. */
static void
queue_id(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter)
{
	snprintf(out, LOOK_QUEUE_ID_MAX, "%05X%X", (unsigned)(wall_us % 1000000),
	    0xa0000u + host_secret % 0x50000u + counter % 64);
}

static const struct look_keyword keywords[] = {
	{ "PIPELINING", LOOK_ALWAYS },
	{ "SIZE %n", LOOK_ALWAYS },
	{ "VRFY", LOOK_ALWAYS },
	{ "ETRN", LOOK_ALWAYS },
	{ "STARTTLS", LOOK_WITHOUT_TLS },
	{ "ENHANCEDSTATUSCODES", LOOK_ALWAYS },
	{ "8BITMIME", LOOK_ALWAYS },
	{ "DSN", LOOK_ALWAYS },
	{ "SMTPUTF8", LOOK_ALWAYS },
};

const struct look look_postfix = {
	.name = "postfix",
	.keywords = keywords,
	.keyword_count = sizeof(keywords) / sizeof(keywords[0]),
	.slow_after = 10,
	.close_after = 20,
	.slow_ms = 1000,
	.idle_ms = 300 * 1000,
	.queue_id = queue_id,
	.texts = {
		[LOOK_BANNER] = "220 %h ESMTP Postfix",
		[LOOK_HELO] = "250 %h",
		[LOOK_EHLO] = "250-%h",
		[LOOK_HELO_SYNTAX] = "501 Syntax: HELO hostname",
		[LOOK_EHLO_SYNTAX] = "501 Syntax: EHLO hostname",
		[LOOK_MAIL_OK] = "250 2.1.0 Ok",
		[LOOK_MAIL_NESTED] = "503 5.5.1 Error: nested MAIL command",
		[LOOK_MAIL_SYNTAX] = "501 5.5.4 Syntax: MAIL FROM:<address>",
		[LOOK_MAIL_ADDRESS] = "501 5.1.7 Bad sender address syntax",
		[LOOK_MAIL_TOO_BIG] = "552 5.3.4 Message size exceeds fixed limit",
		[LOOK_MAIL_OPTION] = "555 5.5.4 Unsupported option: %a",
		[LOOK_RCPT_OK] = "250 2.1.5 Ok",
		[LOOK_RCPT_EARLY] = "503 5.5.1 Error: need MAIL command",
		[LOOK_RCPT_SYNTAX] = "501 5.5.4 Syntax: RCPT TO:<address>",
		[LOOK_RCPT_ADDRESS] = "501 5.1.3 Bad recipient address syntax",
		[LOOK_RCPT_UNKNOWN] = "550 5.1.1 <%a>: Recipient address rejected: User unknown in local recipient table",
		[LOOK_RCPT_ROUTE] = "501 5.1.3 Bad recipient address syntax",
		[LOOK_RCPT_TOO_MANY] = "452 4.5.3 Error: too many recipients",
		[LOOK_DATA_EARLY] = "503 5.5.1 Error: need RCPT command",
		[LOOK_DATA_NO_RCPT] = "554 5.5.1 Error: no valid recipients",
		[LOOK_DATA_GO] = "354 End data with <CR><LF>.<CR><LF>",
		[LOOK_QUEUED] = "250 2.0.0 Ok: queued as %q",
		[LOOK_TOO_BIG] = "552 5.3.4 Error: message file too big",
		[LOOK_TRY_LATER] = "452 4.3.1 Insufficient system storage",
		[LOOK_RSET] = "250 2.0.0 Ok",
		[LOOK_RSET_SYNTAX] = "501 5.5.4 Syntax: RSET",
		[LOOK_NOOP] = "250 2.0.0 Ok",
		[LOOK_VRFY_OK] = "252 2.0.0 %a",
		[LOOK_VRFY_UNKNOWN] = "550 5.1.1 <%a>: Recipient address rejected: User unknown in local recipient table",
		[LOOK_VRFY_SYNTAX] = "501 5.5.4 Syntax: VRFY address [SMTPUTF8]",
		[LOOK_EXPN] = "500 5.5.2 Error: command not recognized",
		[LOOK_EXPN_SYNTAX] = "500 5.5.2 Error: command not recognized",
		[LOOK_HELP] = "500 5.5.2 Error: command not recognized",
		[LOOK_HELP_TOPIC] = "500 5.5.2 Error: command not recognized",
		[LOOK_ETRN] = "459 <%a>: service unavailable",
		[LOOK_ETRN_SYNTAX] = "500 Syntax: ETRN domain",
		[LOOK_AUTH_OFF] = "503 5.5.1 Error: authentication not enabled",
		[LOOK_STARTTLS_OFF] = "502 5.5.1 Error: command not implemented",
		[LOOK_STARTTLS_GO] = "220 2.0.0 Ready to start TLS",
		[LOOK_VERB] = "500 5.5.2 Error: command not recognized",
		[LOOK_UNIMPLEMENTED] = "500 5.5.2 Error: command not recognized",
		[LOOK_UNKNOWN] = "500 5.5.2 Error: command not recognized",
		[LOOK_EMPTY] = "500 5.5.2 Error: bad syntax",
		[LOOK_HTTP] = "221 2.7.0 Error: I can break rules, too. Goodbye.",
		[LOOK_TOO_MANY_ERRORS] = "421 4.7.0 %h Error: too many errors",
		[LOOK_TIMEOUT] = "421 4.4.2 %h Error: timeout exceeded",
		[LOOK_SHUTDOWN] = "421 4.3.2 Service shutting down",
		[LOOK_BYE] = "221 2.0.0 Bye",
	},
};
