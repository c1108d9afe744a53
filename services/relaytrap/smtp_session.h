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
	SMTP_LINE_MAX = 16384, /* Exim's; the looks' own limits are lower. RFC 5321 4.5.3.1.4 asks for 512 */
	SMTP_RECIPIENTS_MAX = 1000, /* of one mail, whatever the look */
	SMTP_HELO_MAX = 1024,
	SMTP_AUTH_MAX = 256, /* user, password, CRAM-MD5 response: what is longer is cut */
	SMTP_ENVID_MAX = 101, /* RFC 3461 4.4: 100 characters */
	SMTP_RET_MAX = 5,
	SMTP_LIFETIME_MS = 60 * 60 * 1000, /* the longest that we hold one client */
};

/* An open relay takes mail for everybody; an MX only what recipient_ok agrees to. */
enum smtp_role { SMTP_ROLE_RELAY, SMTP_ROLE_MX };

enum smtp_body { SMTP_BODY_NONE, SMTP_BODY_7BIT, SMTP_BODY_8BITMIME, SMTP_BODY_BINARYMIME };

/* What the client wants to know of a recipient (RFC 3461), as it wrote it; "" when it didn't. */
struct smtp_dsn {
	char *notify;
	char *orcpt;
	char *written; /* the address as the client wrote it */
};

struct smtp_envelope {
	char helo[SMTP_HELO_MAX];
	bool esmtp;
	bool tls;
	bool smtputf8;
	enum smtp_body body;
	char mail_from[SMTP_ADDRESS_MAX];
	char ret[SMTP_RET_MAX]; /* FULL, HDRS or "" */
	char envid[SMTP_ENVID_MAX];
	char auth_user[SMTP_AUTH_MAX]; /* who logged in, "" for nobody */
	char **recipients;
	struct smtp_dsn *dsn; /* one for each recipient */
	size_t recipient_count;
	char queue_id[LOOK_QUEUE_ID_MAX];
	const char *subject; /* raw octets */
	size_t subject_len;
};

/* One attempt to log in. CRAM-MD5 has a challenge and a response (hexadecimal digest) in place of a password. */
struct smtp_auth {
	const char *mechanism; /* PLAIN, LOGIN, CRAM-MD5 */
	const char *user;
	const char *password; /* "" for CRAM-MD5 */
	const char *challenge; /* "" for the others */
	const char *response;
	bool accepted;
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
	void (*auth)(void *ctx, const struct smtp_auth *attempt);
	/*
	 * 220 was said: shake hands, throw away what the client sent before that
	 * answer, then call smtp_session_tls_started(). Nothing is read until then.
	 */
	void (*start_tls)(void *ctx);
	/* What was said is still said in TLS, what follows in the clear, and the close comes without TLS' goodbye. */
	void (*leave_tls)(void *ctx);
	/* Say goodbye: close after the queued replies. */
	void (*close)(void *ctx);
	/* Nothing is said or read for so long: for errors and tarpits. Then call smtp_session_resume(). */
	void (*delay)(void *ctx, unsigned ms);
	void *ctx;
};

struct smtp_settings {
	const struct look *look;
	const char *host; /* ours; must outlive the session */
	struct addr client;
	uint64_t message_max;
	uint32_t host_secret;
	bool tls_offered; /* the sink can start TLS */
	bool tls_active; /* implicit TLS: shaken hands before the banner */
	enum smtp_role role;
	/* Role MX: is there such a recipient (its token opens)? postmaster is asked for too. */
	bool (*recipient_ok)(void *ctx, const char *address);
	void *recipient_ctx;
	struct addr own; /* the decoy's address: [own] is this host too */
	unsigned idle_max_ms; /* a shorter patience than the look's; 0: the look's */
	/* Logging in: offered at all, pairs that are let in ("user:password" separated by commas), and after how many
	 * attempts in a session anything is; 0: never. */
	bool auth_offered;
	const char *auth_weak;
	unsigned auth_after;
};

struct smtp_session *smtp_session_new(const struct smtp_settings *s, const struct smtp_sink *sink, uint64_t now_ms,
    uint64_t wall_us);
/* Frees the session (aborting a message that is being received) and sets the pointer to NULL. */
void smtp_session_free(struct smtp_session **sp);
/* Returns how much of data was eaten: less than len while a message is being stored or a reply is delayed. */
size_t smtp_session_input(struct smtp_session *s, const void *data, size_t len, uint64_t now_ms, uint64_t wall_us);
/* The answer to message_end. */
void smtp_session_stored(struct smtp_session *s, bool ok);
/* The handshake that start_tls asked for is done: the client begins anew (RFC 3207 4.2). Failed: just free the session.
 */
void smtp_session_tls_started(struct smtp_session *s);
/* The client closed its side; nothing more comes. The look may have a word to say about it. */
void smtp_session_eof(struct smtp_session *s);
/* The delay that the sink was asked for is over. */
void smtp_session_resume(struct smtp_session *s);
/* Time limits: call it now and then; closes in character when a limit has passed. */
void smtp_session_sweep(struct smtp_session *s, uint64_t now_ms);
/* Goodbye in character: 421, then close. A message that is being stored is answered first. */
void smtp_session_shutdown(struct smtp_session *s);
/* An answer is late: it will come with smtp_session_resume(). */
bool smtp_session_delayed(const struct smtp_session *s);
bool smtp_session_storing(const struct smtp_session *s);

#endif
