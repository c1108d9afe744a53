/*
 * token - traced mail addresses: the local part of a poisoned address carries,
 * encrypted with the site key, who took it, when and where (DESIGN 5).  Any
 * relaytrap with the site key opens it; without the key it looks like a name.
 */
#ifndef WIRE_TOKEN_H
#define WIRE_TOKEN_H

#include "wire/identity.h"

enum { TOKEN_TEXT_MAX = 64 }; /* RFC 5321 4.5.3.1.1: the longest local part */

struct token {
	struct addr harvester; /* who fetched the page; of an IPv6 address the /64 comes back */
	uint32_t minutes; /* when: minutes since 1970 */
	uint32_t place; /* which page: a hash of decoy and path */
};

/* Local part of letters, digits and dots, lower case, that survives case folding. */
void token_seal(const struct site_key *key, const struct token *t, char out[TOKEN_TEXT_MAX]);
/* False when the local part is not one of ours (forged, cut or another site's). */
bool token_open(const struct site_key *key, const char *local_part, struct token *out);

#endif
