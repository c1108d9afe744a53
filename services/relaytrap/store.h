/*
 * store - mails on their way into stream MAIL (DESIGN 3.4): parts of 512 KiB as
 * they fill, then the commit, whose acknowledgement alone means "stored".
 * Many are under way at once; none waits for another.
 */
#ifndef RELAYTRAP_STORE_H
#define RELAYTRAP_STORE_H

#include "relaytrap/smtp_session.h"
#include "wire/identity.h"
#include "wire/proxy.h"

struct bus;
struct store;
struct store_mail;

enum {
	STORE_PART_BYTES = 512 * 1024,
	STORE_PARTS_MAX = 256, /* 128 MiB: more than any message.max */
	STORE_TIMEOUT_MS = 30000, /* then the client hears "try later" (RFC 1047 lets it send again) */
	STORE_MAIL_ID_MAX = PROXY_TLV_TEXT_MAX + 12,
};

struct store_result {
	bool ok;
	const char *mail_id;
	const char *sha256; /* hexadecimal */
	uint64_t size;
	uint64_t sequence; /* of the commit in stream MAIL; 0 when not ok */
};

typedef void store_done_cb(void *ctx, const struct store_result *r);

struct store *store_new(struct bus *bus, const char *site, uint64_t memory_max);
/* NULL: memory_max is reached. flow is copied. */
struct store_mail *store_begin(struct store *s, const struct flow_info *flow, unsigned number);
void store_add(struct store_mail *m, const void *data, size_t len);
/* done runs once, later; the mail is freed after it. */
void store_commit(struct store_mail *m, const struct smtp_envelope *e, const char *look, uint64_t wall_ms,
    store_done_cb *done, void *ctx);
/* Nothing is kept: not yet committed. */
void store_abort(struct store_mail *m);
/* Whoever waits is gone; the mail is stored all the same. */
void store_forget(struct store_mail *m);
size_t store_pending(const struct store *s);

#endif
