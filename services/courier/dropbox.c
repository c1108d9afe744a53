#include "courier/dropbox.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

static const char proven[] = "dropbox ", chosen[] = "chosen ";

void
dropbox_format(const struct dropbox *d, const char *address, char out[DROPBOX_VALUE_MAX])
{
	snprintf(out, DROPBOX_VALUE_MAX, "%s%s %s", d->proven ? proven : chosen, d->network, address);
}

bool
dropbox_parse(const char *value, struct dropbox *out)
{
	const char *word;

	out->proven = str_starts_nocase(value, proven);
	if (!out->proven && !str_starts_nocase(value, chosen))
		return false;
	word = value + strlen(out->proven ? proven : chosen);
	size_t len = strcspn(word, " ");

	return len > 0 && len < sizeof(out->network) && word[len] == ' ' &&
	    str_copy_bytes(out->network, sizeof(out->network), word, len);
}
