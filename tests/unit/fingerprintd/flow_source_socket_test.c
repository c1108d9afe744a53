/* flow_source_socket_test - real sockets on loopback below, a flow.c of paper above: each story is one visitor's. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/loop.h"
#include "fingerprintd/flow_source_socket.h"
#include "fingerprintd/personalities.h"

#include <errno.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

enum { PATIENCE_MS = 20000, OFFSET = 20000, FLOWS_MAX = 8 };

static struct loop *loop;
static struct loop_timer *pause_timer, *alarm_timer;
static struct personalities *personalities;
static struct sockets *sockets;
static struct decoys *decoys;

/* ---- flow.c, of paper: it keeps what it is told ---- */

struct flow {
	struct flow_peer peer;
	char look[64];
	char service[64];
	char got[256];
	size_t got_len;
	bool eof, writable, closed;
	enum stack_end why;
};

static struct flow made[FLOWS_MAX], *flow; /* flow: the last one */
static size_t opened;
static bool full;

struct flow *
flows_open(struct flows *fs, const struct flow_peer *peer, const struct flow_target *target)
{
	(void)fs;
	assert_null(target->syn);
	if (full)
		return NULL;
	assert_true(opened < FLOWS_MAX);
	flow = &made[opened++];
	memset(flow, 0, sizeof(*flow));
	flow->peer = *peer;
	snprintf(flow->look, sizeof(flow->look), "%s", target->look);
	snprintf(flow->service, sizeof(flow->service), "%s", target->service);
	return flow;
}

void
flows_data(struct flow *f)
{
	size_t len;
	const uint8_t *data = f->peer.source->peek(f->peer.handle, &len);

	assert_true(f->got_len + len < sizeof(f->got));
	memcpy(f->got + f->got_len, data, len);
	f->got_len += len;
	f->peer.source->consume(f->peer.handle, len);
}

void
flows_eof(struct flow *f)
{
	f->eof = true;
}

void
flows_writable(struct flow *f)
{
	f->writable = true;
}

void
flows_closed(struct flow *f, enum stack_end why)
{
	assert_false(f->closed);
	f->closed = true;
	f->why = why;
}

/* ---- the world ---- */

static void
too_late(void *ctx)
{
	(void)ctx;
	fail_msg("nothing happened for %d ms", (int)PATIENCE_MS);
}

static void
stop_loop(void *ctx)
{
	(void)ctx;
	loop_stop(loop);
}

static void
turn(uint64_t ms)
{
	loop_timer_once(pause_timer, ms);
	loop_run(loop);
}

/* Turns the loop until the condition holds. */
#define UNTIL(condition)                                                                                               \
	do {                                                                                                           \
		loop_timer_once(alarm_timer, PATIENCE_MS);                                                             \
		while (!(condition))                                                                                   \
			turn(2);                                                                                       \
		loop_timer_stop(alarm_timer);                                                                          \
	} while (0)

#define FILE_OF(groups) "{\"version\": 1, \"decoys\": [" groups "]}"
#define GROUP(address, ports) "{\"addresses\": [\"" address "\"], \"personality\": \"linux-6\", \"ports\": [" ports "]}"
#define PORT(port, look) "{\"port\": " port ", \"proto\": \"tcp\", \"service\": \"relaytrap\", \"look\": \"" look "\"}"
#define TWO                                                                                                            \
	FILE_OF(GROUP("203.0.113.10", PORT("25", "postfix") "," PORT("80", "web")) "," GROUP("203.0.113.11",           \
	    PORT("25", "sendmail")))

static struct decoys *
parse(const char *text)
{
	struct json_error e;
	struct decoys *d = decoys_parse("d.json", text, strlen(text), personalities, &e);

	if (d == NULL)
		fail_msg("%s", e.text);
	return d;
}

static bool
set(const char *text, char error[SOCKETS_ERROR_MAX])
{
	struct decoys *now = parse(text);
	bool good = sockets_set_decoys(sockets, now, error);

	decoys_free(good ? &decoys : &now);
	if (good)
		decoys = now;
	return good;
}

static void
open_sockets(bool proxy)
{
	struct sockets_settings s = {
		.loop = loop,
		.address = "127.0.0.1",
		.port_offset = OFFSET,
		.proxy = proxy,
		.networks = "127.0.0.0/8",
		.max = 2,
	};
	char error[SOCKETS_ERROR_MAX];

	sockets = sockets_new(&s);
	if (!set(TWO, error))
		fail_msg("%s", error);
}

