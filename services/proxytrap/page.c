#include "proxytrap/page.h"

#include <ctype.h>
#include <stdio.h>

static const char *const kinds[] = { "archive", "catalogue", "journal", "gallery", "library", "notebook", "review",
	"workshop" };
static const char *const topics[] = { "maps", "gardens", "radios", "bridges", "recipes", "clocks", "kites", "ferries",
	"orchards", "stamps", "looms", "lighthouses", "bicycles", "murals", "wells", "trams" };
static const char *const months[] = { "January", "February", "March", "April", "May", "June", "July", "August",
	"September", "October", "November", "December" };

/* FNV-1a; names of hosts know no case. */
static uint64_t
mix(uint64_t hash, const char *text)
{
	for (; *text != '\0'; text++)
		hash = (hash ^ (uint64_t)tolower((unsigned char)*text)) * 0x100000001b3;
	return hash ^ hash >> 29;
}

const char *
page_format(const char *host, const char *path, uint64_t secret, char out[PAGE_MAX])
{
	uint64_t site = mix(0xcbf29ce484222325 ^ secret, host), hash = mix(site, path);
	const char *kind = kinds[site % 8], *topic = topics[site >> 8 & 15];

	snprintf(out, PAGE_MAX,
	    "<html>\n<head><title>%s: %s of %s</title></head>\n<body>\n<h1>%s</h1>\n"
	    "<p>Welcome to the %s of %s and %s at %s.</p>\n"
	    "<p>Item %llu, added in %s %u. <a href=\"/%s/%llu.html\">Next</a></p>\n</body>\n</html>\n",
	    host, kind, topic, host, kind, topic, topics[hash >> 12 & 15], host,
	    (unsigned long long)(hash >> 20 & 0xffff), months[(hash >> 40) % 12], (unsigned)(1998 + (hash >> 48) % 26),
	    topic, (unsigned long long)(hash >> 24 & 0xffff));
	return out;
}
