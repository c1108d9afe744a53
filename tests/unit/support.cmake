hs_unit_test(badlink_core_test SOURCES unit/support/badlink_core_test.c LIBS badlink_core)
hs_unit_test(badlink_options_test SOURCES unit/support/badlink_options_test.c LIBS badlink_core)
