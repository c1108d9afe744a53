#include "relaytrap/looks/postfix_words.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

static bool
is_space(char c)
{
	return isspace((unsigned char)c) != 0;
}

/* The end of what opens at p: quotes, brackets and comments nest, a backslash hides what follows. NULL: it doesn't end.
 */
static const char *
closing(const char *p)
{
	char wanted[64];
	size_t depth = 0;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (depth > 0 && *p == wanted[depth - 1]) {
			if (--depth == 0)
				return p;
		} else if ((*p == '"' || *p == '<' || *p == '(' || *p == '[') && depth < sizeof(wanted) &&
		    (depth == 0 || wanted[depth - 1] != '"')) {
			wanted[depth++] = *p == '"' ? '"' : *p == '<' ? '>' : *p == '(' ? ')' : ']';
		}
	}
	return NULL;
}

/* The end of a word without brackets: white space that isn't quoted. */
static const char *
raw_end(const char *p)
{
	for (; *p != '\0' && !is_space(*p); p++) {
		const char *end = *p == '"' ? closing(p) : NULL;

		if (end != NULL)
			p = end;
		else if (*p == '\\' && p[1] != '\0')
			p++;
	}
	return p;
}

static void
add(struct postfix_words *w, const char *start, const char *end, bool bad)
{
	if (w->count == POSTFIX_WORDS_MAX)
		return;
	memcpy(w->room, start, (size_t)(end - start));
	w->room[end - start] = '\0';
	w->at[w->count++] = (struct postfix_word){ w->room, bad };
	w->room += end - start + 1;
}

static const char *
take_word(struct postfix_words *w, const char *p)
{
	size_t prefix = str_starts_nocase(p, "from:") ? 5 : str_starts_nocase(p, "to:") ? 3 : 0;
	const char *end;

	if (prefix > 0) {
		add(w, p, p + prefix, false);
		return p + prefix;
	}
	if (*p == '<' || *p == '[') {
		end = closing(p);
		bool bad = end == NULL || (end[1] != '\0' && !is_space(end[1]));

		end = end == NULL ? p + strlen(p) : raw_end(end + 1);
		add(w, p, end, bad);
		return end;
	}
	end = raw_end(p);
	add(w, p, end, false);
	return end;
}

void
postfix_words_cut(struct postfix_words *w, const char *arg, char *room)
{
	w->count = 0;
	w->room = room;
	for (;;) {
		while (is_space(*arg))
			arg++;
		if (*arg == '\0')
			return;
		arg = take_word(w, arg);
	}
}

/* ---- addresses ---- */

/* RFC 1123 labels, with underscores; not all digits; each 63 at most. A dot at the end is forgiven. */
static bool
host_good(const char *host, bool utf8)
{
	size_t len = strlen(host), label = 0;
	bool letters = false;

	if (len > 1 && host[len - 1] == '.')
		len--;
	if (len == 0 || len > 255)
		return false;
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)host[i];
		bool last = i + 1 == len || host[i + 1] == '.';

		if (c == '.') {
			if (label == 0)
				return false;
			label = 0;
			continue;
		}
		if (!(c < 0x80 ? isalnum(c) || c == '-' || c == '_' : utf8) || (c == '-' && (label == 0 || last)) ||
		    ++label > 63)
			return false;
		letters = letters || !isdigit(c);
	}
	return label > 0 && letters;
}

static bool
domain_good(const char *domain, bool utf8)
{
	size_t len = strlen(domain);

	if (domain[0] == '[')
		return len > 2 && domain[len - 1] == ']' && strchr(domain, ']') == domain + len - 1;
	return host_good(domain, utf8);
}

/* "@a,@b:user@host" means user@host (RFC 5321 appendix C: accept and ignore source routes). */
static const char *
skip_route(const char *text)
{
	const char *colon = *text == '@' ? strchr(text, ':') : NULL;

	return colon == NULL ? text : colon + 1;
}

/* One address: no comma or semicolon, no two words side by side; quotes close. *domain: behind the last '@', or NULL.
 */
static bool
one_address(const char *p, const char **domain)
{
	bool word = false;

	*domain = NULL;
	for (; *p != '\0'; p++) {
		if (*p == '"' || *p == '(') {
			const char *end = closing(p);

			if (end == NULL)
				return false;
			word = *p == '"';
			p = end;
		} else if (*p == '\\' && p[1] != '\0') {
			p++;
		} else if (is_space(*p)) {
			p += strspn(p, " \t");
			if (word && *p != '\0' && strchr("@.", *p) == NULL)
				return false;
			p--;
		} else if (*p == ',' || *p == ';') {
			return false;
		} else {
			word = *p != '@' && *p != '.';
			if (*p == '@')
				*domain = p + 1;
		}
	}
	return true;
}

bool
postfix_address(const char *text, bool empty_allowed, bool utf8, char *out)
{
	const char *domain;
	size_t len;

	while (*text == '<' || is_space(*text))
		text++;
	text = skip_route(text);
	len = strlen(text);
	while (len > 0 && (text[len - 1] == '>' || is_space(text[len - 1])))
		len--;
	memmove(out, text, len);
	out[len] = '\0';
	if (len == 0)
		return empty_allowed;
	return one_address(out, &domain) && (domain == NULL || domain_good(domain, utf8));
}
