#include "daemon/conn.h"

#include "base/clock.h"
#include "base/mem.h"
#include "daemon/loop.h"
#include "daemon/tls.h"

#include <errno.h>
#include <event2/buffer.h>
#include <event2/event.h>
#include <event2/event_struct.h>
#include <fcntl.h>
#include <linux/sockios.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

enum {
	READ_CHUNK = 16 * 1024,
	FLUSH_MS = 10000, /* conn_close() waits so long for what is queued */
	LINGER_MS = 2000, /* and then so long for the peer's FIN: unread bytes would turn our close into a reset */
};

enum conn_state {
	CONN_DIALING,
	CONN_OPEN,
	CONN_FLUSHING, /* closed by its owner, output on its way */
	CONN_LINGERING, /* our FIN is sent, what the peer still says is thrown away */
	CONN_DEAD, /* to be freed when no callback is running */
};

struct conn {
	struct event read_ev, write_ev, timer_ev;
	struct evbuffer *in, *out; /* plain text; what goes onto the wire */
	struct tls_session *tls; /* NULL: none */
	const struct conn_ops *ops;
	void *ctx;
	uint64_t idle_ms;
	uint64_t active_ms;
	int fd;
	int busy; /* callbacks running */
	enum conn_state state;
	bool paused;
	bool shaking; /* hands: TLS is not open yet */
	bool left_tls; /* what is written goes out in the clear again */
	bool got_eof;
	bool want_shutdown;
	bool sent_shutdown;
};

static void
conn_free(struct conn *c)
{
	event_del(&c->read_ev);
	event_del(&c->write_ev);
	event_del(&c->timer_ev);
	if (c->fd >= 0)
		close(c->fd);
	tls_session_free(&c->tls);
	evbuffer_free(c->in);
	evbuffer_free(c->out);
	free(c);
}

/* Whatever may end c runs between enter and leave: the outermost leave frees, so an owner's callback may close c. */
static void
enter(struct conn *c)
{
	c->busy++;
}

static void
leave(struct conn *c)
{
	if (--c->busy == 0 && c->state == CONN_DEAD)
		conn_free(c);
}

static void
kill_conn(struct conn *c)
{
	event_del(&c->read_ev);
	event_del(&c->write_ev);
	event_del(&c->timer_ev);
	if (c->fd >= 0)
		close(c->fd);
	c->fd = -1;
	c->state = CONN_DEAD;
}

static void
kill_from_outside(struct conn *c)
{
	enter(c);
	kill_conn(c);
	leave(c);
}

/* The connection ended by itself: its owner is told once. */
static void
end_conn(struct conn *c, enum conn_end why)
{
	bool tell = c->state == CONN_DIALING || c->state == CONN_OPEN;

	kill_conn(c);
	if (tell && c->ops != NULL)
		c->ops->closed(c->ctx, why);
}

static void
arm_timer(struct conn *c, uint64_t ms)
{
	struct timeval tv = { .tv_sec = (time_t)(ms / 1000), .tv_usec = (suseconds_t)(ms % 1000 * 1000) };

	event_add(&c->timer_ev, &tv);
}

/* Reads only while there is room and somebody wants to know. */
static void
update_reading(struct conn *c)
{
	bool want = c->state == CONN_LINGERING ||
	    (c->state == CONN_OPEN && !c->paused && !c->got_eof && evbuffer_get_length(c->in) < CONN_INPUT_MAX);

	if (want)
		event_add(&c->read_ev, NULL);
	else
		event_del(&c->read_ev);
}

static void
finish_if_done(struct conn *c)
{
	if (c->state == CONN_OPEN && c->got_eof && c->sent_shutdown && evbuffer_get_length(c->in) == 0)
		end_conn(c, CONN_END_FIN);
}

static void
start_lingering(struct conn *c)
{
	/* It fails when the peer has reset already: nothing is to be waited for. */
	if (shutdown(c->fd, SHUT_WR) != 0 || c->got_eof) {
		kill_conn(c);
		return;
	}
	c->state = CONN_LINGERING;
	arm_timer(c, LINGER_MS);
	update_reading(c);
}

