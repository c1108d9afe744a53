/* smtp_address - paths of MAIL and RCPT (RFC 5321 4.1.2), as forgiving as the servers that we imitate. */
#ifndef RELAYTRAP_SMTP_ADDRESS_H
#define RELAYTRAP_SMTP_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { SMTP_ADDRESS_MAX = 512 };

enum smtp_address_result { SMTP_ADDRESS_OK, SMTP_ADDRESS_SYNTAX, SMTP_ADDRESS_BAD };

/*
 * text: what follows "FROM:" or "TO:".  out gets the address without brackets
 * and source route; rest points at the parameters behind it, inside text.
 */
enum smtp_address_result smtp_address_parse(const char *text, char out[SMTP_ADDRESS_MAX], const char **rest);
/* The part behind the last '@', or NULL: a bare name. */
const char *smtp_address_domain(const char *address);

#endif
