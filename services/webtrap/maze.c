#include "webtrap/maze.h"

#include "base/str.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum {
	PARAGRAPHS = 4,
	SENTENCES = 4,
	LINKS = 12,
	DOMAINS_MAX = 16,
};

static const char *const words[] = { "river", "market", "garden", "winter", "letter", "bridge", "summer", "record",
	"village", "member", "history", "season", "travel", "music", "harbor", "valley", "project", "report", "forest",
	"school", "window", "paper", "island", "street", "family", "museum", "castle", "guide", "office", "studio",
	"kitchen", "railway" };
static const char *const verbs[] = { "shows", "follows", "describes", "collects", "offers", "explains", "remembers",
	"joins", "covers", "presents", "compares", "keeps", "lists", "continues", "records", "opens" };
static const char *const adjectives[] = { "old", "quiet", "northern", "recent", "small", "famous", "local", "open",
	"early", "annual", "complete", "modern", "common", "green", "wide", "public" };
static const char *const first_names[] = { "anna", "peter", "maria", "thomas", "julia", "martin", "laura", "stefan",
	"nina", "robert", "helen", "victor", "clara", "simon", "emma", "paul" };
static const char *const last_names[] = { "berger", "novak", "larsen", "moreau", "rossi", "keller", "hughes", "santos",
	"weber", "jansen", "fischer", "lindqvist", "okafor", "tanaka", "costa", "meyer" };

/* A stream of choices from a page's own hash: splitmix64, no memory, the same everywhere. */
struct dice {
	uint64_t state;
};

static uint32_t
roll(struct dice *d, uint32_t sides)
{
	uint64_t z = d->state += 0x9e3779b97f4a7c15;

	z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9;
	z = (z ^ z >> 27) * 0x94d049bb133111eb;
	return (uint32_t)((z ^ z >> 31) >> 32) % sides;
}

#define PICK(d, list) (list)[roll(d, (uint32_t)(sizeof(list) / sizeof((list)[0])))]

static struct dice
dice_for(const struct maze *m, const char *path)
{
	uint8_t hash[IDENTITY_BYTES], seed[IDENTITY_BYTES + 16];
	struct dice d = { 0 };

	identity_derive(m->key, &m->decoy, "maze", seed);
	memcpy(seed + IDENTITY_BYTES, m->decoy.b, 16);
	identity_derive_bytes(m->key, path, strlen(path), "maze path", hash);
	for (unsigned i = 0; i < 8; i++)
		d.state = d.state << 8 | (uint64_t)(hash[i] ^ seed[i]);
	return d;
}

struct page {
	char *at;
	size_t used;
};

__attribute__((format(printf, 2, 3))) static void
add(struct page *p, const char *format, ...)
{
	size_t room = MAZE_PAGE_MAX - p->used;
	va_list args;

	va_start(args, format);
	int n = vsnprintf(p->at + p->used, room, format, args);
	va_end(args);
	if (n > 0)
		p->used += (size_t)n < room ? (size_t)n : room - 1;
}

static void
add_sentence(struct page *p, struct dice *d)
{
	const char *a = PICK(d, adjectives), *b = PICK(d, words), *c = PICK(d, adjectives), *e = PICK(d, words),
		   *verb = PICK(d, verbs);

	switch (roll(d, 5)) {
	case 0:
		add(p, "The %s %s %s the %s %s. ", a, b, verb, c, e);
		break;
	case 1:
		add(p, "In the %s %s, a %s %s %s more. ", a, b, c, e, verb);
		break;
	case 2:
		add(p, "Every %s %s %s a %s %s of %u. ", a, b, verb, c, e, (unsigned)roll(d, 60) + 1950);
		break;
	case 3:
		add(p, "Our %s %s %s what the %s %s began. ", a, b, verb, c, e);
		break;
	default:
		add(p, "There are %u kinds of %s %s; one %s the %s. ", (unsigned)roll(d, 30) + 2, a, b, verb, e);
		break;
	}
}

static void
add_paragraph(struct page *p, struct dice *d)
{
	unsigned sentences = 2 + roll(d, SENTENCES);

	add(p, "<p>");
	for (unsigned i = 0; i < sentences; i++)
		add_sentence(p, d);
	add(p, "</p>\n");
}

/* One of the comma-separated domains. */
static void
choose_domain(const struct maze *m, struct dice *d, char out[256])
{
	const char *starts[DOMAINS_MAX], *p = m->domains;
	uint32_t count = 0;

	while (count < DOMAINS_MAX && p != NULL) {
		p += strspn(p, ", ");
		if (*p == '\0')
			break;
		starts[count++] = p;
		p = strchr(p, ',');
	}
	if (count == 0) {
		str_copy(out, 256, "example.net");
		return;
	}
	const char *chosen = starts[roll(d, count)];

	str_copy_bytes(out, 256, chosen, strcspn(chosen, ", "));
}

