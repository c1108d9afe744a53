hs_fuzz_test(proxy_session_fuzz SOURCES fuzz/proxy_session_fuzz.c LIBS proxytrap_core)
