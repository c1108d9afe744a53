/* sendmail_help - what HELP says, as heard from a running server. */
#ifndef RELAYTRAP_LOOKS_SENDMAIL_HELP_H
#define RELAYTRAP_LOOKS_SENDMAIL_HELP_H

/* The answer to HELP and a topic in lower case ("": none), a text of look.h; NULL: no such topic. */
const char *sendmail_help(const char *topic);

#endif
