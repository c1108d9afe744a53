/* tcp_syn_ack - what a decoy answers to a SYN: its usual way, or the first of its cases that fits. */
#ifndef FINGERPRINTD_TCP_SYN_ACK_H
#define FINGERPRINTD_TCP_SYN_ACK_H

#include "fingerprintd/stack.h"
#include "wire/packet_tcp.h"

/* A SYN, as far as the answer depends on it; options are its octets. */
struct tcp_offer {
	const struct packet_tcp *syn;
	const uint8_t *options;
	size_t options_len;
};

struct tcp_syn_ack {
	uint8_t options[PACKET_TCP_OPTIONS_MAX];
	size_t options_len;
	struct packet_tcp tcp; /* flags, window, reserved, urgent */
	uint8_t ttl, df; /* as in struct tcp_out */
	/* What was agreed upon by it: */
	bool sack, ts, wscale;
	uint8_t shift; /* of our windows */
};

/* The number of the case that fits, or -1. */
int tcp_syn_ack_case(const struct habits *h, const struct tcp_offer *offer);
/* which: a case or -1; ts_value: our clock as this connection reads it. */
void tcp_syn_ack_build(const struct habits *h, int which, const struct packet_tcp *syn, uint32_t ts_value,
    struct tcp_syn_ack *out);

#endif
