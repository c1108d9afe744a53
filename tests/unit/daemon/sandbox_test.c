/* sandbox_test - what a thread that has entered can still do, and what it can't; others are not bound. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/sandbox.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

struct tried {
	enum sandbox kind;
	int unconnected, listener; /* made before */
	struct sockaddr_in at;
	bool entered;
	int tcp, udp, raw, local, connected, late_connected, bound, listened, forked, executed, opened, uring;
	bool serves, starts_threads;
	char status[8192];
};

/* 0 or the errno of what was refused. */
static int
outcome(long result)
{
	return result < 0 ? errno : 0;
}

static int
try_socket(int domain, int type)
{
	int fd = socket(domain, type, 0), result = outcome(fd);

	if (fd >= 0)
		close(fd);
	return result;
}

static void *
nothing(void *ctx)
{
	return ctx;
}

/* fork() of glibc runs handlers that lock; the plain call is what an attacker makes. */
static int
try_fork(void)
{
	long pid = syscall(SYS_clone, SIGCHLD, NULL, NULL, NULL, NULL);

	if (pid == 0)
		_exit(0);
	if (pid > 0)
		waitpid((pid_t)pid, NULL, 0);
	return outcome(pid);
}

static bool
try_serving(int listener)
{
	char byte = 0;
	int fd = accept(listener, NULL, NULL);
	bool good = fd >= 0 && read(fd, &byte, 1) == 1 && byte == 'x' && write(fd, "y", 1) == 1;

	close(fd);
	return good;
}

static int
try_late_connection(const struct tried *t)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0), result = outcome(fd);

	if (fd < 0)
		return result;
	result = outcome(connect(fd, (const struct sockaddr *)&t->at, sizeof(t->at)));
	close(fd);
	return result;
}

static void *
attempt(void *ctx)
{
	static char *const words[] = { NULL };
	struct tried *t = ctx;
	pthread_t thread;
	char path[64];

	/* Opened before, read after: what the kernel says of this thread. */
	snprintf(path, sizeof(path), "/proc/self/task/%ld/status", syscall(SYS_gettid));
	int status = open(path, O_RDONLY | O_CLOEXEC);

	t->entered = sandbox_enter(t->kind);
	t->tcp = try_socket(AF_INET, SOCK_STREAM);
	t->udp = try_socket(AF_INET6, SOCK_DGRAM);
	t->raw = try_socket(AF_INET, SOCK_RAW);
	t->local = try_socket(AF_UNIX, SOCK_STREAM);
	t->connected = outcome(connect(t->unconnected, (struct sockaddr *)&t->at, sizeof(t->at)));
	t->late_connected = try_late_connection(t);
	t->bound = outcome(bind(t->unconnected, (struct sockaddr *)&t->at, sizeof(t->at)));
	t->listened = outcome(listen(t->unconnected, 1));
	t->forked = try_fork();
	t->executed = outcome(execve("/bin/true", words, words));
	t->opened = outcome(open("/etc/passwd", O_RDONLY | O_CLOEXEC));
	t->uring = outcome(syscall(SYS_io_uring_setup, 1, NULL));
	t->serves = try_serving(t->listener);
	t->starts_threads = pthread_create(&thread, NULL, nothing, NULL) == 0 && pthread_join(thread, NULL) == 0;
	ssize_t n = read(status, t->status, sizeof(t->status) - 1);
	t->status[n > 0 ? n : 0] = '\0';
	close(status);
	return NULL;
}

static int
listen_on_loopback(struct sockaddr_in *at)
{
	socklen_t len = sizeof(*at);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	*at = (struct sockaddr_in){ .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK) };
	assert_int_equal(bind(fd, (struct sockaddr *)at, sizeof(*at)), 0);
	assert_int_equal(listen(fd, 8), 0);
	assert_int_equal(getsockname(fd, (struct sockaddr *)at, &len), 0);
	return fd;
}

