#include "daemon/tls.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"

#include <event2/buffer.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <stdlib.h>
#include <string.h>

enum { CHUNK = 16 * 1024 };

enum { ALERT_RECORD = 21, FATAL = 2, UNEXPECTED_MESSAGE = 10 }; /* RFC 8446 5.1, 6 */

struct tls_server {
	SSL_CTX *ctx;
	struct tls_policy policy;
};

struct tls_identity {
	X509 *certificate;
	EVP_PKEY *key;
};

struct tls_session {
	SSL *ssl;
	BIO *in, *out; /* the SSL's own */
	uint8_t *hello; /* the client's first bytes until its ClientHello is read, then NULL */
	size_t hello_len;
	enum tls_breaks breaks;
	bool heard; /* anything */
	enum tls_state state;
	struct tls_facts facts;
};

/* ---- what sessions share ---- */

static bool
apply(SSL_CTX *ctx, struct tls_policy *p) /* p is ours: one of OpenSSL's macros takes no const */
{
	static const int versions[] = { TLS1_VERSION, TLS1_1_VERSION, TLS1_2_VERSION, TLS1_3_VERSION };

	return SSL_CTX_set_min_proto_version(ctx, versions[p->oldest]) == 1 &&
	    SSL_CTX_set_max_proto_version(ctx, versions[p->newest]) == 1 &&
	    SSL_CTX_set_cipher_list(ctx, p->ciphers) == 1 && SSL_CTX_set_ciphersuites(ctx, p->suites) == 1 &&
	    SSL_CTX_set1_groups_list(ctx, p->groups) == 1 && SSL_CTX_set_dh_auto(ctx, 1) == 1;
}

/* What clients show of themselves is not checked: nobody's mail depends on it. */
static int
take_any(X509_STORE_CTX *chain, void *unused)
{
	(void)chain;
	(void)unused;
	return 1;
}

struct tls_server *
tls_server_new(const struct tls_policy *policy)
{
	struct tls_server *s = xcalloc(1, sizeof(*s));

	s->policy = *policy;
	s->ctx = SSL_CTX_new(TLS_server_method());
	if (s->ctx == NULL || !apply(s->ctx, &s->policy))
		log_fatal("msg=\"OpenSSL does not do what is asked\" error=\"%s\"",
		    ERR_reason_error_string(ERR_peek_last_error()));
	SSL_CTX_set_options(s->ctx, SSL_OP_NO_RENEGOTIATION);
	if (policy->own_order)
		SSL_CTX_set_options(s->ctx, SSL_OP_CIPHER_SERVER_PREFERENCE);
	if (policy->breaks == TLS_BREAKS_TOLERANT)
		SSL_CTX_set_options(s->ctx, SSL_OP_IGNORE_UNEXPECTED_EOF);
	if (policy->asks_certificate) {
		SSL_CTX_set_verify(s->ctx, SSL_VERIFY_PEER, NULL);
		SSL_CTX_set_cert_verify_callback(s->ctx, take_any, NULL);
	}
	SSL_CTX_set_mode(s->ctx, SSL_MODE_RELEASE_BUFFERS);
	SSL_CTX_set_session_cache_mode(s->ctx, SSL_SESS_CACHE_OFF); /* tickets stay: they cost no memory */
	return s;
}

void
tls_server_free(struct tls_server **sp)
{
	if (*sp == NULL)
		return;
	SSL_CTX_free((*sp)->ctx);
	free(*sp);
	*sp = NULL;
}

struct tls_identity *
tls_identity_parse(const char *pem, size_t len)
{
	struct tls_identity *i = xcalloc(1, sizeof(*i));
	BIO *bio = BIO_new_mem_buf(pem, (int)len);

	i->certificate = PEM_read_bio_X509(bio, NULL, NULL, NULL);
	BIO_free(bio);
	bio = BIO_new_mem_buf(pem, (int)len);
	i->key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	BIO_free(bio);
	if (i->certificate == NULL || i->key == NULL || X509_check_private_key(i->certificate, i->key) != 1)
		tls_identity_free(&i);
	ERR_clear_error();
	return i;
}

void
tls_identity_free(struct tls_identity **ip)
{
	struct tls_identity *i = *ip;

	if (i == NULL)
		return;
	X509_free(i->certificate);
	EVP_PKEY_free(i->key);
	free(i);
	*ip = NULL;
}

/* ---- one session ---- */

struct tls_session *
tls_session_new(struct tls_server *server, const struct tls_identity *identity)
{
	struct tls_session *s = xcalloc(1, sizeof(*s));

	s->ssl = SSL_new(server->ctx);
	s->in = BIO_new(BIO_s_mem());
	s->out = BIO_new(BIO_s_mem());
	if (s->ssl == NULL || s->in == NULL || s->out == NULL ||
	    SSL_use_certificate(s->ssl, identity->certificate) != 1 || SSL_use_PrivateKey(s->ssl, identity->key) != 1) {
		BIO_free(s->in);
		BIO_free(s->out);
		SSL_free(s->ssl);
		free(s);
		return NULL;
	}
	if (server->policy.asks_certificate)
		SSL_add_client_CA(s->ssl, identity->certificate); /* it is its own authority */
	BIO_set_mem_eof_return(s->in, -1);
	BIO_set_mem_eof_return(s->out, -1);
	s->breaks = server->policy.breaks;
	SSL_set_bio(s->ssl, s->in, s->out);
	SSL_set_accept_state(s->ssl);
	s->facts.version = "";
	s->facts.cipher = "";
	return s;
}

