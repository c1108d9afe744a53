/*
 * Squid 5.7 as Debian 12 ships it, open to everybody (measured).  Error pages
 * carry its headers in its order and its marks; their prose is ours.  A target
 * that is not ours to reach "refuses the connection": an open proxy that let
 * port 25 through and forbade 443 would be odd.
 */
#include "proxytrap/look.h"

/* Headers of all error pages; answers to CONNECT have no more than these. */
#define ERROR(status, code)                                                                                            \
	"HTTP/1.1 " status "\r\nServer: squid/5.7\r\nMime-Version: 1.0\r\nDate: %d\r\n"                                \
	"Content-Type: text/html;charset=utf-8\r\nContent-Length: %n\r\nX-Squid-Error: " code "\r\n"                   \
	"Vary: Accept-Language\r\nContent-Language: en\r\n"

#define CACHE(lookup)                                                                                                  \
	"X-Cache: MISS from %h\r\nX-Cache-Lookup: " lookup " from %h:%p\r\nVia: 1.1 %h (squid/5.7)\r\n"                \
	"Connection: close\r\n"

#define BODY(code, url, title, text)                                                                                   \
	"<!DOCTYPE html PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n"             \
	"<html><head>\n<title>ERROR: The requested URL could not be retrieved</title>\n"                               \
	"</head><body id=\"" code "\">\n<h1>ERROR</h1>\n<h2>The requested URL could not be retrieved</h2>\n"           \
	"<hr>\n<p>URL: <a href=\"" url "\">" url "</a></p>\n<p><b>" title "</b></p>\n<p>" text "</p>\n"                \
	"<hr>\n<p>Generated %d by %h (squid/5.7)</p>\n<!-- " code " -->\n</body></html>\n"

#define CONNECT_FAIL(url)                                                                                              \
	BODY("ERR_CONNECT_FAIL", url, "Connection to %t failed.",                                                      \
	    "The system returned: <i>(111) Connection refused</i>")

const struct look_http look_squid = {
	.pages = {
		[LOOK_CONNECTED] = { "HTTP/1.1 200 Connection established\r\n\r\n", NULL },
		[LOOK_CONNECT_REFUSED] = {
			ERROR("503 Service Unavailable", "ERR_CONNECT_FAIL 111") "\r\n",
			CONNECT_FAIL("%t"),
		},
		[LOOK_GET_REFUSED] = {
			ERROR("503 Service Unavailable", "ERR_CONNECT_FAIL 111") CACHE("MISS") "\r\n",
			CONNECT_FAIL("http://%t/"),
		},
		[LOOK_BAD_REQUEST] = {
			ERROR("400 Bad Request", "ERR_PROTOCOL_UNKNOWN 0") CACHE("NONE") "\r\n",
			BODY("ERR_PROTOCOL_UNKNOWN", "error:invalid-request", "Unsupported Protocol",
			    "This access protocol is not supported."),
		},
		[LOOK_NO_TARGET] = {
			ERROR("400 Bad Request", "ERR_INVALID_URL 0") CACHE("NONE") "\r\n",
			BODY("ERR_INVALID_URL", "/", "Invalid URL", "Some aspect of the requested URL is incorrect."),
		},
		[LOOK_FOUND] = {
			"HTTP/1.1 200 OK\r\nDate: %d\r\nServer: Apache\r\nContent-Type: text/html\r\n"
			"Content-Length: %n\r\n" CACHE("MISS") "\r\n",
			NULL,
		},
	},
};
