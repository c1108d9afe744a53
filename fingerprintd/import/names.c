/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/names.h"

#include "base/mem.h"
#include "base/str.h"

#include <ctype.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { SLOTS = 2 * NAMES_MAX /* a power of two, never more than half full */, SUFFIX_MAX = 8 };

struct slot {
	char *name; /* NULL: free */
	unsigned last; /* number of the last that asked for this name */
};

struct names {
	size_t count;
	struct slot slots[SLOTS];
};

static uint32_t
hash(const char *text)
{
	uint32_t h = 2166136261; /* FNV-1a */

	for (; *text != '\0'; text++)
		h = (h ^ (uint8_t)*text) * 16777619;
	return h;
}

/* The name's slot, or the free one where it belongs. */
static struct slot *
slot_of(struct names *n, const char *name)
{
	uint32_t i = hash(name) % SLOTS;

	while (n->slots[i].name != NULL && strcmp(n->slots[i].name, name) != 0)
		i = (i + 1) % SLOTS;
	return &n->slots[i];
}

static void
take(struct names *n, struct slot *slot, const char *name)
{
	*slot = (struct slot){ xstrdup(name), 1 };
	n->count++;
}

struct names *
names_new(void)
{
	struct names *n = xcalloc(1, sizeof(*n));

	/* index.json lies in the same directory. */
	take(n, slot_of(n, "index"), "index");
	return n;
}

void
names_free(struct names **np)
{
	for (size_t i = 0; *np != NULL && i < SLOTS; i++)
		free((*np)->slots[i].name);
	free(*np);
	*np = NULL;
}

/* Runs of other octets become one hyphen; neither dots nor hyphens begin or end a slug. */
static void
slug(const char *text, char out[NAMES_TEXT_MAX])
{
	size_t len = 0;

	for (; *text != '\0' && len < NAMES_TEXT_MAX - 1; text++) {
		unsigned char c = (unsigned char)*text;
		bool kept = c < 0x80 && (isalnum(c) || c == '.' || c == '_');

		if (kept && (len > 0 || c != '.'))
			out[len++] = (char)tolower(c);
		else if (!kept && len > 0 && out[len - 1] != '-')
			out[len++] = '-';
	}
	while (len > 0 && (out[len - 1] == '-' || out[len - 1] == '.'))
		len--;
	out[len] = '\0';
	if (len == 0)
		str_copy(out, NAMES_TEXT_MAX, "unnamed");
}

bool
names_give(struct names *n, const char *fingerprint, char out[NAMES_TEXT_MAX])
{
	char base[NAMES_TEXT_MAX], suffix[SUFFIX_MAX + 4];

	if (n->count == NAMES_MAX)
		return false;
	slug(fingerprint, base);
	struct slot *first = slot_of(n, base), *slot = first;

	str_copy(out, NAMES_TEXT_MAX, base);
	while (slot->name != NULL) {
		int len = snprintf(suffix, sizeof(suffix), "-%u", ++first->last);

		snprintf(out, NAMES_TEXT_MAX, "%.*s%s", NAMES_TEXT_MAX - 1 - len, base, suffix);
		slot = slot_of(n, out);
	}
	take(n, slot, out);
	return true;
}
