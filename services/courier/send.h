/*
 * send - one mail to one server by SMTP (libcurl), and exactly what came of it:
 * whether the server has it, has it not, or nobody can know.  Blocking: for a
 * worker's own thread.  The address is given; nothing is looked up here.
 */
#ifndef COURIER_SEND_H
#define COURIER_SEND_H

#include "courier/job.h"
#include "courier/resolve.h"

enum send_tls {
	SEND_TLS_IF_OFFERED, /* any certificate (RFC 7435), and without when the handshake fails */
	SEND_TLS_REQUIRED, /* verified; for a smarthost */
	SEND_TLS_NONE,
};

struct send_order {
	const struct resolve_target *target;
	uint16_t port;
	enum send_tls tls;
	const char *user, *password; /* "" for none */
	const char *helo;
	const char *mail_from; /* "" for <> */
	const char *recipient;
	const char *data; /* lines end with CRLF */
	size_t len;
	uint64_t deadline_ms;
	/*
	 * Called once before the last bytes of the mail are handed over: after it
	 * returned true the server may have taken the mail; false breaks off before.
	 */
	bool (*last_bytes)(void *ctx);
	/* Called at least once a second; false breaks off. */
	bool (*alive)(void *ctx);
	void *ctx;
};

void send_init(void); /* once, before any thread */
void send_mail(const struct send_order *o, struct send_result *out);

#endif
