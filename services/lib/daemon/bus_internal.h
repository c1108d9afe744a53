/* bus_internal - what events.c and feed.c share with bus.c and nobody else needs. */
#ifndef DAEMON_BUS_INTERNAL_H
#define DAEMON_BUS_INTERNAL_H

#include <nats/nats.h>

struct bus;

const char *bus_inbox_prefix(const struct bus *b);

enum bus_ack { BUS_ACK_STORED, BUS_ACK_REFUSED, BUS_ACK_LATER };

/* What a stream's answer to a publish means; sequence only with STORED. LATER: no stream is listening now. */
enum bus_ack bus_ack_parse(natsMsg *answer, uint64_t *sequence);

#endif
