#include "courier/deny.h"

#include "base/str.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { LOCAL_MAX = 64, DOMAIN_MAX = 253, LABEL_MAX = 63, NETWORK_MAX = 64 };

/* Local parts that are a duty, not a person (RFC 2142, RFC 5321 4.5.1), and those of people who hunt spam. */
static const char *const roles[] = {
	"abuse",
	"admin",
	"administrator",
	"billing",
	"cert",
	"csirt",
	"dmarc",
	"dns",
	"ftp",
	"fbl",
	"hostmaster",
	"info",
	"ipadmin",
	"is",
	"legal",
	"list",
	"list-request",
	"mailer-daemon",
	"mailerdaemon",
	"marketing",
	"news",
	"noc",
	"nobody",
	"no-reply",
	"noreply",
	"phish",
	"phishing",
	"postmaster",
	"privacy",
	"root",
	"sales",
	"security",
	"soc",
	"support",
	"sysadmin",
	"trouble",
	"uce",
	"usenet",
	"uucp",
	"webmaster",
	"www",
};

/* Anywhere in the local part, or in the domain. */
static const char *const traps[] = {
	"abuse",
	"antispam",
	"blacklist",
	"blocklist",
	"dnsbl",
	"honeypot",
	"honey-pot",
	"phishing",
	"relaytest",
	"spam",
	"trap",
};

/* Networks that are nobody's outside (RFC 6890): a mail must not reach what is behind our own door. */
static const char special_networks[] =
    "0.0.0.0/8,10.0.0.0/8,100.64.0.0/10,127.0.0.0/8,169.254.0.0/16,172.16.0.0/12,192.0.0.0/24,192.168.0.0/16,"
    "224.0.0.0/3,::/127,fc00::/7,fe80::/10,ff00::/8";

/* The next word of a list with commas, without blanks; false at its end. */
static bool
next_word(const char **list, struct deny_word *word)
{
	*list += strspn(*list, ", \t");
	*word = (struct deny_word){ *list, strcspn(*list, ", \t") };
	*list += word->len;
	return word->len > 0;
}

static bool
load_words(struct deny_list *out, const char *name, const char *list, char *error, size_t error_size)
{
	struct deny_word word;

	while (next_word(&list, &word)) {
		if (out->count == DENY_LIST_MAX) {
			snprintf(error, error_size, "%s: at most %d words", name, (int)DENY_LIST_MAX);
			return false;
		}
		out->words[out->count++] = word;
	}
	return true;
}

static bool
load_networks(struct deny_networks *out, const char *name, const char *list, char *error, size_t error_size)
{
	char text[NETWORK_MAX];
	struct deny_word word;

	while (next_word(&list, &word)) {
		if (!str_copy_bytes(text, sizeof(text), word.at, word.len) || out->count == DENY_LIST_MAX ||
		    !cidr_parse(text, &out->list[out->count])) {
			snprintf(error, error_size, "%s: \"%s\" is no network, or one too many", name, text);
			return false;
		}
		out->count++;
	}
	return true;
}

bool
deny_load(struct deny *d, const char *recipients, const char *domains, const char *hosts, const char *sources,
    char *error, size_t error_size)
{
	memset(d, 0, sizeof(*d));
	return load_words(&d->recipients, "deny.recipients", recipients, error, error_size) &&
	    load_words(&d->domains, "deny.domains", domains, error, error_size) &&
	    load_networks(&d->hosts, "special networks", special_networks, error, error_size) &&
	    load_networks(&d->hosts, "deny.networks", hosts, error, error_size) &&
	    load_networks(&d->sources, "deny.sources", sources, error, error_size);
}

bool
deny_domain_valid(const char *domain)
{
	size_t len = strlen(domain), label = 0, dots = 0;
	bool letter = false;

	for (size_t i = 0; i <= len; i++) {
		if (domain[i] == '.' || domain[i] == '\0') {
			if (label == 0 || label > LABEL_MAX || domain[i - 1] == '-')
				return false;
			dots += domain[i] == '.' ? 1 : 0;
			if (domain[i] == '.')
				letter = false;
			label = 0;
			continue;
		}
		if (!isalnum((unsigned char)domain[i]) && (domain[i] != '-' || label == 0))
			return false;
		letter = letter || isalpha((unsigned char)domain[i]);
		label++;
	}
	return len <= DOMAIN_MAX && dots > 0 && letter; /* 203.0.113.1 is no domain */
}

