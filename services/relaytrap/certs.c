#include "relaytrap/certs.h"

#include "base/clock.h"
#include "base/list.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "base/writer.h"
#include "daemon/bus.h"
#include "daemon/kv.h"
#include "daemon/loop.h"
#include "daemon/tls.h"
#include "wire/identity.h"

#include <openssl/bio.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { DAY_S = 86400, VALID_DAYS = 3650, AGE_MIN_DAYS = 20, AGE_DAYS = 900, SERIAL_BYTES = 20, RSA_BITS = 2048 };
static const char bucket[] = "CERTS";

struct entry {
	struct list node; /* among all, the one asked for last at the end */
	struct list work; /* what the thread has to do, or has done */
	struct certs *certs;
	struct addr decoy;
	char host[LOOK_HOST_MAX];
	enum certs_state state;
	uint64_t failed_ms;
	char *pem; /* key and certificate: the thread's result, NULL: failed */
	struct tls_identity *identity;
};

struct certs {
	struct loop *loop;
	struct bus *bus;
	const struct site_key *key;
	void (*changed)(void *ctx);
	void *ctx;
	struct list entries;
	size_t count, waiting;
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	struct list todo;
	bool stopping;
};

/* ---- making certificates: pure, but for the key's randomness ---- */

/* A number that belongs to this name and this decoy, so that the same certificate can be made again. */
static void
derived(const struct site_key *key, const struct addr *decoy, const char *host, uint8_t out[IDENTITY_BYTES])
{
	uint8_t name[sizeof(decoy->b) + LOOK_HOST_MAX];
	struct writer w;

	writer_init(&w, name, sizeof(name));
	writer_bytes(&w, decoy->b, sizeof(decoy->b));
	writer_bytes(&w, host, strlen(host));
	identity_derive_bytes(key, name, writer_len(&w), "certificate", out);
}

static bool
add_extension(X509 *cert, int nid, const char *value)
{
	X509_EXTENSION *e = X509V3_EXT_conf_nid(NULL, NULL, nid, value);
	bool good = e != NULL && X509_add_ext(cert, e, -1) == 1;

	X509_EXTENSION_free(e);
	return good;
}

static bool
name_both(X509 *cert, const char *host)
{
	X509_NAME *name = X509_get_subject_name(cert);
	char alternative[LOOK_HOST_MAX + 8];

	snprintf(alternative, sizeof(alternative), "DNS:%s", host);
	/* A host name with a comma would be two values; none that DNS knows has one. */
	return strchr(host, ',') == NULL &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)host, -1, -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1 && add_extension(cert, NID_basic_constraints, "CA:FALSE") &&
	    add_extension(cert, NID_subject_alt_name, alternative);
}

/* As Debian's make-ssl-cert does: CN and one alternative name, ten years, SHA-256. */
static X509 *
make_certificate(EVP_PKEY *key, const char *host, const uint8_t seed[IDENTITY_BYTES], int64_t newest)
{
	X509 *cert = X509_new();
	BIGNUM *serial = BN_bin2bn(seed, SERIAL_BYTES, NULL);
	int64_t age_s = AGE_MIN_DAYS * DAY_S + (int64_t)((unsigned)seed[30] << 8 | seed[31]) * AGE_DAYS * DAY_S / 65536;
	time_t from = (time_t)(newest - age_s);

	BN_clear_bit(serial, 8 * SERIAL_BYTES - 1); /* positive: RFC 5280 4.1.2.2 */
	bool good = cert != NULL && X509_set_version(cert, 2) == 1 &&
	    BN_to_ASN1_INTEGER(serial, X509_get_serialNumber(cert)) != NULL &&
	    ASN1_TIME_adj(X509_getm_notBefore(cert), from, 0, 0) != NULL &&
	    ASN1_TIME_adj(X509_getm_notAfter(cert), from, VALID_DAYS, 0) != NULL && X509_set_pubkey(cert, key) == 1 &&
	    name_both(cert, host) && X509_sign(cert, key, EVP_sha256()) > 0;

	BN_free(serial);
	if (!good) {
		X509_free(cert);
		return NULL;
	}
	return cert;
}

