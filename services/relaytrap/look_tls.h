/* look_tls - the TLS of the servers that we play: versions, ciphers, groups and habits, as nmap finds them. */
#ifndef RELAYTRAP_LOOK_TLS_H
#define RELAYTRAP_LOOK_TLS_H

#include <stddef.h>

struct look;
struct tls_policy;

/* Which of the policies a look has. */
size_t look_tls(const struct look *l);
/* All of them; NULL ends the list. */
const struct tls_policy *look_tls_at(size_t i);

#endif
