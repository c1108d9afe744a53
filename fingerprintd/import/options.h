/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * options - a segment's TCP options, between three notations: nmap's strings
 * ("M5B4NW3ST11"), octets on the wire and the texts of a personality
 * ("mss:1460", "nop", "wscale:3", "sack", "ts").
 */
#ifndef IMPORT_OPTIONS_H
#define IMPORT_OPTIONS_H

#include "fingerprintd/import/expression.h"

struct cJSON;

enum {
	OPTIONS_OCTETS_MAX = 40, /* RFC 9293 3.1 */
	OPTIONS_MAX = 23, /* as many as a personality may list */
	OPTIONS_TEXT_MAX = 128,
};

enum option_kind { OPTION_EOL, OPTION_NOP, OPTION_MSS, OPTION_WSCALE, OPTION_SACK, OPTION_TS };

enum { OPTION_TS_CLOCK = 1, OPTION_TS_ECHO = 2 };

struct tcp_option {
	enum option_kind kind;
	uint16_t value; /* MSS, WSCALE; TS: which of its halves are not zero */
};

struct options {
	struct tcp_option list[OPTIONS_MAX];
	size_t count;
};

/* One alternative of nmap's; of brackets the number nearest to what a wired network makes likely. */
bool options_parse(struct expression term, struct options *out);
/* nmap's notation. */
void options_format(const struct options *o, char out[OPTIONS_TEXT_MAX]);
size_t options_octets(const struct options *o);
/* Zeros up to the end of the last word, as they are sent. */
void options_pad(struct options *o);
/* The first of a kind, or NULL. */
const struct tcp_option *options_find(const struct options *o, enum option_kind kind);

/* A personality's list; with values ("mss:1460") or without ("mss"). The caller owns it. */
struct cJSON *options_to_json(const struct options *o, bool values);
/* The same backwards; mss and wscale are for texts without values. */
bool options_from_json(const struct cJSON *json, uint16_t mss, uint8_t wscale, struct options *out);

#endif
