#include "webtrap/request.h"

#include <string.h>
#include <strings.h>

const char *
request_verdict_name(enum request_verdict v)
{
	static const char *const names[] = {
#define X(name, text) [REQUEST_##name] = text,
		REQUEST_VERDICTS(X)
#undef X
	};

	return names[v];
}

bool
span_is(struct span s, const char *text)
{
	return s.at != NULL && s.len == strlen(text) && memcmp(s.at, text, s.len) == 0;
}

bool
span_is_nocase(struct span s, const char *text)
{
	return s.at != NULL && s.len == strlen(text) && strncasecmp(s.at, text, s.len) == 0;
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static struct span
trimmed(struct span s)
{
	while (s.len > 0 && is_blank(s.at[0])) {
		s.at++;
		s.len--;
	}
	while (s.len > 0 && is_blank(s.at[s.len - 1]))
		s.len--;
	return s;
}

/* Cuts s at the first c; the rest begins after it. False when there is none: then all is in head. */
static bool
cut(struct span s, char c, struct span *head, struct span *rest)
{
	const char *found = s.len > 0 ? memchr(s.at, c, s.len) : NULL;

	*head = s;
	*rest = (struct span){ s.at + s.len, 0 };
	if (found == NULL)
		return false;
	head->len = (size_t)(found - s.at);
	*rest = (struct span){ found + 1, s.len - head->len - 1 };
	return true;
}

bool
span_lists(struct span s, const char *word)
{
	struct span item, rest = s;

	while (rest.at != NULL && rest.len > 0) {
		cut(rest, ',', &item, &rest);
		if (span_is_nocase(trimmed(item), word))
			return true;
	}
	return false;
}

/* RFC 9110 5.6.2 */
static bool
is_token_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
	    (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

static bool
is_method_char(const struct request_rules *rules, char c)
{
	if (rules->upper_methods)
		return (c >= 'A' && c <= 'Z') || c == '-' || c == '_';
	return is_token_char(c);
}

static bool
has_controls(struct span s, bool tab_too)
{
	for (size_t i = 0; i < s.len; i++) {
		unsigned char c = (unsigned char)s.at[i];

		if ((c < 0x20 && (c != '\t' || tab_too)) || c == 0x7f)
			return true;
	}
	return false;
}

/* ---- the request line ---- */

static bool
is_method(const struct request_rules *rules, struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_method_char(rules, s.at[i]))
			return false;
	}
	return s.len > 0;
}

/* A server that reads byte by byte refuses before the line is whole. */
static bool
refused_at_once(const struct request_rules *rules, struct span s)
{
	for (size_t i = 0; rules->at_once && i < s.len && s.at[i] != ' '; i++) {
		if (!is_method_char(rules, s.at[i]))
			return true;
	}
	return false;
}

static bool
is_target(const struct request_rules *rules, const struct request *req)
{
	static const char http[] = "http://", https[] = "https://";
	struct span t = req->target;

	if (t.len > 0 && t.at[0] == '/')
		return true;
	if ((t.len >= sizeof(http) - 1 && strncasecmp(t.at, http, sizeof(http) - 1) == 0) ||
	    (t.len >= sizeof(https) - 1 && strncasecmp(t.at, https, sizeof(https) - 1) == 0))
		return true;
	return rules->other_targets && t.len > 0 &&
	    (span_is(req->method, "CONNECT") || (span_is(req->method, "OPTIONS") && span_is(t, "*")));
}

static bool
number(struct span s, size_t digits_max, uint64_t *out)
{
	*out = 0;
	if (s.len == 0 || s.len > digits_max)
		return false;
	for (size_t i = 0; i < s.len; i++) {
		if (s.at[i] < '0' || s.at[i] > '9')
			return false;
		*out = *out * 10 + (uint64_t)(s.at[i] - '0');
	}
	return true;
}

