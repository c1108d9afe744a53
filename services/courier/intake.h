/*
 * intake - relay-mail events, one at a time, from a durable consumer that all
 * couriers share (`api --setup` makes it), and the mails that they speak of.
 * An event is given again until it is acknowledged: after a courier died, and
 * when it asked to have it later.  Blocking: for a worker's own thread.
 *
 * Its NATS user publishes $JS.API.CONSUMER.INFO.EVENTS.courier,
 * $JS.API.CONSUMER.MSG.NEXT.EVENTS.courier, $JS.ACK.EVENTS.courier.> and
 * $JS.API.STREAM.MSG.GET.MAIL.
 */
#ifndef COURIER_INTAKE_H
#define COURIER_INTAKE_H

#include "courier/relay_mail.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct bus;
struct intake;

struct intake_event {
	const char *data; /* valid until the next intake_next() */
	size_t len;
	uint64_t stored_wall_ms; /* when the stream took it */
	uint64_t behind; /* events that wait */
};

enum intake_fetch { INTAKE_OK, INTAKE_GONE /* purged, or not what the event says */, INTAKE_AWAY };

struct intake *intake_new(struct bus *bus);
void intake_free(struct intake **ip);
/* False: none came within wait_ms, NATS is away, or the consumer was just found. */
bool intake_next(struct intake *i, uint64_t wait_ms, struct intake_event *out);
bool intake_ready(const struct intake *i); /* the consumer was found */
/* Done with the present event. */
void intake_done(struct intake *i);
/* The present event once more after delay_ms. */
void intake_again(struct intake *i, uint64_t delay_ms);
/* Still at work: call at least every INTAKE_ALIVE_MS, or another courier gets the event. */
enum { INTAKE_ALIVE_MS = 4000 };
void intake_alive(struct intake *i);
/* The mail's bytes, malloc'd for the caller and checked by size and digest. */
enum intake_fetch intake_fetch(struct intake *i, const struct relay_mail *m, char **data, size_t *len);

#endif