static int
setup(void **state)
{
	struct json_error e;

	(void)state;
	loop = loop_new();
	pause_timer = loop_timer_new(loop, stop_loop, NULL);
	alarm_timer = loop_timer_new(loop, too_late, NULL);
	personalities = personalities_open(PERSONALITIES, &e);
	opened = 0;
	full = false;
	open_sockets(false);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	sockets_free(&sockets);
	decoys_free(&decoys);
	personalities_free(&personalities);
	loop_timer_free(&pause_timer);
	loop_timer_free(&alarm_timer);
	loop_free(&loop);
	return 0;
}

/* -1: refused. */
static int
try_dial(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)(port + OFFSET)) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	if (connect(fd, (struct sockaddr *)&to, sizeof(to)) == 0)
		return fd;
	assert_int_equal(errno, ECONNREFUSED);
	close(fd);
	return -1;
}

static int
dial(uint16_t port)
{
	size_t before = opened;
	int fd = try_dial(port);

	assert_true(fd >= 0);
	UNTIL(opened > before);
	return fd;
}

static void
says(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), (ssize_t)strlen(text));
}

/* ---- stories ---- */

static void
bytes_and_finishes_pass_both_ways(void **state)
{
	char answer[16] = { 0 };
	int fd = dial(25);

	(void)state;
	assert_string_equal(flow->service, "relaytrap");
	assert_string_equal(flow->look, "postfix");
	assert_int_equal(flow->peer.to.port, 25); /* the decoy's port, not the one that we listen on */
	says(fd, "EHLO x\r\n");
	UNTIL(flow->got_len == 8);
	assert_memory_equal(flow->got, "EHLO x\r\n", 8);
	assert_int_equal(flow->peer.source->write(flow->peer.handle, "250 x\r\n", 7), 7);
	assert_true(flow->peer.source->unsent(flow->peer.handle) > 0);
	shutdown(fd, SHUT_WR);
	UNTIL(flow->eof);
	assert_false(flow->closed); /* half-closed: the answer still passes */
	flow->peer.source->shutdown(flow->peer.handle);
	UNTIL(flow->closed);
	assert_int_equal(flow->why, STACK_END_FIN);
	assert_int_equal(recv(fd, answer, sizeof(answer), MSG_WAITALL), 7);
	assert_string_equal(answer, "250 x\r\n");
	close(fd);
}

static void
a_reset_is_passed_on_both_ways(void **state)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };
	char byte;
	int fd = dial(25);

	(void)state;
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	close(fd);
	UNTIL(flow->closed);
	assert_int_equal(flow->why, STACK_END_RESET);
	fd = dial(25);
	flow->peer.source->reset(flow->peer.handle);
	assert_true(flow->closed);
	assert_int_equal(flow->why, STACK_END_LOCAL);
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	assert_int_equal(errno, ECONNRESET);
	close(fd);
}

static void
a_slow_reader_is_given_no_more_than_fits(void **state)
{
	static const uint8_t much[4 * STACK_SEND_MAX];
	int fd = dial(80);
	size_t total = 0, n;

	(void)state;
	assert_int_equal(flow->peer.source->write(flow->peer.handle, much, sizeof(much)), STACK_SEND_MAX);
	assert_int_equal(flow->peer.source->write(flow->peer.handle, much, 1), 0);
	while (total < 64 * (size_t)STACK_SEND_MAX) { /* whatever the kernel's buffers hold, they are full some day */
		turn(2);
		n = flow->peer.source->write(flow->peer.handle, much, sizeof(much));
		total += n;
		if (n == 0)
			break;
	}
	assert_int_equal(flow->peer.source->write(flow->peer.handle, much, 1), 0);
	flow->writable = false;
	for (uint8_t waste[65536]; !flow->writable;) {
		if (recv(fd, waste, sizeof(waste), MSG_DONTWAIT) < 0)
			assert_int_equal(errno, EAGAIN);
		turn(1);
	}
	close(fd);
	UNTIL(flow->closed);
}