void
tls_session_free(struct tls_session **sp)
{
	struct tls_session *s = *sp;

	if (s == NULL)
		return;
	SSL_free(s->ssl); /* and both BIOs */
	free(s->hello);
	free(s);
	*sp = NULL;
}

static void
forget_hello(struct tls_session *s)
{
	free(s->hello);
	s->hello = NULL;
	s->hello_len = SIZE_MAX; /* never again */
}

/* Collects the client's first bytes until they are a ClientHello; what never becomes one has no fingerprint. */
static void
watch_hello(struct tls_session *s, const void *data, size_t len)
{
	struct tls_hello h;

	if (s->hello_len >= TLS_HELLO_MAX)
		return;
	size_t more = len < TLS_HELLO_MAX - s->hello_len ? len : TLS_HELLO_MAX - s->hello_len;
	s->hello = xrealloc(s->hello, s->hello_len + more);
	memcpy(s->hello + s->hello_len, data, more);
	s->hello_len += more;
	enum tls_hello_result result = tls_hello_parse(s->hello, s->hello_len, &h);
	if (result == TLS_HELLO_MORE)
		return;
	if (result == TLS_HELLO_OK) {
		tls_hello_ja3(&h, s->facts.ja3);
		tls_hello_ja4(&h, s->facts.ja4);
		str_copy(s->facts.server_name, sizeof(s->facts.server_name), h.server_name);
	}
	forget_hello(s);
}

static void
flush(struct tls_session *s, struct evbuffer *wire)
{
	char *data;
	long len = BIO_get_mem_data(s->out, &data);

	if (len > 0)
		evbuffer_add(wire, data, (size_t)len);
	(void)BIO_reset(s->out);
}

/* OpenSSL's word for "not yet" is the only one that isn't an end. */
static void
take_result(struct tls_session *s, int result)
{
	switch (SSL_get_error(s->ssl, result)) {
	case SSL_ERROR_WANT_READ:
	case SSL_ERROR_WANT_WRITE:
		break;
	case SSL_ERROR_ZERO_RETURN:
		s->state = TLS_ENDED;
		break;
	default:
		s->state = TLS_FAILED;
		break;
	}
	ERR_clear_error();
}

/* GnuTLS' alert in place of OpenSSL's own or none, unless more than an alert was to be said. */
static void
alert_as_gnutls(struct tls_session *s)
{
	uint8_t alert[] = { ALERT_RECORD, 3, 3, 0, 2, FATAL, UNEXPECTED_MESSAGE };
	char *data;
	long len = BIO_get_mem_data(s->out, &data);

	if (len > 0 && data[0] != ALERT_RECORD)
		return;
	if (len == (long)sizeof(alert) && s->heard)
		alert[6] = (uint8_t)data[6];
	(void)BIO_reset(s->out);
	BIO_write(s->out, alert, sizeof(alert));
}

static void
shake(struct tls_session *s)
{
	int result = SSL_accept(s->ssl);

	if (result != 1) {
		take_result(s, result);
		if (s->state != TLS_SHAKING && s->breaks == TLS_BREAKS_GNUTLS)
			alert_as_gnutls(s);
		return;
	}
	s->state = TLS_OPEN;
	s->facts.version = SSL_get_version(s->ssl);
	s->facts.cipher = SSL_get_cipher_name(s->ssl);
	forget_hello(s);
}

static void
read_plain(struct tls_session *s, struct evbuffer *plain)
{
	static _Thread_local uint8_t bytes[CHUNK];
	int n;

	while ((n = SSL_read(s->ssl, bytes, sizeof(bytes))) > 0)
		evbuffer_add(plain, bytes, (size_t)n);
	take_result(s, n);
}

enum tls_state
tls_session_input(struct tls_session *s, const void *data, size_t len, struct evbuffer *plain, struct evbuffer *wire)
{
	s->heard = true;
	if (s->state == TLS_SHAKING)
		watch_hello(s, data, len);
	if (BIO_write(s->in, data, (int)len) != (int)len)
		s->state = TLS_FAILED;
	if (s->state == TLS_SHAKING)
		shake(s);
	if (s->state == TLS_OPEN)
		read_plain(s, plain);
	flush(s, wire);
	return s->state;
}

void
tls_session_eof(struct tls_session *s, struct evbuffer *wire)
{
	uint8_t byte;

	BIO_set_mem_eof_return(s->in, 0);
	if (s->state == TLS_SHAKING)
		shake(s);
	else if (s->state == TLS_OPEN && s->breaks != TLS_BREAKS_GNUTLS)
		take_result(s, SSL_read(s->ssl, &byte, sizeof(byte)));
	flush(s, wire);
}

bool
tls_session_write(struct tls_session *s, const void *data, size_t len, struct evbuffer *wire)
{
	/* A memory BIO takes all, whatever the size. */
	bool good = s->state == TLS_OPEN && (len == 0 || SSL_write(s->ssl, data, (int)len) == (int)len);

	ERR_clear_error();
	flush(s, wire);
	return good;
}

void
tls_session_end(struct tls_session *s, struct evbuffer *wire)
{
	if (s->state == TLS_OPEN || s->state == TLS_ENDED)
		SSL_shutdown(s->ssl);
	ERR_clear_error();
	flush(s, wire);
}

enum tls_state
tls_session_state(const struct tls_session *s)
{
	return s->state;
}

const struct tls_facts *
tls_session_facts(const struct tls_session *s)
{
	return &s->facts;
}
