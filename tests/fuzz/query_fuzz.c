/* query_fuzz - any query string: parsed or refused; what was parsed fits and ends. */
#include "api/query.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t len);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t len)
{
	char *text = malloc(len + 1);
	struct query q;
	const char *error = NULL;
	uint64_t number;

	if (text == NULL)
		abort();
	memcpy(text, data, len);
	text[len] = '\0';
	if (query_parse(text, &q, &error)) {
		for (size_t i = 0; i < q.count; i++) {
			assert(strlen(q.pairs[i].name) < QUERY_NAME_MAX && strlen(q.pairs[i].value) < QUERY_VALUE_MAX);
			query_time(q.pairs[i].value, &number);
			if (query_number(q.pairs[i].value, 1, 1000, &number))
				assert(number >= 1 && number <= 1000);
		}
	} else {
		assert(error != NULL);
	}
	query_time(text, &number);
	free(text);
	return 0;
}
