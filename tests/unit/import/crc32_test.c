/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "fingerprintd/import/crc32.h"

static void
it_is_the_crc_of_zlib(void **state)
{
	(void)state;
	/* The check value that all catalogues of CRCs give. */
	assert_int_equal(crc32_of("123456789", 9), 0xCBF43926);
	assert_int_equal(crc32_of("", 0), 0);
}

static void
four_octets_have_any_sum(void **state)
{
	uint8_t forged[CRC32_FORGED];
	uint32_t wanted = 1;

	(void)state;
	for (int i = 0; i < 1000; i++, wanted = wanted * 1664525 + 1013904223) {
		crc32_forge(wanted, forged);
		assert_int_equal(crc32_of(forged, sizeof(forged)), wanted);
	}
	crc32_forge(UINT32_MAX, forged);
	assert_int_equal(crc32_of(forged, sizeof(forged)), UINT32_MAX);
}

int
main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(it_is_the_crc_of_zlib),
		cmocka_unit_test(four_octets_have_any_sum),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
