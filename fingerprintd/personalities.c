#include "fingerprintd/personalities.h"

#include "base/mem.h"
#include "base/str.h"

#include <cjson/cJSON.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILE_PATH_MAX = 4096, DIRS_MAX = 8, SUFFIX_LEN = 5 };

struct personalities {
	char *dirs[DIRS_MAX];
	size_t dir_count;
	struct personality **list;
	size_t count;
};

static bool
add_dir(struct personalities *p, const char *dir, struct json_error *error)
{
	DIR *d = opendir(dir);

	if (d == NULL) {
		snprintf(error->text, sizeof(error->text), "%.180s can't be opened: %m", dir);
		return false;
	}
	closedir(d);
	if (p->dir_count == DIRS_MAX) {
		snprintf(error->text, sizeof(error->text), "%.180s is one directory too many: %d are read", dir,
		    (int)DIRS_MAX);
		return false;
	}
	p->dirs[p->dir_count++] = xstrdup(dir);
	return true;
}

struct personalities *
personalities_open(const char *dirs, struct json_error *error)
{
	struct personalities *p = xcalloc(1, sizeof(*p));
	char *copy = xstrdup(dirs), *save = NULL;
	bool good = true;

	for (char *dir = strtok_r(copy, ",", &save); good && dir != NULL; dir = strtok_r(NULL, ",", &save))
		good = add_dir(p, dir, error);
	free(copy);
	if (good && p->dir_count == 0) {
		snprintf(error->text, sizeof(error->text), "personalities.dir names no directory");
		good = false;
	}
	if (!good)
		personalities_free(&p);
	return p;
}

void
personalities_free(struct personalities **pp)
{
	struct personalities *p = *pp;

	if (p == NULL)
		return;
	for (size_t i = 0; i < p->count; i++)
		free(p->list[i]);
	for (size_t i = 0; i < p->dir_count; i++)
		free(p->dirs[i]);
	free(p->list);
	free(p);
	*pp = NULL;
}

/* ---- names that are like one ---- */

struct nearest {
	char name[PERSONALITY_NAME_MAX];
	unsigned distance;
};

/* Edit distance (Wagner, Fischer 1974) of two names. */
static unsigned
edits(const char *a, const char *b)
{
	unsigned row[PERSONALITY_NAME_MAX + 1];
	size_t len = strlen(b);

	for (unsigned j = 0; j <= len; j++)
		row[j] = j;
	for (unsigned i = 1; a[i - 1] != '\0'; i++) {
		unsigned diagonal = row[0];

		row[0] = i;
		for (size_t j = 1; j <= len; j++) {
			unsigned change = diagonal + (a[i - 1] != b[j - 1]), least = change;

			diagonal = row[j];
			if (row[j] + 1 < least)
				least = row[j] + 1;
			if (row[j - 1] + 1 < least)
				least = row[j - 1] + 1;
			row[j] = least;
		}
	}
	return row[len];
}

static void
offer(struct nearest best[PERSONALITIES_NEAREST], const char *name, unsigned distance)
{
	size_t at = PERSONALITIES_NEAREST;

	for (size_t i = 0; i < PERSONALITIES_NEAREST; i++) {
		if (strcmp(best[i].name, name) == 0)
			return;
	}
	while (at > 0 &&
	    (distance < best[at - 1].distance ||
		(distance == best[at - 1].distance && strcmp(name, best[at - 1].name) < 0)))
		at--;
	if (at == PERSONALITIES_NEAREST)
		return;
	memmove(&best[at + 1], &best[at], (PERSONALITIES_NEAREST - 1 - at) * sizeof(*best));
	str_copy(best[at].name, sizeof(best[at].name), name);
	best[at].distance = distance;
}

static void
search_dir(const char *dir, const char *wanted, struct nearest best[PERSONALITIES_NEAREST])
{
	DIR *d = opendir(dir);
	const struct dirent *entry;

	while (d != NULL && (entry = readdir(d)) != NULL) {
		size_t len = strlen(entry->d_name);
		char name[PERSONALITY_NAME_MAX];

		if (len > SUFFIX_LEN && len - SUFFIX_LEN < sizeof(name) &&
		    strcmp(entry->d_name + len - SUFFIX_LEN, ".json") == 0) {
			str_copy_bytes(name, sizeof(name), entry->d_name, len - SUFFIX_LEN);
			offer(best, name, edits(wanted, name));
		}
	}
	if (d != NULL)
		closedir(d);
}

static void
say_nearest(const struct personalities *p, const char *wanted, struct json_error *error)
{
	struct nearest best[PERSONALITIES_NEAREST];

	for (size_t i = 0; i < PERSONALITIES_NEAREST; i++)
		best[i] = (struct nearest){ "", UINT32_MAX };
	for (size_t i = 0; i < p->dir_count; i++)
		search_dir(p->dirs[i], wanted, best);
	size_t len = (size_t)snprintf(error->text, sizeof(error->text),
	    "\"%.64s\" is no personality in personalities.dir", wanted);

	for (size_t i = 0; i < PERSONALITIES_NEAREST && best[i].name[0] != '\0' && len < sizeof(error->text); i++)
		len += (size_t)snprintf(error->text + len, sizeof(error->text) - len, "%s %s",
		    i == 0 ? "; the nearest names are" : ",", best[i].name);
}

/* ---- files ---- */

static bool
name_sane(const char *name)
{
	size_t len = strlen(name);

	return len > 0 && len < PERSONALITY_NAME_MAX && name[0] != '.' &&
	    name[strspn(name, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] == '\0';
}

static bool
find_file(const struct personalities *p, const char *name, char path[FILE_PATH_MAX])
{
	for (size_t i = 0; name_sane(name) && i < p->dir_count; i++) {
		int len = snprintf(path, FILE_PATH_MAX, "%s/%s.json", p->dirs[i], name);

		if (len < FILE_PATH_MAX && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

static struct personality *
load(const char *path, const char *name, struct json_error *error)
{
	struct personality *out = xcalloc(1, sizeof(*out));
	size_t len;
	char *text = json_file_read(path, &len, error);
	bool good = text != NULL && personality_parse(path, text, len, out, error);

	free(text);
	if (good && strcmp(out->name, name) != 0) {
		snprintf(error->text, sizeof(error->text), "%.180s: $.name is \"%s\" but must be the file's name", path,
		    out->name);
		good = false;
	}
	if (good)
		return out;
	free(out);
	return NULL;
}

const struct personality *
personalities_get(struct personalities *p, const char *name, struct json_error *error)
{
	char path[FILE_PATH_MAX];

	for (size_t i = 0; i < p->count; i++) {
		if (strcmp(p->list[i]->name, name) == 0)
			return p->list[i];
	}
	if (!find_file(p, name, path)) {
		say_nearest(p, name, error);
		return NULL;
	}
	struct personality *x = load(path, name, error);

	if (x == NULL)
		return NULL;
	p->list = xrealloc(p->list, (p->count + 1) * sizeof(*p->list));
	p->list[p->count++] = x;
	return x;
}

size_t
personalities_count(const struct personalities *p)
{
	return p->count;
}
