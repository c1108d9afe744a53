/*
 * tokens - who may ask: the bearer tokens (RFC 6750) of the two roles, read
 * from files and read again when a file changes.  Only digests are compared,
 * in constant time.  Safe from any thread.
 */
#ifndef API_TOKENS_H
#define API_TOKENS_H

#include <stdbool.h>
#include <stddef.h>

struct tokens;

enum role { ROLE_NONE, ROLE_READ, ROLE_OPERATOR }; /* each may do what the ones before may */
enum { TOKEN_MIN = 16, TOKEN_MAX = 512 }; /* characters */

/* operator_path may be "". NULL with a sentence in error. */
struct tokens *tokens_new(const char *read_path, const char *operator_path, char *error, size_t error_size);
void tokens_free(struct tokens **tp);
/* Reads the files that changed; a bad file leaves the old token and says so in the log, once a change. */
void tokens_reload(struct tokens *t);
/* authorization: the header's value, or NULL. */
enum role tokens_role(struct tokens *t, const char *authorization);

#endif
