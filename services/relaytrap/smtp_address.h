/* smtp_address - what all looks agree about in an address (RFC 5321 4.1.2); what they don't is in looks/. */
#ifndef RELAYTRAP_SMTP_ADDRESS_H
#define RELAYTRAP_SMTP_ADDRESS_H

enum { SMTP_ADDRESS_MAX = 1024 };

/* The part behind the last '@', or NULL: a bare name. */
const char *smtp_address_domain(const char *address);

#endif
