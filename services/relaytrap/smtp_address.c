#include "relaytrap/smtp_address.h"

#include "base/str.h"

#include <string.h>

/* End of the path: the '>' that is not quoted, or the first space without brackets; NULL: none. */
static const char *
path_end(const char *p, bool bracket)
{
	bool quoted = false;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"')
			quoted = !quoted;
		else if (!quoted && *p == (bracket ? '>' : ' '))
			return p;
	}
	return bracket || quoted ? NULL : p;
}

/* "@a,@b:user@host" means user@host (RFC 5321 appendix C: accept and ignore source routes). */
static const char *
skip_route(const char *start, const char *end)
{
	const char *colon;

	if (*start != '@' || (colon = memchr(start, ':', (size_t)(end - start))) == NULL)
		return start;
	return colon + 1;
}

enum smtp_address_result
smtp_address_parse(const char *text, char out[SMTP_ADDRESS_MAX], const char **rest)
{
	while (*text == ' ')
		text++;
	if (*text == '\0')
		return SMTP_ADDRESS_SYNTAX;
	bool bracket = *text == '<';
	const char *start = text + (bracket ? 1 : 0);
	const char *end = path_end(start, bracket);

	str_copy(out, SMTP_ADDRESS_MAX, start);
	if (end == NULL)
		return SMTP_ADDRESS_BAD;
	start = skip_route(start, end);
	*rest = end + (bracket ? 1 : 0);
	if (**rest != '\0' && **rest != ' ')
		return SMTP_ADDRESS_BAD;
	return str_copy_bytes(out, SMTP_ADDRESS_MAX, start, (size_t)(end - start)) ? SMTP_ADDRESS_OK : SMTP_ADDRESS_BAD;
}

const char *
smtp_address_domain(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL || at[1] == '\0' ? NULL : at + 1;
}
