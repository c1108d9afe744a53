#include "relaytrap/smtp_address.h"

#include <string.h>

const char *
smtp_address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL || at[1] == '\0' ? NULL : at + 1;
}
