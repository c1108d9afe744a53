#include "relaytrap/binding.h"

#include "base/str.h"

#include <stdio.h>
#include <string.h>

/* "host:465", as a proxy was asked for it. */
static bool
asked_for_smtps(const char *asked)
{
	char tail[16];
	size_t len = strlen(asked), tail_len;

	snprintf(tail, sizeof(tail), ":%d", (int)BINDING_SMTPS_PORT);
	tail_len = strlen(tail);
	return len > tail_len && strcmp(asked + len - tail_len, tail) == 0;
}

struct binding
binding_parse(const struct flow_info *flow)
{
	struct binding b = { .implicit_tls = asked_for_smtps(flow->asked) };
	char text[PROXY_TLV_TEXT_MAX], *save = NULL;

	str_copy(text, sizeof(text), flow->look);
	const char *name = text[0] == '/' ? NULL : strtok_r(text, "/", &save);
	b.look = look_find(name == NULL ? "" : name);
	for (const char *word = name == NULL ? NULL : strtok_r(NULL, "/", &save); word != NULL;
	     word = strtok_r(NULL, "/", &save)) {
		b.implicit_tls = b.implicit_tls || strcmp(word, "tls") == 0;
		b.mx = b.mx || strcmp(word, "mx") == 0;
	}
	return b;
}
