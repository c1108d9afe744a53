/*
 * http_connect - the head of a request to an HTTP proxy (RFC 9112): CONNECT, or
 * another method with an absolute URI.  Header fields are not looked at.
 */
#ifndef PROXYTRAP_HTTP_CONNECT_H
#define PROXYTRAP_HTTP_CONNECT_H

#include "proxytrap/request.h"

enum { HTTP_HEAD_MAX = 16 * 1024 };

/*
 * *used gets the length of the head with its empty line, 0 while that isn't
 * there: a request line that is none is BAD before it, as is a head that does
 * not end within HTTP_HEAD_MAX.
 */
enum request_result http_connect_parse(const uint8_t *data, size_t len, struct request *out, size_t *used);

#endif
