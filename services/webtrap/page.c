#include "webtrap/page.h"

#include "base/str.h"

#include <assert.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

enum { DATE_MAX = 40, HOST_MAX = 256 };

/* One answer in the making. */
struct making {
	const struct page_site *site;
	const struct request *req;
	const struct addr *visitor;
	uint64_t wall_ms;
	char path[REQUEST_PATH_MAX];
	char host[HOST_MAX];
	uint16_t port;
	const char *values[LOOK_HEADER_COUNT]; /* what each header says, NULL: absent */
	char date[DATE_MAX], changed[DATE_MAX], etag[64], length[24], keep[40], url[PAGE_FIELD_TEXT_MAX],
	    index[PAGE_FIELD_TEXT_MAX];
	struct page_answer *out;
};

const char *
page_kind_name(enum page_kind k)
{
	static const char *const names[] = {
#define X(name, text) [PAGE_##name] = text,
		PAGE_KINDS(X)
#undef X
	};

	return names[k];
}

/* RFC 9110 5.6.7: English, for no part of ours calls setlocale(); always GMT. */
static void
http_date(uint64_t seconds, char out[DATE_MAX])
{
	time_t t = (time_t)seconds;
	struct tm tm;

	if (gmtime_r(&t, &tm) == NULL)
		memset(&tm, 0, sizeof(tm));
	strftime(out, DATE_MAX, "%a, %d %b %Y %H:%M:%S GMT", &tm);
}

static void
make_etag(struct making *k, uint64_t changed_us)
{
	unsigned long long us = changed_us, seconds = changed_us / 1000000;
	size_t size = k->out->body_len;
	/* 100 ns since 1601, its bytes in the order of memory. */
	unsigned long long filetime = __builtin_bswap64((us + 11644473600000000ull) * 10);

	switch (k->site->look->etag) {
	case LOOK_ETAG_APACHE:
		snprintf(k->etag, sizeof(k->etag), "\"%zx-%llx\"", size, us);
		break;
	case LOOK_ETAG_NGINX:
		snprintf(k->etag, sizeof(k->etag), "\"%llx-%zx\"", seconds, size);
		break;
	case LOOK_ETAG_IIS:
		snprintf(k->etag, sizeof(k->etag), "\"%llx:%x\"", filetime, (unsigned)(k->site->maze.style + 0x800));
		break;
	}
}

/* ---- templates ---- */

static void
append(struct page_answer *a, const char *text, size_t len)
{
	size_t room = sizeof(a->body) - a->body_len;

	if (len > room)
		len = room;
	memcpy(a->body + a->body_len, text, len);
	a->body_len += len;
}

/* A peer's text, in HTML. */
static void
append_escaped(struct page_answer *a, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		const char *entity = text[i] == '<' ? "&lt;"
		    : text[i] == '>'                ? "&gt;"
		    : text[i] == '&'                ? "&amp;"
		    : text[i] == '"'                ? "&quot;"
						    : NULL;

		if (entity != NULL)
			append(a, entity, strlen(entity));
		else
			append(a, text + i, 1);
	}
}

static void
append_code(struct making *k, char code)
{
	struct page_answer *a = k->out;
	char port[8];

	switch (code) {
	case 's':
		append(a, k->site->server, strlen(k->site->server));
		break;
	case 'h':
		append_escaped(a, k->host, strlen(k->host));
		break;
	case 'p':
		append(a, port, (size_t)snprintf(port, sizeof(port), "%u", (unsigned)k->port));
		break;
	case 'm':
		append_escaped(a, k->req->method.at, k->req->method.len);
		break;
	case 'l':
		append_escaped(a, k->url, strlen(k->url));
		break;
	default:
		append(a, &code, 1);
	}
}

static void
fill_template(struct making *k, const char *template)
{
	for (const char *p = template; *p != '\0';) {
		size_t plain = strcspn(p, "%");

		append(k->out, p, plain);
		p += plain;
		if (*p == '%') {
			append_code(k, p[1]);
			p += 2;
		}
	}
}

static void
say(struct making *k, enum look_text text, enum page_kind kind)
{
	const struct look_page *page = &k->site->look->pages[text];
	struct page_answer *a = k->out;

	a->status = page->status;
	a->reason = page->reason;
	a->kind = kind;
	a->closes = a->closes || page->closes;
	k->values[LOOK_CONTENT_TYPE] = k->site->look->error_type;
	if (page->body != NULL)
		fill_template(k, page->body);
}

