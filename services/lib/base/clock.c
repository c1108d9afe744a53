#include "base/clock.h"

#include <stdio.h>
#include <string.h>
#include <time.h>

static uint64_t
read_us(clockid_t id)
{
	struct timespec ts;

	clock_gettime(id, &ts);
	return (uint64_t)ts.tv_sec * 1000000 + (uint64_t)ts.tv_nsec / 1000;
}

uint64_t
clock_ms(void)
{
	return read_us(CLOCK_MONOTONIC) / 1000;
}

uint64_t
clock_us(void)
{
	return read_us(CLOCK_MONOTONIC);
}

uint64_t
clock_wall_ms(void)
{
	return read_us(CLOCK_REALTIME) / 1000;
}

uint64_t
clock_wall_us(void)
{
	return read_us(CLOCK_REALTIME);
}

const char *
clock_rfc3339(uint64_t wall_ms, char buf[CLOCK_TEXT_MAX])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	size_t len = strftime(buf, CLOCK_TEXT_MAX, "%Y-%m-%dT%H:%M:%S", &tm);
	snprintf(buf + len, CLOCK_TEXT_MAX - len, ".%03uZ", (unsigned)(wall_ms % 1000));
	return buf;
}
