#include "relaytrap/looks/exim_address.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { ADDRESS_MAX = 256 };

/* Where the parser is in the text; error is set once. */
struct place {
	const char *text, *at;
	char *error;
	char *out;
	size_t len;
};

static bool
fail(struct place *p, const char *why)
{
	snprintf(p->error, EXIM_ERROR_MAX, "%s", why);
	return false;
}

static bool
malformed(struct place *p)
{
	snprintf(p->error, EXIM_ERROR_MAX, "malformed address: %.32s may not follow %.*s", p->at,
	    (int)(p->at - p->text), p->text);
	return false;
}

static void
skip_blanks(struct place *p)
{
	for (;;) {
		p->at += strspn(p->at, " \t");
		const char *end = *p->at == '(' ? strchr(p->at, ')') : NULL;

		if (end == NULL)
			return;
		p->at = end + 1;
	}
}

static void
put(struct place *p, char c)
{
	p->out[p->len++] = c;
}

static bool
is_atom(char c)
{
	return (unsigned char)c > ' ' && c != 0x7f && strchr("()<>@,;:\"[]", c) == NULL;
}

/* A quoted string or a run of atoms and dots; nothing is no error yet. */
static bool
local_part(struct place *p)
{
	if (*p->at != '"') {
		while (*p->at != '\0' && is_atom(*p->at))
			put(p, *p->at++);
		return true;
	}
	put(p, *p->at++);
	while (*p->at != '\0' && *p->at != '"') {
		if (*p->at == '\\' && p->at[1] != '\0')
			put(p, *p->at++);
		put(p, *p->at++);
	}
	if (*p->at == '\0')
		return fail(p, "unmatched doublequote in local part");
	put(p, *p->at++);
	return true;
}

/* Behind the '@': labels that begin with a letter or digit. */
static bool
domain(struct place *p)
{
	if (*p->at == '[')
		return fail(p, "domain literals not allowed");
	for (;;) {
		if (!isalnum((unsigned char)*p->at))
			return fail(p, "domain missing or malformed");
		while (isalnum((unsigned char)*p->at) || *p->at == '-')
			put(p, *p->at++);
		if (*p->at != '.')
			return true;
		put(p, *p->at++);
	}
}

/* "@a,@b:" of a source route is left out; without a colon there is no local part. */
static bool
skip_route(struct place *p)
{
	const char *colon = strchr(p->at, ':');

	if (*p->at != '@')
		return true;
	if (colon == NULL)
		return fail(p, "no local part");
	p->at = colon + 1;
	return true;
}

/* What "<" opens. */
static bool
bracketed(struct place *p, bool empty_allowed)
{
	char why[300];

	p->at++;
	skip_blanks(p);
	if (*p->at == '>' && empty_allowed) {
		p->at++;
		return true;
	}
	if (!skip_route(p))
		return false;
	size_t start = p->len;

	if (!local_part(p))
		return false;
	if (p->len == start)
		return fail(p, "missing or malformed local part");
	skip_blanks(p);
	if (*p->at == '>') {
		p->at++;
		return true;
	}
	if (*p->at != '@') {
		snprintf(why, sizeof(why), "\"@\" or \".\" expected after \"%.*s\"", (int)(p->len - start),
		    p->out + start);
		return fail(p, why);
	}
	put(p, *p->at++);
	if (!domain(p))
		return false;
	skip_blanks(p);
	if (*p->at == '\0')
		return fail(p, "'>' missing at end of address");
	if (*p->at != '>')
		return malformed(p);
	p->at++;
	return true;
}

/* "a@b" without brackets, or a name in front of them. */
static bool
naked(struct place *p, bool empty_allowed)
{
	if (!local_part(p))
		return false;
	skip_blanks(p);
	if (*p->at == '@' && p->len > 0) {
		put(p, *p->at++);
		return domain(p);
	}
	if (*p->at == '\0' && p->len > 0)
		return true;
	const char *open = strchr(p->at, '<');

	if (open == NULL)
		return fail(p, "missing or malformed local part (expected word or \"<\")");
	p->at = open;
	p->len = 0;
	return bracketed(p, empty_allowed);
}

bool
exim_address_parse(const char *text, bool empty_allowed, char *out, char error[EXIM_ERROR_MAX])
{
	struct place p = { .text = text, .at = text, .error = error, .out = out };

	skip_blanks(&p);
	if (*p.at == '\0')
		return fail(&p, "empty address");
	if (!(*p.at == '<' ? bracketed(&p, empty_allowed) : naked(&p, empty_allowed)))
		return false;
	skip_blanks(&p);
	if (*p.at != '\0')
		return malformed(&p);
	out[p.len] = '\0';
	if (p.len <= ADDRESS_MAX)
		return true;
	snprintf(error, EXIM_ERROR_MAX, "address is ridiculously long: %.64s...", out);
	return false;
}
