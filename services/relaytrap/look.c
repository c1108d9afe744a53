#include "relaytrap/look.h"

#include "base/str.h"
#include "wire/identity.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <time.h>

static const struct look *const looks[] = { &look_postfix, &look_postfix_2, &look_sendmail, &look_sendmail_8_12,
	&look_exim, &look_exchange, &look_exchange_5_0 };

const struct look *
look_find(const char *name)
{
	for (size_t i = 0; i < sizeof(looks) / sizeof(looks[0]); i++) {
		if (strcmp(looks[i]->name, name) == 0)
			return looks[i];
	}
	return looks[0];
}

const struct look *
look_at(size_t i)
{
	return i < sizeof(looks) / sizeof(looks[0]) ? looks[i] : NULL;
}

const char *
look_version(const struct look *l, uint32_t host_secret)
{
	if (l->version_count == 0)
		return l->version;
	return l->versions[host_secret / 7 % l->version_count];
}

bool
look_local_user(const char *name, size_t len)
{
	static const char *const users[] = { "postmaster", "root", "abuse", "daemon", "mail", "nobody" };

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		if (strlen(users[i]) == len && strncasecmp(users[i], name, len) == 0)
			return true;
	}
	return false;
}

/* Sendmail writes the day without a leading zero and the zone by name, Exim the other way round. */
static const char *
date(bool exim, uint64_t wall_ms, char scratch[64])
{
	time_t seconds = (time_t)(wall_ms / 1000);
	struct tm tm;

	gmtime_r(&seconds, &tm);
	if (exim)
		strftime(scratch, 64, "%a, %d %b %Y %H:%M:%S +0000", &tm);
	else
		strftime(scratch, 64, "%a, %-d %b %Y %H:%M:%S GMT", &tm);
	return scratch;
}

static const char *
value_of(char letter, const struct look_values *v, char scratch[64])
{
	const char *version = v->version == NULL ? "" : v->version;

	switch (letter) {
	case 'h':
		return v->host;
	case 'c':
		return v->client;
	case 'i':
		return v->address;
	case 'a':
		return v->argument;
	case 'q':
		return v->queue_id;
	case 'v':
		return version;
	case 'V':
		snprintf(scratch, 64, "%.*s", (int)strcspn(version, "/"), version);
		return scratch;
	case 'n':
		snprintf(scratch, 64, "%llu", (unsigned long long)v->bytes);
		return scratch;
	case 'd':
		return date(false, v->wall_ms, scratch);
	case 'D':
		return date(true, v->wall_ms, scratch);
	default:
		return "%";
	}
}

struct output {
	char *at;
	size_t used;
	size_t room;
};

static void
put(struct output *o, const char *text, size_t len)
{
	if (len > o->room - o->used)
		len = o->room - o->used;
	memcpy(o->at + o->used, text, len);
	o->used += len;
}

static void
put_format(struct output *o, const char *format, const struct look_values *v)
{
	char scratch[64];

	for (const char *p = format; *p != '\0'; p++) {
		if (*p == '\n') {
			put(o, "\r\n", 2);
		} else if (*p == '%') {
			const char *value = value_of(*++p, v, scratch);

			if (value != NULL)
				put(o, value, strlen(value));
		} else {
			put(o, p, 1);
		}
	}
}

static bool
offered(const struct look_keyword *k, const struct look_values *v)
{
	switch (k->when) {
	case LOOK_WITHOUT_TLS:
		return v->tls_possible;
	case LOOK_WITH_AUTH:
		return v->auth_possible;
	case LOOK_BEFORE_SYNC:
		return !v->sync;
	default:
		return true;
	}
}

/* The last line's code is followed by a space, not by a hyphen (RFC 5321 4.2.1). */
static void
put_keywords(struct output *o, const struct look *l, const struct look_values *v)
{
	size_t last = 3; /* "250-host": the first line alone */

	for (size_t i = 0; i < l->keyword_count; i++) {
		if (!offered(&l->keywords[i], v))
			continue;
		put(o, "\r\n250-", 6);
		last = o->used - 1;
		put_format(o, l->keywords[i].text, v);
	}
	o->at[last] = ' ';
}

static size_t
end_reply(struct output *o)
{
	o->room = LOOK_REPLY_MAX;
	put(o, "\r\n", 2);
	return o->used;
}

size_t
look_format(const char *text, const struct look_values *v, char out[LOOK_REPLY_MAX])
{
	struct output o = { out, 0, LOOK_REPLY_MAX - 2 };

	put_format(&o, text, v);
	return end_reply(&o);
}

size_t
look_format_ehlo(const struct look *l, const struct look_values *v, char out[LOOK_REPLY_MAX])
{
	struct output o = { out, 0, LOOK_REPLY_MAX - 2 };

	put_format(&o, l->ehlo, v);
	put_keywords(&o, l, v);
	return end_reply(&o);
}

void
look_host(const struct site_key *key, const struct addr *decoy, const char *domain, char out[LOOK_HOST_MAX])
{
	static const char *const heads[] = { "mail", "mx1", "smtp", "mailhost", "relay", "mx", "mail2", "post" };
	static const char *const words[] = { "alder", "amber", "baker", "birch", "brook", "cedar", "clay", "coral",
		"crane", "delta", "ember", "falcon", "fern", "flint", "garnet", "grove", "harbor", "hazel", "heron",
		"iris", "juniper", "larch", "lotus", "maple", "mesa", "onyx", "opal", "osprey", "pearl", "quartz",
		"raven", "sable" };
	uint8_t id[IDENTITY_BYTES];

	identity_derive(key, decoy, "mail host", id);
	snprintf(out, LOOK_HOST_MAX, "%s.%s%s%u.%s", heads[id[0] % 8], words[id[1] % 32], words[id[2] % 32],
	    (unsigned)(id[3] % 90 + 10), domain);
}
