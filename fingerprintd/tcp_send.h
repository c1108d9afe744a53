/*
 * tcp_send - the sending half of a connection: keeps bytes until they are
 * acknowledged, decides which piece goes out next, and notices what is lost.
 *
 * RFC 5681 and 6928 (congestion window), 6298 (retransmission timer), 6582
 * (NewReno) for peers without SACK, 2018 and 8985 (RACK, tail loss probe) for
 * peers with it.  Each segment sent has one record; everything that is lost is
 * marked there, and retransmission is nothing but sending a marked record.
 * No headers, no states: tcp.c builds the segments.
 */
#ifndef FINGERPRINTD_TCP_SEND_H
#define FINGERPRINTD_TCP_SEND_H

#include "fingerprintd/stack.h"
#include "wire/packet_tcp.h"

enum {
	TCP_SENT_MAX = 128, /* segments in flight: small writes wait and are joined beyond it */
	TCP_MSS_MIN = 64, /* of a peer that asks for less, so that headers don't eat us up (Linux: 88 with headers) */
	TCP_MSS_DEFAULT = 536, /* RFC 9293 3.7.1 */
	TCP_MSS_MAX = 1460, /* Ethernet's */
	TCP_RTO_FIRST_US = 1000 * 1000, /* RFC 6298 2.1 */
	TCP_RTO_MIN_US = 200 * 1000, /* as Linux; RFC 6298 2.4 would have a second */
	TCP_RTO_MAX_US = 60 * 1000 * 1000,
	TCP_RETRIES = 10, /* about 160 s: RFC 9293 3.8.3 R2 wants 100 s */
};

/* One segment in flight. */
struct tcp_sent {
	uint64_t at_us; /* when it was sent last */
	uint32_t seq;
	uint16_t len; /* in sequence space: a FIN counts */
	bool sacked;
	bool lost; /* and not yet sent again */
	bool again; /* sent more than once: no round trip time (Karn) */
};

struct tcp_send_memory {
	struct tcp_sent sent[TCP_SENT_MAX]; /* before data: the first page holds both */
	uint8_t data[2 * STACK_SEND_MAX];
};

enum tcp_phase {
	TCP_PHASE_OPEN, /* slow start or congestion avoidance */
	TCP_PHASE_RECOVERY, /* fast recovery: cwnd was halved once for this flight */
	TCP_PHASE_LOSS, /* after a timeout: slow start, but the flight is not halved again */
};

struct tcp_send {
	struct tcp_send_memory *memory; /* NULL until the handshake is complete */
	uint32_t start; /* where in data the unacknowledged bytes begin */
	uint32_t len; /* bytes kept: unacknowledged and unsent */
	uint32_t una; /* SND.UNA: of data[start] */
	uint32_t nxt; /* SND.NXT */
	uint32_t wnd; /* SND.WND */
	uint32_t wnd_max;
	uint32_t wl1, wl2;
	uint32_t touched; /* data that was written, from its start */
	uint16_t mss; /* payload of a full segment */
	uint16_t head, count; /* of memory->sent, a ring */
	bool sack; /* negotiated */
	bool fin; /* wanted, after the last byte */
	bool fin_sent;
	bool fin_acked;
	bool starved; /* tcp_send_write() took less than asked */

	uint8_t phase; /* enum tcp_phase */
	uint32_t recover; /* RECOVERY and LOSS end here */
	uint32_t cwnd, ssthresh, cwnd_acked;
	uint32_t sacked_bytes, lost_bytes; /* of the records so marked */
	uint16_t sacked_count;
	uint16_t duplicates; /* without SACK: duplicate acknowledgements in a row */

	uint32_t srtt_us, rttvar_us, rto_us, rtt_min_us;
	uint64_t rack_us; /* sending time of the newest segment known to have arrived (RFC 8985) */
	uint32_t rack_end, rack_rtt_us;
	uint32_t reorder_us; /* how much later than its followers a segment may come; 0: no reordering seen */

	uint64_t timeout_at; /* retransmission, tail probe or window probe; 0: off */
	uint64_t reorder_at; /* look for losses again; 0: off */
	uint8_t retries; /* timeouts in a row */
	uint8_t window_probes; /* of a closed window in a row, answered or not */
	bool tail_timer; /* timeout_at is a tail probe's */
	bool tail_probed;
	bool force; /* the window probe's time has come: send less than a full segment */
};

/* A piece to put into a segment. */
struct tcp_piece {
	uint32_t seq;
	const uint8_t *data;
	size_t len;
	bool fin;
	bool push; /* nothing waits behind it */
	bool again;
};

enum tcp_send_timer { TCP_SEND_NOTHING, TCP_SEND_MORE, TCP_SEND_PROBE, TCP_SEND_GIVE_UP };

void tcp_send_init(struct tcp_send *s, uint32_t first_seq, uint16_t mss, bool sack);
size_t tcp_send_write(struct tcp_send *s, const void *data, size_t len);
/* An acceptable acknowledgement with its window already taken over; `duplicate` as RFC 5681 2 has it. */
void tcp_send_ack(struct tcp_send *s, uint32_t ack, const struct packet_tcp_range *sack, size_t sacks, bool duplicate,
    uint64_t now_us);
/* The next piece that may go out now; it is then regarded as sent. False: none. */
bool tcp_send_next(struct tcp_send *s, uint64_t now_us, struct tcp_piece *out);
enum tcp_send_timer tcp_send_timer(struct tcp_send *s, uint64_t now_us);
uint64_t tcp_send_due(const struct tcp_send *s); /* 0: no timer */
size_t tcp_send_room(const struct tcp_send *s);
/* A round trip that somebody else measured: the handshake's. */
void tcp_send_rtt(struct tcp_send *s, uint64_t rtt_us);

#endif
