#include "wire/proxy.h"

#include "base/reader.h"
#include "base/str.h"
#include "base/writer.h"

#include <stdlib.h>
#include <string.h>

enum {
	V2_VERSION = 0x2,
	V2_LOCAL = 0x0,
	V2_PROXY = 0x1,
	V2_TCP4 = 0x11,
	V2_TCP6 = 0x21,
	V2_ADDRESSES_V4 = 12,
	V2_ADDRESSES_V6 = 36,
	V1_LINE_MAX = 107, /* the specification's longest line, with CRLF */
	TLV_AUTHORITY = 0x02,
	TLV_UNIQUE_ID = 0x05,
};

static const uint8_t v2_signature[12] = { 0x0d, 0x0a, 0x0d, 0x0a, 0x00, 0x0d, 0x0a, 0x51, 0x55, 0x49, 0x54, 0x0a };

/* Which TLV fills which field; the one list for reading and writing. */
static const struct {
	uint8_t type;
	size_t offset;
} tlvs[] = {
	{ TLV_UNIQUE_ID, offsetof(struct flow_info, id) },
	{ TLV_AUTHORITY, offsetof(struct flow_info, authority) },
	{ 0xe0, offsetof(struct flow_info, personality) },
	{ 0xe1, offsetof(struct flow_info, look) },
	{ 0xe2, offsetof(struct flow_info, os_guess) },
	{ 0xe3, offsetof(struct flow_info, site) },
	{ 0xe4, offsetof(struct flow_info, via) },
	{ 0xe5, offsetof(struct flow_info, asked) },
};
enum { TLV_COUNT = sizeof(tlvs) / sizeof(tlvs[0]) };

/* Printable text only: it goes into logs, subjects and files. */
static bool
text_valid(const uint8_t *p, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (p[i] < 0x20 || p[i] == 0x7f)
			return false;
	}
	return len < PROXY_TLV_TEXT_MAX;
}

static bool
read_tlv(struct reader *r, struct flow_info *info)
{
	uint8_t type = reader_u8(r);
	uint16_t len = reader_u16(r);
	const uint8_t *value = reader_bytes(r, len);

	if (value == NULL)
		return false;
	for (size_t i = 0; i < TLV_COUNT; i++) {
		if (tlvs[i].type != type)
			continue;
		if (!text_valid(value, len))
			return false;
		/* Said twice, the last one counts, whole. */
		memset((char *)info + tlvs[i].offset, 0, PROXY_TLV_TEXT_MAX);
		str_copy_bytes((char *)info + tlvs[i].offset, PROXY_TLV_TEXT_MAX, value, len);
	}
	return true;
}

static void
read_addresses(struct reader *r, struct flow_info *info, bool v4)
{
	if (v4) {
		info->source.addr = addr_from_v4(reader_u32(r));
		info->destination.addr = addr_from_v4(reader_u32(r));
	} else {
		reader_copy(r, info->source.addr.b, sizeof(info->source.addr.b));
		reader_copy(r, info->destination.addr.b, sizeof(info->destination.addr.b));
	}
	info->source.port = reader_u16(r);
	info->destination.port = reader_u16(r);
}

static enum proxy_result
parse_v2(const uint8_t *data, size_t len, struct flow_info *info, size_t *used)
{
	struct reader r;

	if (len < sizeof(v2_signature) + 4)
		return PROXY_MORE;
	reader_init(&r, data + sizeof(v2_signature), len - sizeof(v2_signature));
	uint8_t version_command = reader_u8(&r), family = reader_u8(&r);
	size_t body = reader_u16(&r);

	if (version_command >> 4 != V2_VERSION || (version_command & 15) > V2_PROXY)
		return PROXY_BAD;
	if (sizeof(v2_signature) + 4 + body > PROXY_HEADER_MAX)
		return PROXY_BAD;
	if (reader_left(&r) < body)
		return PROXY_MORE;
	*used = sizeof(v2_signature) + 4 + body;
	if ((version_command & 15) == V2_LOCAL)
		return PROXY_LOCAL;
	if (family != V2_TCP4 && family != V2_TCP6)
		return PROXY_BAD; /* we take TCP flows only */
	reader_init(&r, r.at, body);
	read_addresses(&r, info, family == V2_TCP4);
	while (!r.failed && reader_left(&r) > 0) {
		if (!read_tlv(&r, info))
			return PROXY_BAD;
	}
	return r.failed ? PROXY_BAD : PROXY_OK;
}

