/* cursor_fuzz - a text that is taken as a cursor is exactly the one that we would have written. */
#include "api/cursor.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	static const enum cursor_kind kinds[] = { CURSOR_EVENTS, CURSOR_MESSAGES, CURSOR_SOURCES, CURSOR_REPLICAS };
	char *text = malloc(len + 1), again[CURSOR_TEXT_MAX];
	uint64_t number;

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (cursor_parse(kinds[i], text, &number))
			assert(strcmp(cursor_format(kinds[i], number, again), text) == 0);
	}
	free(text);
	return 0;
}
