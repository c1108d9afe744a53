hs_fuzz_test(proxy_fuzz SOURCES fuzz/proxy_fuzz.c LIBS wire)
hs_fuzz_test(tls_hello_fuzz SOURCES fuzz/tls_hello_fuzz.c LIBS wire)