static bool
port_parse(const char *text, uint16_t *out)
{
	char *end;
	unsigned long v;

	if (text == NULL || text[0] < '0' || text[0] > '9')
		return false;
	v = strtoul(text, &end, 10);
	*out = (uint16_t)v;
	return *end == '\0' && v <= 65535;
}

/* "PROXY TCP4 source destination sport dport" without its CRLF; line is cut up. */
static enum proxy_result
parse_v1_line(char *line, struct flow_info *info)
{
	char *save = NULL;
	char *word = strtok_r(line, " ", &save); /* PROXY */
	char *family = strtok_r(NULL, " ", &save);

	if (word == NULL || family == NULL)
		return PROXY_BAD;
	if (strcmp(family, "UNKNOWN") == 0)
		return PROXY_LOCAL;
	char *source = strtok_r(NULL, " ", &save), *destination = strtok_r(NULL, " ", &save);

	if (source == NULL || destination == NULL || !addr_parse(source, &info->source.addr) ||
	    !addr_parse(destination, &info->destination.addr))
		return PROXY_BAD;
	if (!port_parse(strtok_r(NULL, " ", &save), &info->source.port) ||
	    !port_parse(strtok_r(NULL, " ", &save), &info->destination.port) || strtok_r(NULL, " ", &save) != NULL)
		return PROXY_BAD;
	bool v4 = addr_is_v4(&info->source.addr) && addr_is_v4(&info->destination.addr);
	return strcmp(family, v4 ? "TCP4" : "TCP6") == 0 ? PROXY_OK : PROXY_BAD;
}

static enum proxy_result
parse_v1(const uint8_t *data, size_t len, struct flow_info *info, size_t *used)
{
	char line[V1_LINE_MAX + 1];
	size_t limit = len < V1_LINE_MAX ? len : V1_LINE_MAX;
	const uint8_t *end = memchr(data, '\n', limit);

	if (end == NULL)
		return limit == V1_LINE_MAX ? PROXY_BAD : PROXY_MORE;
	*used = (size_t)(end - data) + 1;
	if (*used < 2 || end[-1] != '\r' || memchr(data, '\0', *used) != NULL)
		return PROXY_BAD;
	str_copy_bytes(line, sizeof(line), data, *used - 2);
	return parse_v1_line(line, info);
}

enum proxy_result
proxy_parse(const void *data, size_t len, struct flow_info *info, size_t *used)
{
	static const char v1_signature[] = "PROXY ";
	size_t v1_len = sizeof(v1_signature) - 1;

	memset(info, 0, sizeof(*info));
	*used = 0;
	if (memcmp(data, v2_signature, len < sizeof(v2_signature) ? len : sizeof(v2_signature)) == 0)
		return parse_v2(data, len, info, used);
	if (memcmp(data, v1_signature, len < v1_len ? len : v1_len) == 0)
		return len < v1_len ? PROXY_MORE : parse_v1(data, len, info, used);
	return PROXY_BAD;
}

static void
write_addresses(struct writer *w, const struct flow_info *info, bool v4)
{
	if (v4) {
		writer_u32(w, addr_v4(&info->source.addr));
		writer_u32(w, addr_v4(&info->destination.addr));
	} else {
		writer_bytes(w, info->source.addr.b, sizeof(info->source.addr.b));
		writer_bytes(w, info->destination.addr.b, sizeof(info->destination.addr.b));
	}
	writer_u16(w, info->source.port);
	writer_u16(w, info->destination.port);
}

size_t
proxy_format(const struct flow_info *info, void *buf, size_t size)
{
	bool v4 = addr_is_v4(&info->source.addr) && addr_is_v4(&info->destination.addr);
	struct writer w;

	writer_init(&w, buf, size < PROXY_HEADER_MAX ? size : PROXY_HEADER_MAX);
	writer_bytes(&w, v2_signature, sizeof(v2_signature));
	writer_u8(&w, V2_VERSION << 4 | V2_PROXY);
	writer_u8(&w, v4 ? V2_TCP4 : V2_TCP6);
	uint8_t *len_at = writer_skip(&w, 2);

	write_addresses(&w, info, v4);
	for (size_t i = 0; i < TLV_COUNT; i++) {
		const char *text = (const char *)info + tlvs[i].offset;
		size_t len = strlen(text);

		if (len == 0)
			continue;
		writer_u8(&w, tlvs[i].type);
		writer_u16(&w, (uint16_t)len);
		writer_bytes(&w, text, len);
	}
	if (w.failed)
		return 0;
	size_t body = writer_len(&w) - sizeof(v2_signature) - 4;

	len_at[0] = (uint8_t)(body >> 8);
	len_at[1] = (uint8_t)body;
	return writer_len(&w);
}
