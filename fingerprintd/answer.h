/* answer - what a responder (arp, icmp, udp) made of a packet. */
#ifndef FINGERPRINTD_ANSWER_H
#define FINGERPRINTD_ANSWER_H

enum answer {
	ANSWER_SEND, /* the reply is written */
	ANSWER_NONE, /* this decoy says nothing to that */
	ANSWER_MALFORMED,
	ANSWER_BAD_CHECKSUM,
	ANSWER_LIMITED, /* it would, but not so often */
};

#endif
