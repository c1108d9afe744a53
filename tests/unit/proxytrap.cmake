hs_unit_test(proxy_session_test SOURCES unit/proxytrap/proxy_session_test.c LIBS proxytrap_core)
