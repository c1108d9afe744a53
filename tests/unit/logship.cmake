hs_unit_test(mail_commit_test SOURCES unit/wire/mail_commit_test.c LIBS wire)
hs_unit_test(sink_jsonl_test SOURCES unit/logship/sink_jsonl_test.c LIBS logship_core)
