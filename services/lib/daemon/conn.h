/*
 * conn - one TCP connection on the loop: bounded buffers, half-close, reset,
 * timeouts.  Traps see bytes and meanings (data, end, closed), never libevent.
 *
 * Reading stops at CONN_INPUT_MAX waiting bytes.  A conn is freed by conn_close()/conn_reset() or after its closed
 * callback; it must not be touched afterwards.  Calls from within its callbacks are safe.
 */
#ifndef DAEMON_CONN_H
#define DAEMON_CONN_H

#include "base/addr.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct loop;
struct conn;
struct tls_facts;
struct tls_identity;
struct tls_server;

enum conn_end {
	CONN_END_FIN, /* both directions finished */
	CONN_END_RESET, /* the peer reset, or the network failed */
	CONN_END_TIMEOUT, /* idle for longer than conn_set_idle() */
	CONN_END_REFUSED, /* an outgoing connection could not be made */
	CONN_END_TLS, /* TLS was not spoken, or not spoken well */
};

enum {
	CONN_INPUT_MAX = 64 * 1024, /* bytes read ahead of the service, then the window closes */
	CONN_TLS_MS = 60 * 1000, /* a handshake takes no longer */
};

/* All may be NULL except data and closed. */
struct conn_ops {
	void (*connected)(void *ctx); /* outgoing connections only */
	void (*data)(void *ctx); /* conn_peek() has something new */
	void (*secured)(void *ctx); /* the handshake of conn_start_tls() is done */
	void (*eof)(void *ctx); /* the peer sent FIN (or TLS' goodbye); writing is still allowed */
	void (*writable)(void *ctx); /* the output buffer has run empty */
	void (*closed)(void *ctx, enum conn_end why); /* not called after conn_close()/conn_reset() */
};

/* Takes over a connected, non-blocking descriptor. NULL: no memory. */
struct conn *conn_new(struct loop *l, int fd, const struct conn_ops *ops, void *ctx);
/* Starts a connection; its result comes as connected or closed(REFUSED). NULL: no descriptor. */
struct conn *conn_dial(struct loop *l, const struct endpoint *to, uint64_t timeout_ms, const struct conn_ops *ops,
    void *ctx);
void conn_set_ops(struct conn *c, const struct conn_ops *ops, void *ctx);

/* The bytes that wait, contiguous up to max (0: all); valid until the next call on c. */
const uint8_t *conn_peek(struct conn *c, size_t max, size_t *len);
void conn_consume(struct conn *c, size_t len);
size_t conn_input_len(const struct conn *c);
bool conn_got_eof(const struct conn *c); /* the peer has sent its FIN */
/* Queues a copy. Output is bounded by the caller: see conn_output_len() and writable. */
void conn_write(struct conn *c, const void *data, size_t len);
size_t conn_output_len(const struct conn *c);
size_t conn_unsent(const struct conn *c); /* that, and what the kernel holds until the peer acknowledges it */
/*
 * From here on TLS is spoken, as a server. What was read and not consumed is
 * thrown away (it was said before the peer could know: RFC 3207 4), what was
 * written goes out in plain before; nothing can be written until secured.
 * False: no memory.
 */
bool conn_start_tls(struct conn *c, struct tls_server *server, const struct tls_identity *identity);
/* What is written from now on goes out in the clear, and the close comes without TLS' goodbye. */
void conn_leave_tls(struct conn *c);
/* NULL without TLS. */
const struct tls_facts *conn_tls(const struct conn *c);
/* Stops and resumes reading: the peer's window closes. */
void conn_pause(struct conn *c);
void conn_resume(struct conn *c);
void conn_set_idle(struct conn *c, uint64_t idle_ms); /* 0: none */
/* FIN after what is queued. */
void conn_shutdown(struct conn *c);
/* Sends what is queued (for at most 10 s), then closes. */
void conn_close(struct conn *c);
/* RST (SO_LINGER 0), now. */
void conn_reset(struct conn *c);
/* Gives the descriptor away (caller closes it) with bytes that were read and not consumed left in c's buffer:
 * peek them first. Frees c. */
int conn_release(struct conn *c);

#endif
