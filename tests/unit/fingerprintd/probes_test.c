#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/probes.h"

static struct probe_report last;
static size_t reports;
static uint64_t overflow;

static void
report(void *ctx, const struct probe_report *r)
{
	(void)ctx;
	last = *r;
	reports++;
}

static void
overflowed(void *ctx, uint64_t packets)
{
	(void)ctx;
	overflow += packets;
}

static const struct probes_ops ops = { .report = report, .overflow = overflowed };
static const struct addr decoy = { { [10] = 0xff, 0xff, 203, 0, 113, 10 } };

static void
reset(void)
{
	reports = 0;
	overflow = 0;
}

static void
one_report_a_source_and_window(void **state)
{
	struct addr scanner = addr_from_v4(0xc6336401);
	struct probes *p = probes_new(&ops, 0);

	(void)state;
	reset();
	for (uint16_t port = 1; port <= 100; port++)
		probes_note(p, PROBE_SYN, &scanner, &decoy, port);
	probes_note(p, PROBE_SYN, &scanner, &decoy, 1);
	probes_note(p, PROBE_PING, &scanner, &decoy, 0);
	probes_tick(p, PROBES_WINDOW_MS - 1);
	assert_int_equal(reports, 0);
	probes_tick(p, PROBES_WINDOW_MS);
	probes_tick(p, PROBES_WINDOW_MS + 100);
	assert_int_equal(reports, 1);
	assert_true(addr_equal(&last.source, &scanner) && addr_equal(&last.destination, &decoy));
	assert_int_equal(last.counts[PROBE_SYN], 101);
	assert_int_equal(last.counts[PROBE_PING], 1);
	assert_int_equal(last.counts[PROBE_UDP], 0);
	assert_int_equal(last.port_count, PROBES_PORTS_MAX);
	assert_true(last.ports_truncated);
	probes_tick(p, 3 * PROBES_WINDOW_MS);
	probes_flush(p);
	assert_int_equal(reports, 1);
	probes_free(&p);
}

static void
a_flood_of_sources_is_counted_together(void **state)
{
	struct probes *p = probes_new(&ops, 0);
	uint64_t now = PROBES_WINDOW_MS;

	(void)state;
	reset();
	for (uint32_t i = 0; i < 50000; i++) {
		struct addr source = addr_from_v4(0xc6120000 + i);

		probes_note(p, PROBE_SYN, &source, &decoy, 25);
	}
	probes_tick(p, now);
	assert_int_equal(overflow, 50000 - PROBES_SOURCES_MAX);
	probes_tick(p, now + 100);
	assert_int_equal(reports, PROBES_TURN_MAX); /* spread, not all at once */
	for (unsigned i = 2; i < 2 + PROBES_SOURCES_MAX / PROBES_TURN_MAX; i++)
		probes_tick(p, now + i * 100);
	assert_int_equal(reports, PROBES_SOURCES_MAX);
	probes_free(&p);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(one_report_a_source_and_window),
		cmocka_unit_test(a_flood_of_sources_is_counted_together),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