/* ---- pages of the site ---- */

static void
found(struct making *k, enum page_kind kind, size_t len)
{
	k->out->status = 200;
	k->out->reason = "OK";
	k->out->kind = kind;
	k->out->body_len = len;
}

/* What a script makes has no date and no tag. */
static void
found_script(struct making *k, enum page_kind kind, size_t len)
{
	found(k, kind, len);
	k->values[LOOK_CONTENT_TYPE] = k->site->look->form_type;
}

static bool
not_modified(const struct making *k)
{
	const struct request *r = k->req;

	if (r->if_none_match.at != NULL)
		return span_lists(r->if_none_match, k->etag) || span_is(r->if_none_match, "*");
	return span_is(r->if_modified_since, k->changed);
}

static void
found_file(struct making *k, enum page_kind kind, size_t len)
{
	uint64_t changed_us = maze_changed_us(&k->site->maze, k->path);

	found(k, kind, len);
	http_date(changed_us / 1000000, k->changed);
	make_etag(k, changed_us);
	k->values[LOOK_CONTENT_TYPE] = kind == PAGE_ROBOTS ? "text/plain" : "text/html";
	k->values[LOOK_LAST_MODIFIED] = k->changed;
	k->values[LOOK_ETAG] = k->etag;
	k->values[LOOK_ACCEPT_RANGES] = "bytes";
	if (!not_modified(k))
		return;
	k->out->status = 304;
	k->out->reason = "Not Modified";
	k->out->no_body = true;
	k->values[LOOK_CONTENT_TYPE] = NULL;
	if (k->site->look->short_304)
		k->values[LOOK_ACCEPT_RANGES] = NULL;
}

static void
found_maze(struct making *k)
{
	const struct maze *m = &k->site->maze;

	if (!maze_has(m, k->path)) {
		say(k, LOOK_MISSING, PAGE_MISSING);
		return;
	}
	found_file(k, PAGE_MAZE, maze_page(m, k->path, k->visitor, (uint32_t)(k->wall_ms / 60000), k->out->body));
	k->out->addresses = k->out->status == 200 && !k->out->no_body ? MAZE_TRACED + MAZE_PLAIN : 0;
}

static void
make_url(struct making *k, const char *path, char out[PAGE_FIELD_TEXT_MAX])
{
	if (k->port == 80)
		snprintf(out, PAGE_FIELD_TEXT_MAX, "http://%s%s", k->host, path);
	else
		snprintf(out, PAGE_FIELD_TEXT_MAX, "http://%s:%u%s", k->host, (unsigned)k->port, path);
}

/* Is it the maze's folder without the slash at its end? */
static bool
lacks_slash(const struct making *k)
{
	const char *prefix = k->site->maze.prefix;
	size_t len = strlen(prefix) - 1;

	return strlen(k->path) == len && strncmp(k->path, prefix, len) == 0;
}

static bool
is_page(const struct making *k, const char *stem)
{
	size_t len = strlen(stem);

	return strncmp(k->path, stem, len) == 0 && strcmp(k->path + len, k->site->look->suffix) == 0;
}

static void
found_front(struct making *k)
{
	const char *index_name = k->site->look->index_name;
	char path[32];

	str_copy(k->path, sizeof(k->path), "/"); /* one file, one date */
	found_file(k, PAGE_FRONT, maze_front(&k->site->maze, k->out->body));
	if (index_name == NULL)
		return;
	snprintf(path, sizeof(path), "/%s", index_name);
	make_url(k, path, k->index);
	k->values[LOOK_CONTENT_LOCATION] = k->index;
}

static bool
is_index(const struct making *k)
{
	const char *name = k->site->look->index_name;

	return strcmp(k->path, "/") == 0 || (name == NULL ? is_page(k, "/index") : strcmp(k->path + 1, name) == 0);
}

static void
find_page(struct making *k)
{
	const struct maze *m = &k->site->maze;
	char *body = k->out->body;

	if (is_index(k)) {
		found_front(k);
	} else if (strcmp(k->path, "/robots.txt") == 0) {
		found_file(k, PAGE_ROBOTS, maze_robots(m, body));
	} else if (is_page(k, "/about")) {
		found_file(k, PAGE_ABOUT, maze_about(m, body));
	} else if (strcmp(k->path, m->form_path) == 0) {
		found_script(k, PAGE_FORM, maze_form(m, body));
	} else if (maze_inside(m, k->path)) {
		found_maze(k);
	} else if (lacks_slash(k)) {
		make_url(k, m->prefix, k->url);
		k->values[LOOK_LOCATION] = k->url;
		say(k, LOOK_MOVED, PAGE_MOVED);
	} else {
		say(k, LOOK_MISSING, PAGE_MISSING);
	}
}

