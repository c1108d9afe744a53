/*
 * packet_tcp - TCP headers and options (RFC 9293 3.1, 7323, 2018). Bytes to
 * value and back; no checksum (packet_checksum.h) and no state here.
 */
#ifndef WIRE_PACKET_TCP_H
#define WIRE_PACKET_TCP_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct reader;
struct writer;

enum {
	PACKET_TCP_HEADER = 20,
	PACKET_TCP_OPTIONS_MAX = 40,
	PACKET_TCP_SACKS = 4,
	PACKET_TCP_CHECKSUM_AT = 16, /* offset of the checksum in the header */
};

enum packet_tcp_flag {
	PACKET_TCP_FIN = 0x01,
	PACKET_TCP_SYN = 0x02,
	PACKET_TCP_RST = 0x04,
	PACKET_TCP_PSH = 0x08,
	PACKET_TCP_ACK = 0x10,
	PACKET_TCP_URG = 0x20,
	PACKET_TCP_ECE = 0x40,
	PACKET_TCP_CWR = 0x80,
};

struct packet_tcp_range {
	uint32_t left;
	uint32_t right; /* the first sequence number after it */
};

struct packet_tcp {
	uint16_t source;
	uint16_t destination;
	uint32_t seq;
	uint32_t ack;
	uint8_t flags;
	uint8_t reserved; /* four bits */
	uint16_t window;
	uint16_t urgent;
	uint16_t mss; /* 0: not offered */
	bool sack_permitted;
	bool has_wscale;
	uint8_t wscale;
	bool has_ts;
	uint32_t ts_value;
	uint32_t ts_echo;
	uint8_t sacks;
	struct packet_tcp_range sack[PACKET_TCP_SACKS];
};

/* False: cut, or the offset or an option's length is impossible. Afterwards r holds the payload. */
bool packet_tcp_parse(struct reader *r, struct packet_tcp *out);
/*
 * The header of t with these option bytes, padded with zeros (end of list) to
 * whole words; the checksum is left 0.  The option fields of t are not used:
 * their order is part of a personality, so the caller writes them below.
 */
void packet_tcp_format(struct writer *w, const struct packet_tcp *t, const void *options, size_t options_len);

void packet_tcp_option_nop(struct writer *w);
void packet_tcp_option_mss(struct writer *w, uint16_t mss);
void packet_tcp_option_wscale(struct writer *w, uint8_t shift);
void packet_tcp_option_sack_permitted(struct writer *w);
void packet_tcp_option_ts(struct writer *w, uint32_t value, uint32_t echo);
void packet_tcp_option_sack(struct writer *w, const struct packet_tcp_range *ranges, size_t count);

#endif
