#include "base/mem.h"

#include "base/log.h"

#include <stdlib.h>
#include <string.h>

static void *
checked(void *p)
{
	if (p == NULL)
		log_fatal("msg=\"out of memory\"");
	return p;
}

void *
xcalloc(size_t count, size_t size)
{
	return checked(calloc(count == 0 ? 1 : count, size == 0 ? 1 : size));
}

void *
xrealloc(void *p, size_t size)
{
	return checked(realloc(p, size == 0 ? 1 : size));
}

char *
xstrdup(const char *s)
{
	return checked(strdup(s));
}

void *
xmemdup(const void *p, size_t len)
{
	void *copy = xcalloc(1, len);

	memcpy(copy, p, len);
	return copy;
}
