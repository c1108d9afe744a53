hs_fuzz_test(query_fuzz SOURCES fuzz/query_fuzz.c LIBS api_core)
hs_fuzz_test(cursor_fuzz SOURCES fuzz/cursor_fuzz.c LIBS api_core)
hs_fuzz_test(encoded_word_fuzz SOURCES fuzz/encoded_word_fuzz.c LIBS api_core)
