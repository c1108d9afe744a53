/* tls_test - a real client on the other side, in memory: what is agreed on, and what ends a session. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "daemon/tls.h"

#include <event2/buffer.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

static char host[] = "mx.example.net"; /* OpenSSL's macro takes no const */
static char *pem; /* key and certificate */
static size_t pem_len;

static int
make_pem(void **state)
{
	EVP_PKEY *key = EVP_RSA_gen(2048);
	X509 *cert = X509_new();
	BIO *bio = BIO_new(BIO_s_mem());
	char *data;

	(void)state;
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 3600);
	X509_set_pubkey(cert, key);
	assert_true(X509_sign(cert, key, EVP_sha256()) > 0);
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	PEM_write_bio_X509(bio, cert);
	pem_len = (size_t)BIO_get_mem_data(bio, &data);
	pem = malloc(pem_len);
	assert_non_null(pem);
	memcpy(pem, data, pem_len);
	BIO_free(bio);
	X509_free(cert);
	EVP_PKEY_free(key);
	return 0;
}

static int
free_pem(void **state)
{
	(void)state;
	free(pem);
	return 0;
}

struct pair {
	struct tls_session *server;
	struct evbuffer *plain, *wire;
	SSL_CTX *ctx; /* the client's */
	SSL *client;
	size_t at_once; /* octets that arrive together */
};

static const struct tls_policy usual = {
	.oldest = TLS_1_0,
	.newest = TLS_1_3,
	.ciphers = "HIGH:@SECLEVEL=0",
	.suites = "TLS_AES_128_GCM_SHA256",
	.groups = "X25519:P-256",
};

static void
begin_with(struct pair *p, const struct tls_policy *policy, int client_version)
{
	struct tls_identity *identity = tls_identity_parse(pem, pem_len);

	memset(p, 0, sizeof(*p));
	assert_non_null(identity);
	p->at_once = SIZE_MAX;
	struct tls_server *server = tls_server_new(policy);

	p->server = tls_session_new(server, identity);
	tls_identity_free(&identity); /* the session has its own hold on both */
	tls_server_free(&server);
	p->plain = evbuffer_new();
	p->wire = evbuffer_new();
	p->ctx = SSL_CTX_new(TLS_client_method());
	SSL_CTX_set_min_proto_version(p->ctx, client_version == 0 ? TLS1_VERSION : client_version);
	SSL_CTX_set_max_proto_version(p->ctx, client_version);
	SSL_CTX_set_cipher_list(p->ctx, "ALL:@SECLEVEL=0");
	p->client = SSL_new(p->ctx);
	BIO *in = BIO_new(BIO_s_mem()), *out = BIO_new(BIO_s_mem());
	BIO_set_mem_eof_return(in, -1);
	SSL_set_bio(p->client, in, out);
	SSL_set_tlsext_host_name(p->client, host);
	SSL_set_connect_state(p->client);
}

static void
begin(struct pair *p, enum tls_version newest, int client_version)
{
	struct tls_policy policy = usual;

	policy.newest = newest;
	begin_with(p, &policy, client_version);
}

static void
end(struct pair *p)
{
	tls_session_free(&p->server);
	evbuffer_free(p->plain);
	evbuffer_free(p->wire);
	SSL_free(p->client);
	SSL_CTX_free(p->ctx);
	ERR_clear_error();
}

/* What each has to say reaches the other. */
static enum tls_state
carry(struct pair *p)
{
	enum tls_state state = tls_session_state(p->server);
	char *data;
	long len = BIO_get_mem_data(SSL_get_wbio(p->client), &data);

	for (size_t at = 0, n; at < (size_t)len; at += n) {
		n = (size_t)len - at < p->at_once ? (size_t)len - at : p->at_once;
		state = tls_session_input(p->server, data + at, n, p->plain, p->wire);
	}
	(void)BIO_reset(SSL_get_wbio(p->client));
	BIO_write(SSL_get_rbio(p->client), evbuffer_pullup(p->wire, -1), (int)evbuffer_get_length(p->wire));
	evbuffer_drain(p->wire, evbuffer_get_length(p->wire));
	return state;
}

static enum tls_state
shake(struct pair *p)
{
	for (int i = 0; i < 6; i++) {
		SSL_do_handshake(p->client);
		carry(p);
	}
	return tls_session_state(p->server);
}

