/*
 * habits - how one operating system's TCP behaves, as plain values:
 * personality.c fills them in, the stack asks (personalities/README.md says
 * what each means).
 */
#ifndef FINGERPRINTD_HABITS_H
#define FINGERPRINTD_HABITS_H

#include <stdbool.h>
#include <stdint.h>

enum {
	HABITS_OPTIONS_MAX = 24, /* of one segment; 40 octets hold so many in practice */
	HABITS_CASES_MAX = 8,
	HABITS_GAPS_MAX = 8,
	HABITS_DATA_MAX = 128, /* octets of a reset's text */
};

/* The last three are kinds of timestamps: no echo of the peer's, no value of ours, neither. */
enum habit_option {
	HABIT_OPT_END,
	HABIT_OPT_MSS,
	HABIT_OPT_SACK,
	HABIT_OPT_TS,
	HABIT_OPT_WSCALE,
	HABIT_OPT_NOP,
	HABIT_OPT_EOL,
	HABIT_OPT_TS_NO_ECHO,
	HABIT_OPT_TS_NO_CLOCK,
	HABIT_OPT_TS_EMPTY,
};

struct habit_opt {
	uint8_t kind; /* enum habit_option */
	bool given; /* value holds; else it is the personality's */
	uint16_t value; /* of MSS and window scale */
};

enum habit_ids_kind {
	HABIT_IDS_ZERO,
	HABIT_IDS_INCREMENT,
	HABIT_IDS_SWAPPED,
	HABIT_IDS_JUMPS,
	HABIT_IDS_RANDOM,
	HABIT_IDS_PER_FLOW,
	HABIT_IDS_CONSTANT,
};

struct habit_ids {
	uint8_t kind; /* enum habit_ids_kind */
	uint16_t value; /* HABIT_IDS_CONSTANT */
};

enum habit_isn_kind {
	HABIT_ISN_HASH,
	HABIT_ISN_CONSTANT,
	HABIT_ISN_INCREMENTS,
	HABIT_ISN_ZERO,
	HABIT_ISN_ACK,
	HABIT_ISN_RANDOM,
};

struct habit_isn {
	uint8_t kind; /* enum habit_isn_kind */
	double per_second; /* mean, of what one peer sees */
	double deviation; /* of that rate, from one connection to the next */
	uint32_t multiple_of;
};

enum habit_mss_of { HABIT_MSS_OWN, HABIT_MSS_LEAST };
/* What windows are counted in: what a segment carries, or the MSS even where timestamps take some of it. */
enum habit_segment { HABIT_SEGMENT_DATA, HABIT_SEGMENT_MSS };
enum habit_ts_start { HABIT_TS_BOOT, HABIT_TS_RANDOM, HABIT_TS_ZERO };
enum habit_ecn { HABIT_ECN_NONE, HABIT_ECN_ECE, HABIT_ECN_BOTH, HABIT_ECN_CWR, HABIT_ECN_DEFAULT };
enum habit_flag { HABIT_DEFAULT, HABIT_NO, HABIT_YES };

enum habit_class {
	HABIT_OPEN_SYN,
	HABIT_OPEN_NULL,
	HABIT_OPEN_SYN_FIN,
	HABIT_OPEN_ACK,
	HABIT_OPEN_FIN,
	HABIT_CLOSED_SYN,
	HABIT_CLOSED_ACK,
	HABIT_CLOSED_FIN,
	HABIT_CLASSES
};

/* The last one takes what came for a SYN: a handshake begins. */
enum habit_answer_kind { HABIT_ANSWER_USUAL, HABIT_ANSWER_SILENT, HABIT_ANSWER_GIVEN, HABIT_ANSWER_SYN };
enum habit_seq { HABIT_SEQ_DEFAULT, HABIT_SEQ_ZERO, HABIT_SEQ_ACK, HABIT_SEQ_ACK_1, HABIT_SEQ_OTHER };
enum habit_ack { HABIT_ACK_DEFAULT, HABIT_ACK_ZERO, HABIT_ACK_SEQ, HABIT_ACK_SEQ_1, HABIT_ACK_OTHER };

/* What a segment of no connection gets. */
struct habit_answer {
	uint8_t kind; /* enum habit_answer_kind */
	uint8_t seq, ack; /* enum habit_seq, enum habit_ack */
	bool has_flags;
	uint8_t flags;
	uint16_t window;
	uint8_t df; /* enum habit_flag */
	uint8_t ttl; /* 0: the personality's */
	bool reserved, urgent;
	struct habit_opt options[HABITS_OPTIONS_MAX];
	uint8_t data_len;
	uint8_t data[HABITS_DATA_MAX];
};

/* A SYN that is answered in another way than most. */
struct habit_case {
	bool any_offer; /* offered doesn't matter */
	uint8_t ecn; /* enum habit_flag; default: either */
	struct habit_opt offered[HABITS_OPTIONS_MAX];
	uint16_t has, lacks; /* bits 1 << enum habit_option: kinds that are offered, and that aren't */
	struct habit_answer answer; /* not usual: instead of a SYN+ACK, and what follows doesn't matter */
	bool has_options, has_order, has_window;
	struct habit_opt options[HABITS_OPTIONS_MAX]; /* exactly these, or (order) as far as they were offered */
	uint16_t window;
	uint8_t df; /* enum habit_flag */
	uint8_t ttl; /* 0: the personality's */
	uint8_t ecn_flags; /* enum habit_ecn */
	bool reserved, urgent;
};

struct habits {
	uint8_t ttl;
	bool df;
	uint16_t mss;
	uint8_t mss_of; /* enum habit_mss_of */
	uint16_t mss_default; /* of a peer that says none; 0: RFC 9293's */
	uint16_t window; /* of the SYN+ACK, unscaled */
	uint8_t window_mss; /* not 0: so many segments instead */
	uint8_t window_segment; /* enum habit_segment */
	uint32_t window_buffer; /* not 0: so many octets, rounded up to whole segments and scaled, instead */
	uint16_t window_unscaled; /* not 0: without a scale, whole segments of at least so many octets */
	uint8_t wscale;
	struct habit_opt options[HABITS_OPTIONS_MAX]; /* in order, HABIT_OPT_END ends */
	uint32_t ts_hz;
	uint8_t ts_start; /* enum habit_ts_start */
	uint32_t ts_apart; /* HABIT_TS_RANDOM: of two connections' clocks, on average; 0: anything */
	struct habit_isn isn;
	struct habit_ids ip_id, flow_ip_id, reset_ip_id;
	uint8_t ecn; /* enum habit_ecn */
	uint16_t gaps_ms[HABITS_GAPS_MAX]; /* between SYN+ACKs, 0 ends */
	bool final_reset;
	uint8_t case_count;
	struct habit_case cases[HABITS_CASES_MAX];
	struct habit_answer answers[HABIT_CLASSES];
};

#endif
