/*
 * session - one client of a fake open proxy: bytes in, actions out, no I/O.
 * It asks for the relay when the client wants a mail port, and refuses
 * everything else as the look would.
 */
#ifndef PROXYTRAP_SESSION_H
#define PROXYTRAP_SESSION_H

#include "base/addr.h"
#include "proxytrap/look.h"
#include "proxytrap/request.h"

struct session;

enum { SESSION_INPUT_MAX = 16 * 1024 };

struct session_sink {
	void (*reply)(void *ctx, const void *data, size_t len);
	/* Connect to the relay; then session_connected() or session_refused(). */
	void (*dial)(void *ctx, const struct request *r);
	/* A request and what became of it: "relayed", "refused", "page", "bad", "unsupported", "no relay". */
	void (*observe)(void *ctx, const struct request *r, const char *answer);
	/* Close after the queued replies. */
	void (*close)(void *ctx);
	void *ctx;
};

struct session_settings {
	const struct look *look;
	const char *host;	/* ours, in error pages; must outlive the session */
	struct endpoint bound;	/* what SOCKS clients are told */
	uint64_t page_secret;
};

struct session *session_new(const struct session_settings *s, const struct session_sink *sink);
void session_free(struct session **sp);
/* Returns how much it ate: nothing after a dial (what follows belongs to the relay), all after a close. */
size_t session_input(struct session *s, const uint8_t *data, size_t len, uint64_t wall_ms);
/* The relay is there: the success reply goes out, the session is over and the flows may be joined. */
void session_connected(struct session *s, uint64_t wall_ms);
void session_refused(struct session *s, uint64_t wall_ms);
bool session_dialing(const struct session *s);

#endif
