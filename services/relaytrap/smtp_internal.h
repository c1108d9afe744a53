/*
 * smtp_internal - the session as its own files and the looks' commands see
 * it: what a command says, counts, and begins.  Nobody else includes this.
 */
#ifndef RELAYTRAP_SMTP_INTERNAL_H
#define RELAYTRAP_SMTP_INTERNAL_H

#include "relaytrap/smtp_message.h"
#include "relaytrap/smtp_session.h"

enum smtp_state {
	SMTP_READY, /* no transaction */
	SMTP_MAIL, /* MAIL accepted, perhaps recipients */
	SMTP_DATA, /* between 354 and the end of data */
	SMTP_CHUNK, /* the octets of a BDAT */
	SMTP_AUTH, /* a line of the client's answers a challenge */
	SMTP_HANDSHAKE, /* 220 was said to STARTTLS */
	SMTP_STORING, /* the end of data was seen, the answer is not known yet */
	SMTP_CLOSED, /* goodbye was said: input is thrown away */
};

enum { SMTP_HELD_MAX = 16384 };

enum smtp_auth_step { SMTP_AUTH_PLAIN, SMTP_AUTH_LOGIN_USER, SMTP_AUTH_LOGIN_PASSWORD, SMTP_AUTH_CRAM };

struct smtp_auth_dialogue {
	enum smtp_auth_step step; /* what the client's next line answers */
	bool offered; /* by the last EHLO */
	bool initial; /* what is decoded came behind AUTH */
	char user[SMTP_AUTH_MAX];
	char challenge[LOOK_HOST_MAX + 40];
	unsigned tries;
};

/* Commands of which the first is free (Exim). */
struct smtp_firsts {
	bool helo, ehlo, rset, auth, starttls;
};

struct smtp_session {
	struct smtp_settings settings;
	struct smtp_sink sink;
	enum smtp_state state;
	unsigned late_ms;
	bool delayed, shutting_down, closing;
	bool breaking_off; /* closes without TLS' goodbye */
	bool message_open; /* the sink has begun one */
	bool too_big;
	bool more; /* the client has sent more than this line */
	bool line_cut; /* it was longer */
	char *line; /* grows with the client's lines, up to the look's limit */
	size_t line_room;
	size_t line_len;
	char *held; /* answers that are late */
	size_t held_len;

	unsigned errors, junk; /* the look's own counters */
	unsigned helos, etrns, vrfys, noops; /* Sendmail: of each kind */
	uint64_t declared_size; /* SIZE= */
	bool spoke; /* a line was heard */
	bool envid_given;
	bool rejecting; /* Sendmail: only QUIT is heard */
	bool mail_seen; /* before a chunk: was there a transaction */
	bool bdat; /* this message comes in chunks */
	bool bdat_failed;
	uint64_t chunk_left, chunk_size;
	bool chunk_last, chunk_lost; /* octets that nobody wants */
	char *refusal; /* Exim: what refused recipients heard; NULL: not the same for all */
	unsigned refused_recipients;
	bool sync, helo_sync; /* Exim: answers must be waited for, the latter until EHLO */
	bool was_rcpt, is_rcpt; /* the command before this one was RCPT; this one is */
	bool mail_refused, was_mail_refused; /* this command was a MAIL in vain, or is behind one; the one before */
	unsigned unknowns;
	struct smtp_firsts first;

	uint32_t mails;
	uint64_t start_ms, active_ms, wall_us;
	struct smtp_envelope envelope;
	size_t recipient_room;
	struct smtp_message message;
	struct smtp_auth_dialogue auth;
	const char *version;
};

/* ---- saying ---- */

/* text is a format of look.h, arg its %a. */
void smtp_say(struct smtp_session *s, const char *text, const char *arg);
/* The same, counted as an error. */
void smtp_refuse(struct smtp_session *s, const char *text, const char *arg);
void smtp_say_ehlo(struct smtp_session *s);
/* The answer to QUIT. */
void smtp_quit(struct smtp_session *s, const char *text);
/* We have had enough. */
void smtp_goodbye(struct smtp_session *s, const char *text);
void smtp_goodbye_about(struct smtp_session *s, const char *text, const char *arg);
/* The same when the goodbye was said already. */
void smtp_hang_up(struct smtp_session *s);

/* ---- the transaction ---- */

void smtp_helo(struct smtp_session *s, const char *name, bool esmtp);
void smtp_reset(struct smtp_session *s);
/* written: the address as it came, brackets and all. */
void smtp_add_recipient(struct smtp_session *s, const char *address, const char *written, const char *notify,
    const char *orcpt);
/* "mail.example.net", "[203.0.113.25]": is that us? */
bool smtp_is_local_domain(const struct smtp_session *s, const char *domain);
/* Is address, the last '@' and what follows it included or not, somebody that we take mail for? */
bool smtp_recipient_known(const struct smtp_session *s, const char *address);
/* The message begins; false: no room, try_later was said and the transaction is over. */
bool smtp_begin_message(struct smtp_session *s, const char *try_later);
void smtp_begin_data(struct smtp_session *s, const char *go, const char *try_later);
/* size octets follow; lost: nobody wants them. The look's chunk hook runs behind them. */
void smtp_begin_chunk(struct smtp_session *s, uint64_t size, bool last, bool lost);
void smtp_abort_message(struct smtp_session *s);
void smtp_start_tls(struct smtp_session *s, const char *go);
bool smtp_tls_possible(const struct smtp_session *s);

/* ---- smtp_auth.c ---- */

/* What a server says while somebody logs in. */
struct smtp_auth_texts {
	const char *ok, *failed, *cancelled;
	const char *bad_initial, *bad_line; /* what is no base64: behind AUTH, and in a line of its own */
	const char *incomplete; /* base64 that ends too early; NULL: as bad */
	const char *malformed; /* base64, but not what the mechanism says; NULL: as failed */
	const char *nobody; /* without a user; NULL: as malformed */
	const char *cram_initial; /* to any initial response of CRAM-MD5; NULL: as malformed */
	bool equals_is_empty; /* "=" behind AUTH is an initial response without octets (RFC 4954 4) */
	bool empty_is_none; /* and for LOGIN that is none */
	bool own_name_only; /* nobody acts for another (RFC 4616 2: authzid) */
	bool counted; /* as an error, what isn't ok */
	bool ends_with_tls; /* who is logged in isn't any more (RFC 3207 4.2) */
	bool offered_once; /* not to who is logged in */
};
bool smtp_auth_possible(const struct smtp_session *s);
bool smtp_auth_offered(const struct smtp_session *s); /* as EHLO says */
/* Is that one of PLAIN, LOGIN and CRAM-MD5? */
bool smtp_auth_mechanism(const char *name);
/* initial: the initial response in base64, or NULL. */
void smtp_auth_begin(struct smtp_session *s, const char *mechanism, const char *initial);
void smtp_auth_line(struct smtp_session *s, char *line);

#endif
