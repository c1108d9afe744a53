/*
 * look - what tells one web server from another, as data: header order, words
 * of error pages, what is forgiven, which methods exist.  One file a look in
 * looks/; page.c fills the templates.
 */
#ifndef WEBTRAP_LOOK_H
#define WEBTRAP_LOOK_H

#include "webtrap/request.h"

/* Pages that the server itself writes. */
enum look_text {
	LOOK_BAD_REQUEST,
	LOOK_LONG_FIELD,
	LOOK_LONG_LINE,
	LOOK_LATE,
	LOOK_BAD_CODING,
	LOOK_BAD_VERSION,
	LOOK_MOVED,
	LOOK_FORBIDDEN,
	LOOK_MISSING,
	LOOK_NOT_ALLOWED,
	LOOK_NOT_IMPLEMENTED,
	LOOK_TEXT_COUNT,
};

struct look_page {
	unsigned status; /* 0: closes without a word */
	const char *reason;
	const char *body; /* %s server, %h host, %p port, %m method, %l location, %% a percent sign */
	bool closes;
};

struct look_method {
	const char *name;
	enum look_text text;
	const char *allow; /* NULL: no such header */
	bool closes;
};

struct look_field {
	const char *name, *value;
};

enum look_header {
	LOOK_END,
	LOOK_DATE,
	LOOK_SERVER,
	LOOK_CONTENT_TYPE,
	LOOK_CONTENT_LENGTH,
	LOOK_CONTENT_LOCATION,
	LOOK_LAST_MODIFIED,
	LOOK_ETAG,
	LOOK_ACCEPT_RANGES,
	LOOK_ALLOW,
	LOOK_LOCATION,
	LOOK_KEEP_ALIVE,
	LOOK_CONNECTION,
	LOOK_HEADER_COUNT,
};

enum look_etag {
	LOOK_ETAG_APACHE, /* "size-microseconds" in hexadecimal */
	LOOK_ETAG_NGINX, /* "seconds-size" */
	LOOK_ETAG_IIS, /* "FILETIME:metabase change number" */
};

enum { LOOK_METHODS_MAX = 16, LOOK_SERVERS_MAX = 8, LOOK_OPTIONS_MAX = 12 };

struct look {
	const char *name;
	const char *servers[LOOK_SERVERS_MAX]; /* a decoy has one of these Server headers */
	enum look_header order[LOOK_HEADER_COUNT];
	struct request_rules rules;
	enum look_etag etag;
	const char *error_type, *form_type; /* Content-Type of error pages and of what a script makes */
	const char *suffix, *form_path,
	    *index_name; /* names of pages; index_name: shown as Content-Location, or NULL */
	const char *keep_word; /* of Connection */
	bool keep_always; /* said of itself, not only to who asks for it */
	bool keep_alive_field; /* with a Keep-Alive header */
	unsigned keep_max; /* requests that a connection may have, after which it ends; 0: any number */
	enum look_text nul_text; /* answer to %00 in a path */
	bool post_to_pages; /* a POST to a file gets the file */
	bool short_304; /* no Accept-Ranges */
	bool short_head; /* HEAD of an error has no Content-Length */
	bool port_of_host; /* the port that the Host header names is believed */
	struct look_page pages[LOOK_TEXT_COUNT];
	struct look_method methods[LOOK_METHODS_MAX]; /* beyond GET, HEAD, POST; the last has no name: any other */
	struct look_field options[LOOK_OPTIONS_MAX]; /* answer to OPTIONS; none: it's a row of methods */
};

extern const struct look look_apache, look_nginx, look_iis;

/* A look by name ("apache", "iis-5.0": what follows a '-' is ignored); apache when it's unknown. */
const struct look *look_find(const char *name);

#endif
