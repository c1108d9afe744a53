/* conn_test - listener, conn and splice over real loopback sockets, in one loop. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/str.h"
#include "daemon/listener.h"
#include "daemon/loop.h"
#include "daemon/splice.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

enum { BULK = 3 * 1000 * 1000, PATIENCE_MS = 20000 };

static struct loop *loop;
static struct loop_timer *alarm_timer;

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
run_loop(void)
{
	loop_timer_once(alarm_timer, PATIENCE_MS);
	loop_run(loop);
	loop_timer_stop(alarm_timer);
}

static int
setup(void **state)
{
	(void)state;
	loop = loop_new();
	alarm_timer = loop_timer_new(loop, too_late, NULL);
	return 0;
}

static int
teardown(void **state)
{
	(void)state;
	loop_timer_free(&alarm_timer);
	loop_free(&loop);
	return 0;
}

static int
dial(uint16_t port)
{
	struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
	assert_int_equal(connect(fd, (struct sockaddr *)&to, sizeof(to)), 0);
	return fd;
}

/* ---- a service that answers with what it was sent ---- */

struct echo {
	struct listener *listener;
	struct conn *conn;
	struct flow_info info;
	enum conn_end end;
	int opened;
};

static void
echo_data(void *ctx)
{
	struct echo *e = ctx;
	size_t len;
	const uint8_t *data = conn_peek(e->conn, 0, &len);

	conn_write(e->conn, data, len);
	conn_consume(e->conn, len);
}

static void
echo_eof(void *ctx)
{
	struct echo *e = ctx;

	conn_shutdown(e->conn);
}

static void
echo_closed(void *ctx, enum conn_end why)
{
	struct echo *e = ctx;

	e->end = why;
	listener_flow_ended(e->listener);
	loop_stop(loop);
}

static const struct conn_ops echo_ops = { .data = echo_data, .eof = echo_eof, .closed = echo_closed };

static void
echo_opened(void *ctx, struct conn *c, const struct flow_info *info)
{
	struct echo *e = ctx;

	e->conn = c;
	e->info = *info;
	e->opened++;
	conn_set_ops(c, &echo_ops, e);
}

static const struct listener_settings proxy_settings = {
	.address = "127.0.0.1:0",
	.networks = "127.0.0.0/8",
	.proxy = true,
	.capacity = 4,
};

static void
a_header_in_single_bytes_is_read_and_the_rest_kept(void **state)
{
	struct echo e = { 0 };
	struct flow_info info = { 0 };
	uint8_t header[PROXY_HEADER_MAX];
	char answer[6] = { 0 };

	(void)state;
	assert_true(
	    endpoint_parse("203.0.113.7:4711", &info.source) && endpoint_parse("203.0.113.10:25", &info.destination));
	str_copy(info.look, sizeof(info.look), "postfix");
	size_t len = proxy_format(&info, header, sizeof(header));
	e.listener = listener_new(loop, &proxy_settings, echo_opened, &e);
	pid_t child = fork();
	if (child == 0) {
		int fd = dial(listener_port(e.listener));
		for (size_t i = 0; i < len; i++)
			(void)!send(fd, header + i, 1, 0);
		(void)!send(fd, "hello", 5, 0);
		shutdown(fd, SHUT_WR);
		size_t got = 0;
		for (ssize_t n; got < 5 && (n = recv(fd, answer + got, 5 - got, 0)) > 0;)
			got += (size_t)n;
		_exit(strcmp(answer, "hello") != 0 || recv(fd, answer, 1, 0) != 0);
	}
	run_loop();
	int status;
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_int_equal(e.end, CONN_END_FIN);
	assert_string_equal(e.info.look, "postfix");
	assert_int_equal(e.info.source.port, 4711);
	listener_free(&e.listener);
}

static void
a_flow_without_a_header_is_closed_unseen(void **state)
{
	struct echo e = { 0 };
	char byte;

	(void)state;
	e.listener = listener_new(loop, &proxy_settings, echo_opened, &e);
	int fd = dial(listener_port(e.listener));
	assert_int_equal(send(fd, "EHLO x\r\n", 8, 0), 8);
	struct loop_timer *stop = loop_timer_new(loop, stop_loop, NULL);
	loop_timer_once(stop, 200);
	run_loop();
	loop_timer_free(&stop);
	assert_true(recv(fd, &byte, 1, MSG_DONTWAIT) <= 0 && errno != EAGAIN);
	assert_int_equal(e.opened, 0);
	close(fd);
	listener_free(&e.listener);
}

