/* clock - the only place that reads the system's clocks; cores get `now` passed in. */
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <stdint.h>

enum { CLOCK_TEXT_MAX = 32 };

uint64_t clock_ms(void); /* monotonic */
uint64_t clock_us(void); /* monotonic */
uint64_t clock_wall_ms(void); /* since 1970, UTC */
uint64_t clock_wall_us(void);
/* RFC 3339 with milliseconds, "2026-11-24T12:00:00.123Z"; returns buf. */
const char *clock_rfc3339(uint64_t wall_ms, char buf[CLOCK_TEXT_MAX]);

#endif