static enum request_verdict
read_version(const struct request_rules *rules, struct span s, struct request *req)
{
	static const char http[] = "HTTP/";
	struct span major_text, minor_text;
	uint64_t major, minor;

	if (s.len < sizeof(http) - 1 || memcmp(s.at, http, sizeof(http) - 1) != 0)
		return REQUEST_BAD_LINE;
	s.at += sizeof(http) - 1;
	s.len -= sizeof(http) - 1;
	if (!cut(s, '.', &major_text, &minor_text) || !number(major_text, 3, &major) || !number(minor_text, 3, &minor))
		return REQUEST_BAD_LINE;
	if (major == 0 || (major > 1 && !rules->any_version))
		return REQUEST_BAD_VERSION;
	req->minor = major > 1 ? 1 : (unsigned)minor;
	return REQUEST_OK;
}

/* The next part of the line; empty when there are more spaces than the rules allow. */
static struct span
next_part(const struct request_rules *rules, struct span *line)
{
	struct span part;

	cut(*line, ' ', &part, line);
	while (rules->loose_spaces && line->len > 0 && line->at[0] == ' ') {
		line->at++;
		line->len--;
	}
	return part;
}

static enum request_verdict
read_line(const struct request_rules *rules, struct span line, struct request *req)
{
	struct span version;

	req->line = line;
	if (has_controls(line, true))
		return REQUEST_BAD_LINE;
	req->method = next_part(rules, &line);
	if (!is_method(rules, req->method))
		return REQUEST_BAD_LINE;
	req->target = next_part(rules, &line);
	if (!is_target(rules, req))
		return REQUEST_BAD_LINE;
	version = next_part(rules, &line);
	if (version.len == 0 && line.len == 0)
		return span_is(req->method, "GET") ? REQUEST_SIMPLE : REQUEST_BAD_LINE;
	if (line.len > 0)
		return REQUEST_BAD_LINE;
	return read_version(rules, version, req);
}

/* ---- header fields ---- */

static enum request_verdict
read_length(struct span value, struct request *req)
{
	uint64_t length;

	if (req->has_length || !number(value, 15, &length))
		return REQUEST_BAD_LENGTH;
	req->has_length = true;
	req->length = length;
	return REQUEST_OK;
}

static enum request_verdict
keep_field(struct span name, struct span value, struct request *req)
{
	const struct {
		const char *name;
		struct span *slot;
	} kept[] = {
		{ "User-Agent", &req->user_agent },
		{ "Referer", &req->referrer },
		{ "Connection", &req->connection },
		{ "If-None-Match", &req->if_none_match },
		{ "If-Modified-Since", &req->if_modified_since },
	};

	if (span_is_nocase(name, "Content-Length"))
		return read_length(value, req);
	if (span_is_nocase(name, "Transfer-Encoding")) {
		req->chunked = true;
		return span_is_nocase(value, "chunked") ? REQUEST_OK : REQUEST_BAD_CODING;
	}
	if (span_is_nocase(name, "Expect"))
		req->expects = true;
	if (span_is_nocase(name, "Host")) {
		if (req->host.at != NULL)
			return REQUEST_BAD_HOST;
		req->host = value;
	}
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		if (kept[i].slot->at == NULL && span_is_nocase(name, kept[i].name))
			*kept[i].slot = value;
	}
	return REQUEST_OK;
}

/* What a strict server refuses a loose one skips. */
static enum request_verdict
skip_field(const struct request_rules *rules)
{
	return rules->loose_fields ? REQUEST_OK : REQUEST_BAD_FIELD;
}

static bool
is_token(struct span s)
{
	for (size_t i = 0; i < s.len; i++) {
		if (!is_token_char(s.at[i]))
			return false;
	}
	return s.len > 0;
}

static enum request_verdict
read_field(const struct request_rules *rules, struct span line, struct request *req)
{
	struct span name, value;

	if (memchr(line.at, '\0', line.len) != NULL)
		return REQUEST_BAD_FIELD;
	if (is_blank(line.at[0])) /* folded, RFC 9112 5.2: read by nobody who counts */
		return REQUEST_OK;
	if (!cut(line, ':', &name, &value))
		return skip_field(rules);
	if (name.len == 0 || memchr(name.at, ' ', name.len) != NULL)
		return REQUEST_BAD_FIELD;
	if (!is_token(name))
		return skip_field(rules);
	if (has_controls(value, false) && !rules->loose_fields)
		return REQUEST_BAD_FIELD;
	return keep_field(name, trimmed(value), req);
}

