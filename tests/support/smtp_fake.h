/*
 * smtp_fake - who listens to an SMTP session in memory: keeps what was said,
 * answers for the transport, and checks that messages begin and end in turn.
 */
#ifndef SUPPORT_SMTP_FAKE_H
#define SUPPORT_SMTP_FAKE_H

#include "relaytrap/smtp_session.h"

#include <stdbool.h>
#include <stddef.h>

struct smtp_fake {
	struct smtp_session *session;
	/* what the transport does; set it before or between the lines */
	bool refuse_begin; /* no room for a message */
	bool hold; /* a message is not stored before the test says so */
	bool shake; /* hands, at once */
	/* what was heard */
	char text[32768];
	size_t len;
	char mail[1024]; /* the message that was begun last */
	size_t mail_len;
	unsigned open, stored, aborted, handshakes, attempts, accepted, closes, left_tls;
	size_t left_at; /* how much was said when TLS was left */
	bool holding;
	unsigned delay_ms;
	char from[SMTP_ADDRESS_MAX], queue_id[LOOK_QUEUE_ID_MAX];
	size_t recipients;
	char mechanism[16], user[32];
};

/* A new session, all forgotten. Client and decoy are 203.0.113.7 and 203.0.113.25; host and size have defaults. */
void smtp_fake_begin(struct smtp_fake *f, const char *look, struct smtp_settings settings);
/* Whole, or line by line as a client that waits for answers. Delays are over at once: time is the test's. */
void smtp_fake_say(struct smtp_fake *f, const char *text, size_t len, bool lines);

#endif
