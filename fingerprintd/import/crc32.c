/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/crc32.h"

#define POLYNOMIAL UINT32_C(0xEDB88320) /* reflected */

uint32_t
crc32_of(const void *data, size_t len)
{
	const uint8_t *octets = data;
	uint32_t state = UINT32_MAX;

	for (size_t i = 0; i < len; i++) {
		state ^= octets[i];
		for (int bit = 0; bit < 8; bit++)
			state = state >> 1 ^ ((state & 1) != 0 ? POLYNOMIAL : 0);
	}
	return ~state;
}

/*
 * A step of the register shifts right and adds the polynomial when a one falls
 * out; as the polynomial's highest bit is set, the highest bit afterwards says
 * whether it was added.  32 such steps backwards from the wanted state give the
 * start, which four octets reach from the initial state by a mere XOR.
 */
void
crc32_forge(uint32_t wanted, uint8_t out[CRC32_FORGED])
{
	uint32_t state = ~wanted;

	for (int bit = 0; bit < 32; bit++)
		state = (state & UINT32_C(0x80000000)) != 0 ? (state ^ POLYNOMIAL) << 1 | 1 : state << 1;
	state ^= UINT32_MAX;
	for (int i = 0; i < CRC32_FORGED; i++)
		out[i] = (uint8_t)(state >> 8 * i);
}