/* ---- the head ---- */

/* The next line without its end. REQUEST_MORE: not whole yet. */
static enum request_verdict
take_line(const struct request_rules *rules, struct span *rest, struct span *line)
{
	if (!cut(*rest, '\n', line, rest))
		return line->len > REQUEST_LINE_MAX ? REQUEST_LONG_FIELD : REQUEST_MORE;
	if (line->len > REQUEST_LINE_MAX)
		return REQUEST_LONG_FIELD;
	if (line->len > 0 && line->at[line->len - 1] == '\r')
		line->len--;
	else if (!rules->lf_alone)
		return REQUEST_BAD_FIELD;
	return REQUEST_OK;
}

static enum request_verdict
read_fields(const struct request_rules *rules, struct span *rest, struct request *req)
{
	struct span line;

	for (unsigned i = 0; i <= REQUEST_FIELDS_MAX; i++) {
		enum request_verdict v = take_line(rules, rest, &line);

		if (v != REQUEST_OK)
			return v;
		if (line.len == 0)
			return REQUEST_OK;
		v = read_field(rules, line, req);
		if (v != REQUEST_OK)
			return v;
	}
	return REQUEST_LONG_FIELD;
}

static enum request_verdict
judge(const struct request_rules *rules, const struct request *req)
{
	struct span name;
	uint16_t port;

	if (!is_method(rules, req->method) || !is_target(rules, req))
		return REQUEST_BAD_LINE;
	if (req->host.at == NULL)
		return req->minor > 0 ? REQUEST_NO_HOST : REQUEST_OK;
	return request_host(req->host, &name, &port) ? REQUEST_OK : REQUEST_BAD_HOST;
}

static enum request_verdict
read_head(const struct request_rules *rules, struct span *rest, struct request *req)
{
	struct span line;

	if (refused_at_once(rules, *rest)) {
		cut(*rest, '\n', &req->line, &line);
		return REQUEST_BAD_LINE;
	}
	enum request_verdict v = take_line(rules, rest, &line);

	req->line = line;
	if (v != REQUEST_OK)
		return v == REQUEST_LONG_FIELD ? REQUEST_LONG_LINE : v == REQUEST_MORE ? v : REQUEST_BAD_LINE;
	v = read_line(rules, line, req);
	if (v != REQUEST_OK)
		return v;
	v = read_fields(rules, rest, req);
	if (v != REQUEST_OK)
		return v;
	if (req->chunked && (req->has_length || req->minor == 0)) /* RFC 9112 6.1: a smuggler's request */
		return REQUEST_BAD_LENGTH;
	return judge(rules, req);
}

enum request_verdict
request_check(const struct request_rules *rules, const void *data, size_t len, struct request *req)
{
	struct span rest = { data, len };

	memset(req, 0, sizeof(*req));
	while (rest.len > 0 && (rest.at[0] == '\r' || rest.at[0] == '\n')) { /* RFC 9112 2.2 */
		rest.at++;
		rest.len--;
	}
	enum request_verdict v = rest.len == 0 ? REQUEST_MORE : read_head(rules, &rest, req);

	if (v == REQUEST_OK || v == REQUEST_SIMPLE)
		req->head_len = len - rest.len;
	if (v == REQUEST_MORE && len >= REQUEST_HEAD_MAX)
		return REQUEST_LONG_FIELD;
	return v;
}

bool
request_keeps(const struct request *req)
{
	if (span_lists(req->connection, "close"))
		return false;
	return req->minor > 0 || span_lists(req->connection, "keep-alive");
}

bool
request_has_body(const struct request *req)
{
	return req->chunked || req->length > 0;
}

/* ---- host and path ---- */

static bool
is_host_char(char c)
{
	return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '.' || c == '-' ||
	    c == '_';
}

