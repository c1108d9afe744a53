/* observe - what the gateway tells: events to JetStream, numbers to /metrics. */
#ifndef FINGERPRINTD_OBSERVE_H
#define FINGERPRINTD_OBSERVE_H

#include "fingerprintd/flow.h"
#include "fingerprintd/gateway.h"
#include "fingerprintd/netio.h"
#include "fingerprintd/probes.h"

struct daemon;

/* ctx of each of these is the daemon. */
/* Two events, when the SYN is known: the flow, and the guess at who began it. */
void observe_flow_opened(void *ctx, const struct flow_info *info, const struct flow_target *target);
void observe_flow_ended(void *ctx, const struct flow_end *end);
void observe_probe(void *ctx, const struct probe_report *r);
void observe_overflow(void *ctx, uint64_t packets);

/* What every gateway counts; and what only one on a wire does. */
void observe_register_counts(void);
void observe_counts(size_t flows, size_t decoys);
void observe_register_metrics(void);
void observe_metrics(const struct gateway *g, const struct stack_counters *s, const struct netio_counters *n);

#endif
