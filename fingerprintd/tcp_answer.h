/* tcp_answer - what segments of no connection get, by their class (RFC 9293 3.10.7.1, or as the personality has it). */
#ifndef FINGERPRINTD_TCP_ANSWER_H
#define FINGERPRINTD_TCP_ANSWER_H

#include "fingerprintd/tcp_internal.h"

/* open: the port is; a SYN to an open port is HABIT_OPEN_SYN. Resets have no class: they are never answered. */
enum habit_class tcp_answer_class(uint8_t flags, bool open);
/* Sends the answer of that class, if there is one. */
void tcp_answer(struct stack *s, const struct tcp_segment *seg, enum habit_class class);
/* Sends this answer, unless it is silence. */
void tcp_answer_with(struct stack *s, const struct tcp_segment *seg, const struct habit_answer *a);
/* The reset of RFC 9293 3.10.7.1, as this decoy sends it to an ACK. */
void tcp_answer_reset(struct stack *s, const struct tcp_segment *seg);

#endif
