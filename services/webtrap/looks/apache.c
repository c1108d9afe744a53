/*
 * Apache 2.4 as Debian 12 and its kin ship it, every answer measured on
 * 2.4.71: order of headers, which errors close, the empty Allow of TRACE.
 */
#include "webtrap/look.h"

#define PAGE(title, heading, text)                                                                                     \
	"<!DOCTYPE HTML PUBLIC \"-//W3C//DTD HTML 4.01//EN\" \"http://www.w3.org/TR/html4/strict.dtd\">\n"             \
	"<html><head>\n<title>" title "</title>\n</head><body>\n<h1>" heading "</h1>\n" text                           \
	"<hr>\n<address>%s Server at %h Port %p</address>\n</body></html>\n"

#define BAD(more)                                                                                                      \
	PAGE("400 Bad Request", "Bad Request",                                                                         \
	    "<p>Your browser sent a request that this server could not understand.<br />\n" more "</p>\n")

#define ALLOW "POST,OPTIONS,HEAD,GET"

const struct look look_apache = {
	.name = "apache",
	.servers = { "Apache/2.4.71 (Debian)", "Apache/2.4.62 (Debian)", "Apache/2.4.58 (Ubuntu)", "Apache/2.4.52 (Ubuntu)" },
	.order = { LOOK_DATE, LOOK_SERVER, LOOK_LOCATION, LOOK_ALLOW, LOOK_LAST_MODIFIED, LOOK_ETAG, LOOK_ACCEPT_RANGES,
	    LOOK_CONTENT_LENGTH, LOOK_KEEP_ALIVE, LOOK_CONNECTION, LOOK_CONTENT_TYPE },
	.rules = { .any_version = true, .other_targets = true },
	.etag = LOOK_ETAG_APACHE,
	.error_type = "text/html; charset=iso-8859-1",
	.form_type = "text/html; charset=UTF-8",
	.suffix = ".html",
	.form_path = "/contact.php",
	.keep_word = "Keep-Alive",
	.keep_max = 100,
	.nul_text = LOOK_MISSING,
	.keep_alive_field = true,
	.post_to_pages = true,
	.short_head = true,
	.port_of_host = true,
	.pages = {
		[LOOK_BAD_REQUEST] = { 400, "Bad Request", BAD(""), true },
		[LOOK_LONG_FIELD] = { 400, "Bad Request", BAD("Size of a request header field exceeds server limit."), true },
		[LOOK_LONG_LINE] = { 414, "Request-URI Too Long",
		    PAGE("414 Request-URI Too Long", "Request-URI Too Long",
			"<p>The requested URL's length exceeds the capacity\nlimit for this server.<br />\n</p>\n"), true },
		[LOOK_LATE] = { 408, "Request Timeout",
		    PAGE("408 Request Timeout", "Request Timeout",
			"<p>Server timeout waiting for the HTTP request from the client.</p>\n"), true },
		[LOOK_BAD_CODING] = { 400, "Bad Request", BAD(""), true },
		[LOOK_BAD_VERSION] = { 400, "Bad Request", BAD(""), true },
		[LOOK_MOVED] = { 301, "Moved Permanently",
		    PAGE("301 Moved Permanently", "Moved Permanently", "<p>The document has moved <a href=\"%l\">here</a>.</p>\n"), false },
		[LOOK_FORBIDDEN] = { 403, "Forbidden",
		    PAGE("403 Forbidden", "Forbidden", "<p>You don't have permission to access this resource.</p>\n"), false },
		[LOOK_MISSING] = { 404, "Not Found",
		    PAGE("404 Not Found", "Not Found", "<p>The requested URL was not found on this server.</p>\n"), false },
		[LOOK_NOT_ALLOWED] = { 405, "Method Not Allowed",
		    PAGE("405 Method Not Allowed", "Method Not Allowed",
			"<p>The requested method %m is not allowed for this URL.</p>\n"), false },
		[LOOK_NOT_IMPLEMENTED] = { 501, "Not Implemented",
		    PAGE("501 Not Implemented", "Not Implemented", "<p>%m not supported for current URL.<br />\n</p>\n"), true },
	},
	.methods = {
		{ "PUT", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "DELETE", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "PATCH", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "TRACE", LOOK_NOT_ALLOWED, "", false },
		{ "CONNECT", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "PROPFIND", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "PROPPATCH", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "MKCOL", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "COPY", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "MOVE", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "LOCK", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "UNLOCK", LOOK_NOT_ALLOWED, ALLOW, false },
		{ NULL, LOOK_NOT_IMPLEMENTED, ALLOW, true },
	},
	.options = { { "Allow", ALLOW } },
};
