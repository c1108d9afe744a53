/* smtp_auth - PLAIN, LOGIN and CRAM-MD5 (RFC 4616, 2195): what clients try is the harvest, who gets in is a rule. */
#include "base/str.h"
#include "relaytrap/smtp_internal.h"
#include "wire/identity.h"

#include <stdio.h>
#include <string.h>
#include <strings.h>

enum { DECODED_MAX = 1024 };

bool
smtp_auth_possible(const struct smtp_session *s)
{
	return s->settings.auth_offered;
}

bool
smtp_auth_offered(const struct smtp_session *s)
{
	const struct smtp_auth_texts *t = s->settings.look->auth;

	return smtp_auth_possible(s) && !(t != NULL && t->offered_once && s->envelope.auth_user[0] != '\0');
}

bool
smtp_auth_mechanism(const char *name)
{
	return strcasecmp(name, "PLAIN") == 0 || strcasecmp(name, "LOGIN") == 0 || strcasecmp(name, "CRAM-MD5") == 0;
}

/* ---- base64 ---- */

enum { NO_BASE64 = -1, INCOMPLETE_BASE64 = -2 };

/* Four digits; "=" only at the end. How many octets they are, NO_BASE64 for none. */
static int
decode_group(const char *text, char *out)
{
	size_t digits = text[3] != '=' ? 4 : text[2] != '=' ? 3 : 2;
	uint32_t bits = 0;

	for (size_t i = 0; i < 4; i++) {
		int value = i < digits ? str_base64_digit((uint8_t)text[i]) : 0;

		if (value < 0)
			return NO_BASE64;
		bits = bits << 6 | (uint32_t)value;
	}
	for (size_t i = 0; i < 3; i++)
		out[i] = (char)(bits >> (16 - 8 * i));
	return (int)digits - 1;
}

/* Decodes text into out, with a NUL behind it; how many octets, or what it is instead. */
static int
decode(const char *text, char out[DECODED_MAX])
{
	size_t len = strlen(text), n = 0, i = 0;
	int last = 3;

	if (len / 4 * 3 + 1 > DECODED_MAX)
		return NO_BASE64;
	for (; len - i >= 4; i += 4) {
		if (last < 3 || (last = decode_group(text + i, out + n)) < 0)
			return NO_BASE64;
		n += (size_t)last;
	}
	if (i < len)
		return last < 3 ? NO_BASE64 : INCOMPLETE_BASE64;
	out[n] = '\0';
	return (int)n;
}

static void
encode(const char *text, char *out)
{
	static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
	size_t len = strlen(text);

	for (size_t i = 0; i < len; i += 3) {
		uint32_t bits = 0;

		for (size_t k = 0; k < 3; k++)
			bits = bits << 8 | (i + k < len ? (uint8_t)text[i + k] : 0);
		for (size_t k = 0; k < 4; k++)
			*out++ = i + k > len ? '=' : digits[bits >> (18 - 6 * k) & 63];
	}
	*out = '\0';
}

/* ---- the rule ---- */

static void
refuse(struct smtp_session *s, const char *text, const char *arg)
{
	if (s->settings.look->auth->counted)
		smtp_refuse(s, text, arg);
	else
		smtp_say(s, text, arg);
}

/* Is that one of the weak pairs? A password, or the response to a challenge that it gives. */
static bool
is_weak(const struct smtp_session *s, const char *user, const char *password, const char *response)
{
	const char *pair = s->settings.auth_weak == NULL ? "" : s->settings.auth_weak;
	char weak[SMTP_AUTH_MAX], digest[HMAC_MD5_HEX_MAX];

	for (; *pair != '\0'; pair += *pair == ',') {
		size_t len = strcspn(pair, ","), name = strcspn(pair, ":,");

		if (name < len && strlen(user) == name && strncmp(user, pair, name) == 0 &&
		    str_copy_bytes(weak, sizeof(weak), pair + name + 1, len - name - 1)) {
			hmac_md5_hex(weak, s->auth.challenge, digest);
			if (response == NULL ? strcmp(weak, password) == 0 : strcmp(digest, response) == 0)
				return true;
		}
		pair += len;
	}
	return false;
}

/* veto: what one is told whom no rule lets in; NULL: the rules decide. */
static void
judge(struct smtp_session *s, const char *mechanism, const char *user, const char *password, const char *response,
    const char *veto)
{
	struct smtp_auth attempt = {
		.mechanism = mechanism,
		.user = user,
		.password = password,
		.challenge = response == NULL ? "" : s->auth.challenge,
		.response = response == NULL ? "" : response,
	};

	s->auth.tries++;
	attempt.accepted = veto == NULL &&
	    (is_weak(s, user, password, response) ||
		(s->settings.auth_after > 0 && s->auth.tries > s->settings.auth_after));
	s->sink.auth(s->sink.ctx, &attempt);
	if (!attempt.accepted) {
		refuse(s, veto != NULL ? veto : s->settings.look->auth->failed, "");
		return;
	}
	str_copy(s->envelope.auth_user, sizeof(s->envelope.auth_user), user);
	smtp_say(s, s->settings.look->auth->ok, "");
}

/* ---- the dialogue ---- */