/* A dot-string of RFC 5321 4.1.2; quoted ones are too odd to be carried. */
static bool
local_valid(const char *local, size_t len)
{
	static const char marks[] = "!#$%&'*+-/=?^_`{|}~.";

	if (len == 0 || len > LOCAL_MAX || local[0] == '.' || local[len - 1] == '.')
		return false;
	for (size_t i = 0; i < len; i++) {
		if (!isalnum((unsigned char)local[i]) && (local[i] == '\0' || strchr(marks, local[i]) == NULL))
			return false;
		/* user%other@host and other!user: a way on to somebody whom no list names */
		if (local[i] == '%' || local[i] == '!' || (local[i] == '.' && i > 0 && local[i - 1] == '.'))
			return false;
	}
	return true;
}

const char *
deny_domain_of(const char *address)
{
	const char *at = strrchr(address, '@');

	return at == NULL ? "" : at + 1;
}

static bool
address_valid(const char *address)
{
	const char *at = strrchr(address, '@');

	return at != NULL && local_valid(address, (size_t)(at - address)) && deny_domain_valid(at + 1);
}

bool
deny_sender_valid(const char *address)
{
	return address[0] == '\0' || address_valid(address);
}

static bool
contains(const char *text, const char *word)
{
	return strcasestr(text, word) != NULL;
}

/* "abuse", and "abuse+tag": what follows the mark is the reader's own. */
static bool
is_role(const char *local)
{
	size_t len = strcspn(local, "+");

	for (size_t i = 0; i < sizeof(roles) / sizeof(roles[0]); i++) {
		if (strlen(roles[i]) == len && strncasecmp(local, roles[i], len) == 0)
			return true;
	}
	return false;
}

static bool
word_is(const struct deny_word *w, const char *text)
{
	return strlen(text) == w->len && strncasecmp(w->at, text, w->len) == 0;
}

static bool
in_domain(const char *domain, const struct deny_word *parent)
{
	size_t len = strlen(domain);

	return len >= parent->len && word_is(parent, domain + len - parent->len) &&
	    (len == parent->len || domain[len - parent->len - 1] == '.');
}

/* As a whole, or "local@". */
static bool
is_listed(const struct deny_list *l, const char *address)
{
	size_t local = strcspn(address, "@") + 1;

	for (size_t i = 0; i < l->count; i++) {
		const struct deny_word *w = &l->words[i];

		if (word_is(w, address))
			return true;
		if (w->at[w->len - 1] == '@' && w->len == local && strncasecmp(w->at, address, local) == 0)
			return true;
	}
	return false;
}

const char *
deny_recipient(const struct deny *d, const char *address)
{
	char local[LOCAL_MAX + 1];
	const char *domain = deny_domain_of(address);

	if (!address_valid(address))
		return "bad-address";
	str_copy_bytes(local, sizeof(local), address, (size_t)(domain - address) - 1);
	if (is_role(local))
		return "role-address";
	for (size_t i = 0; i < sizeof(traps) / sizeof(traps[0]); i++) {
		if (contains(address, traps[i]))
			return "trap-address";
	}
	if (is_listed(&d->recipients, address))
		return "denied-recipient";
	for (size_t i = 0; i < d->domains.count; i++) {
		if (in_domain(domain, &d->domains.words[i]))
			return "denied-domain";
	}
	return NULL;
}

static bool
in_networks(const struct deny_networks *n, const struct addr *a)
{
	for (size_t i = 0; i < n->count; i++) {
		if (cidr_contains(&n->list[i], a))
			return true;
	}
	return false;
}

bool
deny_host(const struct deny *d, const struct addr *host)
{
	return in_networks(&d->hosts, host);
}

bool
deny_source(const struct deny *d, const struct addr *source)
{
	return in_networks(&d->sources, source);
}
