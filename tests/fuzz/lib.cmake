hs_fuzz_test(proxy_fuzz SOURCES fuzz/proxy_fuzz.c LIBS wire)