static void
versions_are_agreed_on(void **state)
{
	static const struct {
		enum tls_version newest;
		int client;
		const char *agreed;
	} rows[] = {
		{ TLS_1_3, 0, "TLSv1.3" },
		{ TLS_1_3, TLS1_VERSION, "TLSv1" },
		{ TLS_1_3, TLS1_1_VERSION, "TLSv1.1" },
		{ TLS_1_2, 0, "TLSv1.2" },
		{ TLS_1_0, 0, "TLSv1" },
		{ TLS_1_0, TLS1_2_VERSION, NULL },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p;
		char bytes[16] = "";

		begin(&p, rows[i].newest, rows[i].client);
		enum tls_state result = shake(&p);
		const struct tls_facts *f = tls_session_facts(p.server);
		assert_int_equal(result, rows[i].agreed == NULL ? TLS_FAILED : TLS_OPEN);
		assert_string_equal(f->server_name, "mx.example.net");
		assert_int_equal(strlen(f->ja3), TLS_JA3_MAX - 1);
		assert_int_equal(strlen(f->ja4), TLS_JA4_MAX - 1);
		if (result == TLS_OPEN) {
			assert_string_equal(f->version, rows[i].agreed);
			assert_true(tls_session_write(p.server, "220 hi\r\n", 8, p.wire));
			carry(&p);
			assert_int_equal(SSL_read(p.client, bytes, sizeof(bytes)), 8);
			assert_memory_equal(bytes, "220 hi\r\n", 8);
		}
		end(&p);
	}
}

static void
octets_may_come_one_by_one(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, TLS_1_3, 0);
	p.at_once = 1;
	assert_int_equal(shake(&p), TLS_OPEN);
	assert_int_equal(SSL_write(p.client, "EHLO a\r\n", 8), 8);
	carry(&p);
	assert_int_equal(evbuffer_get_length(p.plain), 8);
	assert_int_equal(strlen(tls_session_facts(p.server)->ja4), TLS_JA4_MAX - 1);
	end(&p);
}

static void
a_goodbye_is_an_end(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, TLS_1_2, 0);
	assert_int_equal(shake(&p), TLS_OPEN);
	SSL_shutdown(p.client);
	assert_int_equal(carry(&p), TLS_ENDED);
	tls_session_end(p.server, p.wire);
	assert_true(evbuffer_get_length(p.wire) > 0);
	end(&p);
}

static void
nobody_shakes_hands_twice(void **state)
{
	struct pair p;

	(void)state;
	begin(&p, TLS_1_2, 0);
	assert_int_equal(shake(&p), TLS_OPEN);
	SSL_renegotiate(p.client);
	SSL_do_handshake(p.client);
	carry(&p);
	SSL_do_handshake(p.client);
	carry(&p);
	assert_int_equal(SSL_renegotiate_pending(p.client), 1);
	end(&p);
}

static void
what_is_not_tls_fails(void **state)
{
	static const char *const rows[] = { "EHLO a\r\nMAIL FROM:<a@b>\r\n", "\x15\x03\x01\0\x02\x01",
		"\x16\x03\x01\xff\xff" };

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p;

		begin(&p, TLS_1_3, 0);
		tls_session_input(p.server, rows[i], i == 0 ? strlen(rows[i]) : 5, p.plain, p.wire);
		assert_int_not_equal(tls_session_state(p.server), TLS_OPEN);
		assert_false(tls_session_write(p.server, "x", 1, p.wire));
		assert_string_equal(tls_session_facts(p.server)->ja3, "");
		end(&p);
	}
}

static void
a_policy_says_what_is_agreed_on(void **state)
{
	static const struct {
		struct tls_policy policy;
		int client;
		const char *cipher; /* NULL: nothing in common */
		int group;
	} rows[] = {
		{ { TLS_1_2, TLS_1_3, "AES128-SHA", "TLS_CHACHA20_POLY1305_SHA256", "P-256", false, false, 0 }, 0,
		    "TLS_CHACHA20_POLY1305_SHA256", NID_X9_62_prime256v1 },
		{ { TLS_1_2, TLS_1_2, "AES128-SHA:@SECLEVEL=0", "", "P-256", false, false, 0 }, 0, "AES128-SHA", 0 },
		{ { TLS_1_2, TLS_1_2, "ECDHE+AES128:@SECLEVEL=0", "", "P-384", true, true, 0 }, 0,
		    "ECDHE-RSA-AES128-GCM-SHA256", NID_secp384r1 },
		/* the client likes 256 bits better */
		{ { TLS_1_2, TLS_1_2, "AES128-SHA:AES256-SHA:@SECLEVEL=0", "", "P-256", false, false, 0 }, 0,
		    "AES256-SHA", 0 },
		{ { TLS_1_2, TLS_1_2, "AES128-SHA:AES256-SHA:@SECLEVEL=0", "", "P-256", true, false, 0 }, 0,
		    "AES128-SHA", 0 },
		{ { TLS_1_2, TLS_1_2, "HIGH", "", "P-256", false, false, 0 }, TLS1_1_VERSION, NULL, 0 },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct pair p;

		begin_with(&p, &rows[i].policy, rows[i].client);
		assert_int_equal(shake(&p), rows[i].cipher == NULL ? TLS_FAILED : TLS_OPEN);
		if (rows[i].cipher != NULL)
			assert_string_equal(tls_session_facts(p.server)->cipher, rows[i].cipher);
		if (rows[i].group != 0)
			assert_int_equal(SSL_get_negotiated_group(p.client), rows[i].group);
		end(&p);
	}
}

