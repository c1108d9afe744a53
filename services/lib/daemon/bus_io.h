/*
 * bus_io - nats.c's event loop: one socket to wait for, on a thread of our own,
 * instead of one thread of nats.c that reads and one that writes a millisecond
 * later.  What a turn publishes leaves in one write; what one read brings is
 * handled before the thread sleeps again.
 */
#ifndef DAEMON_BUS_IO_H
#define DAEMON_BUS_IO_H

#include <nats/nats.h>

struct bus_io;

/* A message of the largest size; with more unsent the caller publishes nothing. */
enum { BUS_IO_FULL_BYTES = 1024 * 1024 + 4096 };

/* Connections made with o use it from then on; one at a time. Free it after them. */
struct bus_io *bus_io_new(natsOptions *o);
void bus_io_free(struct bus_io **iop);
/* Ends the wait of bus_io_turn(), or the next one. From any thread, and cheap when it was asked for already. */
void bus_io_wake(struct bus_io *io);
/* Sends what nc holds, waits for the socket or for a wake-up, reads. One thread only. */
void bus_io_turn(struct bus_io *io, natsConnection *nc);

#endif
