/* relay_mail - what a relay-mail event says of a mail, read back. The texts are the peer's: data, bounded, escaped. */
#ifndef COURIER_RELAY_MAIL_H
#define COURIER_RELAY_MAIL_H

#include "wire/mail_commit.h"
#include "wire/proxy.h"

enum {
	RELAY_MAIL_RECIPIENTS_MAX = 32, /* as many as the event names */
	RELAY_MAIL_ADDRESS_MAX = 256, /* RFC 5321 4.5.3.1.3: a path has 256 octets at most */
	RELAY_MAIL_TEXT_MAX = 256,
};

struct relay_mail {
	struct flow_info flow; /* source: who sent it; destination: the decoy */
	char id[MAIL_ID_MAX];
	char sha256[MAIL_SHA256_TEXT + 1];
	uint64_t size;
	uint64_t sequence; /* of the commit in stream MAIL */
	char host[RELAY_MAIL_TEXT_MAX]; /* name that the decoy greeted with */
	char version[64]; /* that the decoy's server seems to have, or "" */
	char queue_id[64];
	bool tls; /* it came over TLS */
	bool mx; /* to the mail server of a poisoned domain, which relays nothing */
	char helo[RELAY_MAIL_TEXT_MAX];
	char mail_from[RELAY_MAIL_ADDRESS_MAX]; /* "" for <> */
	char recipients[RELAY_MAIL_RECIPIENTS_MAX][RELAY_MAIL_ADDRESS_MAX];
	size_t recipient_count; /* in recipients[]; one that is too long to be an address is left out */
	uint64_t recipient_total; /* that the mail had */
};

/* False with a reason in error (borrowed, constant) when it is no relay-mail event of ours. */
bool relay_mail_parse(const void *data, size_t len, struct relay_mail *out, const char **error);

#endif