static size_t
name_len(struct span host)
{
	size_t n = 0;

	if (host.len > 0 && host.at[0] == '[') { /* [2001:db8::1] */
		const char *end = memchr(host.at, ']', host.len);

		for (n = 1; end != NULL && host.at + n < end; n++) {
			if (strchr("0123456789abcdefABCDEF:.", host.at[n]) == NULL || host.at[n] == '\0')
				return 0;
		}
		return end == NULL ? 0 : n + 1;
	}
	while (n < host.len && is_host_char(host.at[n]))
		n++;
	return n;
}

bool
request_host(struct span host, struct span *name, uint16_t *port)
{
	size_t n = name_len(host);
	uint64_t value;

	*name = (struct span){ host.at, n };
	*port = 80;
	if (n == host.len)
		return n <= 255; /* an empty Host is legal, RFC 9110 7.2 */
	if (n == 0 || n > 255 || host.at[n] != ':')
		return false;
	if (n + 1 == host.len)
		return true;
	if (!number((struct span){ host.at + n + 1, host.len - n - 1 }, 5, &value) || value > 65535)
		return false;
	*port = (uint16_t)value;
	return true;
}

static int
hex_value(char c)
{
	static const char digits[] = "0123456789abcdef";
	const char *found = c == '\0' ? NULL : strchr(digits, c >= 'A' && c <= 'F' ? c - 'A' + 'a' : c);

	return found == NULL ? -1 : (int)(found - digits);
}

/* %XX to bytes. */
static enum request_path
decode(struct span s, char *out)
{
	enum request_path result = REQUEST_PATH_OK;
	size_t used = 0;

	for (size_t i = 0; i < s.len; i++) {
		char c = s.at[i];

		if (c == '%') {
			bool whole = s.len - i > 2;
			int high = whole ? hex_value(s.at[i + 1]) : -1, low = whole ? hex_value(s.at[i + 2]) : -1;

			if (high < 0 || low < 0)
				return REQUEST_PATH_BAD;
			c = (char)(high << 4 | low);
			i += 2;
		}
		if (c == '\0')
			result = REQUEST_PATH_NUL;
		out[used++] = c;
	}
	out[used] = '\0';
	return result;
}

/* "/a//./b/../c" is "/a/c" (RFC 3986 5.2.4), in place; false when it leaves the root. */
static bool
resolve(char *path)
{
	char *to = path;
	const char *from = path;

	while (*from != '\0') {
		size_t n = strcspn(from + 1, "/");

		if (n == 2 && from[1] == '.' && from[2] == '.') {
			if (to == path)
				return false;
			while (*--to != '/')
				;
			from += 3;
			if (*from == '\0')
				*to++ = '/';
		} else if ((n == 0 || (n == 1 && from[1] == '.')) && (from[n + 1] != '\0' || n == 1)) {
			from += n + 1;
			if (*from == '\0')
				*to++ = '/';
		} else {
			memmove(to, from, n + 1);
			to += n + 1;
			from += n + 1;
		}
	}
	*to = '\0';
	return true;
}

static void
set_root(char out[REQUEST_PATH_MAX])
{
	out[0] = '/';
	out[1] = '\0';
}

enum request_path
request_path(struct span target, char out[REQUEST_PATH_MAX])
{
	struct span path, query;

	set_root(out);
	if (target.len > 0 && target.at[0] != '/') { /* http://host/path */
		const char *slashes = target.len > 8 ? memchr(target.at, '/', 8) : NULL;
		const char *start =
		    slashes == NULL ? NULL : memchr(slashes + 2, '/', target.len - (size_t)(slashes + 2 - target.at));

		if (start == NULL)
			return REQUEST_PATH_OK;
		target = (struct span){ start, target.len - (size_t)(start - target.at) };
	}
	cut(target, '#', &path, &query);
	cut(path, '?', &path, &query);
	if (path.len >= REQUEST_PATH_MAX)
		return REQUEST_PATH_LONG;
	enum request_path result = decode(path, out);

	if (result == REQUEST_PATH_OK && !resolve(out))
		result = REQUEST_PATH_BAD;
	if (result != REQUEST_PATH_OK || out[0] == '\0')
		set_root(out);
	return result;
}
