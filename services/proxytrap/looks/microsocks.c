/* microsocks 1.0.3 as Debian 12 ships it (measured): SOCKS 5 only, and zeros for a bound address. */
#include "proxytrap/look.h"
#include "proxytrap/socks5.h"

const struct look_socks look_microsocks = {
	.stranger = SOCKS5_METHOD_REFUSED,
	.codes = {
		[REQUEST_OK] = SOCKS5_REFUSED,
		[REQUEST_BAD] = SOCKS5_FAILURE,
		[REQUEST_UNSUPPORTED] = SOCKS5_COMMAND,
		[REQUEST_NO_COMMAND] = SOCKS5_COMMAND,
		[REQUEST_ADDRESS_TYPE] = SOCKS5_ADDRESS_TYPE,
	},
};
