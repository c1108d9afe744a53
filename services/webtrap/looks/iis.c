/*
 * IIS 5.0 of Windows 2000, from published transcripts (none could be run
 * here): Server before Date, system messages as error pages, DELETE forbidden,
 * any version of HTTP taken.
 */
#include "webtrap/look.h"

#define PAGE(text) "<html><head><title>Error</title></head><body>" text "</body></html>"

#define ALLOW "OPTIONS, TRACE, GET, HEAD"

const struct look look_iis = {
	.name = "iis",
	.servers = { "Microsoft-IIS/5.0" },
	.order = { LOOK_SERVER, LOOK_CONTENT_LOCATION, LOOK_DATE, LOOK_CONNECTION, LOOK_ALLOW, LOOK_LOCATION, LOOK_CONTENT_TYPE,
	    LOOK_ACCEPT_RANGES, LOOK_LAST_MODIFIED, LOOK_ETAG, LOOK_CONTENT_LENGTH },
	.rules = { .lf_alone = true, .loose_fields = true, .any_version = true, .other_targets = true },
	.etag = LOOK_ETAG_IIS,
	.error_type = "text/html",
	.form_type = "text/html",
	.suffix = ".htm",
	.form_path = "/contact.asp",
	.index_name = "Default.htm",
	.keep_word = "keep-alive",
	.nul_text = LOOK_MISSING,
	.short_304 = true,
	.port_of_host = true,
	.pages = {
		[LOOK_BAD_REQUEST] = { 400, "Bad Request", PAGE("The parameter is incorrect. "), true },
		[LOOK_LONG_FIELD] = { 400, "Bad Request", PAGE("The data is invalid. "), true },
		[LOOK_LONG_LINE] = { 414, "Request-URI Too Long", PAGE("The data area passed to a system call is too small. "), true },
		[LOOK_LATE] = { 0, NULL, NULL, true },
		[LOOK_BAD_CODING] = { 501, "Not Implemented", PAGE("The request is not supported. "), true },
		[LOOK_BAD_VERSION] = { 505, "HTTP Version Not Supported", PAGE("The request is not supported. "), true },
		[LOOK_MOVED] = { 301, "Moved Permanently",
		    "<head><title>Document Moved</title></head>\n<body><h1>Object Moved</h1>This document may be found "
		    "<a HREF=\"%l\">here</a></body>", false },
		[LOOK_FORBIDDEN] = { 403, "Forbidden", PAGE("Access is denied. "), false },
		[LOOK_MISSING] = { 404, "Object Not Found", PAGE("The system cannot find the file specified. "), false },
		[LOOK_NOT_ALLOWED] = { 405, "Method not allowed", PAGE("The parameter is incorrect. "), false },
		[LOOK_NOT_IMPLEMENTED] = { 501, "Not Implemented", PAGE("The request is not supported. "), true },
	},
	.methods = {
		{ "POST", LOOK_NOT_ALLOWED, ALLOW, false },
		{ "PUT", LOOK_FORBIDDEN, NULL, true },
		{ "DELETE", LOOK_FORBIDDEN, NULL, true },
		{ "CONNECT", LOOK_NOT_ALLOWED, ALLOW, false },
		{ NULL, LOOK_NOT_IMPLEMENTED, NULL, true },
	},
	.options = {
		{ "MS-Author-Via", "DAV" },
		{ "Accept-Ranges", "none" },
		{ "DASL", "<DAV:sql>" },
		{ "DAV", "1, 2" },
		{ "Public", "OPTIONS, TRACE, GET, HEAD, DELETE, PUT, POST, COPY, MOVE, MKCOL, PROPFIND, PROPPATCH, LOCK, UNLOCK, SEARCH" },
		{ "Allow", "OPTIONS, TRACE, GET, HEAD, COPY, PROPFIND, SEARCH, LOCK, UNLOCK" },
		{ "Cache-Control", "private" },
	},
};
