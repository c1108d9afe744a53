/*
 * smtp_session - one SMTP conversation with a client that we intend to fool.
 *
 * Knows the protocol and nothing else: bytes and the time come in, replies,
 * message octets and observations go out through the sink.  It touches no
 * socket, clock or NATS, so a test holds a whole conversation in memory.
 */
#ifndef RELAYTRAP_SMTP_SESSION_H
#define RELAYTRAP_SMTP_SESSION_H

#include "relaytrap/look.h"
#include "relaytrap/smtp_address.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct smtp_session;

enum {
	SMTP_LINE_MAX = 2048, /* Postfix' line_length_limit; RFC 5321 4.5.3.1.4 asks for 512 */
	SMTP_RECIPIENTS_MAX = 1000,
	SMTP_HELO_MAX = 256,
	SMTP_LIFETIME_MS = 60 * 60 * 1000, /* the longest that we hold one client */
};

struct smtp_envelope {
	char helo[SMTP_HELO_MAX];
	bool esmtp;
	char mail_from[SMTP_ADDRESS_MAX];
	char **recipients;
	size_t recipient_count;
	char queue_id[LOOK_QUEUE_ID_MAX];
	const char *subject; /* raw octets */
	size_t subject_len;
};

/* Where a session sends its output. Pointers are valid during the call only. */
struct smtp_sink {
	void (*reply)(void *ctx, const char *text, size_t len);
	/* A command line, without its end: for the transcript. */
	void (*command)(void *ctx, const char *line, size_t len);
	/* A message begins; false: no room, the client hears the look's "try later". */
	bool (*message_begin)(void *ctx);
	void (*message_data)(void *ctx, const void *data, size_t len);
	/* Complete: store it, then call smtp_session_stored(). Nothing more is read until then. */
	void (*message_end)(void *ctx, const struct smtp_envelope *envelope);
	void (*message_abort)(void *ctx);
	/* Say goodbye: close after the queued replies. */
	void (*close)(void *ctx);
	/* Replies are held back so long, so is input: for errors and tarpits. */
	void (*delay)(void *ctx, unsigned ms);
	void *ctx;
};

struct smtp_settings {
	const struct look *look;
	const char *host; /* ours; must outlive the session */
	struct addr client;
	uint64_t message_max;
	uint32_t host_secret;
};

struct smtp_session *smtp_session_new(const struct smtp_settings *s, const struct smtp_sink *sink, uint64_t now_ms,
    uint64_t wall_us);
/* Frees the session (aborting a message that is being received) and sets the pointer to NULL. */
void smtp_session_free(struct smtp_session **sp);
/* Returns how much of data was eaten: less than len while a message is being stored or a reply is delayed. */
size_t smtp_session_input(struct smtp_session *s, const void *data, size_t len, uint64_t now_ms, uint64_t wall_us);
/* The answer to message_end. */
void smtp_session_stored(struct smtp_session *s, bool ok);
/* The delay that the sink was asked for is over. */
void smtp_session_resume(struct smtp_session *s);
/* Time limits: call it now and then; closes in character when a limit has passed. */
void smtp_session_sweep(struct smtp_session *s, uint64_t now_ms);
/* Goodbye in character: 421, then close. A message that is being stored is answered first. */
void smtp_session_shutdown(struct smtp_session *s);
bool smtp_session_storing(const struct smtp_session *s);

#endif
