hs_fuzz_test(smtp_session_fuzz SOURCES fuzz/smtp_session_fuzz.c LIBS relaytrap_core)
hs_fuzz_test(traced_fuzz SOURCES fuzz/traced_fuzz.c LIBS relaytrap_core)
