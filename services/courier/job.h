/*
 * job - a probe that was taken on, from "to be sent" to how it ended.  At most
 * once: `sending` is on record before a server can have taken the mail, and from
 * there no way leads back to another attempt.
 *
 * A pure machine: what is on record and what an attempt gave come in with the
 * time, what is to be done and recorded comes out.  store.h keeps the record.
 */
#ifndef COURIER_JOB_H
#define COURIER_JOB_H

#include "courier/probe.h"
#include "courier/relay_mail.h"

enum job_state {
	JOB_WAITING, /* to be sent, for the first time or again */
	JOB_SENDING, /* the end of the mail may have reached a server */
	JOB_SENT, /* a server took it */
	JOB_REFUSED, /* we did not want to */
	JOB_FAILED, /* nobody has it, and we won't try again */
	JOB_UNKNOWN, /* perhaps somebody has it; never sent again */
	JOB_STATES
};

enum { JOB_VERSION = 1, JOB_WORD_MAX = 48, JOB_REPLY_MAX = 512, JOB_TEXT_MAX = 8192 };

struct job {
	enum job_state state;
	enum probe_kind kind;
	enum mark mark;
	char recipient[RELAY_MAIL_ADDRESS_MAX];
	unsigned attempts; /* begun */
	uint64_t due_wall_ms; /* not before this, in JOB_WAITING */
	char reason[JOB_WORD_MAX]; /* a word: why it was refused, failed or waits */
	/* Of the last attempt: */
	char host[RELAY_MAIL_TEXT_MAX]; /* the server, or "" */
	char reply[JOB_REPLY_MAX]; /* what it said, or what went wrong; escaped */
	bool tls;
};

/* What one attempt gave. */
enum send_end {
	SEND_ACCEPTED, /* 250 to the end of data */
	SEND_NEVER, /* certainly not taken, and no use trying again: 5xx, no such domain */
	SEND_LATER, /* certainly not taken, perhaps another time: 4xx, no connection */
	SEND_UNSURE, /* the end of data was given, and no answer came */
};

struct send_result {
	enum send_end end;
	char reason[JOB_WORD_MAX];
	char host[RELAY_MAIL_TEXT_MAX];
	char reply[JOB_REPLY_MAX];
	bool tls;
};

struct job_policy {
	uint64_t retry_ms; /* before the second attempt; each further wait is three times as long */
	unsigned attempts_max;
};

/* What a job that was found on record asks for. */
enum job_step {
	JOB_STEP_SEND,
	JOB_STEP_WAIT,
	JOB_STEP_GIVE_UP, /* found in `sending`: whoever did that is gone; job_lost() it */
	JOB_STEP_TELL, /* over: only its event may be missing */
};

/* *wait_ms: how long, with JOB_STEP_WAIT. */
enum job_step job_next(const struct job *j, uint64_t now_wall_ms, uint64_t *wait_ms);
/* JOB_WAITING -> JOB_SENDING. */
void job_sending(struct job *j);
/* JOB_SENDING -> JOB_UNKNOWN. */
void job_lost(struct job *j);
/* What an attempt made of it; after JOB_SENDING never JOB_WAITING again. */
void job_attempted(struct job *j, const struct send_result *r, const struct job_policy *p, uint64_t now_wall_ms);

/* JSON, NUL-terminated; false when it has no room. */
bool job_format(const struct job *j, char out[JOB_TEXT_MAX]);
/* False: not ours, or of an unknown version. */
bool job_parse(const char *text, size_t len, struct job *out);
/* "sent"; the event's action is "courier-" and this. */
const char *job_state_name(enum job_state s);

#endif
