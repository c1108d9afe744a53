hs_fuzz_test(smtp_session_fuzz SOURCES fuzz/smtp_session_fuzz.c LIBS relaytrap_core)