/* As decode(); the client is told what is wrong. */
static int
decode_or_refuse(struct smtp_session *s, const char *text, char out[DECODED_MAX])
{
	const struct smtp_auth_texts *t = s->settings.look->auth;
	const char *bad = s->auth.initial ? t->bad_initial : t->bad_line;
	int len = s->auth.initial && t->equals_is_empty && strcmp(text, "=") == 0 ? decode("", out) : decode(text, out);

	if (len < 0)
		refuse(s, len == INCOMPLETE_BASE64 && t->incomplete != NULL ? t->incomplete : bad, text);
	return len;
}

static const char *
malformed(const struct smtp_session *s)
{
	const struct smtp_auth_texts *t = s->settings.look->auth;

	return t->malformed != NULL ? t->malformed : t->failed;
}

/* Why one who gives that name can't be let in, or NULL. authorize: whom to act for, "" for oneself. */
static const char *
veto_of(const struct smtp_session *s, const char *authorize, const char *user)
{
	const struct smtp_auth_texts *t = s->settings.look->auth;

	if (user[0] == '\0')
		return t->nobody != NULL ? t->nobody : malformed(s);
	return t->own_name_only && authorize[0] != '\0' && strcmp(authorize, user) != 0 ? t->failed : NULL;
}

/* "authorize NUL user NUL password" */
static void
plain(struct smtp_session *s, const char *text)
{
	char decoded[DECODED_MAX];
	int len = decode_or_refuse(s, text, decoded);

	if (len < 0)
		return;
	const char *end = decoded + len, *user = memchr(decoded, '\0', (size_t)len);
	const char *password = user == NULL ? NULL : memchr(user + 1, '\0', (size_t)(end - user - 1));

	if (user == NULL)
		refuse(s, malformed(s), "");
	else if (password == NULL || strlen(password + 1) != (size_t)(end - password - 1))
		judge(s, "PLAIN", user + 1, password == NULL ? "" : password + 1, NULL, malformed(s));
	else
		judge(s, "PLAIN", user + 1, password + 1, NULL, veto_of(s, decoded, user + 1));
}

static void
ask(struct smtp_session *s, enum smtp_auth_step step, const char *challenge)
{
	char text[LOOK_HOST_MAX * 2];

	encode(challenge, text);
	s->auth.step = step;
	s->state = SMTP_AUTH;
	smtp_say(s, "334 %a", text);
}

static void
login(struct smtp_session *s, const char *text)
{
	char decoded[DECODED_MAX];
	int len = decode_or_refuse(s, text, decoded);

	if (len < 0)
		return;
	if (s->auth.initial && len == 0 && s->settings.look->auth->empty_is_none) {
		ask(s, SMTP_AUTH_LOGIN_USER, "Username:");
	} else if (s->auth.step == SMTP_AUTH_LOGIN_USER) {
		str_copy(s->auth.user, sizeof(s->auth.user), decoded);
		ask(s, SMTP_AUTH_LOGIN_PASSWORD, "Password:");
	} else {
		judge(s, "LOGIN", s->auth.user, decoded, NULL, veto_of(s, "", s->auth.user));
	}
}

/* "user digest" */
static void
cram(struct smtp_session *s, const char *text)
{
	char decoded[DECODED_MAX];

	if (decode_or_refuse(s, text, decoded) < 0)
		return;
	char *space = s->auth.initial ? NULL : strrchr(decoded, ' ');

	if (space == NULL) {
		refuse(s, malformed(s), "");
		return;
	}
	*space = '\0';
	judge(s, "CRAM-MD5", decoded, "", space + 1, NULL);
}

void
smtp_auth_line(struct smtp_session *s, char *line)
{
	s->auth.initial = false;
	if (strcmp(line, "*") == 0) {
		refuse(s, s->settings.look->auth->cancelled, "");
		return;
	}
	switch (s->auth.step) {
	case SMTP_AUTH_PLAIN:
		plain(s, line);
		break;
	case SMTP_AUTH_LOGIN_USER:
	case SMTP_AUTH_LOGIN_PASSWORD:
		login(s, line);
		break;
	case SMTP_AUTH_CRAM:
		cram(s, line);
		break;
	}
}

void
smtp_auth_begin(struct smtp_session *s, const char *mechanism, const char *initial)
{
	s->auth.challenge[0] = '\0';
	s->auth.initial = initial != NULL;
	if (strcasecmp(mechanism, "PLAIN") == 0) {
		if (initial != NULL)
			plain(s, initial);
		else
			ask(s, SMTP_AUTH_PLAIN, "");
	} else if (strcasecmp(mechanism, "LOGIN") == 0) {
		s->auth.step = SMTP_AUTH_LOGIN_USER;
		if (initial != NULL)
			login(s, initial);
		else
			ask(s, SMTP_AUTH_LOGIN_USER, "Username:");
	} else if (initial != NULL && s->settings.look->auth->cram_initial != NULL) {
		refuse(s, s->settings.look->auth->cram_initial, "");
	} else if (initial != NULL) {
		cram(s, initial);
	} else {
		snprintf(s->auth.challenge, sizeof(s->auth.challenge), "<%u.%llu@%s>",
		    (unsigned)(s->wall_us * 2654435761u ^ s->settings.host_secret),
		    (unsigned long long)(s->wall_us / 1000000), s->settings.host);
		ask(s, SMTP_AUTH_CRAM, s->auth.challenge);
	}
}