static char *
pem_of(EVP_PKEY *key, X509 *cert)
{
	BIO *bio = BIO_new(BIO_s_mem());
	char *data, *text = NULL;

	if (PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL) == 1 && PEM_write_bio_X509(bio, cert) == 1) {
		long len = BIO_get_mem_data(bio, &data);

		text = xcalloc(1, (size_t)len + 1);
		memcpy(text, data, (size_t)len);
	}
	BIO_free(bio);
	return text;
}

/* ---- the thread ---- */

static char *
make_pem(const struct certs *c, const struct entry *e)
{
	uint8_t seed[IDENTITY_BYTES];
	EVP_PKEY *key = EVP_RSA_gen(RSA_BITS);
	char *pem = NULL;

	derived(c->key, &e->decoy, e->host, seed);
	X509 *cert = key == NULL ? NULL : make_certificate(key, e->host, seed, (int64_t)(clock_wall_ms() / 1000));
	if (cert != NULL)
		pem = pem_of(key, cert);
	X509_free(cert);
	EVP_PKEY_free(key);
	return pem;
}

/* What the bucket has, or what we put there; when another replica was first, what that one put. */
static char *
fetch_or_make(const struct certs *c, const struct entry *e)
{
	char key[2 * sizeof(e->decoy.b) + 1], *pem = NULL, *own;
	size_t len;

	str_hex(key, e->decoy.b, sizeof(e->decoy.b));
	enum kv_result result = kv_get(c->bus, bucket, key, &pem, &len);
	if (result != KV_NONE)
		return pem;
	own = make_pem(c, e);
	if (own == NULL)
		return NULL;
	result = kv_create(c->bus, bucket, key, own, strlen(own));
	if (result == KV_OK)
		return own;
	free(own);
	if (result == KV_TAKEN)
		kv_get(c->bus, bucket, key, &pem, &len);
	return pem;
}

static void finished(void *ctx);

static void *
certs_main(void *ctx)
{
	const struct timespec pause = { .tv_nsec = 1000000 };
	struct certs *c = ctx;

	for (;;) {
		pthread_mutex_lock(&c->lock);
		while (list_empty(&c->todo) && !c->stopping)
			pthread_cond_wait(&c->wake, &c->lock);
		struct entry *e = c->stopping ? NULL : LIST_OWNER(c->todo.next, struct entry, work);
		if (e != NULL)
			list_remove(&e->work);
		pthread_mutex_unlock(&c->lock);
		if (e == NULL)
			return NULL;
		e->pem = fetch_or_make(c, e);
		while (!loop_call(c->loop, finished, e))
			nanosleep(&pause, NULL);
	}
}

/* ---- the loop's side ---- */

static void
finished(void *ctx)
{
	struct entry *e = ctx;
	struct certs *c = e->certs;

	c->waiting--;
	e->identity = e->pem == NULL ? NULL : tls_identity_parse(e->pem, strlen(e->pem));
	e->state = e->identity == NULL ? CERTS_FAILED : CERTS_READY;
	if (e->state == CERTS_FAILED) {
		e->failed_ms = clock_ms();
		log_warn("msg=\"no certificate for a decoy: is NATS here, and has it bucket %s?\" host=%s", bucket,
		    e->host);
	}
	c->changed(c->ctx);
}

static void
entry_free(struct entry *e)
{
	list_remove(&e->node);
	e->certs->count--;
	tls_identity_free(&e->identity);
	free(e->pem);
	free(e);
}

/* The thread holds entries that wait: those stay. */
static bool
make_room(struct certs *c)
{
	for (struct list *node = c->entries.next; c->count >= CERTS_MAX && node != &c->entries; node = node->next) {
		struct entry *e = LIST_OWNER(node, struct entry, node);

		if (e->state != CERTS_WAITING) {
			entry_free(e);
			break;
		}
	}
	return c->count < CERTS_MAX;
}

