/*
 * tcp_options - lists of options as personalities have them: a peer's read
 * from its SYN, ours written into an answer.
 */
#ifndef FINGERPRINTD_TCP_OPTIONS_H
#define FINGERPRINTD_TCP_OPTIONS_H

#include "fingerprintd/habits.h"
#include "wire/packet_tcp.h"

struct writer;

/* What options hold besides their own values. */
struct tcp_option_values {
	uint16_t mss;
	uint8_t wscale;
	uint32_t ts_value, ts_echo;
};

/* The list of a SYN's option octets; false: an option that no list can name (then it equals none). */
bool tcp_options_read(const uint8_t *bytes, size_t len, struct habit_opt out[HABITS_OPTIONS_MAX]);
bool tcp_options_equal(const struct habit_opt *a, const struct habit_opt *b);
/* One option. */
void tcp_options_write(struct writer *w, const struct habit_opt *o, const struct tcp_option_values *v);
/* All of a list; the octets must fit, which reading personalities makes sure of. */
void tcp_options_write_all(struct writer *w, const struct habit_opt *list, const struct tcp_option_values *v);
/* Octets of a list. */
size_t tcp_options_len(const struct habit_opt *list);

#endif
