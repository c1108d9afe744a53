hs_fuzz_test(courier_probe_fuzz SOURCES fuzz/courier_probe_fuzz.c LIBS courier_core)
hs_fuzz_test(courier_record_fuzz SOURCES fuzz/courier_record_fuzz.c LIBS courier_core)
