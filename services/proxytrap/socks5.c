#include "proxytrap/socks5.h"

#include "base/reader.h"
#include "base/str.h"
#include "base/writer.h"

#include <string.h>

enum {
	SOCKS5_VERSION = 5,
	PASSWORD_VERSION = 1,
	CONNECT = 1,
	BIND = 2,
	UDP = 3,
	TYPE_V4 = 1,
	TYPE_NAME = 3,
	TYPE_V6 = 4
};

static enum request_result
cut_or_bad(const uint8_t *data, size_t len, uint8_t version)
{
	return len > 0 && data[0] != version ? REQUEST_BAD : REQUEST_MORE;
}

enum request_result
socks5_parse_greeting(const uint8_t *data, size_t len, uint8_t *method, size_t *used)
{
	struct reader r;

	reader_init(&r, data, len);
	uint8_t version = reader_u8(&r), count = reader_u8(&r);
	const uint8_t *methods = reader_bytes(&r, count);

	if (methods == NULL || version != SOCKS5_VERSION)
		return cut_or_bad(data, len, SOCKS5_VERSION);
	*method = SOCKS5_METHOD_REFUSED;
	if (memchr(methods, SOCKS5_METHOD_NONE, count) != NULL)
		*method = SOCKS5_METHOD_NONE;
	else if (memchr(methods, SOCKS5_METHOD_PASSWORD, count) != NULL)
		*method = SOCKS5_METHOD_PASSWORD;
	*used = len - reader_left(&r);
	return REQUEST_OK;
}

enum request_result
socks5_parse_password(const uint8_t *data, size_t len, char user[REQUEST_USER_MAX], size_t *used)
{
	struct reader r;

	reader_init(&r, data, len);
	uint8_t version = reader_u8(&r), user_len = reader_u8(&r);
	const uint8_t *name = reader_bytes(&r, user_len);
	uint8_t password_len = reader_u8(&r);

	if (reader_bytes(&r, password_len) == NULL || version != PASSWORD_VERSION)
		return cut_or_bad(data, len, PASSWORD_VERSION);
	str_copy_bytes(user, REQUEST_USER_MAX, name, user_len);
	*used = len - reader_left(&r);
	return REQUEST_OK;
}

static void
read_name(struct reader *r, char host[REQUEST_HOST_MAX])
{
	uint8_t len = reader_u8(r);
	const uint8_t *name = reader_bytes(r, len);

	/* A name with NUL stays "": no name at all. */
	if (name != NULL && memchr(name, '\0', len) == NULL)
		str_copy_bytes(host, REQUEST_HOST_MAX, name, len);
}

/* False: no such type. */
static bool
read_address(struct reader *r, uint8_t type, char host[REQUEST_HOST_MAX])
{
	struct addr a;

	switch (type) {
	case TYPE_V4:
		a = addr_from_v4(reader_u32(r));
		addr_format(&a, host);
		return true;
	case TYPE_V6:
		reader_copy(r, a.b, sizeof(a.b));
		if (!r->failed)
			addr_format(&a, host);
		return true;
	case TYPE_NAME:
		read_name(r, host);
		return true;
	default:
		return false;
	}
}

static enum request_result
judge_command(uint8_t command)
{
	if (command == CONNECT)
		return REQUEST_OK;
	return command == BIND || command == UDP ? REQUEST_UNSUPPORTED : REQUEST_NO_COMMAND;
}

/* VER CMD RSV ATYP DST.ADDR DST.PORT (RFC 1928 4) */
enum request_result
socks5_parse_request(const uint8_t *data, size_t len, struct request *out, size_t *used)
{
	struct reader r;

	memset(out, 0, sizeof(*out));
	out->protocol = PROTOCOL_SOCKS5;
	reader_init(&r, data, len);
	uint8_t version = reader_u8(&r), command = reader_u8(&r);
	reader_u8(&r); /* reserved */
	uint8_t type = reader_u8(&r);
	enum request_result result = judge_command(command);

	if (len > 0 && version != SOCKS5_VERSION)
		return REQUEST_BAD;
	if (r.failed)
		return REQUEST_MORE;
	if (!read_address(&r, type, out->host)) /* its length can't be known either */
		return result == REQUEST_OK ? REQUEST_ADDRESS_TYPE : result;
	out->port = reader_u16(&r);
	if (r.failed)
		return REQUEST_MORE;
	*used = len - reader_left(&r);
	return result == REQUEST_OK && out->host[0] == '\0' ? REQUEST_BAD : result;
}

size_t
socks5_reply(uint8_t code, const struct endpoint *bound, uint8_t out[SOCKS5_REPLY_MAX])
{
	struct writer w;
	bool v4 = addr_is_v4(&bound->addr);

	writer_init(&w, out, SOCKS5_REPLY_MAX);
	writer_u8(&w, SOCKS5_VERSION);
	writer_u8(&w, code);
	writer_u8(&w, 0);
	writer_u8(&w, v4 ? TYPE_V4 : TYPE_V6);
	if (v4)
		writer_u32(&w, addr_v4(&bound->addr));
	else
		writer_bytes(&w, bound->addr.b, sizeof(bound->addr.b));
	writer_u16(&w, bound->port);
	return writer_len(&w);
}
