/*
 * os_observe - what a SYN says of the system that made it, in p0f 3's terms: a
 * small value that can be kept while the handshake runs, and its text.  Whose
 * SYN looks so is os_signature.h's.
 */
#ifndef FINGERPRINTD_OS_OBSERVE_H
#define FINGERPRINTD_OS_OBSERVE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	OS_LAYOUT_MAX = 40, /* options in one header: one-byte ones fill it */
	OS_DISTANCE_MAX = 35, /* hops; further off, the initial TTL was another */
	OS_TEXT_MAX = 384, /* the longest signature text: 40 unknown options, all quirks */
};

/* Quirks with their names, in the order in which they are written. */
#define OS_QUIRKS(X)                                                                                                   \
	X(DF, "df") /* don't fragment */                                                                               \
	X(ID_WITH_DF, "id+") /* and yet an IP id */                                                                    \
	X(NO_ID, "id-") /* may be fragmented, and yet no IP id */                                                      \
	X(ECN, "ecn")                                                                                                  \
	X(RESERVED, "0+") /* the reserved bit of the IP header */                                                      \
	X(FLOW, "flow") /* of IPv6; never observed here, but in signatures */                                          \
	X(SEQ_ZERO, "seq-")                                                                                            \
	X(ACK_SET, "ack+") /* an ACK number without its flag */                                                        \
	X(ACK_ZERO, "ack-") /* never in a SYN, but in signatures */                                                    \
	X(URG_POINTER, "uptr+") /* without its flag */                                                                 \
	X(URG, "urgf+")                                                                                                \
	X(PUSH, "pushf+")                                                                                              \
	X(TS_ZERO, "ts1-") /* own timestamp 0 */                                                                       \
	X(TS_ECHO, "ts2+") /* a timestamp echoed that nobody has sent */                                               \
	X(TRAILER, "opt+") /* something other than zero after the end of the options */                                \
	X(SCALE_LARGE, "exws") /* a shift above 14 (RFC 7323 2.3) */                                                   \
	X(BAD, "bad") /* options that contradict their lengths */

enum os_quirk_index {
#define X(id, name) OS_QUIRK_INDEX_##id,
	OS_QUIRKS(X)
#undef X
	    OS_QUIRK_COUNT
};
enum os_quirk {
#define X(id, name) OS_QUIRK_##id = 1 << OS_QUIRK_INDEX_##id,
	OS_QUIRKS(X)
#undef X
};

/* Of what a window is a multiple. */
enum os_window_base { OS_WINDOW_PLAIN, OS_WINDOW_MSS, OS_WINDOW_MTU };

struct os_observation {
	uint32_t quirks; /* enum os_quirk */
	uint16_t mss; /* 0: none */
	uint16_t window;
	uint16_t window_multiple; /* unless PLAIN */
	uint8_t window_base; /* enum os_window_base */
	uint8_t scale; /* 0 also for none */
	uint8_t ttl;
	uint8_t ip_options; /* bytes */
	uint8_t eol_padding; /* bytes after an end-of-options */
	uint8_t layout_len;
	uint8_t layout[OS_LAYOUT_MAX]; /* kinds of the TCP options, in order */
	bool payload;
};

/* False: not a whole IPv4 packet with a SYN (without ACK, RST and FIN). */
bool os_observe(const void *packet, size_t len, struct os_observation *out);
/* The TTL that a system sends most likely when ttl arrives: 32, 64, 128 or 255. */
uint8_t os_initial_ttl(uint8_t ttl);
/* As p0f writes a raw signature: "4:64+0:0:1460:mss*44,7:mss,sok,ts,nop,ws:df,id+:0". Returns out. */
const char *os_observation_format(const struct os_observation *o, char out[OS_TEXT_MAX]);
/* The name of an option in a layout, or NULL: then it is "?" with its number. */
const char *os_option_name(uint8_t kind);
const char *os_quirk_name(size_t index); /* index below OS_QUIRK_COUNT */

#endif