static void
add_address(const struct maze *m, struct page *p, struct dice *d, const char *local)
{
	const char *first = PICK(d, first_names), *last = PICK(d, last_names);
	char domain[256];

	choose_domain(m, d, domain);
	if (local != NULL)
		add(p, "<li>%s %s: <a href=\"mailto:%s@%s\">%s@%s</a></li>\n", first, last, local, domain, local,
		    domain);
	else
		add(p, "<li>%s %s, %s.%s%u@%s</li>\n", first, last, first, last, (unsigned)roll(d, 90) + 10, domain);
}

static const char *
worded(const struct maze *m, const char *const wordings[4])
{
	return wordings[m->style % 4];
}

static void
add_addresses(const struct maze *m, struct page *p, struct dice *d, const char *path, const struct addr *visitor,
    uint32_t minutes)
{
	static const char *const headings[4] = { "Contact", "Members", "People", "Write to us" };
	uint32_t place = (uint32_t)dice_for(m, path).state;

	add(p, "<h2>%s</h2>\n<ul>\n", worded(m, headings));
	for (uint32_t i = 0; i < MAZE_TRACED; i++) {
		const struct token t = { *visitor, minutes, place + i };
		char local[TOKEN_TEXT_MAX];

		token_seal(m->key, &t, local);
		add_address(m, p, d, local);
	}
	for (uint32_t i = 0; i < MAZE_PLAIN; i++)
		add_address(m, p, d, NULL);
	add(p, "</ul>\n");
}

static void
add_links(const struct maze *m, struct page *p, struct dice *d)
{
	static const char *const headings[4] = { "More", "See also", "Related pages", "Further reading" };

	add(p, "<h2>%s</h2>\n<ul>\n", worded(m, headings));
	for (unsigned i = 0; i < LINKS; i++) {
		const char *folder = PICK(d, words), *name = PICK(d, words), *adjective = PICK(d, adjectives);
		unsigned number = roll(d, 90000) + 1000;

		add(p, "<li><a href=\"%s%s/%s-%u%s\">%s %s</a></li>\n", m->prefix, folder, name, number, m->suffix,
		    adjective, name);
	}
	add(p, "</ul>\n");
}

static void
add_head(const struct maze *m, struct page *p, const char *title, const char *heading)
{
	static const char *const starts[4] = {
		"<!DOCTYPE html>\n<html lang=\"en\">\n<head><meta charset=\"utf-8\"><title>",
		("<!DOCTYPE html>\n<html>\n<head>\n<meta http-equiv=\"Content-Type\" content=\"text/html; "
		 "charset=utf-8\">\n<title>"),
		"<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01 Transitional//EN\">\n<html><head><title>",
		"<html>\n<head>\n<title>",
	};

	add(p, "%s%s</title></head>\n<body>\n<h1>%s</h1>\n", worded(m, starts), title, heading);
}

static size_t
finish(struct page *p)
{
	add(p, "</body>\n</html>\n");
	return p->used;
}

size_t
maze_page(const struct maze *m, const char *path, const struct addr *visitor, uint32_t minutes, char out[MAZE_PAGE_MAX])
{
	struct dice d = dice_for(m, path);
	struct page p = { out, 0 };
	char heading[128], title[256];
	const char *adjective = PICK(&d, adjectives);
	unsigned paragraphs = 2 + roll(&d, PARAGRAPHS);

	snprintf(heading, sizeof(heading), "The %s %s", adjective, PICK(&d, words));
	snprintf(title, sizeof(title), "%s - %s", heading, m->title);
	add_head(m, &p, title, heading);
	for (unsigned i = 0; i < paragraphs; i++)
		add_paragraph(&p, &d);
	add_addresses(m, &p, &d, path, visitor, minutes);
	add_links(m, &p, &d);
	return finish(&p);
}

