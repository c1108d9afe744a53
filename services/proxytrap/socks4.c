#include "proxytrap/socks4.h"

#include "base/addr.h"
#include "base/reader.h"
#include "base/str.h"
#include "base/writer.h"

#include <string.h>

enum { SOCKS4_VERSION = 4, SOCKS4_CONNECT = 1, TEXT_MAX = 255 };

/* Text ended by NUL, at most TEXT_MAX octets. MORE: no NUL yet. */
static enum request_result
read_text(struct reader *r, char *out, size_t size)
{
	const uint8_t *end = memchr(r->at, '\0', reader_left(r));
	size_t len = end == NULL ? reader_left(r) : (size_t)(end - r->at);

	if (len > TEXT_MAX)
		return REQUEST_BAD;
	if (end == NULL)
		return REQUEST_MORE;
	str_copy_bytes(out, size, r->at, len);
	reader_bytes(r, len + 1);
	return REQUEST_OK;
}

enum request_result
socks4_parse(const uint8_t *data, size_t len, struct request *out, size_t *used)
{
	struct reader r;
	enum request_result result;

	memset(out, 0, sizeof(*out));
	reader_init(&r, data, len);
	uint8_t version = reader_u8(&r), command = reader_u8(&r);
	out->port = reader_u16(&r);
	uint32_t v4 = reader_u32(&r);

	if (r.failed)
		return len > 0 && data[0] != SOCKS4_VERSION ? REQUEST_BAD : REQUEST_MORE;
	if (version != SOCKS4_VERSION)
		return REQUEST_BAD;
	if ((result = read_text(&r, out->user, sizeof(out->user))) != REQUEST_OK)
		return result;
	bool named = v4 != 0 && v4 < 256;	/* 0.0.0.x: a name follows */

	out->protocol = named ? PROTOCOL_SOCKS4A : PROTOCOL_SOCKS4;
	if (named) {
		if ((result = read_text(&r, out->host, sizeof(out->host))) != REQUEST_OK)
			return result;
		if (out->host[0] == '\0')
			return REQUEST_BAD;
	} else {
		struct addr a = addr_from_v4(v4);

		addr_format(&a, out->host);
	}
	*used = len - reader_left(&r);
	return command == SOCKS4_CONNECT ? REQUEST_OK : REQUEST_UNSUPPORTED;
}

void
socks4_reply(uint8_t code, uint16_t bound_port, uint32_t bound_v4, uint8_t out[SOCKS4_REPLY_BYTES])
{
	struct writer w;

	writer_init(&w, out, SOCKS4_REPLY_BYTES);
	writer_u8(&w, 0);
	writer_u8(&w, code);
	writer_u16(&w, bound_port);
	writer_u32(&w, bound_v4);
}
