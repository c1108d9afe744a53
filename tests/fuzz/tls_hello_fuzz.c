/* tls_hello_fuzz - any bytes as the first records of a TLS client; what is understood has fingerprints. */
#include "wire/tls_hello.h"

#include <assert.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct tls_hello h;
	char ja3[TLS_JA3_MAX], ja4[TLS_JA4_MAX];

	if (tls_hello_parse(data, size, &h) != TLS_HELLO_OK)
		return 0;
	tls_hello_ja3(&h, ja3);
	tls_hello_ja4(&h, ja4);
	assert(strlen(ja3) == TLS_JA3_MAX - 1);
	assert(strlen(ja4) == TLS_JA4_MAX - 1 && ja4[0] == 't' && ja4[10] == '_' && ja4[23] == '_');
	return 0;
}
