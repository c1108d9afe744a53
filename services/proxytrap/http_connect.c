#include "proxytrap/http_connect.h"

#include "base/str.h"

#include <ctype.h>
#include <string.h>

enum { HTTP_PORT = 80, HTTPS_PORT = 443, LINE_MAX_BYTES = 4096 };

/* Length of the head with its empty line, 0: not there yet. Bare LF is taken as servers do (RFC 9112 2.2). */
static size_t
head_len(const uint8_t *data, size_t from, size_t len)
{
	for (size_t i = from; i < len; i++) {
		if (data[i] != '\n')
			continue;
		if (i + 1 < len && data[i + 1] == '\n')
			return i + 2;
		if (i + 2 < len && data[i + 1] == '\r' && data[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

static bool
parse_port(const char *text, const char *end, uint16_t *out)
{
	unsigned long port = 0;

	if (text == end || end - text > 5)
		return false;
	for (; text < end; text++) {
		if (!isdigit((unsigned char)*text))
			return false;
		port = port * 10 + (unsigned long)(*text - '0');
	}
	*out = (uint16_t)port;
	return port > 0 && port <= UINT16_MAX;
}

/* "host", "host:port", "[v6]" or "[v6]:port"; the port stays as it is when none is given. */
static bool
parse_authority(const char *text, const char *end, struct request *out)
{
	const char *host = text, *host_end, *after;

	if (text < end && *text == '[') {
		host++;
		host_end = memchr(host, ']', (size_t)(end - host));
		after = host_end == NULL ? NULL : host_end + 1;
	} else {
		host_end = memchr(host, ':', (size_t)(end - host));
		after = host_end = host_end == NULL ? end : host_end;
	}
	if (host_end == NULL || host_end == host)
		return false;
	if (!str_copy_bytes(out->host, sizeof(out->host), host, (size_t)(host_end - host)))
		return false;
	return after == end || (*after == ':' && parse_port(after + 1, end, &out->port));
}

/* "http://[user@]host[:port][/path]" */
static bool
parse_uri(const char *uri, struct request *out)
{
	static const char scheme[] = "http://";

	if (!str_starts_nocase(uri, scheme))
		return false;
	const char *authority = uri + strlen(scheme);
	const char *end = authority + strcspn(authority, "/?#");
	const char *at = memrchr(authority, '@', (size_t)(end - authority));

	str_copy(out->path, sizeof(out->path), *end == '\0' ? "/" : end);
	return parse_authority(at == NULL ? authority : at + 1, end, out);
}

/* "HTTP/1.0" or "HTTP/1.1"; others are answered as 1.1 by those we imitate. */
static bool
parse_version(const char *text, struct request *out)
{
	if (strncmp(text, "HTTP/", 5) != 0 || !isdigit((unsigned char)text[5]) || text[6] != '.' ||
	    !isdigit((unsigned char)text[7]) || text[8] != '\0')
		return false;
	out->http_minor = strcmp(text, "HTTP/1.0") == 0 ? 0 : 1;
	return true;
}

/* method SP target SP version (RFC 9112 3) */
static enum request_result
parse_line(char *line, struct request *out)
{
	char *save = NULL;
	const char *method = strtok_r(line, " ", &save);
	const char *target = strtok_r(NULL, " ", &save);
	const char *version = strtok_r(NULL, " ", &save);
	bool good;

	if (version == NULL || strtok_r(NULL, " ", &save) != NULL || !parse_version(version, out))
		return REQUEST_BAD;
	if (strcmp(method, "CONNECT") == 0) {
		out->protocol = PROTOCOL_HTTP_CONNECT;
		out->port = HTTPS_PORT; /* Squid and Tinyproxy take CONNECT without a port so */
		good = parse_authority(target, target + strlen(target), out);
	} else {
		out->head = strcmp(method, "HEAD") == 0;
		out->port = HTTP_PORT;
		good = parse_uri(target, out);
	}
	if (!good)
		out->host[0] = '\0';
	return good ? REQUEST_OK : REQUEST_NO_TARGET;
}

enum request_result
http_connect_parse(const uint8_t *data, size_t len, struct request *out, size_t *used)
{
	char line[LINE_MAX_BYTES];
	size_t start = 0;

	memset(out, 0, sizeof(*out));
	out->protocol = PROTOCOL_HTTP_GET;
	while (start < len && (data[start] == '\r' || data[start] == '\n')) /* RFC 9112 2.2 */
		start++;
	*used = head_len(data, start, len);
	const uint8_t *end = start < len ? memchr(data + start, '\n', len - start) : NULL;

	if (end == NULL)
		return len >= HTTP_HEAD_MAX ? REQUEST_BAD : REQUEST_MORE;
	size_t line_len = (size_t)(end - data) - start;

	if (line_len > 0 && end[-1] == '\r')
		line_len--;
	if (memchr(data + start, '\0', line_len) != NULL || !str_copy_bytes(line, sizeof(line), data + start, line_len))
		return REQUEST_BAD;
	enum request_result result = parse_line(line, out);

	if (*used > 0 || result == REQUEST_BAD)
		return result;
	return len >= HTTP_HEAD_MAX ? REQUEST_BAD : REQUEST_MORE;
}