size_t
maze_front(const struct maze *m, char out[MAZE_PAGE_MAX])
{
	static const char *const about[4] = { "About us", "Who we are", "Our story", "About" };
	static const char *const contact[4] = { "Contact", "Send a message", "Write to us", "Feedback" };
	static const char *const archive[4] = { "Archive", "All pages", "Directory", "Index of pages" };
	struct dice d = dice_for(m, "/");
	struct page p = { out, 0 };

	add_head(m, &p, m->title, m->title);
	add_paragraph(&p, &d);
	add_paragraph(&p, &d);
	add(&p, "<ul>\n<li><a href=\"/about%s\">%s</a></li>\n", m->suffix, worded(m, about));
	add(&p, "<li><a href=\"%s\">%s</a></li>\n", m->form_path, worded(m, contact));
	add(&p, "<li><a href=\"%s\" rel=\"nofollow\">%s</a></li>\n</ul>\n", m->prefix, worded(m, archive));
	return finish(&p);
}

size_t
maze_about(const struct maze *m, char out[MAZE_PAGE_MAX])
{
	struct dice d = dice_for(m, "/about");
	struct page p = { out, 0 };

	add_head(m, &p, m->title, m->title);
	for (unsigned i = 0; i < PARAGRAPHS; i++)
		add_paragraph(&p, &d);
	add(&p, "<p><a href=\"/\">Home</a></p>\n");
	return finish(&p);
}

size_t
maze_form(const struct maze *m, char out[MAZE_PAGE_MAX])
{
	static const char *const fields[4] = { "message", "comment", "text", "body" };
	struct dice d = dice_for(m, m->form_path);
	struct page p = { out, 0 };

	add_head(m, &p, m->title, m->title);
	add_paragraph(&p, &d);
	add(&p,
	    "<form method=\"post\" action=\"%s\">\n<p>Name: <input name=\"name\"></p>\n<p>E-mail: <input "
	    "name=\"email\"></p>\n",
	    m->form_path);
	add(&p,
	    "<p><textarea name=\"%s\" rows=\"8\" cols=\"60\"></textarea></p>\n<p><input type=\"submit\" "
	    "value=\"Send\"></p>\n</form>\n",
	    worded(m, fields));
	return finish(&p);
}

size_t
maze_thanks(const struct maze *m, char out[MAZE_PAGE_MAX])
{
	static const char *const words_of_thanks[4] = { "Thank you. We have received your message.",
		"Your message was sent.", "Thanks for writing to us!", "Message received, thank you." };
	struct page p = { out, 0 };

	add_head(m, &p, m->title, m->title);
	add(&p, "<p>%s</p>\n<p><a href=\"/\">Home</a></p>\n", worded(m, words_of_thanks));
	return finish(&p);
}

size_t
maze_robots(const struct maze *m, char out[MAZE_PAGE_MAX])
{
	struct page p = { out, 0 };

	add(&p, "User-agent: *\nDisallow: %s\n", m->prefix);
	return p.used;
}

uint64_t
maze_changed_us(const struct maze *m, const char *path)
{
	struct dice d = dice_for(m, path);
	uint64_t seconds = 1600000000 + (uint64_t)roll(&d, 150000000);

	return seconds * 1000000 + roll(&d, 1000000);
}

bool
maze_inside(const struct maze *m, const char *path)
{
	return strncmp(path, m->prefix, strlen(m->prefix)) == 0;
}

/* Folders and files of our kind; a maze that also has /x.php or /wp-admin would be odd. */
bool
maze_has(const struct maze *m, const char *path)
{
	size_t len = strlen(path), tail = strlen(m->suffix);

	if (strspn(path, "abcdefghijklmnopqrstuvwxyz0123456789-./") != len)
		return false;
	return path[len - 1] == '/' || (len > tail && strcmp(path + len - tail, m->suffix) == 0);
}

void
maze_init(struct maze *m, const struct site_key *key, const struct addr *decoy, const char *domains, const char *suffix,
    const char *form_path)
{
	static const char *const parts[] = { "archive", "directory", "members", "contacts", "people", "staff", "lists",
		"network" };
	static const char *const kinds[] = { "Society", "Club", "Association", "Museum", "Library", "Studio",
		"Institute", "Council" };

	memset(m, 0, sizeof(*m));
	m->key = key;
	m->decoy = *decoy;
	m->domains = domains;
	m->suffix = suffix;
	m->form_path = form_path;
	struct dice d = dice_for(m, "site");
	const char *part = PICK(&d, parts);
	unsigned letter = roll(&d, 26), number = roll(&d, 99) + 1;
	const char *quality = PICK(&d, adjectives), *place = PICK(&d, words), *kind = PICK(&d, kinds);

	snprintf(m->prefix, sizeof(m->prefix), "/%s-%c%u/", part, (char)('a' + letter), number);
	snprintf(m->title, sizeof(m->title), "The %c%s %c%s %s", quality[0] - 'a' + 'A', quality + 1,
	    place[0] - 'a' + 'A', place + 1, kind);
	m->style = roll(&d, 1024);
}