/* A peer has connected before, so that accept() has something to give. */
static void
enter_and_try(enum sandbox kind, struct tried *t)
{
	pthread_t thread;

	*t = (struct tried){ .kind = kind };
	t->listener = listen_on_loopback(&t->at);
	t->unconnected = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	int peer = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_int_equal(connect(peer, (struct sockaddr *)&t->at, sizeof(t->at)), 0);
	assert_int_equal(write(peer, "x", 1), 1);
	assert_int_equal(pthread_create(&thread, NULL, attempt, t), 0);
	pthread_join(thread, NULL);
	/* This thread was there before: it is not bound. */
	assert_int_equal(try_socket(AF_INET, SOCK_STREAM), 0);
	assert_int_equal(try_late_connection(t), 0);
	close(peer);
	close(t->unconnected);
	close(t->listener);
}

/* Files and processes are out of reach either way, serving is not. */
static void
check_common(const struct tried *t)
{
	assert_true(t->entered);
	assert_int_equal(t->udp, EPERM);
	assert_int_equal(t->raw, EPERM);
	assert_int_equal(t->local, EPERM);
	assert_int_equal(t->bound, EPERM);
	assert_int_equal(t->listened, EPERM);
	assert_int_equal(t->forked, EPERM);
	assert_int_equal(t->executed, EPERM);
	assert_int_equal(t->uring, EPERM);
	if (syscall(SYS_landlock_create_ruleset, NULL, 0, 1) >= 1)
		assert_int_equal(t->opened, EACCES);
	assert_true(t->serves);
	assert_true(t->starts_threads);
	assert_non_null(strstr(t->status, "\nSeccomp:\t2\n"));
	assert_non_null(strstr(t->status, "\nNoNewPrivs:\t1\n"));
}

static void
who_serves_cant_connect(void **state)
{
	struct tried t;

	(void)state;
	enter_and_try(SANDBOX_SERVES, &t);
	check_common(&t);
	assert_int_equal(t.tcp, EPERM);
	assert_int_equal(t.connected, EPERM);
	assert_int_equal(t.late_connected, EPERM);
}

static void
who_dials_makes_tcp_connections_and_nothing_else(void **state)
{
	struct tried t;

	(void)state;
	enter_and_try(SANDBOX_DIALS, &t);
	check_common(&t);
	assert_int_equal(t.tcp, 0);
	assert_int_equal(t.connected, 0);
	assert_int_equal(t.late_connected, 0);
}

/* The courier asks name servers and reads certificates; everything else is as far away. */
static void
who_reaches_out_speaks_tcp_and_udp_and_reads(void **state)
{
	struct tried t;

	(void)state;
	enter_and_try(SANDBOX_REACHES, &t);
	assert_true(t.entered);
	assert_int_equal(t.tcp, 0);
	assert_int_equal(t.udp, 0);
	assert_int_equal(t.connected, 0);
	assert_int_equal(t.late_connected, 0);
	assert_int_equal(t.opened, 0);
	assert_int_equal(t.raw, EPERM);
	assert_int_equal(t.local, EPERM);
	assert_int_equal(t.bound, EPERM);
	assert_int_equal(t.listened, EPERM);
	assert_int_equal(t.forked, EPERM);
	assert_int_equal(t.executed, EPERM);
	assert_int_equal(t.uring, EPERM);
	assert_true(t.starts_threads);
}

static void
the_gateway_keeps_all_but_programs(void **state)
{
	struct tried t;

	(void)state;
	enter_and_try(SANDBOX_NO_PROGRAMS, &t);
	assert_true(t.entered);
	assert_int_equal(t.forked, EPERM);
	assert_int_equal(t.executed, EPERM);
	assert_int_equal(t.uring, EPERM);
	assert_int_equal(t.udp, 0);
	assert_int_equal(t.late_connected, 0);
	assert_int_equal(t.opened, 0);
	assert_non_null(strstr(t.status, "\nSeccomp:\t2\n"));
}

static void
none_is_none(void **state)
{
	(void)state;
	assert_true(sandbox_enter(SANDBOX_NONE));
	assert_int_equal(try_fork(), 0);
	assert_int_equal(try_socket(AF_INET, SOCK_DGRAM), 0);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(who_serves_cant_connect),
		cmocka_unit_test(who_dials_makes_tcp_connections_and_nothing_else),
		cmocka_unit_test(who_reaches_out_speaks_tcp_and_udp_and_reads),
		cmocka_unit_test(the_gateway_keeps_all_but_programs),
		cmocka_unit_test(none_is_none),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