/* ---- methods ---- */

static void
refuse_method(struct making *k)
{
	const struct look_method *m = k->site->look->methods;

	while (m->name != NULL && !span_is(k->req->method, m->name))
		m++;
	k->values[LOOK_ALLOW] = m->allow;
	k->out->closes = k->out->closes || m->closes;
	say(k, m->text, PAGE_METHOD);
}

static void
answer_post(struct making *k)
{
	if (strcmp(k->path, k->site->maze.form_path) == 0)
		found_script(k, PAGE_THANKS, maze_thanks(&k->site->maze, k->out->body));
	else if (k->site->look->post_to_pages)
		find_page(k);
	else
		refuse_method(k);
}

static void
answer_method(struct making *k)
{
	if (span_is(k->req->method, "GET") || span_is(k->req->method, "HEAD")) {
		find_page(k);
	} else if (span_is(k->req->method, "POST")) {
		answer_post(k);
	} else if (span_is(k->req->method, "OPTIONS") && k->site->look->options[0].name != NULL) {
		found(k, PAGE_OPTIONS, 0);
		if (k->site->look->post_to_pages && !span_is(k->req->target, "*"))
			k->values[LOOK_CONTENT_TYPE] = "text/html";
	} else {
		refuse_method(k);
	}
}

static enum look_text
text_of(enum request_verdict v)
{
	switch (v) {
	case REQUEST_LONG_LINE:
		return LOOK_LONG_LINE;
	case REQUEST_LONG_FIELD:
		return LOOK_LONG_FIELD;
	case REQUEST_BAD_CODING:
		return LOOK_BAD_CODING;
	case REQUEST_BAD_VERSION:
		return LOOK_BAD_VERSION;
	case REQUEST_LATE:
		return LOOK_LATE;
	default:
		return LOOK_BAD_REQUEST;
	}
}

static void
answer(struct making *k, enum request_verdict verdict)
{
	const enum look_text texts[] = {
		[REQUEST_PATH_BAD] = LOOK_BAD_REQUEST,
		[REQUEST_PATH_LONG] = LOOK_MISSING,
		[REQUEST_PATH_NUL] = k->site->look->nul_text,
	};
	enum request_path path;

	if (verdict != REQUEST_OK && verdict != REQUEST_SIMPLE) {
		say(k, text_of(verdict), PAGE_REFUSED);
		return;
	}
	path = span_is(k->req->method, "CONNECT") ? REQUEST_PATH_OK : request_path(k->req->target, k->path);
	if (path == REQUEST_PATH_OK)
		answer_method(k);
	else
		say(k, texts[path], texts[path] == LOOK_BAD_REQUEST ? PAGE_REFUSED : PAGE_MISSING);
}

/* ---- headers ---- */

static const char *
connection_word(const struct making *k)
{
	const struct look *look = k->site->look;

	if (k->out->closes)
		return "close";
	return look->keep_always || span_lists(k->req->connection, "keep-alive") ? look->keep_word : NULL;
}

/* Which answers have no Content-Length, although there is a body or would be one. */
static bool
says_length(const struct making *k)
{
	return k->out->status != 304 &&
	    !(k->site->look->short_head && span_is(k->req->method, "HEAD") && k->out->status >= 400);
}

static void
set_values(struct making *k)
{
	http_date(k->wall_ms / 1000, k->date);
	k->values[LOOK_DATE] = k->date;
	k->values[LOOK_SERVER] = k->site->server;
	k->values[LOOK_CONNECTION] = connection_word(k);
	snprintf(k->keep, sizeof(k->keep), "timeout=%d, max=%u", (int)PAGE_KEEP_S,
	    k->site->look->keep_max - k->req->number);
	if (k->site->look->keep_alive_field && !k->out->closes && k->values[LOOK_CONNECTION] != NULL)
		k->values[LOOK_KEEP_ALIVE] = k->keep;
	snprintf(k->length, sizeof(k->length), "%zu", k->out->body_len);
	if (says_length(k))
		k->values[LOOK_CONTENT_LENGTH] = k->length;
}