static void
output_empty(struct conn *c)
{
	event_del(&c->write_ev);
	if (c->state == CONN_OPEN && c->sent_shutdown) {
		finish_if_done(c);
		return;
	}
	if (c->state == CONN_FLUSHING) {
		start_lingering(c);
		return;
	}
	if (c->want_shutdown && !c->sent_shutdown) {
		c->sent_shutdown = true;
		shutdown(c->fd, SHUT_WR);
		finish_if_done(c);
	} else if (c->ops != NULL && c->ops->writable != NULL) {
		c->ops->writable(c->ctx);
	}
}

static void
write_some(struct conn *c)
{
	while (evbuffer_get_length(c->out) > 0) {
		int n = evbuffer_write(c->out, c->fd);

		if (n < 0 && (errno == EAGAIN || errno == EINTR)) {
			event_add(&c->write_ev, NULL);
			return;
		}
		if (n < 0) {
			end_conn(c, CONN_END_RESET);
			return;
		}
		c->active_ms = clock_ms();
	}
	output_empty(c);
}

static void
dialed(struct conn *c)
{
	int error = 0;
	socklen_t len = sizeof(error);

	event_del(&c->write_ev);
	event_del(&c->timer_ev);
	if (getsockopt(c->fd, SOL_SOCKET, SO_ERROR, &error, &len) != 0 || error != 0) {
		end_conn(c, CONN_END_REFUSED);
		return;
	}
	c->state = CONN_OPEN;
	conn_set_idle(c, c->idle_ms);
	update_reading(c);
	if (evbuffer_get_length(c->out) > 0)
		event_active(&c->write_ev, EV_WRITE, 0);
	if (c->ops->connected != NULL)
		c->ops->connected(c->ctx);
}

static void
on_write(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;

	(void)fd;
	(void)what;
	enter(c);
	if (c->state == CONN_DIALING)
		dialed(c);
	else if (c->state != CONN_DEAD)
		write_some(c);
	leave(c);
}

static void
read_eof(struct conn *c)
{
	if (c->shaking) {
		evbuffer_write(c->out, c->fd); /* the alert, if it goes at once */
		end_conn(c, CONN_END_TLS);
		return;
	}
	c->got_eof = true;
	update_reading(c);
	if (c->ops != NULL && c->ops->eof != NULL)
		c->ops->eof(c->ctx);
	if (c->state == CONN_OPEN)
		finish_if_done(c);
}

