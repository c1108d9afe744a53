/* exim_address - which addresses Exim takes and what it says of others (observed from a running server). Pure text. */
#ifndef RELAYTRAP_LOOKS_EXIM_ADDRESS_H
#define RELAYTRAP_LOOKS_EXIM_ADDRESS_H

#include <stdbool.h>
#include <stddef.h>

enum { EXIM_ERROR_MAX = 1100 };

/*
 * out (as large as text) gets the address. False: error says why. An empty
 * address is an error unless empty_allowed.
 */
bool exim_address_parse(const char *text, bool empty_allowed, char *out, char error[EXIM_ERROR_MAX]);

#endif
