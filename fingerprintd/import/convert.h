/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * convert - a fingerprint of nmap's turned into a personality, the format of
 * fingerprintd/personalities/README.md.  Pure.  Where the database accepts
 * several values, those that an ordinary client's connection would show and
 * that agree with each other are taken.
 */
#ifndef IMPORT_CONVERT_H
#define IMPORT_CONVERT_H

#include "fingerprintd/import/osdb.h"

struct cJSON;

/* The whole document; name is its file's.  The caller owns it. */
struct cJSON *convert_fingerprint(const struct osdb_fingerprint *f, const char *name);
/* Its key "tcp"; in convert_tcp.c. */
struct cJSON *convert_tcp(const struct osdb_fingerprint *f);

#endif
