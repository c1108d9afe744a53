#include "relaytrap/look_tls.h"

#include "daemon/tls.h"
#include "relaytrap/look.h"

#include <string.h>

/* TLS 1.3's suites in OpenSSL's order. */
#define SUITES "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256:TLS_AES_128_GCM_SHA256"

/*
 * Postfix, Sendmail and Exim as Debian 12 configures them; tests/support/smtp_tls.py holds them against the real ones.
 * Of the others' ciphers those are here that OpenSSL still has: RC4 and 3DES, which the old ones preferred, are gone.
 */
static const struct {
	const char *look;
	struct tls_policy tls;
} policies[] = {
	/* smtpd_tls_ciphers = medium, tls_eecdh_auto_curves, and no level that hides old ciphers */
	{ "postfix",
	    { .oldest = TLS_1_0,
		.newest = TLS_1_3,
		.ciphers = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:@STRENGTH:@SECLEVEL=0",
		.suites = SUITES,
		.groups = "X25519:X448:P-256:P-521:P-384",
		.breaks = TLS_BREAKS_TOLERANT } },
	/* smtpd_tls_eecdh_grade = strong: one curve; OpenSSL 1.0 had no ChaCha20, CCM or ARIA */
	{ "postfix-2",
	    { .oldest = TLS_1_0,
		.newest = TLS_1_2,
		.ciphers = "aNULL:-aNULL:HIGH:MEDIUM:+RC4:!CHACHA20:!AESCCM:!AESCCM8:!ARIA:@STRENGTH:@SECLEVEL=0",
		.suites = SUITES,
		.groups = "P-256",
		.breaks = TLS_BREAKS_TOLERANT } },
	/* Debian's OpenSSL as it is, one curve of Sendmail's own */
	{ "sendmail",
	    { .oldest = TLS_1_2,
		.newest = TLS_1_3,
		.ciphers = "ECDHE+AESGCM:ECDHE+CHACHA20:DHE+AESGCM:DHE+CHACHA20:ECDHE+AES:DHE+AES:RSA+AESGCM:RSA+AES:"
			   "!aNULL:!AESCCM:!AESCCM8:!PSK:!SRP:!DSS:!ECDSA:@SECLEVEL=2",
		.suites = SUITES,
		.groups = "P-256",
		.asks_certificate = true,
		.breaks = TLS_BREAKS_OPENSSL } },
	/* OpenSSL 0.9.7: no elliptic curves, no GCM, no SHA-256 */
	{ "sendmail-8.12",
	    { .oldest = TLS_1_0,
		.newest = TLS_1_0,
		.ciphers = "HIGH:MEDIUM:!aNULL:!kECDHE:!ECDSA:!CAMELLIA:!SEED:!PSK:!SRP:@STRENGTH:@SECLEVEL=0",
		.suites = SUITES,
		.groups = "P-256",
		.asks_certificate = true,
		.breaks = TLS_BREAKS_OPENSSL } },
	/* GnuTLS' priority NORMAL */
	{ "exim",
	    { .oldest = TLS_1_0,
		.newest = TLS_1_3,
		.ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305:ECDHE-RSA-AES256-SHA:"
			   "ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES128-SHA:AES256-GCM-SHA384:AES256-CCM:AES256-SHA:"
			   "AES128-GCM-SHA256:AES128-CCM:AES128-SHA:DHE-RSA-AES256-GCM-SHA384:"
			   "DHE-RSA-CHACHA20-POLY1305:DHE-RSA-AES256-CCM:DHE-RSA-AES256-SHA:"
			   "DHE-RSA-AES128-GCM-SHA256:DHE-RSA-AES128-CCM:DHE-RSA-AES128-SHA:@SECLEVEL=0",
		.suites = SUITES ":TLS_AES_128_CCM_SHA256",
		.groups = "P-256:P-384:P-521:X25519:X448:ffdhe2048:ffdhe3072:ffdhe4096:ffdhe6144:ffdhe8192",
		.breaks = TLS_BREAKS_GNUTLS } },
	/* Exchange 2019's set-up leaves TLS 1.2 and these, in Schannel's order (Microsoft's TLS guidance) */
	{ "exchange",
	    { .oldest = TLS_1_2,
		.newest = TLS_1_2,
		.ciphers = "ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-SHA384:"
			   "ECDHE-RSA-AES128-SHA256:@SECLEVEL=1",
		.suites = SUITES,
		.groups = "X25519:P-256:P-384",
		.own_order = true,
		.breaks = TLS_BREAKS_TOLERANT } },
	/* Windows 2000: RSA key exchange only. It had RC4 and 3DES; AES is what is left to talk at all */
	{ "exchange-5.0",
	    { .oldest = TLS_1_0,
		.newest = TLS_1_0,
		.ciphers = "RC4-MD5:RC4-SHA:DES-CBC3-SHA:AES128-SHA:AES256-SHA:@SECLEVEL=0",
		.suites = SUITES,
		.groups = "P-256",
		.own_order = true,
		.breaks = TLS_BREAKS_TOLERANT } },
};

enum { COUNT = sizeof(policies) / sizeof(policies[0]) };

size_t
look_tls(const struct look *l)
{
	for (size_t i = 0; i < COUNT; i++) {
		if (strcmp(policies[i].look, l->name) == 0)
			return i;
	}
	return 0;
}

const struct tls_policy *
look_tls_at(size_t i)
{
	return i < COUNT ? &policies[i].tls : NULL;
}
