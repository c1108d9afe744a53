/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * osdb - nmap's database of fingerprints, read as a stream: octets in,
 * fingerprints and complaints out.  Any octets are data.  A line that can't be
 * read is told with its number and left out; what is good of it stays.  Memory
 * is that of one fingerprint.
 */
#ifndef IMPORT_OSDB_H
#define IMPORT_OSDB_H

#include "fingerprintd/import/expression.h"

enum {
	OSDB_LINE_MAX = 4096, /* the longest of Debian's has 758 */
	OSDB_NAME_MAX = 1024,
	OSDB_CLASSES_MAX = 32, /* the most of Debian's are 13 */
	OSDB_CLASS_MAX = 256,
};

/* In the order in which nmap prints them. */
enum osdb_test {
	OSDB_SEQ,
	OSDB_OPS,
	OSDB_WIN,
	OSDB_ECN,
	OSDB_T1,
	OSDB_T2,
	OSDB_T3,
	OSDB_T4,
	OSDB_T5,
	OSDB_T6,
	OSDB_T7,
	OSDB_U1,
	OSDB_IE,
	OSDB_TESTS
};

/* name, words, letters, number, greatest number */
#define OSDB_ATTRIBUTE_LIST(X)                                                                                         \
	X(R, "Y|N", NULL, false, 0)                                                                                    \
	X(DF, "Y|N", NULL, false, 0)                                                                                   \
	X(T, NULL, NULL, true, UINT16_MAX)                                                                             \
	X(TG, NULL, NULL, true, 0xFF)                                                                                  \
	X(SP, NULL, NULL, true, 0xFFF)                                                                                 \
	X(GCD, NULL, NULL, true, UINT32_MAX)                                                                           \
	X(ISR, NULL, NULL, true, 0xFFF)                                                                                \
	X(TI, "Z|RD|RI|BI|I", NULL, true, UINT16_MAX)                                                                  \
	X(CI, "Z|RD|RI|BI|I", NULL, true, UINT16_MAX)                                                                  \
	X(II, "Z|RD|RI|BI|I", NULL, true, UINT16_MAX)                                                                  \
	X(SS, "S|O", NULL, false, 0)                                                                                   \
	X(TS, "U", NULL, true, 0xFF)                                                                                   \
	X(O1, NULL, NULL, false, 0)                                                                                    \
	X(O2, NULL, NULL, false, 0)                                                                                    \
	X(O3, NULL, NULL, false, 0)                                                                                    \
	X(O4, NULL, NULL, false, 0)                                                                                    \
	X(O5, NULL, NULL, false, 0)                                                                                    \
	X(O6, NULL, NULL, false, 0)                                                                                    \
	X(W1, NULL, NULL, true, UINT16_MAX)                                                                            \
	X(W2, NULL, NULL, true, UINT16_MAX)                                                                            \
	X(W3, NULL, NULL, true, UINT16_MAX)                                                                            \
	X(W4, NULL, NULL, true, UINT16_MAX)                                                                            \
	X(W5, NULL, NULL, true, UINT16_MAX)                                                                            \
	X(W6, NULL, NULL, true, UINT16_MAX)                                                                            \
	X(W, NULL, NULL, true, UINT16_MAX)                                                                             \
	X(O, NULL, NULL, false, 0)                                                                                     \
	X(CC, "S|Y|N|O", NULL, false, 0)                                                                               \
	X(Q, NULL, "RU", false, 0)                                                                                     \
	X(S, "Z|A|A+|O", NULL, false, 0)                                                                               \
	X(A, "Z|S|S+|O", NULL, false, 0)                                                                               \
	X(F, NULL, "EUAPRSF", false, 0)                                                                                \
	X(RD, NULL, NULL, true, UINT32_MAX)                                                                            \
	X(IPL, NULL, NULL, true, UINT16_MAX)                                                                           \
	X(UN, NULL, NULL, true, UINT32_MAX)                                                                            \
	X(RIPL, "G", NULL, true, UINT16_MAX)                                                                           \
	X(RID, "G", NULL, true, UINT16_MAX)                                                                            \
	X(RIPCK, "G|Z|I", NULL, false, 0)                                                                              \
	X(RUCK, "G", NULL, true, UINT16_MAX)                                                                           \
	X(RUD, "G|I", NULL, false, 0)                                                                                  \
	X(DFI, "N|S|Y|O", NULL, false, 0)                                                                              \
	X(CD, "Z|S|O", NULL, true, 0xFF)

enum osdb_attribute {
#define X(name, words, letters, number, max) OSDB_##name,
	OSDB_ATTRIBUTE_LIST(X)
#undef X
	    OSDB_ATTRIBUTES
};

struct osdb_fingerprint {
	size_t line; /* of its name */
	char name[OSDB_NAME_MAX]; /* octets as in the file, no NUL among them */
	char classes[OSDB_CLASSES_MAX][OSDB_CLASS_MAX]; /* "Vendor | family | generation | type" */
	size_t class_count;
	bool seen[OSDB_TESTS]; /* the test has a line */
	struct expression value[OSDB_TESTS][OSDB_ATTRIBUTES];
	size_t used;
	char text[OSDB_TESTS * OSDB_LINE_MAX]; /* what the expressions borrow */
};

/* Called back; what they are given lives for the call. */
struct osdb_sink {
	void (*fingerprint)(void *ctx, const struct osdb_fingerprint *f);
	void (*complaint)(void *ctx, size_t line, const char *what);
	void *ctx;
};

struct osdb;

struct osdb *osdb_new(const struct osdb_sink *sink);
void osdb_free(struct osdb **op);
void osdb_input(struct osdb *o, const void *data, size_t len);
/* The last line needs no newline, the last fingerprint no empty line. */
void osdb_end(struct osdb *o);

const char *osdb_test_name(enum osdb_test test);
const char *osdb_attribute_name(enum osdb_attribute attribute);

#endif
