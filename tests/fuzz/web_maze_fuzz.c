/* web_maze_fuzz - a page for any path: it fits, and has as many addresses of ours as it says. */
#include "base/str.h"
#include "webtrap/maze.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct site_key key = { "0123456789abcdef", 16 };
	static char page[MAZE_PAGE_MAX + 1];
	const struct addr decoy = addr_from_v4(0xcb00710c), visitor = addr_from_v4(0xc6336407);
	char path[2048], domains[512];
	struct maze m;
	size_t half = size / 2, len, mails = 0;

	str_copy_bytes(path, sizeof(path), data, half);
	str_copy_bytes(domains, sizeof(domains), data + half, size - half);
	maze_init(&m, &key, &decoy, domains, ".html", "/contact");
	if (path[0] != '\0')
		(void)maze_has(&m, path);
	len = maze_page(&m, path, &visitor, 28000000, page);
	assert(len < MAZE_PAGE_MAX && strlen(page) == len);
	for (const char *p = page; (p = strstr(p, "href=\"mailto:")) != NULL; p++)
		mails++;
	assert(mails >= MAZE_TRACED);
	return 0;
}
