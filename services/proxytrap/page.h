/*
 * page - what a client finds at a web address that it fetches through the
 * proxy.  A pure function of host, path and secret, and never the same for two
 * hosts: a checker that fetches two would know.  Nothing of the path is shown.
 */
#ifndef PROXYTRAP_PAGE_H
#define PROXYTRAP_PAGE_H

#include <stddef.h>
#include <stdint.h>

enum { PAGE_MAX = 1536 };

/* host has been validated. Returns out. */
const char *page_format(const char *host, const char *path, uint64_t secret, char out[PAGE_MAX]);

#endif