static void
add_field(struct page_answer *a, const char *name, const char *value)
{
	assert(a->field_count < PAGE_FIELDS_MAX);
	struct page_field *f = &a->fields[a->field_count++];

	f->name = name;
	str_copy(f->value, sizeof(f->value), value);
}

static void
add_options(struct making *k)
{
	for (const struct look_field *o = k->site->look->options; o->name != NULL; o++) {
		if (strcmp(o->name, "Allow") != 0 || !span_is(k->req->target, "*"))
			add_field(k->out, o->name, o->value);
	}
}

static void
add_fields(struct making *k)
{
	static const char *const names[LOOK_HEADER_COUNT] = {
		[LOOK_DATE] = "Date",
		[LOOK_SERVER] = "Server",
		[LOOK_CONTENT_TYPE] = "Content-Type",
		[LOOK_CONTENT_LENGTH] = "Content-Length",
		[LOOK_CONTENT_LOCATION] = "Content-Location",
		[LOOK_LAST_MODIFIED] = "Last-Modified",
		[LOOK_ETAG] = "ETag",
		[LOOK_ACCEPT_RANGES] = "Accept-Ranges",
		[LOOK_ALLOW] = "Allow",
		[LOOK_LOCATION] = "Location",
		[LOOK_KEEP_ALIVE] = "Keep-Alive",
		[LOOK_CONNECTION] = "Connection",
	};

	set_values(k);
	for (const enum look_header *h = k->site->look->order; *h != LOOK_END; h++) {
		if (k->values[*h] != NULL)
			add_field(k->out, names[*h], k->values[*h]);
		if (*h == LOOK_ALLOW && k->out->kind == PAGE_OPTIONS)
			add_options(k);
	}
}

/* The name that the client called us by; without one, the decoy's address. */
static void
set_host(struct making *k, enum request_verdict verdict)
{
	struct span name = { NULL, 0 };
	uint16_t port = 80;
	bool named =
	    verdict == REQUEST_OK && k->req->host.len > 0 && request_host(k->req->host, &name, &port) && name.len > 0;

	if (named)
		str_copy_bytes(k->host, sizeof(k->host), name.at, name.len);
	else
		addr_format(&k->site->at.addr, k->host);
	k->port = !k->site->look->port_of_host ? k->site->at.port : named ? port : 80;
}

void
page_answer(const struct page_site *s, const struct request *req, enum request_verdict verdict,
    const struct addr *visitor, uint64_t wall_ms, struct page_answer *out)
{
	struct making k = { .site = s, .req = req, .visitor = visitor, .wall_ms = wall_ms, .path = "/", .out = out };

	assert(verdict != REQUEST_MORE);
	memset(out, 0, offsetof(struct page_answer, body));
	out->bare = verdict == REQUEST_SIMPLE;
	out->closes =
	    verdict != REQUEST_OK || !request_keeps(req) || (s->look->keep_max > 0 && req->number >= s->look->keep_max);
	out->no_body = span_is(req->method, "HEAD");
	set_host(&k, verdict);
	answer(&k, verdict);
	if (out->status != 0)
		add_fields(&k);
}

size_t
page_head_format(const struct page_answer *a, char out[PAGE_ANSWER_HEAD_MAX])
{
	size_t used = 0, size = PAGE_ANSWER_HEAD_MAX;

	if (a->bare || a->status == 0)
		return 0;
	used += (size_t)snprintf(out, size, "HTTP/1.1 %u %s\r\n", a->status, a->reason);
	for (size_t i = 0; i < a->field_count; i++)
		used += (size_t)snprintf(out + used, size - used, "%s: %s\r\n", a->fields[i].name, a->fields[i].value);
	used += (size_t)snprintf(out + used, size - used, "\r\n");
	assert(used < size);
	return used;
}

void
page_site_init(struct page_site *s, const struct look *look, const struct site_key *key, const struct endpoint *decoy,
    const char *domains)
{
	size_t count = 0;

	while (count < LOOK_SERVERS_MAX && look->servers[count] != NULL)
		count++;
	assert(count > 0); /* of every look */
	memset(s, 0, sizeof(*s));
	s->look = look;
	s->server = look->servers[identity_u64(key, &decoy->addr, "web server") % count];
	s->at = *decoy;
	maze_init(&s->maze, key, &decoy->addr, domains, look->suffix, look->form_path);
}
