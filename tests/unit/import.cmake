# SPDX-License-Identifier: GPL-2.0-or-later
foreach(test expression osdb policy convert names crc32)
  hs_unit_test(import_${test}_test SOURCES unit/import/${test}_test.c LIBS import_core)
endforeach()
