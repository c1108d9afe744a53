#include "wire/packet_checksum.h"

#include <string.h>

/*
 * One's complement sums don't care for byte order (RFC 1071 2 (B)): words are
 * added as the machine reads them, and the result is swapped once in finish().
 * 32-bit words into 64 bits: no carry is lost in any packet.
 */
static uint64_t
add(uint64_t sum, const void *data, size_t len)
{
	const uint8_t *p = data;
	uint32_t word;

	for (; len >= sizeof(word); len -= sizeof(word), p += sizeof(word)) {
		memcpy(&word, p, sizeof(word));
		sum += word;
	}
	if (len > 0) {
		word = 0;
		memcpy(&word, p, len);
		sum += word;
	}
	return sum;
}

static uint16_t
finish(uint64_t sum)
{
	uint8_t bytes[2];
	uint16_t folded;

	while (sum >> 16 != 0)
		sum = (sum & 0xffff) + (sum >> 16);
	folded = (uint16_t)~sum;
	memcpy(bytes, &folded, sizeof(bytes));
	return (uint16_t)(bytes[0] << 8 | bytes[1]);
}

uint16_t
packet_checksum(const void *data, size_t len)
{
	return finish(add(0, data, len));
}

uint16_t
packet_checksum_transport(const struct addr *source, const struct addr *destination, uint8_t protocol, const void *data,
    size_t len)
{
	size_t skip = addr_is_v4(source) && addr_is_v4(destination) ? 12 : 0;
	uint8_t rest[8] = { (uint8_t)(len >> 24), (uint8_t)(len >> 16), (uint8_t)(len >> 8), (uint8_t)len, 0, 0, 0,
		protocol };
	uint64_t sum = add(0, source->b + skip, sizeof(source->b) - skip);

	sum = add(sum, destination->b + skip, sizeof(destination->b) - skip);
	sum = add(sum, rest, sizeof(rest));
	return finish(add(sum, data, len));
}
