/*
 * session - one client of a fake open proxy: bytes in, actions out.
 *
 * It asks for the relay when the client wants a mail port, and refuses
 * everything else as its look would.  No I/O, no clock, no time limits: those
 * are server's.
 */
#ifndef PROXYTRAP_SESSION_H
#define PROXYTRAP_SESSION_H

#include "base/addr.h"
#include "proxytrap/look.h"
#include "proxytrap/request.h"

struct session;

enum { SESSION_INPUT_MAX = 16 * 1024 }; /* waiting bytes that decide every protocol */

/* What became of a request: enum member, and its name in events and metrics. */
#define SESSION_ANSWERS(X)                                                                                             \
	X(RELAYED, "relayed")                                                                                          \
	X(NO_RELAY, "no-relay") /* would have been relayed */                                                          \
	X(REFUSED, "refused") /* a port that is not mail */                                                            \
	X(CHAIN, "chain") /* refused: the port of another proxy */                                                     \
	X(PAGE, "page") /* a web page was shown */                                                                     \
	X(UNSUPPORTED, "unsupported") /* SOCKS: anything but CONNECT */                                                \
	X(BAD, "bad") /* no request */

enum session_answer {
#define X(name, text) SESSION_##name,
	SESSION_ANSWERS(X)
#undef X
	    SESSION_ANSWER_COUNT
};

/* Pointers are valid during the call only. */
struct session_sink {
	void (*reply)(void *ctx, const void *data, size_t len);
	/* Connect to the relay; then session_connected(), or session_refused(): that one also from within the call. */
	void (*dial)(void *ctx, const struct request *r);
	void (*observe)(void *ctx, const struct request *r, enum session_answer answer);
	/* Close after the queued replies. */
	void (*close)(void *ctx);
	void *ctx;
};

struct session_settings {
	const struct look *look;
	const char *host; /* ours, in error pages; must outlive the session */
	struct endpoint local; /* where the client came to */
	struct endpoint bound; /* where SOCKS clients are told that we connect from */
	uint64_t page_secret;
};

const char *session_answer_name(enum session_answer a);

struct session *session_new(const struct session_settings *s, const struct session_sink *sink);
/* Frees the session and sets the caller's pointer to NULL. */
void session_free(struct session **sp);
/*
 * Returns how much it ate: what it needs whole is left until it is whole, what
 * follows a dial belongs to the relay, and all is eaten after a close.
 */
size_t session_input(struct session *s, const uint8_t *data, size_t len, uint64_t wall_ms);
/* The relay is there: the success reply goes out, the session is over and the flows may be joined. */
void session_connected(struct session *s, uint64_t wall_ms);
void session_refused(struct session *s, uint64_t wall_ms);
bool session_dialing(const struct session *s);
/* What the relay is dialled for; only while dialing. */
const struct request *session_request(const struct session *s);

#endif
