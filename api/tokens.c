#include "api/tokens.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/str.h"
#include "wire/identity.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

struct token_file {
	char *path;
	enum role role;
	uint8_t digest[SHA256_BYTES];
	bool known;
	struct stat seen; /* the file as it was when we last read it */
};

struct tokens {
	pthread_mutex_t lock;
	struct token_file files[2];
};

static void
digest_of(const char *token, uint8_t out[SHA256_BYTES])
{
	struct sha256 *s = sha256_new();

	sha256_add(s, token, strlen(token));
	sha256_finish(&s, out);
}

static bool
read_token(const char *path, uint8_t digest[SHA256_BYTES], char *error, size_t error_size)
{
	char line[TOKEN_MAX + 3];
	FILE *f = fopen(path, "re");
	bool good = f != NULL && fgets(line, sizeof(line), f) != NULL;

	if (f != NULL)
		fclose(f);
	if (good) {
		line[strcspn(line, "\r\n")] = '\0';
		good = strlen(line) >= TOKEN_MIN && strlen(line) <= TOKEN_MAX && strchr(line, ' ') == NULL;
		digest_of(line, digest);
		explicit_bzero(line, sizeof(line));
	}
	if (!good)
		snprintf(error, error_size, "%s must be a file with one token of %d to %d characters without spaces",
		    path, (int)TOKEN_MIN, (int)TOKEN_MAX);
	return good;
}

static bool
same_file(const struct stat *a, const struct stat *b)
{
	return a->st_ino == b->st_ino && a->st_size == b->st_size && a->st_mtim.tv_sec == b->st_mtim.tv_sec &&
	    a->st_mtim.tv_nsec == b->st_mtim.tv_nsec;
}

/* False: it changed and can't be used. */
static bool
refresh(struct token_file *f, char *error, size_t error_size)
{
	struct stat now = { 0 };
	uint8_t digest[SHA256_BYTES];

	if (f->path[0] == '\0')
		return true;
	if (stat(f->path, &now) != 0)
		memset(&now, 0, sizeof(now));
	if (f->known && same_file(&now, &f->seen))
		return true; /* good, or still as bad as when we said so */
	f->seen = now;
	if (!read_token(f->path, digest, error, error_size))
		return false;
	memcpy(f->digest, digest, sizeof(digest));
	f->known = true;
	return true;
}

struct tokens *
tokens_new(const char *read_path, const char *operator_path, char *error, size_t error_size)
{
	struct tokens *t = xcalloc(1, sizeof(*t));

	pthread_mutex_init(&t->lock, NULL);
	t->files[0] = (struct token_file){ .path = xstrdup(read_path), .role = ROLE_READ };
	t->files[1] = (struct token_file){ .path = xstrdup(operator_path), .role = ROLE_OPERATOR };
	for (size_t i = 0; i < 2; i++) {
		if (!refresh(&t->files[i], error, error_size)) {
			tokens_free(&t);
			return NULL;
		}
	}
	return t;
}

void
tokens_free(struct tokens **tp)
{
	struct tokens *t = *tp;

	if (t == NULL)
		return;
	free(t->files[0].path);
	free(t->files[1].path);
	pthread_mutex_destroy(&t->lock);
	free(t);
	*tp = NULL;
}

void
tokens_reload(struct tokens *t)
{
	char error[512];

	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < 2; i++) {
		if (!refresh(&t->files[i], error, sizeof(error)))
			log_warn("msg=\"%s\" kept=\"the old token\"", error);
	}
	pthread_mutex_unlock(&t->lock);
}

static bool
equal_constant_time(const uint8_t *a, const uint8_t *b, size_t len)
{
	uint8_t differ = 0;

	for (size_t i = 0; i < len; i++)
		differ |= a[i] ^ b[i];
	return differ == 0;
}

enum role
tokens_role(struct tokens *t, const char *authorization)
{
	uint8_t digest[SHA256_BYTES];
	enum role role = ROLE_NONE;

	if (authorization == NULL || !str_starts_nocase(authorization, "Bearer "))
		return ROLE_NONE;
	authorization += strlen("Bearer ");
	digest_of(authorization + strspn(authorization, " "), digest);
	pthread_mutex_lock(&t->lock);
	for (size_t i = 0; i < 2; i++) {
		if (t->files[i].known && equal_constant_time(digest, t->files[i].digest, sizeof(digest)))
			role = t->files[i].role;
	}
	pthread_mutex_unlock(&t->lock);
	return role;
}
