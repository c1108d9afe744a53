#include "relaytrap/looks/sendmail_address.h"

#include "relaytrap/smtp_internal.h"

#include <ctype.h>
#include <string.h>

enum { TOKEN_MAX = 256, ADDRESS_MAX = 1023 };

static void
fail(struct sendmail_address *a, const char *code, const char *error)
{
	a->code = code;
	a->error = error;
}

/* The end of the address: the first blank outside of brackets, quotes and comments. Notes what doesn't close. */
static char *
scan(struct sendmail_address *a, char *p)
{
	unsigned angles = 0, comments = 0;
	bool quoted = false;

	for (; *p != '\0'; p++) {
		if (*p == '\\' && p[1] != '\0')
			p++;
		else if (*p == '"' && comments == 0)
			quoted = !quoted;
		else if (quoted || (comments > 0 && *p != '(' && *p != ')'))
			continue;
		else if (*p == '(')
			comments++;
		else if (*p == ')' && comments > 0)
			comments--;
		else if (*p == ')')
			fail(a, "553 5.0.0", "Unbalanced ')'");
		else if (*p == '<')
			angles++;
		else if (*p == '>' && angles == 0)
			fail(a, "553 5.0.0", "Unbalanced '>'");
		else if (*p == '>')
			angles--;
		else if (angles == 0 && isspace((unsigned char)*p))
			break;
	}
	if (a->error == NULL && quoted)
		fail(a, "553 5.0.0", "Unbalanced '\"'");
	else if (a->error == NULL && comments > 0)
		fail(a, "553 5.0.0", "Unbalanced '('");
	else if (a->error == NULL && angles > 0)
		fail(a, "553 5.0.0", "Unbalanced '<'");
	return p;
}

/* What is between the innermost brackets, or all of it; comments and blanks around left out. */
static void
strip(const char *written, char *out)
{
	const char *open = strrchr(written, '<');
	const char *close = open == NULL ? NULL : strchr(open, '>');
	size_t len = 0;

	if (close == NULL) {
		open = written - 1;
		close = written + strlen(written);
	}
	for (const char *p = open + 1; p < close; p++) {
		if (*p == '(' && memchr(p, ')', (size_t)(close - p)) != NULL)
			p = memchr(p, ')', (size_t)(close - p));
		else if (*p != ' ' || (len > 0 && p[1] != ' '))
			out[len++] = *p;
	}
	while (len > 0 && out[len - 1] == ' ')
		len--;
	out[len] = '\0';
}

static bool
token_too_long(const char *text)
{
	for (size_t run = 0; *text != '\0'; text++) {
		run = strchr("@.<>,;:!%()[]\" ", *text) == NULL ? run + 1 : 0;
		if (run > TOKEN_MAX)
			return true;
	}
	return false;
}

/* The last '@' outside of quotes, and how many there are. */
static const char *
last_at(const char *address, unsigned *count)
{
	const char *at = NULL;
	bool quoted = false;

	*count = 0;
	for (; *address != '\0'; address++) {
		if (*address == '\\' && address[1] != '\0') {
			address++;
		} else if (*address == '"') {
			quoted = !quoted;
		} else if (*address == '@' && !quoted) {
			at = address;
			(*count)++;
		}
	}
	return at;
}

static const char *
skip_route(const char *address)
{
	const char *colon = *address == '@' ? strchr(address, ':') : NULL;

	return colon == NULL ? address : colon + 1;
}

static void
check(struct sendmail_address *a)
{
	unsigned count;
	const char *address = skip_route(a->address);
	const char *at = last_at(address, &count);

	if (strlen(a->written) > ADDRESS_MAX)
		fail(a, "553 5.1.1", "Address too long");
	else if (token_too_long(a->written))
		fail(a, "553 5.1.0", "prescan: token too long");
	else if (count > 1 || (strchr(address, ',') != NULL && strchr(address, '"') == NULL))
		fail(a, "553 5.1.3", "Invalid route address");
	else if (at == NULL)
		return;
	else if (at == address)
		fail(a, "553 5.1.3", "User address required");
	else if (at[1] == '\0')
		fail(a, "553 5.1.3", "Hostname required");
	else if (at[1] == '.' || strstr(at, "..") != NULL)
		fail(a, "553 5.1.2", "Invalid host name");
}

void
sendmail_address_parse(struct sendmail_address *a, char *text, char *out)
{
	a->code = a->error = NULL;
	a->written = text;
	a->address = out;
	char *end = scan(a, text);

	if (a->error != NULL) {
		a->rest = text + strlen(text);
		strip("", out);
		if (strlen(text) > ADDRESS_MAX)
			fail(a, "553 5.1.1", "Address too long");
		return;
	}
	a->rest = end + (*end != '\0');
	*end = '\0';
	strip(text, out);
	check(a);
}

/* ---- where it goes ---- */

/* local!user and user%domain become user@domain, "user@domain" loses its quotes; false: none of these. */
static bool
unroll(char *local)
{
	size_t len = strlen(local);
	char *percent = strrchr(local, '%'), *bang = strchr(local, '!');

	if (len > 1 && local[0] == '"' && local[len - 1] == '"' && strpbrk(local, "@%!") != NULL) {
		memmove(local, local + 1, len - 2);
		local[len - 2] = '\0';
		return true;
	}
	if (bang != NULL) {
		char host[SMTP_LINE_MAX];
		size_t host_len = (size_t)(bang - local);

		memcpy(host, local, host_len);
		memmove(local, bang + 1, len - host_len - 1);
		local[len - host_len - 1] = '@';
		memcpy(local + len - host_len, host, host_len);
		return true;
	}
	if (percent == NULL)
		return false;
	*percent = '@';
	return true;
}

bool
sendmail_address_resolve(const struct smtp_session *s, const char *address, char *out)
{
	unsigned count;

	address = skip_route(address);
	memcpy(out, address, strlen(address) + 1);
	for (;;) {
		char *at = out + (last_at(out, &count) == NULL ? strlen(out) : (size_t)(last_at(out, &count) - out));

		if (*at == '@') {
			size_t len = strlen(at);

			if (at[len - 1] == '.')
				at[len - 1] = '\0';
			for (char *p = at; *p != '\0'; p++)
				*p = (char)tolower((unsigned char)*p);
			if (!smtp_is_local_domain(s, at + 1))
				return true;
			*at = '\0';
		}
		if (!unroll(out)) {
			for (char *p = out; *p != '\0'; p++)
				*p = (char)tolower((unsigned char)*p);
			return false;
		}
	}
}
