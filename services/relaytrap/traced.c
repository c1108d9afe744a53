#include "relaytrap/traced.h"

#include "base/clock.h"
#include "base/str.h"
#include "wire/event.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { LETTERS_MIN = 29 }; /* what token_seal() writes at least, without its dot */

void
traced_init(struct traced *t)
{
	t->count = 0;
	t->more = false;
	t->tries = 0;
	t->hidden = 0;
	memset(t->texts, 0, sizeof(t->texts));
}

static bool
known(const struct traced *t, const char *local)
{
	for (size_t i = 0; i < t->count; i++) {
		if (strcmp(t->finds[i].local, local) == 0)
			return true;
	}
	return false;
}

static bool
try_local(struct traced *t, const struct site_key *key, const char *text, size_t len)
{
	char local[TOKEN_TEXT_MAX];
	struct token token;

	if (len < LETTERS_MIN || len >= sizeof(local) || t->tries >= TRACED_TRIES_MAX)
		return false;
	t->tries++;
	str_copy_bytes(local, sizeof(local), text, len);
	if (!token_open(key, local, &token))
		return false;
	if (known(t, local))
		return true;
	if (t->count == TRACED_MAX) {
		t->more = true;
		return true;
	}
	str_copy(t->finds[t->count].local, sizeof(local), local);
	t->finds[t->count++].token = token;
	return true;
}

bool
traced_address(struct traced *t, const struct site_key *key, const char *address)
{
	return try_local(t, key, address, strcspn(address, "@"));
}

static bool
of_local_part(uint8_t c)
{
	return c < 0x80 && (isalnum(c) || c == '.');
}

/* The local part that ends before end, whose beginning may be in the tail. */
static void
try_before(struct traced *t, const struct traced_text *text, const struct site_key *key, const uint8_t *data,
    const uint8_t *end)
{
	char word[2 * TOKEN_TEXT_MAX];
	size_t len = 0, tail = 0;
	const uint8_t *start = end;

	while (start > data && end - start < TOKEN_TEXT_MAX && of_local_part(start[-1]))
		start--;
	if (start == data)
		tail = text->tail_len;
	memcpy(word, text->tail, tail);
	len = tail + (size_t)(end - start);
	memcpy(word + tail, start, (size_t)(end - start));
	try_local(t, key, word, len);
}

/* Keeps the local part that the data ends with. */
static void
keep_tail(struct traced_text *t, const uint8_t *data, size_t len)
{
	size_t n = 0;

	while (n < len && n < sizeof(t->tail) && of_local_part(data[len - 1 - n]))
		n++;
	size_t kept = n < len ? 0 : t->tail_len;
	if (kept > sizeof(t->tail) - n)
		kept = sizeof(t->tail) - n; /* too long for a local part, and it stays so */
	memmove(t->tail, t->tail + t->tail_len - kept, kept);
	memcpy(t->tail + kept, data + len - n, n);
	t->tail_len = kept + n;
}

struct scan {
	struct traced *traced;
	const struct site_key *key;
	size_t text;
};

static void scan_text(struct scan *s, const uint8_t *data, size_t len);

static void
on_hidden(void *ctx, enum unfold_kind kind, const uint8_t *data, size_t len)
{
	const struct scan *s = ctx;
	struct scan inner = { s->traced, s->key, s->text * UNFOLD_KINDS + 1 + kind };

	s->traced->hidden += len;
	scan_text(&inner, data, len);
}

static void
scan_text(struct scan *s, const uint8_t *data, size_t len) // NOLINT(misc-no-recursion): as deep as texts are
{
	struct traced_text *t = &s->traced->texts[s->text];
	const uint8_t *end = data + len;

	for (const uint8_t *at = data; (at = memchr(at, '@', (size_t)(end - at))) != NULL; at++)
		try_before(s->traced, t, s->key, data, at);
	if (s->text * UNFOLD_KINDS + 1 < TRACED_TEXTS && s->traced->hidden < TRACED_HIDDEN_MAX)
		unfold_input(&t->unfold, t->tail, t->tail_len, data, len, on_hidden, s);
	keep_tail(t, data, len);
}

void
traced_scan(struct traced *t, const struct site_key *key, const void *data, size_t len)
{
	struct scan s = { t, key, 0 };

	scan_text(&s, data, len);
}

static void
append(struct event *e, const char *path, const char *list, const char *text)
{
	char name[128];

	snprintf(name, sizeof(name), "%s.%s", path, list);
	event_append(e, name, text, strlen(text), TRACED_MAX);
}

void
traced_tell(const struct traced *t, struct event *e, const char *path)
{
	char ip[ADDR_TEXT_MAX], when[CLOCK_TEXT_MAX], name[128];

	for (size_t i = 0; i < t->count; i++) {
		const struct token *token = &t->finds[i].token;

		append(e, path, "addresses", t->finds[i].local);
		append(e, path, "harvesters", addr_format(&token->harvester, ip));
		append(e, path, "times", clock_rfc3339((uint64_t)token->minutes * 60000, when));
		snprintf(name, sizeof(name), "%s.places", path);
		event_append_number(e, name, token->place, TRACED_MAX);
	}
	if (t->more) {
		snprintf(name, sizeof(name), "%s.addresses_truncated", path);
		event_bool(e, name, true);
	}
}
