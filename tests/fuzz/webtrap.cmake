hs_fuzz_test(web_request_fuzz SOURCES fuzz/web_request_fuzz.c LIBS webtrap_core)
hs_fuzz_test(web_maze_fuzz SOURCES fuzz/web_maze_fuzz.c LIBS webtrap_core)
hs_fuzz_test(web_body_fuzz SOURCES fuzz/web_body_fuzz.c LIBS webtrap_core)
