/* ip_id - the identification field of one decoy's packets, as its counters have it. */
#ifndef FINGERPRINTD_IP_ID_H
#define FINGERPRINTD_IP_ID_H

#include "fingerprintd/habits.h"

struct ip_id_state {
	uint16_t tcp, icmp; /* the next of each counter */
	uint64_t random;
};

/* counter: the one to draw from; a connection's own for HABIT_IDS_PER_FLOW. */
uint16_t ip_id_next(struct ip_id_state *s, const struct habit_ids *habit, uint16_t *counter);

#endif
