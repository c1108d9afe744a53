/*
 * emitter - a service that does nothing but emit: events and stored messages
 * at a given rate, through the same skeleton as every part.  Tests kill it and
 * NATS at will and count what came through.  Prints each stored id on stdout.
 */
#include "base/clock.h"
#include "base/log.h"
#include "daemon/daemon.h"
#include "wire/event.h"
#include "wire/subject.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>

static long count, per_tick;
static unsigned long emitted, stored, refused;
static struct loop_timer *tick_timer;
static struct daemon *self;

enum { TICK_MS = 10, TIMEOUT_MS = 30000 };

static const struct setting settings[] = {
	{ "count", SETTING_NUMBER, &count, "1000", 1, 1000000, "", "How many events and messages to emit." },
	{ "per.tick", SETTING_NUMBER, &per_tick, "10", 1, 10000, "", "How many every 10 ms." },
};

static void
on_stored(void *ctx, bool ok, uint64_t sequence)
{
	(void)sequence;
	if (ok)
		printf("%lu\n", (unsigned long)(uintptr_t)ctx);
	if (ok)
		stored++;
	else
		refused++;
	fflush(stdout);
	if (stored + refused == (unsigned long)count)
		raise(SIGTERM);
}

static void
emit_one(void)
{
	char id[64], subject[SUBJECT_MAX];
	unsigned long n = emitted++;

	snprintf(id, sizeof(id), "%s-%lu", daemon_boot_id(self), n);
	struct event *e = event_create("emitter", daemon_site(self), "probe", id, clock_wall_ms());

	event_number(e, "honeyspam.n", n);
	events_emit(daemon_events(self), &e);
	snprintf(id, sizeof(id), "%s-m%lu", daemon_boot_id(self), n);
	struct bus_header header = { "Nats-Msg-Id", id };
	if (!bus_publish_stored(daemon_bus(self), subject_mail_commit(subject, daemon_site(self)), &header, 1, id,
		strlen(id), TIMEOUT_MS, on_stored, (void *)(uintptr_t)n))
		on_stored(NULL, false, 0);
}

static void
tick(void *ctx)
{
	(void)ctx;
	for (long i = 0; i < per_tick && emitted < (unsigned long)count; i++)
		emit_one();
}

static void
start(struct daemon *d)
{
	self = d;
	tick_timer = loop_timer_new(daemon_loop(d), tick, NULL);
	loop_timer_every(tick_timer, TICK_MS);
}

static void
drain(struct daemon *d)
{
	daemon_drained(d);
}

static void
stop(struct daemon *d)
{
	(void)d;
	log_info("msg=\"emitted\" events=%lu stored=%lu refused=%lu", emitted, stored, refused);
	loop_timer_free(&tick_timer);
}

int
main(int argc, char **argv)
{
	static const struct daemon_service service = {
		.name = "emitter",
		.purpose = "emits events and stored messages for tests",
		.settings = settings,
		.setting_count = sizeof(settings) / sizeof(settings[0]),
		.start = start,
		.drain = drain,
		.stop = stop,
	};

	return daemon_main(&service, argc, argv);
}
