/*
 * metrics - counters and gauges of this process, for /metrics (Prometheus text
 * format) and /v1/stats (JSON).  A service registers the addresses of its own
 * atomic numbers at start; labels are constants, never a peer's data.
 */
#ifndef DAEMON_METRICS_H
#define DAEMON_METRICS_H

#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>

enum metric_type { METRIC_COUNTER, METRIC_GAUGE };
enum { METRICS_MAX = 256 };

typedef _Atomic uint64_t metric_value;

/* name without prefix ("flows_total"), labels like "reason=\"full\"" or NULL. Strings must be constants. */
void metrics_register(const char *name, const char *labels, enum metric_type type, const char *help,
    metric_value *value);
/* Text for the two formats, malloc'd for the caller. */
char *metrics_prometheus(void);
char *metrics_json(const char *service, const char *instance);

static inline void
metric_add(metric_value *v, uint64_t n)
{
	atomic_fetch_add_explicit(v, n, memory_order_relaxed);
}

static inline void
metric_sub(metric_value *v, uint64_t n)
{
	atomic_fetch_sub_explicit(v, n, memory_order_relaxed);
}

static inline void
metric_set(metric_value *v, uint64_t n)
{
	atomic_store_explicit(v, n, memory_order_relaxed);
}

#endif
