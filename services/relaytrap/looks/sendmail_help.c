#include "relaytrap/looks/sendmail_help.h"

#include <stddef.h>
#include <string.h>

#define LINE(text) "214-2.0.0 " text "\n"
#define END "214 2.0.0 End of HELP info"

static const struct {
	const char *topic, *text;
} topics[] = {
	{ "",
	    LINE("This is sendmail version %V") LINE("Topics:") LINE("\tHELO\tEHLO\tMAIL\tRCPT\tDATA")
		LINE("\tRSET\tNOOP\tQUIT\tHELP\tVRFY") LINE("\tEXPN\tVERB\tETRN\tDSN\tAUTH") LINE("\tSTARTTLS")
		    LINE("For more info use \"HELP <topic>\".") LINE("To report bugs in the implementation see")
			LINE("\thttp://www.sendmail.org/email-addresses.html")
			    LINE("For local information send email to Postmaster at your site.") END },
	{ "help", LINE("HELP [ <topic> ]") LINE("\tThe HELP command gives help info.") END },
	{ "helo", LINE("HELO <hostname>") LINE("\tIntroduce yourself.") END },
	{ "ehlo",
	    LINE("EHLO <hostname>") LINE("\tIntroduce yourself, and request extended SMTP mode.")
		LINE("Possible replies include:") LINE("\tSEND\t\tSend as mail\t\t\t[RFC821]")
		    LINE("\tSOML\t\tSend as mail or terminal\t[RFC821]")
			LINE("\tSAML\t\tSend as mail and terminal\t[RFC821]")
			    LINE("\tEXPN\t\tExpand the mailing list\t\t[RFC821]") LINE(
				"\tHELP\t\tSupply helpful information\t[RFC821]")
				LINE("\tTURN\t\tTurn the operation around\t[RFC821]") LINE(
				    "\t8BITMIME\tUse 8-bit data\t\t\t[RFC1652]")
				    LINE("\tSIZE\t\tMessage size declaration\t[RFC1870]") LINE(
					"\tVERB\t\tVerbose\t\t\t\t[Allman]") LINE("\tCHUNKING\tChunking\t\t\t[RFC1830]")
					LINE("\tBINARYMIME\tBinary MIME\t\t\t[RFC1830]")
					    LINE("\tPIPELINING\tCommand Pipelining\t\t[RFC1854]")
						LINE("\tDSN\t\tDelivery Status Notification\t[RFC1891]")
						    LINE("\tETRN\t\tRemote Message Queue Starting\t[RFC1985]") LINE(
							"\tSTARTTLS\tSecure SMTP\t\t\t[RFC2487]")
							LINE("\tAUTH\t\tAuthentication\t\t\t[RFC2554]") LINE(
							    "\tENHANCEDSTATUSCODES\tEnhanced status codes\t[RFC2034]")
							    LINE("\tDELIVERBY\tDeliver By\t\t\t[RFC2852]") END },
	{ "mail",
	    LINE("MAIL From:<sender> [ <parameters> ]")
		LINE("\tSpecifies the sender.  Parameters are ESMTP extensions.")
		    LINE("\tSee \"HELP DSN\" for details.") END },
	{ "rcpt",
	    LINE("RCPT To:<recipient> [ <parameters> ]")
		LINE("\tSpecifies the recipient.  Can be used any number of times.")
		    LINE("\tParameters are ESMTP extensions.  See \"HELP DSN\" for details.") END },
	{ "data",
	    LINE("DATA") LINE("\tFollowing text is collected as the message.") LINE("\tEnd with a single dot.") END },
	{ "rset", LINE("RSET") LINE("\tResets the system.") END },
	{ "quit", LINE("QUIT") LINE("\tExit sendmail (SMTP).") END },
	{ "auth", LINE("AUTH mechanism [initial-response]") LINE("\tStart authentication.") END },
	{ "starttls", LINE("STARTTLS") LINE("\tStart TLS negotiation.") END },
	{ "verb",
	    LINE("VERB") LINE("\tGo into verbose mode.  This sends 0xy responses that are")
		LINE("\tnot RFC821 standard (but should be).  They are recognized")
		    LINE("\tby humans and other sendmail implementations.") END },
	{ "vrfy",
	    LINE("VRFY <recipient>") LINE("\tVerify an address.  If you want to see what it aliases")
		LINE("\tto, use EXPN instead.") END },
	{ "expn",
	    LINE("EXPN <recipient>") LINE("\tExpand an address.  If the address indicates a mailing")
		LINE("\tlist, return the contents of that list.") END },
	{ "noop", LINE("NOOP") LINE("\tDo nothing.") END },
	{ "send",
	    LINE("SEND FROM:<sender>") LINE("\treplaces the MAIL command, and can be used to send")
		LINE("\tdirectly to a users terminal.  Not supported in this") LINE("\timplementation.") END },
	{ "soml",
	    LINE("SOML FROM:<sender>") LINE("\tSend or mail.  If the user is logged in, send directly,")
		LINE("\totherwise mail.  Not supported in this implementation.") END },
	{ "saml",
	    LINE("SAML FROM:<sender>") LINE("\tSend and mail.  Send directly to the user's terminal,")
		LINE("\tand also mail a letter.  Not supported in this") LINE("\timplementation.") END },
	{ "turn",
	    LINE("TURN") LINE("\tReverses the direction of the connection.  Not currently") LINE("\timplemented.")
		END },
	{ "etrn",
	    LINE("ETRN [ <hostname> | @<domain> | #<queuename> ]")
		LINE("\tRun the queue for the specified <hostname>, or")
		    LINE("\tall hosts within a given <domain>, or a specially-named")
			LINE("\t<queuename> (implementation-specific).") END },
	{ "dsn",
	    LINE("MAIL From:<sender> [ RET={ FULL | HDRS} ] [ ENVID=<envid> ]")
		LINE("RCPT To:<recipient> [ NOTIFY={NEVER,SUCCESS,FAILURE,DELAY} ]")
		    LINE("\t\t     [ ORCPT=<recipient> ]") LINE("\tSMTP Delivery Status Notifications.")
			LINE("Descriptions:") LINE("\tRET\tReturn either the full message or only headers.")
			    LINE("\tENVID\tSender's \"envelope identifier\" for tracking.")
				LINE("\tNOTIFY\tWhen to send a DSN. Multiple options are OK, comma-")
				    LINE("\t\tdelimited. NEVER must appear by itself.")
					LINE("\tORCPT\tOriginal recipient.") END },
};

const char *
sendmail_help(const char *topic)
{
	for (size_t i = 0; i < sizeof(topics) / sizeof(topics[0]); i++) {
		if (strcmp(topics[i].topic, topic) == 0)
			return topics[i].text;
	}
	return NULL;
}
