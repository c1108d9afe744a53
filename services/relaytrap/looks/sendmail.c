/* Sendmail 8.17, measured on Debian 12. */
#include "relaytrap/look.h"

#include <stdio.h>
#include <time.h>

/* Year, month, day, hour, minute and second in base 60, two of sequence, six digits of pid. */
static void
queue_id(char out[LOOK_QUEUE_ID_MAX], uint64_t wall_us, uint32_t host_secret, uint32_t counter)
{
	static const char digits[] = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwx";
	time_t seconds = (time_t)(wall_us / 1000000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	snprintf(out, LOOK_QUEUE_ID_MAX, "%c%c%c%c%c%c%c%c%06u", digits[tm.tm_year % 60], digits[tm.tm_mon],
	    digits[tm.tm_mday], digits[tm.tm_hour], digits[tm.tm_min], digits[tm.tm_sec % 60],
	    digits[counter / 60 % 60], digits[counter % 60], (unsigned)(host_secret % 30000 + 300 + counter));
}

static const struct look_keyword keywords[] = {
	{ "ENHANCEDSTATUSCODES", LOOK_ALWAYS },
	{ "PIPELINING", LOOK_ALWAYS },
	{ "EXPN", LOOK_ALWAYS },
	{ "VERB", LOOK_ALWAYS },
	{ "8BITMIME", LOOK_ALWAYS },
	{ "SIZE %n", LOOK_ALWAYS },
	{ "DSN", LOOK_ALWAYS },
	{ "ETRN", LOOK_ALWAYS },
	{ "STARTTLS", LOOK_WITHOUT_TLS },
	{ "DELIVERBY", LOOK_ALWAYS },
	{ "HELP", LOOK_ALWAYS },
};

const struct look look_sendmail = {
	.name = "sendmail",
	.keywords = keywords,
	.keyword_count = sizeof(keywords) / sizeof(keywords[0]),
	.slow_after = 0,
	.close_after = 25,
	.idle_ms = 300 * 1000,
	.refuses_double_at = true,
	.queue_id = queue_id,
	.texts = {
		[LOOK_BANNER] = "220 %h ESMTP Sendmail 8.17.1/8.17.1; %d",
		[LOOK_HELO] = "250 %h Hello %c [%i], pleased to meet you",
		[LOOK_EHLO] = "250-%h Hello %c [%i], pleased to meet you",
		[LOOK_HELO_SYNTAX] = "501 5.0.0 HELO requires domain address",
		[LOOK_EHLO_SYNTAX] = "501 5.0.0 EHLO requires domain address",
		[LOOK_MAIL_OK] = "250 2.1.0 <%a>... Sender ok",
		[LOOK_MAIL_NESTED] = "503 5.5.0 Sender already specified",
		[LOOK_MAIL_SYNTAX] = "501 5.5.2 Syntax error in parameters scanning \"FROM\"",
		[LOOK_MAIL_ADDRESS] = "553 5.0.0 <%a... Unbalanced '<'",
		[LOOK_MAIL_TOO_BIG] = "552 5.2.3 Message size exceeds fixed maximum message size (%n)",
		[LOOK_MAIL_OPTION] = "555 5.5.4 %a parameter unrecognized",
		[LOOK_RCPT_OK] = "250 2.1.5 <%a>... Recipient ok (will queue)",
		[LOOK_RCPT_EARLY] = "503 5.0.0 Need MAIL before RCPT",
		[LOOK_RCPT_SYNTAX] = "501 5.5.2 Syntax error in parameters scanning \"TO\"",
		[LOOK_RCPT_ADDRESS] = "553 5.0.0 <%a... Unbalanced '<'",
		[LOOK_RCPT_UNKNOWN] = "550 5.1.1 <%a>... User unknown",
		[LOOK_RCPT_ROUTE] = "553 5.1.3 <%a>... Invalid route address",
		[LOOK_RCPT_TOO_MANY] = "452 4.5.3 Too many recipients",
		[LOOK_DATA_EARLY] = "503 5.0.0 Need MAIL command",
		[LOOK_DATA_NO_RCPT] = "503 5.0.0 Need RCPT (recipient)",
		[LOOK_DATA_GO] = "354 End data with <CR><LF>.<CR><LF>",
		[LOOK_QUEUED] = "250 2.0.0 %q Message accepted for delivery",
		[LOOK_TOO_BIG] = "552 5.2.3 Message exceeds maximum fixed size (%n)",
		[LOOK_TRY_LATER] = "452 4.4.5 Insufficient disk space; try again later",
		[LOOK_RSET] = "250 2.0.0 Reset state",
		[LOOK_RSET_SYNTAX] = "250 2.0.0 Reset state",
		[LOOK_NOOP] = "250 2.0.0 OK",
		[LOOK_VRFY_OK] = "250 2.1.5 <%a@%h>",
		[LOOK_VRFY_UNKNOWN] = "550 5.1.1 %a... User unknown",
		[LOOK_VRFY_SYNTAX] = "501 5.5.2 Argument required",
		[LOOK_EXPN] = "250 2.1.5 %a <%a@%h>",
		[LOOK_EXPN_SYNTAX] = "501 5.5.2 Argument required",
		[LOOK_HELP] = "214-2.0.0 This is sendmail version 8.17.1\n214-2.0.0 Topics:\n"
			      "214-2.0.0 \tHELO\tEHLO\tMAIL\tRCPT\tDATA\n214-2.0.0 \tRSET\tNOOP\tQUIT\tHELP\tVRFY\n"
			      "214-2.0.0 \tEXPN\tVERB\tETRN\tDSN\tAUTH\n214-2.0.0 \tSTARTTLS\n"
			      "214-2.0.0 For more info use \"HELP <topic>\".\n214 2.0.0 End of HELP info",
		[LOOK_HELP_TOPIC] = "504 5.3.0 HELP topic \"%a\" unknown",
		[LOOK_ETRN] = "250 2.0.0 Queuing for node %a started",
		[LOOK_ETRN_SYNTAX] = "500 5.5.2 Parameter required",
		[LOOK_AUTH_OFF] = "503 5.3.3 AUTH not available",
		[LOOK_STARTTLS_OFF] = "454 4.3.3 TLS not available after start",
		[LOOK_STARTTLS_GO] = "220 2.0.0 Ready to start TLS",
		[LOOK_VERB] = "250 2.0.0 Verbose mode",
		[LOOK_UNIMPLEMENTED] = "502 5.5.1 Command not implemented: \"%x\"",
		[LOOK_UNKNOWN] = "500 5.5.1 Command unrecognized: \"%a\"",
		[LOOK_EMPTY] = "500 5.5.1 Command unrecognized: \"\"",
		[LOOK_HTTP] = "421 4.7.0 %h Rejecting open proxy %c [%i]",
		[LOOK_TOO_MANY_ERRORS] = "421 4.7.0 %h Too many bad commands; closing connection",
		[LOOK_TIMEOUT] = "421 4.4.1 %h Lost input channel from %c [%i]",
		[LOOK_SHUTDOWN] = "421 4.3.2 %h Service not available, closing connection",
		[LOOK_BYE] = "221 2.0.0 %h closing connection",
	},
};