static void
released_opened(void *ctx, struct conn *c, const struct flow_info *info)
{
	int *fd = ctx;

	(void)info;
	*fd = conn_release(c);
	loop_stop(loop);
}

static void
an_accepted_connection_waits_for_no_acknowledgement(void **state)
{
	static const struct listener_settings settings = {
		.address = "127.0.0.1:0",
		.networks = "127.0.0.0/8",
		.capacity = 4,
	};
	int accepted = -1, no_delay = 0;
	socklen_t len = sizeof(no_delay);

	(void)state;
	struct listener *ln = listener_new(loop, &settings, released_opened, &accepted);
	int fd = dial(listener_port(ln));
	run_loop();
	listener_flow_ended(ln);
	assert_int_equal(getsockopt(accepted, IPPROTO_TCP, TCP_NODELAY, &no_delay, &len), 0);
	assert_int_equal(no_delay, 1);
	close(accepted);
	close(fd);
	listener_free(&ln);
}

/* ---- splice: bytes both ways through small sockets, then half-close, then reset ---- */

struct spliced {
	struct splice_result result;
	bool done;
};

static void
on_spliced(void *ctx, const struct splice_result *r)
{
	struct spliced *s = ctx;

	s->result = *r;
	s->done = true;
	loop_stop(loop);
}

static void
pair(int fds[2])
{
	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, fds), 0);
	fcntl(fds[0], F_SETFL, O_NONBLOCK);
}

/* The child writes BULK bytes at one end and checks them at the other. */
static void
bulk_child(int from, int to)
{
	uint8_t out[1000], in[1000];
	size_t sent = 0, got = 0;
	struct pollfd p[2] = { { from, POLLOUT, 0 }, { to, POLLIN, 0 } };

	fcntl(from, F_SETFL, O_NONBLOCK);
	while (got < BULK) {
		poll(p, 2, PATIENCE_MS);
		for (size_t i = 0; i < sizeof(out); i++)
			out[i] = (uint8_t)((sent + i) * 31 >> 3);
		ssize_t n = sent < BULK ? send(from, out, sizeof(out) < BULK - sent ? sizeof(out) : BULK - sent, 0) : 0;
		if (n > 0 && (sent += (size_t)n) == BULK) {
			shutdown(from, SHUT_WR);
			p[0].fd = -1;
		}
		n = recv(to, in, sizeof(in), MSG_DONTWAIT);
		for (ssize_t i = 0; i < n; i++, got++) {
			if (in[i] != (uint8_t)(got * 31 >> 3))
				_exit(1);
		}
	}
	fcntl(to, F_SETFL, 0);
	if (recv(to, in, 1, 0) != 0)
		_exit(2);
	shutdown(to, SHUT_WR);
	fcntl(from, F_SETFL, 0);
	_exit(recv(from, in, 1, 0) != 0 ? 3 : 0);
}

static void
bytes_and_half_closes_pass_a_splice(void **state)
{
	struct spliced s = { 0 };
	int a[2], b[2], status;

	(void)state;
	pair(a);
	pair(b);
	pid_t child = fork();
	if (child == 0) {
		close(a[0]);
		close(b[0]);
		bulk_child(a[1], b[1]);
	}
	close(a[1]);
	close(b[1]);
	splice_new(conn_new(loop, a[0], NULL, NULL), conn_new(loop, b[0], NULL, NULL), 0, on_spliced, &s);
	run_loop();
	waitpid(child, &status, 0);
	assert_int_equal(status, 0);
	assert_true(s.done);
	assert_int_equal(s.result.why, CONN_END_FIN);
	assert_int_equal(s.result.bytes_ab, BULK);
	assert_int_equal(s.result.bytes_ba, 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(a_header_in_single_bytes_is_read_and_the_rest_kept, setup, teardown),
		cmocka_unit_test_setup_teardown(a_flow_without_a_header_is_closed_unseen, setup, teardown),
		cmocka_unit_test_setup_teardown(an_accepted_connection_waits_for_no_acknowledgement, setup, teardown),
		cmocka_unit_test_setup_teardown(bytes_and_half_closes_pass_a_splice, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