static void
throw_away(struct conn *c)
{
	char waste[READ_CHUNK];
	ssize_t n = recv(c->fd, waste, sizeof(waste), 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		kill_conn(c);
}

/* The handshake has ended; the owner's timer counts again. */
static void
tell_secured(struct conn *c)
{
	c->shaking = false;
	conn_set_idle(c, c->idle_ms);
	if (c->ops != NULL && c->ops->secured != NULL)
		c->ops->secured(c->ctx);
}

static void
read_tls(struct conn *c, const uint8_t *data, size_t len)
{
	size_t before = evbuffer_get_length(c->in);
	enum tls_state state = tls_session_input(c->tls, data, len, c->in, c->out);

	if (state == TLS_FAILED) {
		evbuffer_write(c->out, c->fd); /* the alert, if it goes at once */
		end_conn(c, CONN_END_TLS);
		return;
	}
	if (evbuffer_get_length(c->out) > 0)
		event_active(&c->write_ev, EV_WRITE, 0);
	update_reading(c);
	if (c->shaking && state != TLS_SHAKING)
		tell_secured(c);
	if (c->state == CONN_OPEN && evbuffer_get_length(c->in) > before && c->ops != NULL)
		c->ops->data(c->ctx);
	if (c->state == CONN_OPEN && state == TLS_ENDED)
		read_eof(c);
}

static void
read_some(struct conn *c)
{
	size_t room = CONN_INPUT_MAX - evbuffer_get_length(c->in);
	static _Thread_local uint8_t bytes[READ_CHUNK];
	ssize_t n = recv(c->fd, bytes, room < READ_CHUNK ? room : READ_CHUNK, 0);

	if (n > 0 && c->tls == NULL && evbuffer_add(c->in, bytes, (size_t)n) != 0) {
		end_conn(c, CONN_END_RESET); /* no memory: this peer pays for it */
		return;
	}
	c->active_ms = clock_ms();
	if (n > 0 && c->tls != NULL) {
		read_tls(c, bytes, (size_t)n);
	} else if (n > 0) {
		update_reading(c);
		if (c->ops != NULL)
			c->ops->data(c->ctx);
	} else if (n == 0) {
		if (c->tls != NULL)
			tls_session_eof(c->tls, c->out);
		read_eof(c);
	} else if (errno != EAGAIN && errno != EINTR) {
		end_conn(c, CONN_END_RESET);
	}
}

static void
on_read(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;

	(void)fd;
	(void)what;
	enter(c);
	if (c->state == CONN_LINGERING)
		throw_away(c);
	else if (c->state == CONN_OPEN)
		read_some(c);
	else
		event_del(&c->read_ev); /* flushing: not before there is something to throw away */
	leave(c);
}

static void
on_timer(evutil_socket_t fd, short what, void *ctx)
{
	struct conn *c = ctx;

	(void)fd;
	(void)what;
	enter(c);
	if (c->state == CONN_DIALING) {
		end_conn(c, CONN_END_REFUSED);
	} else if (c->state == CONN_OPEN && c->shaking) {
		end_conn(c, CONN_END_TIMEOUT);
	} else if (c->state == CONN_OPEN) {
		uint64_t idle = clock_ms() - c->active_ms;

		if (idle >= c->idle_ms)
			end_conn(c, CONN_END_TIMEOUT);
		else
			arm_timer(c, c->idle_ms - idle);
	} else if (c->state != CONN_DEAD) {
		kill_conn(c);
	}
	leave(c);
}

struct conn *
conn_new(struct loop *l, int fd, const struct conn_ops *ops, void *ctx)
{
	struct conn *c = calloc(1, sizeof(*c));
	struct event_base *base = loop_base(l);

	if (c == NULL)
		return NULL;
	c->in = evbuffer_new();
	c->out = evbuffer_new();
	if (c->in == NULL || c->out == NULL) {
		if (c->in != NULL)
			evbuffer_free(c->in);
		free(c);
		return NULL;
	}
	c->fd = fd;
	c->ops = ops;
	c->ctx = ctx;
	c->state = CONN_OPEN;
	c->active_ms = clock_ms();
	event_assign(&c->read_ev, base, fd, EV_READ | EV_PERSIST, on_read, c);
	event_assign(&c->write_ev, base, fd, EV_WRITE | EV_PERSIST, on_write, c);
	event_assign(&c->timer_ev, base, -1, 0, on_timer, c);
	update_reading(c);
	return c;
}

struct conn *
conn_dial(struct loop *l, const struct endpoint *to, uint64_t timeout_ms, const struct conn_ops *ops, void *ctx)
{
	struct sockaddr_storage ss;
	socklen_t len = (socklen_t)endpoint_to_sockaddr(to, &ss);
	int fd = socket(ss.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0), one = 1;
	struct conn *c;

	if (fd < 0)
		return NULL;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if ((connect(fd, (struct sockaddr *)&ss, len) != 0 && errno != EINPROGRESS) ||
	    (c = conn_new(l, fd, ops, ctx)) == NULL) {
		close(fd);
		return NULL;
	}
	c->state = CONN_DIALING;
	event_del(&c->read_ev);
	event_add(&c->write_ev, NULL);
	arm_timer(c, timeout_ms);
	return c;
}

void
conn_set_ops(struct conn *c, const struct conn_ops *ops, void *ctx)
{
	c->ops = ops;
	c->ctx = ctx;
}

const uint8_t *
conn_peek(struct conn *c, size_t max, size_t *len)
{
	size_t have = evbuffer_get_length(c->in);

	*len = max != 0 && max < have ? max : have;
	return *len == 0 ? NULL : evbuffer_pullup(c->in, (ev_ssize_t)*len);
}

void
conn_consume(struct conn *c, size_t len)
{
	evbuffer_drain(c->in, len);
	update_reading(c);
	/* The last byte of a finished connection was taken: the end is told from the loop, not from in here. */
	if (c->state == CONN_OPEN && c->got_eof && c->sent_shutdown && evbuffer_get_length(c->in) == 0)
		event_active(&c->write_ev, EV_WRITE, 0);
}

size_t
conn_input_len(const struct conn *c)
{
	return evbuffer_get_length(c->in);
}

bool
conn_got_eof(const struct conn *c)
{
	return c->got_eof;
}

void
conn_write(struct conn *c, const void *data, size_t len)
{
	if (c->state > CONN_OPEN || c->want_shutdown)
		return;
	if (c->tls == NULL || c->left_tls)
		evbuffer_add(c->out, data, len);
	else
		tls_session_write(c->tls, data, len, c->out);
	if (c->state == CONN_OPEN)
		event_active(&c->write_ev, EV_WRITE, 0);
}

size_t
conn_output_len(const struct conn *c)
{
	return evbuffer_get_length(c->out);
}

size_t
conn_unsent(const struct conn *c)
{
	int held = 0;

	if (c->fd < 0 || ioctl(c->fd, SIOCOUTQ, &held) != 0 || held < 0)
		held = 0;
	return evbuffer_get_length(c->out) + (size_t)held;
}

bool
conn_start_tls(struct conn *c, struct tls_server *server, const struct tls_identity *identity)
{
	c->tls = tls_session_new(server, identity);
	if (c->tls == NULL)
		return false;
	evbuffer_drain(c->in, evbuffer_get_length(c->in));
	c->shaking = true;
	arm_timer(c, CONN_TLS_MS);
	update_reading(c);
	return true;
}

void
conn_leave_tls(struct conn *c)
{
	c->left_tls = true;
}

const struct tls_facts *
conn_tls(const struct conn *c)
{
	return c->tls == NULL ? NULL : tls_session_facts(c->tls);
}

void
conn_pause(struct conn *c)
{
	c->paused = true;
	update_reading(c);
}

void
conn_resume(struct conn *c)
{
	c->paused = false;
	update_reading(c);
}

void
conn_set_idle(struct conn *c, uint64_t idle_ms)
{
	c->idle_ms = idle_ms;
	if (c->state != CONN_OPEN || c->shaking)
		return;
	c->active_ms = clock_ms();
	if (idle_ms == 0)
		event_del(&c->timer_ev);
	else
		arm_timer(c, idle_ms);
}

void
conn_shutdown(struct conn *c)
{
	if (c->state > CONN_OPEN || c->want_shutdown)
		return;
	c->want_shutdown = true;
	if (c->tls != NULL && !c->left_tls)
		tls_session_end(c->tls, c->out);
	if (c->state == CONN_OPEN)
		event_active(&c->write_ev, EV_WRITE, 0);
}

void
conn_close(struct conn *c)
{
	if (c->state == CONN_DIALING) {
		kill_from_outside(c);
		return;
	}
	if (c->state != CONN_OPEN)
		return;
	if (c->tls != NULL && !c->left_tls && !c->want_shutdown)
		tls_session_end(c->tls, c->out);
	c->state = CONN_FLUSHING;
	c->ops = NULL;
	arm_timer(c, FLUSH_MS);
	event_active(&c->write_ev, EV_WRITE, 0);
}

void
conn_reset(struct conn *c)
{
	struct linger now = { .l_onoff = 1, .l_linger = 0 };

	if (c->state == CONN_DEAD)
		return;
	setsockopt(c->fd, SOL_SOCKET, SO_LINGER, &now, sizeof(now));
	c->ops = NULL;
	kill_from_outside(c);
}

int
conn_release(struct conn *c)
{
	int fd = c->fd;

	c->fd = -1;
	c->ops = NULL;
	kill_from_outside(c);
	return fd;
}
