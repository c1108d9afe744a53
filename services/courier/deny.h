/*
 * deny - whom the courier never writes to, whatever a mail looks like: role and
 * abuse addresses (RFC 2142), addresses that smell of spam traps, whole domains,
 * hosts in our own or in private networks; and whom it never carries for.
 */
#ifndef COURIER_DENY_H
#define COURIER_DENY_H

#include "base/addr.h"

enum { DENY_LIST_MAX = 256 };

struct deny_word {
	const char *at; /* in the list that was loaded */
	size_t len;
};

struct deny_list {
	struct deny_word words[DENY_LIST_MAX];
	size_t count;
};

struct deny_networks {
	struct cidr list[DENY_LIST_MAX];
	size_t count;
};

struct deny {
	struct deny_list recipients; /* "user@domain", or "user@" for a local part anywhere */
	struct deny_list domains; /* and what is below them */
	struct deny_networks hosts; /* no host here is connected to */
	struct deny_networks sources; /* nothing from here is carried */
};

/* Each is a list with commas, or "", and is borrowed. False with a sentence in error. */
bool deny_load(struct deny *d, const char *recipients, const char *domains, const char *hosts, const char *sources,
    char *error, size_t error_size);
/* A word for the event, or NULL when the address is well-formed (letters, digits, the marks of RFC 5321) and allowed.
 */
const char *deny_recipient(const struct deny *d, const char *address);
/* For the sender, which may be "" (RFC 5321 4.5.5): only whether it is well-formed. */
bool deny_sender_valid(const char *address);
/* A host's name that can be looked up and put into a URL: letters, digits, hyphens, at least one dot. */
bool deny_domain_valid(const char *domain);
/* Also private, loopback, link-local, multicast and other special networks (RFC 6890). */
bool deny_host(const struct deny *d, const struct addr *host);
bool deny_source(const struct deny *d, const struct addr *source);
/* What follows the last '@'. */
const char *deny_domain_of(const char *address);

#endif
