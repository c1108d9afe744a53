# SPDX-License-Identifier: GPL-2.0-or-later
hs_fuzz_test(osdb_fuzz SOURCES fuzz/osdb_fuzz.c LIBS import_core)
