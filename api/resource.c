#include "api/resource.h"

#include <cjson/cJSON.h>
#include <stdlib.h>
#include <string.h>

bool
resource_filter(const struct request *r, enum cursor_kind kind, struct model_filter *f, char address[ADDR_TEXT_MAX],
    struct reply *out)
{
	const char *limit = query_get(&r->query, "limit"), *cursor = query_get(&r->query, "cursor");
	const char *source = query_get(&r->query, "source"), *since = query_get(&r->query, "since");
	struct addr a;

	memset(f, 0, sizeof(*f));
	f->limit = LIST_LIMIT_DEFAULT;
	if (limit != NULL && !query_number(limit, 1, LIST_LIMIT_MAX, &f->limit)) {
		reply_problem(out, 400, "limit must be a whole number from 1 to %d.", (int)LIST_LIMIT_MAX);
	} else if (cursor != NULL && !cursor_parse(kind, cursor, &f->before)) {
		reply_problem(out, 400, "cursor must be what \"next\" of this list held.");
	} else if (source != NULL && !addr_parse(source, &a)) {
		reply_problem(out, 400, "source must be an IP address.");
	} else if (since != NULL && !query_time(since, &f->since_ms)) {
		reply_problem(out, 400, "since must be a time like 2026-11-24T12:00:00Z (RFC 3339).");
	} else {
		f->source = source == NULL ? NULL : addr_format(&a, address);
		return true;
	}
	return false;
}

void
list_begin(struct list_body *l, enum cursor_kind kind, struct model_filter *f)
{
	memset(l, 0, sizeof(*l));
	l->kind = kind;
	l->limit = f->limit;
	f->limit++;
	l->file = open_memstream(&l->text, &l->len);
	if (l->file != NULL)
		fputs("{\"items\":[", l->file);
}

bool
list_item(struct list_body *l, uint64_t number)
{
	if (l->count == l->limit)
		l->more = true;
	if (l->file == NULL || l->count == l->limit)
		return false;
	if (l->count++ > 0)
		fputc(',', l->file);
	l->last = number;
	return true;
}

void
list_write(struct list_body *l, cJSON *json)
{
	char *text = cJSON_PrintUnformatted(json);

	cJSON_Delete(json);
	fputs(text == NULL ? "null" : text, l->file);
	free(text);
}

void
list_end(struct list_body *l, bool ok, struct reply *out)
{
	char cursor[CURSOR_TEXT_MAX];

	if (l->file != NULL) {
		if (l->more)
			fprintf(l->file, "],\"next\":\"%s\"}\n", cursor_format(l->kind, l->last, cursor));
		else
			fputs("],\"next\":null}\n", l->file);
		fclose(l->file);
	}
	if (ok) {
		reply_json(out, l->text, l->len);
		return;
	}
	free(l->text);
	reply_problem(out, 503, "The read model can't be read now.");
}
