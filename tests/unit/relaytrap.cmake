hs_unit_test(smtp_session_test SOURCES unit/relaytrap/smtp_session_test.c LIBS relaytrap_core)
hs_unit_test(smtp_message_test SOURCES unit/relaytrap/smtp_message_test.c LIBS relaytrap_core)
hs_unit_test(transcript_test SOURCES unit/relaytrap/transcript_test.c LIBS relaytrap_core PkgConfig::CJSON)
hs_unit_test(binding_test SOURCES unit/relaytrap/binding_test.c LIBS relaytrap_core)
