/* nginx as Debian 12 ships it, every answer measured on 1.22.1: it reads byte by byte, and forgives what Apache
 * refuses. */
#include "webtrap/look.h"

#define PAGE_MORE(status, heading, more)                                                                               \
	"<html>\r\n<head><title>" status "</title></head>\r\n<body>\r\n<center><h1>" heading "</h1></center>\r\n" more \
	"<hr><center>%s</center>\r\n</body>\r\n</html>\r\n"
#define PAGE(status) PAGE_MORE(status, status, "")

const struct look look_nginx = {
	.name = "nginx",
	.servers = { "nginx/1.22.1", "nginx/1.18.0", "nginx/1.24.0", "nginx/1.26.3" },
	.order = { LOOK_SERVER, LOOK_DATE, LOOK_CONTENT_TYPE, LOOK_CONTENT_LENGTH, LOOK_LAST_MODIFIED, LOOK_LOCATION,
	    LOOK_CONNECTION, LOOK_ETAG, LOOK_ACCEPT_RANGES },
	.rules = { .lf_alone = true, .upper_methods = true, .at_once = true, .loose_fields = true, .loose_spaces = true },
	.etag = LOOK_ETAG_NGINX,
	.error_type = "text/html",
	.form_type = "text/html; charset=utf-8",
	.suffix = ".html",
	.form_path = "/contact",
	.keep_word = "keep-alive",
	.keep_max = 1000,
	.nul_text = LOOK_BAD_REQUEST,
	.keep_always = true,
	.short_304 = true,
	.pages = {
		[LOOK_BAD_REQUEST] = { 400, "Bad Request", PAGE("400 Bad Request"), true },
		[LOOK_LONG_FIELD] = { 400, "Bad Request",
		    PAGE_MORE("400 Request Header Or Cookie Too Large", "400 Bad Request",
			"<center>Request Header Or Cookie Too Large</center>\r\n"), true },
		[LOOK_LONG_LINE] = { 414, "Request-URI Too Large", PAGE("414 Request-URI Too Large"), true },
		[LOOK_LATE] = { 0, NULL, NULL, true },
		[LOOK_BAD_CODING] = { 501, "Not Implemented", PAGE("501 Not Implemented"), true },
		[LOOK_BAD_VERSION] = { 505, "HTTP Version Not Supported", PAGE("505 HTTP Version Not Supported"), true },
		[LOOK_MOVED] = { 301, "Moved Permanently", PAGE("301 Moved Permanently"), false },
		[LOOK_FORBIDDEN] = { 403, "Forbidden", PAGE("403 Forbidden"), false },
		[LOOK_MISSING] = { 404, "Not Found", PAGE("404 Not Found"), false },
		[LOOK_NOT_ALLOWED] = { 405, "Not Allowed", PAGE("405 Not Allowed"), false },
		[LOOK_NOT_IMPLEMENTED] = { 501, "Not Implemented", PAGE("501 Not Implemented"), true },
	},
	.methods = {
		{ "TRACE", LOOK_NOT_ALLOWED, NULL, true },
		{ NULL, LOOK_NOT_ALLOWED, NULL, false },
	},
};
