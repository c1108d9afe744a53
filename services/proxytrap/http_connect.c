#include "proxytrap/http_connect.h"

#include "base/str.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum { HTTP_PORT = 80 };

/* Length of the head with its empty line, 0: not there yet. Bare LF is taken as servers do (RFC 9112 2.2). */
static size_t
head_len(const uint8_t *data, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (data[i] != '\n')
			continue;
		if (i + 1 < len && data[i + 1] == '\n')
			return i + 2;
		if (i + 2 < len && data[i + 1] == '\r' && data[i + 2] == '\n')
			return i + 3;
	}
	return 0;
}

/* "host:port", "[v6]:port" or "host"; false: no port where one is needed, or nonsense. */
static bool
parse_authority(const char *text, size_t len, struct request *out)
{
	const char *end = text + len, *colon = NULL;
	const char *host = text, *host_end = end;

	if (len > 0 && *text == '[') {
		host_end = memchr(text, ']', len);
		if (host_end == NULL)
			return false;
		host++;
		colon = host_end + 1 < end && host_end[1] == ':' ? host_end + 1 : NULL;
	} else if ((colon = memchr(text, ':', len)) != NULL) {
		host_end = colon;
	}
	if (host_end == host || !str_copy_bytes(out->host, sizeof(out->host), host, (size_t)(host_end - host)))
		return false;
	if (colon == NULL)
		return out->port != 0;
	unsigned long port = strtoul(colon + 1, NULL, 10);

	out->port = (uint16_t)port;
	return colon + 1 < end && colon[1] >= '0' && colon[1] <= '9' && port > 0 && port <= 65535;
}

/* "http://host[:port]/path" */
static bool
parse_uri(const char *uri, struct request *out)
{
	if (!str_starts_nocase(uri, "http://"))
		return false;
	const char *authority = uri + strlen("http://");
	size_t len = strcspn(authority, "/?#");
	const char *at = memchr(authority, '@', len);

	if (at != NULL) {	/* user information is skipped */
		len -= (size_t)(at + 1 - authority);
		authority = at + 1;
	}
	out->port = HTTP_PORT;
	str_copy(out->path, sizeof(out->path), authority[len] == '\0' ? "/" : authority + len);
	return parse_authority(authority, len, out);
}

static enum request_result
parse_line(char *line, struct request *out)
{
	char *save = NULL;
	const char *method = strtok_r(line, " ", &save);
	const char *target = strtok_r(NULL, " ", &save);
	const char *version = strtok_r(NULL, " ", &save);

	if (version == NULL || strncmp(version, "HTTP/", 5) != 0)
		return REQUEST_BAD;
	if (strcmp(method, "CONNECT") == 0) {
		out->protocol = PROTOCOL_HTTP_CONNECT;
		return parse_authority(target, strlen(target), out) ? REQUEST_OK : REQUEST_BAD;
	}
	out->protocol = PROTOCOL_HTTP_GET;
	out->head = strcmp(method, "HEAD") == 0;
	return parse_uri(target, out) ? REQUEST_OK : REQUEST_BAD;
}

enum request_result
http_connect_parse(const uint8_t *data, size_t len, struct request *out, size_t *used)
{
	char line[4096];
	size_t head = head_len(data, len);

	memset(out, 0, sizeof(*out));
	out->protocol = PROTOCOL_HTTP_GET;
	if (head == 0)
		return len >= HTTP_HEAD_MAX ? REQUEST_BAD : REQUEST_MORE;
	*used = head;
	const uint8_t *end = memchr(data, '\n', head);
	size_t line_len = (size_t)(end - data);

	if (line_len > 0 && data[line_len - 1] == '\r')
		line_len--;
	if (memchr(data, '\0', line_len) != NULL || !str_copy_bytes(line, sizeof(line), data, line_len))
		return REQUEST_BAD;
	return parse_line(line, out);
}
