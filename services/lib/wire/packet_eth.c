#include "wire/packet_eth.h"

#include "base/reader.h"
#include "base/writer.h"

bool
packet_eth_parse(struct reader *r, struct packet_eth *out)
{
	reader_copy(r, out->destination, sizeof(out->destination));
	reader_copy(r, out->source, sizeof(out->source));
	out->type = reader_u16(r);
	return !r->failed;
}

void
packet_eth_format(struct writer *w, const struct packet_eth *e)
{
	writer_bytes(w, e->destination, sizeof(e->destination));
	writer_bytes(w, e->source, sizeof(e->source));
	writer_u16(w, e->type);
}

bool
packet_eth_is_broadcast(const uint8_t mac[PACKET_ETH_ADDR])
{
	for (unsigned i = 0; i < PACKET_ETH_ADDR; i++) {
		if (mac[i] != 0xff)
			return false;
	}
	return true;
}

bool
packet_eth_is_group(const uint8_t mac[PACKET_ETH_ADDR])
{
	return (mac[0] & 1) != 0;
}
