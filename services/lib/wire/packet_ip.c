#include "wire/packet_ip.h"

#include "base/reader.h"
#include "base/writer.h"
#include "wire/packet_checksum.h"

enum {
	VERSION_4 = 4,
	FLAG_RESERVED = 0x8000,
	FLAG_DF = 0x4000,
	FLAG_MORE = 0x2000,
	OFFSET_MASK = 0x1fff,
	OFFSET_UNIT = 8,
	TOTAL_MAX = 0xffff,
};

static void
parse_fragment_field(struct packet_ip *out, uint16_t field)
{
	out->reserved = (field & FLAG_RESERVED) != 0;
	out->df = (field & FLAG_DF) != 0;
	out->more = (field & FLAG_MORE) != 0;
	out->offset = (uint16_t)((field & OFFSET_MASK) * OFFSET_UNIT);
}

bool
packet_ip_parse(struct reader *r, struct packet_ip *out)
{
	const uint8_t *start = r->at;
	size_t available = reader_left(r);
	uint8_t version_ihl = reader_u8(r);

	out->tos = reader_u8(r);
	size_t total = reader_u16(r);
	out->id = reader_u16(r);
	parse_fragment_field(out, reader_u16(r));
	out->ttl = reader_u8(r);
	out->protocol = reader_u8(r);
	(void)reader_u16(r); /* the checksum is checked over the whole header below */
	out->source = addr_from_v4(reader_u32(r));
	out->destination = addr_from_v4(reader_u32(r));
	out->header_len = (uint8_t)((version_ihl & 0xf) * 4);
	if (r->failed || version_ihl >> 4 != VERSION_4 || out->header_len < PACKET_IP_HEADER ||
	    total < out->header_len || total > available)
		return false;
	out->checksum_ok = packet_checksum(start, out->header_len) == 0;
	reader_init(r, start + out->header_len, total - out->header_len);
	return true;
}

bool
packet_ip_is_fragment(const struct packet_ip *ip)
{
	return ip->more || ip->offset != 0;
}

void
packet_ip_format(struct writer *w, const struct packet_ip *ip, size_t payload_len)
{
	uint8_t *start = w->at;
	size_t total = PACKET_IP_HEADER + payload_len;
	unsigned flags = (ip->reserved ? FLAG_RESERVED : 0) | (ip->df ? FLAG_DF : 0) | (ip->more ? FLAG_MORE : 0);

	writer_u8(w, VERSION_4 << 4 | PACKET_IP_HEADER / 4);
	writer_u8(w, ip->tos);
	writer_u16(w, (uint16_t)total);
	writer_u16(w, ip->id);
	writer_u16(w, (uint16_t)(flags | ip->offset / OFFSET_UNIT));
	writer_u8(w, ip->ttl);
	writer_u8(w, ip->protocol);
	uint8_t *checksum = writer_skip(w, 2);
	if (checksum == NULL)
		return;
	checksum[0] = checksum[1] = 0;
	writer_u32(w, addr_v4(&ip->source));
	writer_u32(w, addr_v4(&ip->destination));
	if (w->failed || total > TOTAL_MAX) {
		w->failed = true;
		return;
	}
	uint16_t sum = packet_checksum(start, PACKET_IP_HEADER);
	checksum[0] = (uint8_t)(sum >> 8);
	checksum[1] = (uint8_t)sum;
}
