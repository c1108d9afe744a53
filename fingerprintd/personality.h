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
	PERSONALITY_VERSION = 1, /* of the file format */
	PERSONALITIES_MAX = 1024,
	PERSONALITY_PREFIX = 3, /* bytes of a vendor's MAC prefix */
	PERSONALITY_QUOTE_MAX = 548, /* RFC 1812 4.3.2.3: an error is at most 576 bytes */
};

enum icmp_field { ICMP_FIELD_SAME, ICMP_FIELD_ZERO };
enum icmp_df { ICMP_DF_NO, ICMP_DF_SAME, ICMP_DF_YES };

struct icmp_habits {
	uint8_t ttl;
	uint8_t echo_code; /* enum icmp_field: the code of an echo request is repeated, or zeroed */
	uint8_t echo_tos; /* enum icmp_field */
	uint8_t echo_df; /* enum icmp_df */
	uint8_t ip_id; /* enum stack_ip_id */
	bool echo; /* false: pings are not answered */
	uint16_t echo_per_second;
	uint16_t errors_per_second, errors_burst; /* of unreachables */
};

enum udp_closed { UDP_CLOSED_UNREACHABLE, UDP_CLOSED_SILENT };

struct udp_habits {
	uint8_t closed; /* enum udp_closed */
	uint8_t tos; /* of the unreachable */
	uint16_t quote; /* bytes quoted after the IP header */
};

struct personality {
	char name[PERSONALITY_NAME_MAX];
	char about[256];
	uint8_t mac_prefix[PERSONALITY_PREFIX];
	struct stack_habits tcp;
	struct icmp_habits icmp;
	struct udp_habits udp;
};

struct personalities;

/* The text of one file; false with a sentence in error. */
bool personality_parse(const char *file, const char *text, size_t len, struct personality *out,
    struct json_error *error);
/* Every *.json below dir, each named as its file; NULL with a sentence in error. */
struct personalities *personalities_load(const char *dir, struct json_error *error);
void personalities_free(struct personalities **pp);
/* NULL: no such personality. Lives as long as the set. */
const struct personality *personalities_find(const struct personalities *p, const char *name);
size_t personalities_count(const struct personalities *p);

#endif
