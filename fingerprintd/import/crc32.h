/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * crc32 - the CRC-32 of zlib and Ethernet, and the way back.  Of a reset's
 * text the database keeps only this sum: four octets can have any.
 */
#ifndef IMPORT_CRC32_H
#define IMPORT_CRC32_H

#include <stddef.h>
#include <stdint.h>

enum { CRC32_FORGED = 4 };

uint32_t crc32_of(const void *data, size_t len);
/* The four octets that have this sum. */
void crc32_forge(uint32_t wanted, uint8_t out[CRC32_FORGED]);

#endif
