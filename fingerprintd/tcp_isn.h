/*
 * tcp_isn - initial sequence numbers and clocks, as the decoy's generator makes them: a
 * keyed hash of the connection (RFC 6528), random, a constant, or a counter whose
 * rate scatters.  Counters are kept for each decoy and peer in a table of fixed
 * size, so that other visitors don't disturb what one of them sees.
 */
#ifndef FINGERPRINTD_TCP_ISN_H
#define FINGERPRINTD_TCP_ISN_H

#include "fingerprintd/stack.h"

struct tcp_isn;

struct tcp_isn *tcp_isn_new(void);
void tcp_isn_free(struct tcp_isn **tp);
uint32_t tcp_isn_next(struct tcp_isn *t, const struct stack_host *h, const struct endpoint *peer,
    const struct endpoint *ours, uint64_t now_us);
/* How the decoy's timestamp clock reads differently for this connection; once for each. */
uint32_t tcp_isn_ts_offset(struct tcp_isn *t, const struct stack_host *h, const struct endpoint *peer,
    const struct endpoint *ours);

#endif
