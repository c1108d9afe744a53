#include "wire/packet_icmp.h"

#include "base/reader.h"
#include "base/writer.h"
#include "wire/packet_checksum.h"

bool
packet_icmp_parse(const void *message, size_t len, struct packet_icmp *out)
{
	struct reader r;

	reader_init(&r, message, len);
	out->type = reader_u8(&r);
	out->code = reader_u8(&r);
	(void)reader_u16(&r); /* the checksum is checked over the whole message below */
	out->rest = reader_u32(&r);
	out->data_len = reader_left(&r);
	out->data = reader_bytes(&r, out->data_len);
	out->checksum_ok = packet_checksum(message, len) == 0;
	return !r.failed;
}

void
packet_icmp_format(struct writer *w, const struct packet_icmp *m)
{
	uint8_t *start = w->at;

	writer_u8(w, m->type);
	writer_u8(w, m->code);
	uint8_t *checksum = writer_skip(w, 2);
	if (checksum == NULL)
		return;
	checksum[0] = checksum[1] = 0;
	writer_u32(w, m->rest);
	writer_bytes(w, m->data, m->data_len);
	if (w->failed)
		return;
	uint16_t sum = packet_checksum(start, (size_t)(w->at - start));
	checksum[0] = (uint8_t)(sum >> 8);
	checksum[1] = (uint8_t)sum;
}
