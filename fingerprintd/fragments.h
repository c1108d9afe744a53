/*
 * fragments - puts fragmented IPv4 packets together (RFC 791 3.2), few and
 * small: what a scanner or a large ping sends.  Overlapping fragments spoil
 * the whole packet, as in today's stacks (RFC 5722 4 for IPv6; Linux does so
 * for IPv4).  Capped by count, size and time; full is an ordinary answer.
 */
#ifndef FINGERPRINTD_FRAGMENTS_H
#define FINGERPRINTD_FRAGMENTS_H

#include "wire/packet_ip.h"

struct fragments;

enum {
	FRAGMENTS_PACKETS_MAX = 64, /* being put together at once: half a MiB */
	FRAGMENTS_BYTES_MAX = 8192, /* payload of one packet */
	FRAGMENTS_TIME_US = 30 * 1000 * 1000, /* as Linux' ipfrag_time */
};

enum fragments_result { FRAGMENTS_MORE, FRAGMENTS_WHOLE, FRAGMENTS_REFUSED };

struct fragments *fragments_new(void);
void fragments_free(struct fragments **fp);
/*
 * WHOLE: *packet is the whole IP packet (a header without options, the first
 * fragment's otherwise) with *len bytes, valid until the next call.
 */
enum fragments_result fragments_input(struct fragments *f, const struct packet_ip *ip, const uint8_t *payload,
    size_t payload_len, uint64_t now_us, const uint8_t **packet, size_t *len);

#endif
