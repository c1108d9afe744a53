/*
 * tls - TLS as a server, on bytes: what came in goes in, plain text and records
 * to send come out.  conn.c moves the bytes; no socket and no waiting here.
 *
 * As the machines that we play: TLS 1.0 and up to what a policy allows, any cipher that they would take, no client
 * certificates, no renegotiation.
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

enum tls_version { TLS_1_0, TLS_1_1, TLS_1_2, TLS_1_3 };
enum tls_state {
	TLS_SHAKING,
	TLS_OPEN,
	TLS_ENDED, /* the peer said goodbye (close_notify) */
	TLS_FAILED, /* not TLS, nothing in common, or damaged: an alert may wait to be sent */
};

/* What is known of the peer when the handshake is over; "" where it didn't say. */
struct tls_facts {
	const char *version; /* "TLSv1.3" */
	const char *cipher;
	char ja3[TLS_JA3_MAX], ja4[TLS_JA4_MAX];
	char server_name[TLS_NAME_MAX];
};

/* Everything that sessions of one policy share. Exits when OpenSSL refuses; made at start. */
struct tls_server *tls_server_new(enum tls_version newest);
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
/* Only when open. False: no memory. */
bool tls_session_write(struct tls_session *s, const void *data, size_t len, struct evbuffer *wire);
/* Says goodbye (close_notify). */
void tls_session_end(struct tls_session *s, struct evbuffer *wire);
enum tls_state tls_session_state(const struct tls_session *s);
/* Complete once open; the fingerprints are there as soon as the ClientHello was read. Lives as long as s. */
const struct tls_facts *tls_session_facts(const struct tls_session *s);

#endif
