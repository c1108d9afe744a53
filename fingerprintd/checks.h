/* checks - is this machine fit to hold these decoys?  The kernel and the gateway must never both answer. */
#ifndef FINGERPRINTD_CHECKS_H
#define FINGERPRINTD_CHECKS_H

#include <stdbool.h>

struct decoys;

enum { CHECKS_ERROR_MAX = 640 };

/* False with a sentence: a decoy's address is assigned to an interface of this network namespace. */
bool checks_addresses(const struct decoys *d, char error[CHECKS_ERROR_MAX]);
/* Would the kernel forward decoys' packets that come in there (and answer some with ICMP of its own)? */
bool checks_forwards(const char *interface);

#endif
