#include "wire/packet_arp.h"

#include "base/reader.h"
#include "base/writer.h"

enum { HARDWARE_ETHERNET = 1, IP4_BYTES = 4 };

bool
packet_arp_parse(struct reader *r, struct packet_arp *out)
{
	uint16_t hardware = reader_u16(r), protocol = reader_u16(r);
	uint8_t hardware_len = reader_u8(r), protocol_len = reader_u8(r);

	out->operation = reader_u16(r);
	reader_copy(r, out->sender_mac, sizeof(out->sender_mac));
	out->sender = addr_from_v4(reader_u32(r));
	reader_copy(r, out->target_mac, sizeof(out->target_mac));
	out->target = addr_from_v4(reader_u32(r));
	return !r->failed && hardware == HARDWARE_ETHERNET && protocol == PACKET_ETH_IP4 &&
	    hardware_len == PACKET_ETH_ADDR && protocol_len == IP4_BYTES;
}

void
packet_arp_format(struct writer *w, const struct packet_arp *a)
{
	writer_u16(w, HARDWARE_ETHERNET);
	writer_u16(w, PACKET_ETH_IP4);
	writer_u8(w, PACKET_ETH_ADDR);
	writer_u8(w, IP4_BYTES);
	writer_u16(w, a->operation);
	writer_bytes(w, a->sender_mac, sizeof(a->sender_mac));
	writer_u32(w, addr_v4(&a->sender));
	writer_bytes(w, a->target_mac, sizeof(a->target_mac));
	writer_u32(w, addr_v4(&a->target));
}
