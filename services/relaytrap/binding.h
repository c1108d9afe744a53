/*
 * binding - what a decoy's port is to relaytrap: the look's name as the PROXY
 * header gives it, with words behind slashes: "postfix", "exim/tls",
 * "postfix/mx", "sendmail/mx/tls".
 */
#ifndef RELAYTRAP_BINDING_H
#define RELAYTRAP_BINDING_H

#include "relaytrap/look.h"
#include "wire/proxy.h"

#include <stdbool.h>

enum { BINDING_SMTPS_PORT = 465 };

struct binding {
	const struct look *look;
	bool implicit_tls; /* "tls", or a proxy was asked for port 465 */
	bool mx; /* "mx": takes mail for the poisoned domains only */
};

/* Words that nobody knows are skipped: the gateway's file may be newer than we are. */
struct binding binding_parse(const struct flow_info *flow);

#endif