/* A client that has a certificate is asked for it only where the policy says so. */
static void
a_certificate_is_asked_for_and_not_needed(void **state)
{
	(void)state;
	for (int asks = 0; asks < 2; asks++) {
		struct tls_policy policy = usual;
		struct pair p;

		policy.asks_certificate = asks != 0;
		policy.newest = TLS_1_2;
		begin_with(&p, &policy, 0);
		assert_int_equal(shake(&p), TLS_OPEN);
		const STACK_OF(X509_NAME) *names = SSL_get0_peer_CA_list(p.client);
		assert_int_equal(names == NULL ? 0 : sk_X509_NAME_num(names), asks);
		end(&p);
	}
}

static void
what_breaks_is_answered_as_the_library_does(void **state)
{
	static const uint8_t decode_error[] = { 21, 3, 3, 0, 2, 2, 50 }, unexpected[] = { 21, 3, 3, 0, 2, 2, 10 };
	static const struct {
		enum tls_breaks breaks;
		const char *said;
		size_t len;
		bool gone;
		const uint8_t *alert; /* NULL: none */
	} rows[] = {
		{ TLS_BREAKS_OPENSSL, "EHLO a\r\n", 8, false, NULL },
		{ TLS_BREAKS_OPENSSL, "", 0, true, decode_error },
		{ TLS_BREAKS_OPENSSL, "\x16\x03\x01\x02\x00\x01", 6, true, decode_error },
		{ TLS_BREAKS_TOLERANT, "", 0, true, NULL },
		{ TLS_BREAKS_TOLERANT, "\x16\x03\x01\x02\x00\x01", 6, true, NULL },
		{ TLS_BREAKS_GNUTLS, "EHLO a\r\n", 8, false, unexpected },
		{ TLS_BREAKS_GNUTLS, "", 0, true, unexpected },
		{ TLS_BREAKS_GNUTLS, "\x16\x03\x01\x02\x00\x01", 6, true, decode_error },
	};

	(void)state;
	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct tls_policy policy = usual;
		struct pair p;

		policy.breaks = rows[i].breaks;
		begin_with(&p, &policy, 0);
		if (rows[i].len > 0)
			tls_session_input(p.server, rows[i].said, rows[i].len, p.plain, p.wire);
		if (rows[i].gone)
			tls_session_eof(p.server, p.wire);
		assert_int_not_equal(tls_session_state(p.server), TLS_OPEN);
		assert_int_equal(evbuffer_get_length(p.wire), rows[i].alert == NULL ? 0 : 7);
		if (rows[i].alert != NULL)
			assert_memory_equal(evbuffer_pullup(p.wire, -1), rows[i].alert, 7);
		end(&p);
	}
}

static void
a_damaged_identity_is_none(void **state)
{
	(void)state;
	assert_null(tls_identity_parse("", 0));
	assert_null(tls_identity_parse("nonsense", 8));
	assert_null(tls_identity_parse(pem, pem_len / 2));
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(versions_are_agreed_on),
		cmocka_unit_test(octets_may_come_one_by_one),
		cmocka_unit_test(a_goodbye_is_an_end),
		cmocka_unit_test(nobody_shakes_hands_twice),
		cmocka_unit_test(what_is_not_tls_fails),
		cmocka_unit_test(a_policy_says_what_is_agreed_on),
		cmocka_unit_test(a_certificate_is_asked_for_and_not_needed),
		cmocka_unit_test(what_breaks_is_answered_as_the_library_does),
		cmocka_unit_test(a_damaged_identity_is_none),
	};

	return cmocka_run_group_tests(tests, make_pem, free_pem);
}
