#include "proxytrap/socks4.h"

#include "base/reader.h"
#include "base/str.h"
#include "base/writer.h"

#include <string.h>

enum { SOCKS4_VERSION = 4, CONNECT = 1, BIND = 2, TEXT_MAX = 255 };

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

/* The target: the address itself, or for 0.0.0.x (4a) the name that follows. */
static enum request_result
read_target(struct reader *r, uint32_t v4, struct request *out)
{
	if (v4 == 0 || v4 > 255) {
		struct addr a = addr_from_v4(v4);

		out->protocol = PROTOCOL_SOCKS4;
		addr_format(&a, out->host);
		return REQUEST_OK;
	}
	out->protocol = PROTOCOL_SOCKS4A;
	enum request_result result = read_text(r, out->host, sizeof(out->host));

	return result == REQUEST_OK && out->host[0] == '\0' ? REQUEST_BAD : result;
}

/* VN CD DSTPORT DSTIP USERID NUL, 4a: NAME NUL */
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

	if (len > 0 && version != SOCKS4_VERSION)
		return REQUEST_BAD;
	if (r.failed)
		return REQUEST_MORE;
	if ((result = read_text(&r, out->user, sizeof(out->user))) != REQUEST_OK)
		return result;
	if ((result = read_target(&r, v4, out)) != REQUEST_OK)
		return result;
	*used = len - reader_left(&r);
	if (command == CONNECT)
		return REQUEST_OK;
	return command == BIND ? REQUEST_UNSUPPORTED : REQUEST_NO_COMMAND;
}

void
socks4_reply(uint8_t code, const struct endpoint *bound, uint8_t out[SOCKS4_REPLY_BYTES])
{
	struct writer w;
	bool v4 = addr_is_v4(&bound->addr);

	writer_init(&w, out, SOCKS4_REPLY_BYTES);
	writer_u8(&w, 0);
	writer_u8(&w, code);
	writer_u16(&w, v4 ? bound->port : 0);
	writer_u32(&w, v4 ? addr_v4(&bound->addr) : 0);
}
