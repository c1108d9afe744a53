#include "courier/quota.h"

#include "base/clock.h"
#include "base/str.h"
#include "courier/deny.h"
#include "wire/identity.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

enum { DAY_TEXT = 10, HASH_BYTES = 16, NUMBER_DIGITS_MAX = 18 };

void
quota_hash(const char *text, char out[33])
{
	uint8_t digest[SHA256_BYTES];
	struct sha256 *sha = sha256_new();

	for (; *text != '\0'; text++) {
		char c = (char)tolower((unsigned char)*text);

		sha256_add(sha, &c, 1);
	}
	sha256_finish(&sha, digest);
	str_hex(out, digest, HASH_BYTES);
}

/* Tests and salted copies are counted apart: a tester who got his test must still get his salt. */
static bool
applies(enum quota q, enum probe_kind kind)
{
	if (q == QUOTA_NETWORK)
		return kind != PROBE_SALTED;
	return q != QUOTA_SALTED || kind == PROBE_SALTED;
}

bool
quota_key(enum quota q, const struct quota_subject *s, uint64_t wall_ms, char key[QUOTA_KEY_MAX])
{
	char now[CLOCK_TEXT_MAX], who[33] = "all";

	if (!applies(q, s->kind))
		return false;
	clock_rfc3339(wall_ms, now);
	if (q == QUOTA_NETWORK || q == QUOTA_SALTED)
		str_copy(who, sizeof(who), s->network);
	else if (q == QUOTA_RECIPIENT)
		quota_hash(s->recipient, who);
	else if (q == QUOTA_DOMAIN)
		quota_hash(deny_domain_of(s->recipient), who);
	snprintf(key, QUOTA_KEY_MAX, "%.*s.%s.%s", (int)DAY_TEXT, now, quota_word(q) + strlen("quota-"), who);
	return true;
}

enum quota_step
quota_next(const char *value, const char *mail_id, uint64_t limit, char next[QUOTA_VALUE_MAX])
{
	size_t len = strspn(value, "0123456789");
	uint64_t count = 0;

	if (value[0] != '\0' && (len == 0 || len > NUMBER_DIGITS_MAX || value[len] != ' '))
		return QUOTA_FULL;
	if (len > 0 && strcmp(value + len + 1, mail_id) == 0)
		return QUOTA_COUNTED;
	for (size_t i = 0; i < len; i++)
		count = count * 10 + (uint64_t)(value[i] - '0');
	if (count >= limit)
		return QUOTA_FULL;
	snprintf(next, QUOTA_VALUE_MAX, "%" PRIu64 " %s", count + 1, mail_id);
	return QUOTA_COUNT;
}

const char *
quota_word(enum quota q)
{
	static const char *const words[] = {
		[QUOTA_TOTAL] = "quota-total",
		[QUOTA_NETWORK] = "quota-network",
		[QUOTA_SALTED] = "quota-salted",
		[QUOTA_RECIPIENT] = "quota-recipient",
		[QUOTA_DOMAIN] = "quota-domain",
	};

	return words[q];
}
