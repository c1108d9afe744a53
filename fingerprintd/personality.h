/*
 * personality - how one operating system's network stack behaves, read from
 * our own JSON files (format: README.md).  Data only: who sends packets asks.
 */
#ifndef FINGERPRINTD_PERSONALITY_H
#define FINGERPRINTD_PERSONALITY_H

#include "fingerprintd/json_file.h"
#include "fingerprintd/stack.h"

enum {
	PERSONALITY_NAME_MAX = 64,
	PERSONALITY_TEXT_MAX = 256,
	PERSONALITY_VERSION = 1, /* of the file format */
	PERSONALITY_PREFIX = 3, /* bytes of a vendor's MAC prefix */
	PERSONALITY_QUOTE_MAX = 548, /* RFC 1812 4.3.2.3: an error is at most 576 bytes */
	PERSONALITY_QUOTE_ALL = 65535,
};

/* The echo request's value, zero, or a value of its own. */
enum icmp_field_kind { ICMP_FIELD_SAME, ICMP_FIELD_ZERO, ICMP_FIELD_VALUE };
struct icmp_field {
	uint8_t kind; /* enum icmp_field_kind */
	uint8_t value;
};
enum icmp_df { ICMP_DF_NO, ICMP_DF_SAME, ICMP_DF_YES, ICMP_DF_OTHER };

struct icmp_habits {
	uint8_t ttl;
	struct icmp_field echo_code, echo_tos;
	uint8_t echo_df; /* enum icmp_df */
	struct habit_ids ip_id;
	bool shared_ip_id;
	bool echo; /* false: pings are not answered */
	bool timestamp, mask, information; /* whether requests of these types are */
	uint16_t echo_per_second;
	uint16_t errors_per_second, errors_burst; /* of unreachables */
};

enum udp_closed { UDP_CLOSED_UNREACHABLE, UDP_CLOSED_SILENT };
/* What an unreachable makes of a field that it quotes. */
enum quoted_kind { QUOTED_SAME, QUOTED_ZERO, QUOTED_WRONG, QUOTED_SWAPPED, QUOTED_VALUE };
struct quoted {
	uint8_t kind; /* enum quoted_kind */
	uint16_t value;
};

struct udp_habits {
	uint8_t closed; /* enum udp_closed */
	uint8_t tos; /* of the unreachable */
	bool df;
	uint8_t ttl; /* 0: ICMP's */
	uint16_t quote; /* bytes quoted after the IP header, or PERSONALITY_QUOTE_ALL */
	uint32_t unused; /* word after its checksum */
	bool quote_filled; /* with zeros, where the packet has fewer bytes */
	int16_t quoted_ttl_less; /* the quoted TTL is so much less than what came, or more */
	struct quoted length, id, ip_checksum, udp_checksum, data;
};

struct personality {
	char name[PERSONALITY_NAME_MAX];
	char about[PERSONALITY_TEXT_MAX];
	char expect[PERSONALITY_TEXT_MAX]; /* what scanners call it; "": nothing is said */
	uint8_t mac_prefix[PERSONALITY_PREFIX];
	struct habits tcp;
	struct icmp_habits icmp;
	struct udp_habits udp;
};

/* The text of one file; false with a sentence in error. */
bool personality_parse(const char *file, const char *text, size_t len, struct personality *out,
    struct json_error *error);

#endif
