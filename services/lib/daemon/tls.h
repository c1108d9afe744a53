/*
 * tls - TLS as a server, on bytes: what came in goes in, plain text and records
 * to send come out.  conn.c moves the bytes; no socket and no waiting here.
 *
 * As the machines that we play, whose versions, ciphers and habits are a policy; never with renegotiation.
 */
#ifndef DAEMON_TLS_H
#define DAEMON_TLS_H

#include "wire/tls_hello.h"

#include <stdbool.h>
#include <stddef.h>

struct evbuffer;
struct tls_server;
struct tls_identity;
struct tls_session;

enum { TLS_GROUPS_MAX = 96 };
enum tls_version { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };
enum tls_state {
	TLS_SHAKING,
	TLS_OPEN,
	TLS_ENDED, /* the peer said goodbye (close_notify) */
	TLS_FAILED, /* not TLS, nothing in common, or damaged: an alert may wait to be sent */
};

/* What a server's library does when hands are not shaken, or its peer is gone without TLS' goodbye. */
enum tls_breaks {
	TLS_BREAKS_OPENSSL, /* alerts, decode_error when the peer is gone; not a word to what was never TLS */
	TLS_BREAKS_TOLERANT, /* the same, but not a word to one who is gone (SSL_OP_IGNORE_UNEXPECTED_EOF) */
	TLS_BREAKS_GNUTLS, /* an alert for everything while hands are shaken, unexpected_message if there is no better
			      one */
};

/* A server's TLS, as data. The lists are OpenSSL's; what it doesn't have it skips. */
struct tls_policy {
	enum tls_version oldest, newest;
	const char *ciphers; /* up to TLS 1.2; level included */
	const char *suites; /* of TLS 1.3 */
	char groups[TLS_GROUPS_MAX];
	bool own_order; /* the server's preference counts, not the client's */
	bool asks_certificate; /* of the client, and takes any or none */
	enum tls_breaks breaks;
};

/* What is known of the peer when the handshake is over; "" where it didn't say. */
struct tls_facts {
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	char ja3[TLS_JA3_MAX], ja4[TLS_JA4_MAX];
	char server_name[TLS_NAME_MAX];
};

/* Everything that sessions of one policy share. Exits when OpenSSL refuses; made at start. */
struct tls_server *tls_server_new(const struct tls_policy *policy);
/* Sessions that are left keep what they need. */
void tls_server_free(struct tls_server **sp);

/* Certificate and private key as PEM, one after the other. NULL: malformed. May be freed while sessions use it. */
struct tls_identity *tls_identity_parse(const char *pem, size_t len);
void tls_identity_free(struct tls_identity **ip);

/* NULL: no memory. */
struct tls_session *tls_session_new(struct tls_server *s, const struct tls_identity *identity);
void tls_session_free(struct tls_session **sp);
/* Appends what was said to plain and what must be sent to wire. */
enum tls_state tls_session_input(struct tls_session *s, const void *data, size_t len, struct evbuffer *plain,
    struct evbuffer *wire);
/* The peer's octets have ended without TLS' goodbye; appends what is said to that. */
void tls_session_eof(struct tls_session *s, struct evbuffer *wire);
/* Only when open. False: no memory. */
bool tls_session_write(struct tls_session *s, const void *data, size_t len, struct evbuffer *wire);
/* Says goodbye (close_notify). */
void tls_session_end(struct tls_session *s, struct evbuffer *wire);
enum tls_state tls_session_state(const struct tls_session *s);
/* Complete once open; the fingerprints are there as soon as the ClientHello was read. Lives as long as s. */
const struct tls_facts *tls_session_facts(const struct tls_session *s);

#endif
