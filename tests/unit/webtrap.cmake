hs_unit_test(web_request_test SOURCES unit/webtrap/request_test.c LIBS webtrap_core)
hs_unit_test(web_maze_test SOURCES unit/webtrap/maze_test.c LIBS webtrap_core)
hs_unit_test(web_page_test SOURCES unit/webtrap/page_test.c LIBS webtrap_core)
hs_unit_test(web_visitor_test SOURCES unit/webtrap/visitor_test.c LIBS webtrap_core)
