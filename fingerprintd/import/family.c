/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "fingerprintd/import/family.h"

#include <string.h>
#include <strings.h>

enum { TOS_INTERNETWORK_CONTROL = 0xC0 /* RFC 1812 4.3.2.5 */, QUOTE_MOST = 548 /* RFC 1812 4.3.2.3 */ };

/* The first row that fits. */
static const struct family families[] = {
	{ "Linux", NULL, "2.", { 3000, 6000, 12000, 24000, 48000 }, QUOTE_MOST, TOS_INTERNETWORK_CONTROL, true },
	{ NULL, "Linux", "2.", { 3000, 6000, 12000, 24000, 48000 }, QUOTE_MOST, TOS_INTERNETWORK_CONTROL, true },
	{ NULL, "Linux", NULL, { 1000, 2000, 4000, 8000, 16000 }, QUOTE_MOST, TOS_INTERNETWORK_CONTROL, true },
	{ "Google", "Android", NULL, { 1000, 2000, 4000, 8000, 16000 }, QUOTE_MOST, TOS_INTERNETWORK_CONTROL, true },
	{ "Microsoft", "Windows", NULL, { 3000, 6000 }, 8, 0, false },
	{ NULL, "FreeBSD", NULL, { 3000, 6000, 12000, 24000 }, 8, 0, true },
	{ NULL, "OpenBSD", NULL, { 3000, 6000, 12000, 24000 }, 8, 0, true },
	{ NULL, "NetBSD", NULL, { 3000, 6000, 12000, 24000 }, 8, 0, true },
	{ "Apple", NULL, NULL, { 3000, 6000, 12000, 24000 }, 8, 0, true },
	{ NULL, NULL, NULL, { 3000, 6000, 12000, 24000 }, 8, 0, false },
};

static const struct {
	const char *vendor, *prefix;
} prefixes[] = {
	{ "2Wire", "00:d0:9e" },
	{ "3Com", "00:01:02" },
	{ "Allied Telesis", "00:00:cd" },
	{ "Allied Telesyn", "00:00:cd" },
	{ "APC", "00:c0:b7" },
	{ "Apple", "00:1b:63" },
	{ "Asus", "00:11:d8" },
	{ "Avaya", "00:04:0d" },
	{ "AXIS", "00:40:8c" },
	{ "Bay Networks", "00:00:a2" },
	{ "Belkin", "00:11:50" },
	{ "Brocade", "00:12:f2" },
	{ "Brother", "00:80:77" },
	{ "Buffalo", "00:24:a5" },
	{ "Canon", "00:00:85" },
	{ "Cisco", "00:1b:54" },
	{ "D-Link", "00:05:5d" },
	{ "DEC", "08:00:2b" },
	{ "Dell", "00:14:22" },
	{ "Epson", "00:00:48" },
	{ "Extreme Networks", "00:01:30" },
	{ "Foundry", "00:e0:52" },
	{ "Fujitsu", "00:00:0e" },
	{ "HP", "00:1f:29" },
	{ "Huawei", "00:e0:fc" },
	{ "IBM", "00:04:ac" },
	{ "Intel", "00:1b:21" },
	{ "Juniper", "00:05:85" },
	{ "Lantronix", "00:80:a3" },
	{ "Lexmark", "00:04:00" },
	{ "Linksys", "00:06:25" },
	{ "MikroTik", "00:0c:42" },
	{ "Moxa", "00:90:e8" },
	{ "NetApp", "00:a0:98" },
	{ "Netgear", "00:09:5b" },
	{ "Nintendo", "00:1f:c5" },
	{ "Nortel", "00:00:a2" },
	{ "Novell", "00:00:1b" },
	{ "Oracle", "08:00:20" },
	{ "Panasonic", "00:80:f0" },
	{ "Polycom", "00:04:f2" },
	{ "Ricoh", "00:00:74" },
	{ "Samsung", "00:00:f0" },
	{ "SGI", "08:00:69" },
	{ "Siemens", "00:0e:8c" },
	{ "SMC", "00:04:e2" },
	{ "SonicWALL", "00:06:b1" },
	{ "Sony", "00:01:4a" },
	{ "Sun", "08:00:20" },
	{ "Synology", "00:11:32" },
	{ "TP-LINK", "00:14:78" },
	{ "Ubiquiti", "00:15:6d" },
	{ "VMware", "00:0c:29" },
	{ "WatchGuard", "00:90:7f" },
	{ "Xerox", "00:00:aa" },
	{ "ZyXEL", "00:13:49" },
};
static const char prefix_usual[] = "00:0c:29"; /* VMware: anything may run there */

/* "Vendor | family | generation | type"; an absent field is empty. */
enum { FIELD_VENDOR, FIELD_OS, FIELD_GENERATION };

/* Where the n-th field begins, behind its bar and blanks; the end of the text when there are fewer. */
static const char *
field(const char *class, int n)
{
	for (; n > 0; n--) {
		class += strcspn(class, "|");
		if (*class == '|')
			class ++;
	}
	return class + strspn(class, " ");
}

static bool
field_begins(const char *class, int n, const char *prefix)
{
	return prefix == NULL || strncasecmp(field(class, n), prefix, strlen(prefix)) == 0;
}

/* All of the first field: Intel is not Intelbras. */
static bool
vendor_is(const char *class, const char *vendor)
{
	size_t len = strlen(vendor);

	return strncasecmp(class, vendor, len) == 0 &&
	    (strcmp(class + len, "") == 0 || strncmp(class + len, " |", 2) == 0);
}

static bool
is_of(const char *class, const struct family *family)
{
	return field_begins(class, FIELD_VENDOR, family->vendor) && field_begins(class, FIELD_OS, family->os) &&
	    field_begins(class, FIELD_GENERATION, family->generation);
}

const struct family *
family_of(const struct osdb_fingerprint *f)
{
	const struct family *last = &families[sizeof(families) / sizeof(families[0]) - 1];

	for (size_t i = 0; i < f->class_count; i++) {
		for (const struct family *x = families; x < last; x++) {
			if (is_of(f->classes[i], x))
				return x;
		}
	}
	return last;
}

const char *
family_mac_prefix(const struct osdb_fingerprint *f)
{
	for (size_t i = 0; i < f->class_count; i++) {
		for (size_t p = 0; p < sizeof(prefixes) / sizeof(prefixes[0]); p++) {
			if (vendor_is(f->classes[i], prefixes[p].vendor))
				return prefixes[p].prefix;
		}
	}
	return prefix_usual;
}
