/* http_connect - the head of a request to an HTTP proxy (RFC 9112 3.2): CONNECT, or GET and others with an absolute URI. */
#ifndef PROXYTRAP_HTTP_CONNECT_H
#define PROXYTRAP_HTTP_CONNECT_H

#include "proxytrap/request.h"

enum { HTTP_HEAD_MAX = 16 * 1024 };

/*
 * OK: a request with a target; BAD: no HTTP, or no absolute target (the look
 * has an error page for it). used counts the whole head, up to the empty line.
 */
enum request_result http_connect_parse(const uint8_t *data, size_t len, struct request *out, size_t *used);

#endif
