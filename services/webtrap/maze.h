/*
 * maze - a small harmless site and, behind what its robots.txt forbids, endless
 * pages: a pure function of (site key, decoy, path), so the same path gives the
 * same page on every replica and every visit, and two decoys share none.  Only
 * the traced addresses differ: they carry who took them, when and where.
 */
#ifndef WEBTRAP_MAZE_H
#define WEBTRAP_MAZE_H

#include "wire/identity.h"
#include "wire/token.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	MAZE_PAGE_MAX = 24 * 1024,
	MAZE_PREFIX_MAX = 48,
	MAZE_TITLE_MAX = 96,
	MAZE_TRACED = 4, /* addresses on a page that tell us who took them */
	MAZE_PLAIN = 3, /* and addresses of nobody */
};

struct maze {
	const struct site_key *key;
	struct addr decoy;
	const char *domains; /* where poisoned addresses live: names separated by commas */
	const char *suffix; /* of file names: ".html" */
	const char *form_path; /* "/contact.php" */
	char prefix[MAZE_PREFIX_MAX]; /* "/archive-k3/": robots.txt forbids it */
	char title[MAZE_TITLE_MAX]; /* of the decoy's site */
	unsigned style; /* which of the wordings and shapes */
};

/* Borrows everything. */
void maze_init(struct maze *m, const struct site_key *key, const struct addr *decoy, const char *domains,
    const char *suffix, const char *form_path);
/* Is the path inside the forbidden part? */
bool maze_inside(const struct maze *m, const char *path);
/* Is there a page at this path? Only for paths inside. */
bool maze_has(const struct maze *m, const char *path);
/* The page at a path inside the maze, with addresses that carry the visitor; returns its length. */
size_t maze_page(const struct maze *m, const char *path, const struct addr *visitor, uint32_t minutes,
    char out[MAZE_PAGE_MAX]);

/* The harmless part: no poisoned address, and one link into the maze, which an obedient robot won't follow. */
size_t maze_front(const struct maze *m, char out[MAZE_PAGE_MAX]);
size_t maze_about(const struct maze *m, char out[MAZE_PAGE_MAX]);
size_t maze_form(const struct maze *m, char out[MAZE_PAGE_MAX]);
size_t maze_thanks(const struct maze *m, char out[MAZE_PAGE_MAX]);
size_t maze_robots(const struct maze *m, char out[MAZE_PAGE_MAX]);

/* Microseconds since 1970 at which a page pretends to have been changed: stable for a path. */
uint64_t maze_changed_us(const struct maze *m, const char *path);

#endif