static struct entry *
find(struct certs *c, const struct addr *decoy)
{
	for (struct list *node = c->entries.prev; node != &c->entries; node = node->prev) {
		struct entry *e = LIST_OWNER(node, struct entry, node);

		if (memcmp(e->decoy.b, decoy->b, sizeof(decoy->b)) == 0)
			return e;
	}
	return NULL;
}

static void
start_work(struct certs *c, struct entry *e)
{
	e->state = CERTS_WAITING;
	c->waiting++;
	pthread_mutex_lock(&c->lock);
	list_append(&c->todo, &e->work);
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
}

static struct entry *
add(struct certs *c, const struct addr *decoy, const char *host)
{
	struct entry *e;

	if (!make_room(c))
		return NULL;
	e = xcalloc(1, sizeof(*e));
	e->certs = c;
	e->decoy = *decoy;
	e->state = CERTS_FAILED;
	str_copy(e->host, sizeof(e->host), host);
	list_init(&e->node);
	list_init(&e->work);
	list_append(&c->entries, &e->node);
	c->count++;
	return e;
}

enum certs_state
certs_get(struct certs *c, const struct addr *decoy, const char *host, const struct tls_identity **identity)
{
	struct entry *e = find(c, decoy);
	bool fresh = e == NULL;

	if (fresh)
		e = c->waiting < CERTS_WAITING_MAX ? add(c, decoy, host) : NULL;
	if (e == NULL)
		return CERTS_FAILED;
	list_remove(&e->node);
	list_append(&c->entries, &e->node);
	if (e->state == CERTS_FAILED && c->waiting < CERTS_WAITING_MAX &&
	    (fresh || clock_ms() - e->failed_ms >= CERTS_RETRY_MS))
		start_work(c, e);
	*identity = e->identity;
	return e->state;
}

struct tls_identity *
certs_other(struct certs *c, const struct addr *decoy, const char *host)
{
	struct entry *e = find(c, decoy);
	BIO *bio = BIO_new_mem_buf(e->pem, -1);
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, NULL, NULL);
	uint8_t seed[IDENTITY_BYTES];
	struct tls_identity *identity = NULL;
	char *pem = NULL;

	BIO_free(bio);
	derived(c->key, decoy, host, seed);
	/* Its dates must not move from one day to the next: they count from a day of ours. */
	X509 *cert = key == NULL ? NULL : make_certificate(key, host, seed, INT64_C(1790000000));
	if (cert != NULL)
		pem = pem_of(key, cert);
	if (pem != NULL)
		identity = tls_identity_parse(pem, strlen(pem));
	free(pem);
	X509_free(cert);
	EVP_PKEY_free(key);
	return identity;
}

struct certs *
certs_new(struct loop *l, struct bus *b, const struct site_key *key, void (*changed)(void *ctx), void *ctx)
{
	struct certs *c = xcalloc(1, sizeof(*c));

	c->loop = l;
	c->bus = b;
	c->key = key;
	c->changed = changed;
	c->ctx = ctx;
	list_init(&c->entries);
	list_init(&c->todo);
	pthread_mutex_init(&c->lock, NULL);
	pthread_cond_init(&c->wake, NULL);
	if (pthread_create(&c->thread, NULL, certs_main, c) != 0)
		log_fatal("msg=\"no thread for certificates\"");
	return c;
}

void
certs_free(struct certs **cp)
{
	struct certs *c = *cp;

	if (c == NULL)
		return;
	pthread_mutex_lock(&c->lock);
	c->stopping = true;
	pthread_cond_signal(&c->wake);
	pthread_mutex_unlock(&c->lock);
	pthread_join(c->thread, NULL);
	while (!list_empty(&c->entries))
		/* NOLINTNEXTLINE(clang-analyzer-unix.Malloc): it can't follow lists */
		entry_free(LIST_OWNER(c->entries.next, struct entry, node));
	free(c);
	*cp = NULL;
}
