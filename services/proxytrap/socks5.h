/*
 * socks5 - SOCKS 5 greeting, user and password, and request (RFC 1928, RFC
 * 1929).  Bytes to value and back, no decisions.
 */
#ifndef PROXYTRAP_SOCKS5_H
#define PROXYTRAP_SOCKS5_H

#include "base/addr.h"
#include "proxytrap/request.h"

enum { SOCKS5_METHOD_NONE = 0x00, SOCKS5_METHOD_PASSWORD = 0x02, SOCKS5_METHOD_REFUSED = 0xff };

enum { /* RFC 1928 6: REP */
	SOCKS5_OK = 0x00,
	SOCKS5_FAILURE = 0x01,
	SOCKS5_NOT_ALLOWED = 0x02,
	SOCKS5_REFUSED = 0x05,
	SOCKS5_COMMAND = 0x07,
	SOCKS5_ADDRESS_TYPE = 0x08,
};

enum { SOCKS5_REPLY_MAX = 22 };

/* *method gets the one we choose: none if offered, else password, else REFUSED. */
enum request_result socks5_parse_greeting(const uint8_t *data, size_t len, uint8_t *method, size_t *used);
/* The user only: passwords are not kept. */
enum request_result socks5_parse_password(const uint8_t *data, size_t len, char user[REQUEST_USER_MAX], size_t *used);
enum request_result socks5_parse_request(const uint8_t *data, size_t len, struct request *out, size_t *used);
/* Writes the answer with the bound address; returns its length. */
size_t socks5_reply(uint8_t code, const struct endpoint *bound, uint8_t out[SOCKS5_REPLY_MAX]);

#endif
