/*
 * badlink - a bridge between two interfaces that behaves as a bad wire: what
 * tests use where the kernel has no netem.  The chance and the queues are
 * badlink_core's; here are the sockets, the clock and the counters' line.
 *
 * Interfaces must have their offloads off (ethtool -K X tx off rx off tso off
 * gso off gro off): a raw reader else sees unfinished checksums and packets
 * longer than any wire's.  VLAN tags are not carried.
 */
#include "support/badlink_core.h"
#include "support/badlink_options.h"

#include "base/clock.h"

#include <arpa/inet.h>
#include <errno.h>
#include <inttypes.h>
#include <linux/if_packet.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <signal.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/timerfd.h>
#include <unistd.h>

enum {
	READ_BURST = 64, /* frames of one port before the other one and the clock have their turn */
	RECEIVE_BYTES = 8 << 20
};

struct way {
	struct badlink *link;
	int from, to;
	uint64_t unsent; /* forwarded ones that the interface refused */
	uint64_t missed; /* the kernel dropped them before we could read */
};

struct bridge {
	struct way ways[BADLINK_DIRECTIONS];
	int epoll_fd, timer_fd, signal_fd;
};

__attribute__((noreturn, format(printf, 2, 3))) static void
die(int status, const char *format, ...)
{
	va_list ap;

	fputs("badlink: ", stderr);
	va_start(ap, format);
	vfprintf(stderr, format, ap);
	va_end(ap);
	fputc('\n', stderr);
	exit(status);
}

/* ---- ports ---- */

static void
set_option(int fd, int option, const void *value, size_t len, const char *interface)
{
	if (setsockopt(fd, SOL_PACKET, option, value, (socklen_t)len) < 0)
		die(1, "%s can't be bridged: %s", interface, strerror(errno));
}

/* A raw socket that sees what comes in on the interface, whomever it is for, and nothing that leaves. */
static int
open_port(const char *interface)
{
	int index = (int)if_nametoindex(interface), one = 1, bytes = RECEIVE_BYTES;
	/* Protocol 0 until bound, or frames of other interfaces would come in before. */
	int fd = socket(AF_PACKET, SOCK_RAW | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	struct packet_mreq promiscuous = { .mr_ifindex = index, .mr_type = PACKET_MR_PROMISC };
	struct sockaddr_ll here = {
		.sll_family = AF_PACKET,
		.sll_protocol = htons(ETH_P_ALL),
		.sll_ifindex = index,
	};

	if (fd < 0)
		die(1, "no raw socket: %s", strerror(errno));
	if (index == 0)
		die(1, "there is no interface %s", interface);
	set_option(fd, PACKET_IGNORE_OUTGOING, &one, sizeof(one), interface);
	set_option(fd, PACKET_ADD_MEMBERSHIP, &promiscuous, sizeof(promiscuous), interface);
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &bytes, sizeof(bytes)); /* as much as the system allows */
	if (bind(fd, (struct sockaddr *)&here, sizeof(here)) < 0)
		die(1, "%s can't be bound: %s", interface, strerror(errno));
	return fd;
}

/* False: nothing is left to read. */
static bool
read_frame(struct way *w)
{
	uint8_t frame[BADLINK_FRAME_MAX];
	/* MSG_TRUNC gives the true length: the core counts what is too long. */
	ssize_t n = recv(w->from, frame, sizeof(frame), MSG_TRUNC);

	if (n > 0)
		badlink_input(w->link, frame, (size_t)n, clock_us());
	return n >= 0 || (errno != EAGAIN && errno != ENETDOWN);
}

static void
read_port(struct way *w)
{
	for (int i = 0; i < READ_BURST && read_frame(w); i++)
		continue;
}

static void
write_due(struct way *w)
{
	uint8_t frame[BADLINK_FRAME_MAX];
	uint64_t now_us = clock_us();
	size_t len;

	while ((len = badlink_output(w->link, now_us, frame)) > 0)
		if (send(w->to, frame, len, 0) < 0)
			w->unsent++;
}

/* ---- the loop ---- */

