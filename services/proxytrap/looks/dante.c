/*
 * Dante 1.4.2 as Debian 12 ships it (measured): SOCKS 4, 4a and 5; failures
 * carry a bound address too; what is no SOCKS is closed without a word.  It is
 * configured to CONNECT only (`socks pass { command: connect }`): BIND and UDP
 * are against its rules.
 */
#include "proxytrap/look.h"
#include "proxytrap/socks5.h"

const struct look_socks look_dante = {
	.speaks4 = true,
	.tells_bound = true,
	.stranger = LOOK_SILENT,
	.codes = {
		[REQUEST_OK] = SOCKS5_REFUSED,
		[REQUEST_BAD] = LOOK_SILENT,
		[REQUEST_UNSUPPORTED] = SOCKS5_NOT_ALLOWED,
		[REQUEST_NO_COMMAND] = LOOK_SILENT,
		[REQUEST_ADDRESS_TYPE] = LOOK_SILENT,
	},
};
