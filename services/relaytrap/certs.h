/*
 * certs - the decoys' keys and certificates.  Made once, when a client first
 * asks for TLS, self-signed as a fresh mail server's are; kept in KV bucket
 * CERTS by create-if-absent, so that all replicas show the same one for ever.
 *
 * Making and fetching happen on a thread of its own; the loop asks, and is told when something has changed.
 */
#ifndef RELAYTRAP_CERTS_H
#define RELAYTRAP_CERTS_H

#include "base/addr.h"
#include "relaytrap/look.h"

#include <stdbool.h>

struct bus;
struct certs;
struct loop;
struct site_key;
struct tls_identity;

enum {
	CERTS_MAX = 4096, /* decoys remembered here; the one that was not asked for longest makes room */
	CERTS_WAITING_MAX = 256, /* being fetched or made */
	CERTS_RETRY_MS = 10000, /* after a failure */
};

enum certs_state { CERTS_READY, CERTS_WAITING, CERTS_FAILED };

/* changed runs on the loop when a decoy that was WAITING is READY or FAILED. Starts the thread. */
struct certs *certs_new(struct loop *l, struct bus *b, const struct site_key *key, void (*changed)(void *ctx),
    void *ctx);
/* Ends the thread, before the bus goes: waits for an answer of NATS at most. */
void certs_free(struct certs **cp);
/*
 * The decoy's own certificate, issued to host (its name) the first time. READY
 * sets *identity, which lives until the next call.
 */
enum certs_state certs_get(struct certs *c, const struct addr *decoy, const char *host,
    const struct tls_identity **identity);
/*
 * For a flow through a proxy, whose client believes to be at another host: a
 * certificate of that name with the decoy's key, the same each time. Only when
 * certs_get() said READY. The caller frees it; NULL: OpenSSL refuses the name.
 */
struct tls_identity *certs_other(struct certs *c, const struct addr *decoy, const char *host);

#endif