static void
set_timer(const struct bridge *b)
{
	uint64_t there = badlink_due_us(b->ways[BADLINK_A_TO_B].link);
	uint64_t back = badlink_due_us(b->ways[BADLINK_B_TO_A].link);
	uint64_t due_us = there < back ? there : back;
	struct itimerspec at = { 0 }; /* zero: no timer */

	if (due_us != BADLINK_NEVER) {
		at.it_value.tv_sec = (time_t)(due_us / 1000000);
		at.it_value.tv_nsec = (long)(due_us % 1000000 * 1000);
	}
	timerfd_settime(b->timer_fd, TFD_TIMER_ABSTIME, &at, NULL);
}

static void
watch(const struct bridge *b, int fd)
{
	struct epoll_event e = { .events = EPOLLIN, .data.fd = fd };

	if (fd < 0 || epoll_ctl(b->epoll_fd, EPOLL_CTL_ADD, fd, &e) < 0)
		die(1, "the loop can't be made: %s", strerror(errno));
}

static void
open_bridge(struct bridge *b, const struct badlink_options *options)
{
	int a = open_port(options->interface[0]), other = open_port(options->interface[1]);
	sigset_t ends;

	sigemptyset(&ends);
	sigaddset(&ends, SIGTERM);
	sigaddset(&ends, SIGINT);
	sigprocmask(SIG_BLOCK, &ends, NULL);
	for (unsigned way = 0; way < BADLINK_DIRECTIONS; way++)
		b->ways[way].link = badlink_new(&options->way[way], way);
	b->ways[BADLINK_A_TO_B].from = b->ways[BADLINK_B_TO_A].to = a;
	b->ways[BADLINK_B_TO_A].from = b->ways[BADLINK_A_TO_B].to = other;
	b->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	b->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_NONBLOCK | TFD_CLOEXEC);
	b->signal_fd = signalfd(-1, &ends, SFD_CLOEXEC);
	watch(b, b->timer_fd);
	watch(b, b->signal_fd);
	watch(b, a);
	watch(b, other);
}

/* Until a signal comes. */
static void
run(struct bridge *b)
{
	struct epoll_event events[4];

	for (;;) {
		int n = epoll_wait(b->epoll_fd, events, 4, -1);

		for (int i = 0; i < n; i++)
			if (events[i].data.fd == b->signal_fd)
				return;
		for (unsigned way = 0; way < BADLINK_DIRECTIONS; way++) {
			read_port(&b->ways[way]);
			write_due(&b->ways[way]);
		}
		set_timer(b); /* also takes back what the timer has told */
	}
}

static void
close_bridge(struct bridge *b)
{
	for (unsigned way = 0; way < BADLINK_DIRECTIONS; way++) {
		badlink_free(&b->ways[way].link);
		close(b->ways[way].from);
	}
	close(b->epoll_fd);
	close(b->timer_fd);
	close(b->signal_fd);
}

/* ---- what is said at the end ---- */

static void
print_way(const char *name, struct way *w)
{
	const struct badlink_counters *c = badlink_counters(w->link);
	struct tpacket_stats kernel = { 0 };
	socklen_t len = sizeof(kernel);

	getsockopt(w->from, SOL_PACKET, PACKET_STATISTICS, &kernel, &len);
	w->missed = kernel.tp_drops;
	printf("\"%s\": {\"forwarded\": %" PRIu64 ", \"lost\": %" PRIu64 ", \"reordered\": %" PRIu64
	       ", \"duplicated\": %" PRIu64 ", \"corrupted\": %" PRIu64 ", \"dropped_full\": %" PRIu64,
	    name, c->forwarded, c->lost, c->reordered, c->duplicated, c->corrupted, c->dropped_full);
	printf(", \"too_long\": %" PRIu64 ", \"unsent\": %" PRIu64 ", \"missed\": %" PRIu64 "}", c->too_long, w->unsent,
	    w->missed);
}

static void
print_counters(struct bridge *b)
{
	fputs("{", stdout);
	print_way("a-to-b", &b->ways[BADLINK_A_TO_B]);
	fputs(", ", stdout);
	print_way("b-to-a", &b->ways[BADLINK_B_TO_A]);
	fputs("}\n", stdout);
}

int
main(int argc, char **argv)
{
	struct badlink_options options;
	struct bridge b = { 0 };
	char error[256];

	if (!badlink_options_parse(argc, argv, &options, error, sizeof(error)))
		die(2, "%s", error);
	if (options.help) {
		badlink_options_usage(stdout);
		return 0;
	}
	open_bridge(&b, &options);
	run(&b);
	print_counters(&b);
	close_bridge(&b);
	return fflush(stdout) == 0 ? 0 : 1;
}