static void
who_finds_no_room_is_reset(void **state)
{
	char byte;

	(void)state;
	full = true;
	int fd = try_dial(25);

	turn(50);
	assert_int_equal(opened, 0);
	assert_int_equal(recv(fd, &byte, 1, 0), -1);
	close(fd);
	full = false;
	int fds[3] = { dial(25), dial(25), try_dial(25) }; /* the third is one more than the port may have */
	turn(50);
	assert_true(recv(fds[2], &byte, 1, 0) <= 0);
	assert_int_equal(opened, 2);
	for (size_t i = 0; i < 3; i++)
		close(fds[i]);
}

static void
a_reload_opens_and_closes_ports(void **state)
{
	char error[SOCKETS_ERROR_MAX], byte;
	int stays = dial(25);
	struct flow *first = flow;
	int goes = dial(80);

	(void)state;
	assert_int_equal(try_dial(8080), -1);
	assert_true(set(FILE_OF(GROUP("203.0.113.10", PORT("25", "exim") "," PORT("8080", "web"))), error));
	assert_true(flow->closed); /* port 80 is gone, and so is who was there */
	assert_int_equal(recv(goes, &byte, 1, 0), -1);
	assert_int_equal(try_dial(80), -1);
	assert_int_equal(first->peer.source->write(first->peer.handle, "x", 1), 1);
	close(dial(8080));
	close(dial(25));
	assert_string_equal(flow->look, "exim");
	turn(20);
	assert_int_equal(recv(stays, &byte, 1, 0), 1);
	close(stays);
	close(goes);
}

static void
a_port_that_cant_be_had_changes_nothing(void **state)
{
	struct sockaddr_in at = { .sin_family = AF_INET, .sin_port = htons(OFFSET + 26) };
	char error[SOCKETS_ERROR_MAX];
	int other = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)state;
	at.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(bind(other, (struct sockaddr *)&at, sizeof(at)), 0);
	assert_int_equal(listen(other, 1), 0);
	assert_false(set(FILE_OF(GROUP("203.0.113.10", PORT("24", "x") "," PORT("26", "x"))), error));
	assert_non_null(strstr(error, "127.0.0.1:20026"));
	assert_int_equal(try_dial(24), -1);
	close(dial(80));
	assert_false(set(FILE_OF(GROUP("203.0.113.10", PORT("60000", "x"))), error));
	assert_non_null(strstr(error, "listen.port-offset"));
	close(other);
}

static void
a_drain_takes_nobody_new(void **state)
{
	char byte;
	int fd = dial(25);

	(void)state;
	sockets_drain(sockets);
	assert_int_equal(try_dial(25), -1);
	assert_int_equal(flow->peer.source->write(flow->peer.handle, "x", 1), 1);
	turn(20);
	assert_int_equal(recv(fd, &byte, 1, 0), 1);
	close(fd);
}

static void
the_balancers_header_names_client_and_decoy(void **state)
{
	struct endpoint client;

	(void)state;
	sockets_free(&sockets);
	decoys_free(&decoys);
	open_sockets(true);
	assert_true(endpoint_parse("198.51.100.7:4711", &client));
	int fd = try_dial(25);

	says(fd, "PROXY TCP4 198.51.100.7 203.0.113.11 4711 25\r\nEHLO x\r\n");
	UNTIL(opened == 1 && flow->got_len == 8);
	assert_memory_equal(&flow->peer.from, &client, sizeof(client));
	assert_string_equal(flow->look, "sendmail"); /* the decoy that was asked for */
	close(fd);
	fd = try_dial(25);
	says(fd, "PROXY TCP4 198.51.100.7 192.0.2.1 4711 25\r\n");
	UNTIL(opened == 2);
	assert_string_equal(flow->look, "postfix"); /* no decoy's address: the first that has the port */
	close(fd);
}

#define STORY(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int
main(void)
{
	const struct CMUnitTest tests[] = {
		STORY(bytes_and_finishes_pass_both_ways),
		STORY(a_reset_is_passed_on_both_ways),
		STORY(a_slow_reader_is_given_no_more_than_fits),
		STORY(who_finds_no_room_is_reset),
		STORY(a_reload_opens_and_closes_ports),
		STORY(a_port_that_cant_be_had_changes_nothing),
		STORY(a_drain_takes_nobody_new),
		STORY(the_balancers_header_names_client_and_decoy),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
