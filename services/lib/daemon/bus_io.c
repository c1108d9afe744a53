#include "daemon/bus_io.h"

#include "base/log.h"
#include "base/mem.h"

#include <poll.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

/*
 * OpenSSL wants the bytes of an unfinished write at the same place when it is
 * tried again, and nats.c tells it nothing else: so its buffer must not grow.
 */
enum { BUFFER_BYTES = 2 * BUS_IO_FULL_BYTES };

/* Who asks says what for, and then looks whether the thread is awake; the thread goes to sleep in the other order. */
struct bus_io {
	int wake_fd;
	atomic_int fd; /* -1: no connection */
	atomic_int lost_fd; /* -1: none; the socket of a lost connection, not yet closed */
	atomic_bool awake;
	atomic_bool asked; /* for a turn */
	atomic_bool writing; /* nats.c holds bytes for the socket */
	atomic_bool woken; /* wake_fd was written to and not yet read */
};

static void
kick(struct bus_io *io)
{
	static const uint64_t one = 1;

	if (!atomic_load(&io->awake) && !atomic_exchange(&io->woken, true) && write(io->wake_fd, &one, sizeof(one)) < 0)
		log_fatal("msg=\"the bus can't be woken\" error=\"%m\"");
}

void
bus_io_wake(struct bus_io *io)
{
	atomic_store(&io->asked, true);
	kick(io);
}

/* ---- what nats.c calls, from several threads ---- */

static natsStatus
on_attach(void **data, void *loop, natsConnection *nc, natsSock fd)
{
	struct bus_io *io = loop;

	(void)nc;
	*data = io;
	atomic_store(&io->fd, fd);
	kick(io);
	return NATS_OK;
}

/* nats.c 3.4 closes a lost connection's socket itself, later ones when they hear that nobody waits for it any more. */
static void
close_lost(natsSock fd)
{
#ifdef HAVE_NATS_CLOSE_EVENT
	if (fd >= 0)
		natsConnection_ProcessCloseEvent(&fd);
#else
	(void)fd;
#endif
}

/* Reading ends when the connection is lost. */
static natsStatus
on_reading(void *data, bool add)
{
	struct bus_io *io = data;

	if (!add) {
		close_lost(atomic_exchange(&io->lost_fd, atomic_exchange(&io->fd, -1)));
		kick(io);
	}
	return NATS_OK;
}

static natsStatus
on_writing(void *data, bool add)
{
	struct bus_io *io = data;

	atomic_store(&io->writing, add);
	if (add)
		kick(io);
	return NATS_OK;
}

static natsStatus
on_detach(void *data)
{
	(void)data;
	return NATS_OK;
}

/* ---- the thread ---- */

static void
take_wake_up(struct bus_io *io)
{
	uint64_t n;

	if (read(io->wake_fd, &n, sizeof(n)) == (ssize_t)sizeof(n))
		atomic_store(&io->woken, false);
}

void
bus_io_turn(struct bus_io *io, natsConnection *nc)
{
	struct pollfd fds[] = { { .fd = io->wake_fd, .events = POLLIN }, { .events = POLLIN } };

	if (atomic_load(&io->writing))
		natsConnection_ProcessWriteEvent(nc);
	atomic_store(&io->awake, false);
	close_lost(atomic_exchange(&io->lost_fd, -1));
	fds[1].fd = atomic_load(&io->fd);
	if (atomic_load(&io->writing))
		fds[1].events |= POLLOUT;
	int ready = poll(fds, 2, atomic_load(&io->asked) ? 0 : -1);
	atomic_store(&io->awake, true);
	atomic_store(&io->asked, false);
	if (ready > 0 && fds[0].revents != 0)
		take_wake_up(io);
	if (ready > 0 && (fds[1].revents & ~POLLOUT) != 0)
		natsConnection_ProcessReadEvent(nc);
}

struct bus_io *
bus_io_new(natsOptions *o)
{
	struct bus_io *io = xcalloc(1, sizeof(*io));

	io->fd = -1;
	io->lost_fd = -1;
	io->awake = true;
	io->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (io->wake_fd < 0)
		log_fatal("msg=\"no event loop for NATS\" error=\"%m\"");
	natsOptions_SetEventLoop(o, io, on_attach, on_reading, on_writing, on_detach);
	natsOptions_SetSendAsap(o, true);
	natsOptions_SetIOBufSize(o, BUFFER_BYTES);
	return io;
}

void
bus_io_free(struct bus_io **iop)
{
	close_lost((*iop)->lost_fd);
	close((*iop)->wake_fd);
	free(*iop);
	*iop = NULL;
}
