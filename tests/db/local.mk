# Programs that try common/db and common/model on a real database. Built by
# `make check`, run by tests/live/db_test.py, which starts the server.
if HAVE_CMOCKA
db_live_tests = \
	tests/db/access_test \
	tests/db/account_test \
	tests/db/commit_test \
	tests/db/conn_test \
	tests/db/event_test \
	tests/db/finish_test \
	tests/db/gc_test \
	tests/db/grant_test \
	tests/db/key_test \
	tests/db/login_test \
	tests/db/lookup_test \
	tests/db/manifest_delete_test \
	tests/db/manifest_race_test \
	tests/db/manifest_test \
	tests/db/plan_test \
	tests/db/repo_test \
	tests/db/schema_test \
	tests/db/tag_history_test \
	tests/db/txn_test \
	tests/db/upload_test
check_PROGRAMS += $(db_live_tests)
db_env = tests/db/env.c tests/db/env.h tests/db/invariants.c \
	tests/db/invariants.h tests/unit/unit.h
db_proxy = tests/db/proxy.c tests/db/proxy.h
db_own = $(db_env) $(db_proxy) tests/db/own.c tests/db/own.h
db_rows = $(db_env) $(db_proxy) tests/db/rows.c tests/db/rows.h \
	tests/db/slow.c tests/db/slow.h
db_libs = common/libcommon.a $(CMOCKA_LIBS) $(CRYPTO_LIBS) $(CRYPT_LIBS) \
	$(JSONC_LIBS) $(MYSQL_LIBS)
tests_db_access_test_SOURCES = tests/db/access_test.c $(db_rows)
tests_db_access_test_LDADD = $(db_libs)
tests_db_account_test_SOURCES = tests/db/account_test.c $(db_rows)
tests_db_account_test_LDADD = $(db_libs)
tests_db_commit_test_SOURCES = tests/db/commit_test.c $(db_own)
tests_db_commit_test_LDADD = $(db_libs)
tests_db_conn_test_SOURCES = tests/db/conn_test.c $(db_own)
tests_db_conn_test_LDADD = $(db_libs)
tests_db_event_test_SOURCES = tests/db/event_test.c $(db_rows)
tests_db_event_test_LDADD = $(db_libs)
tests_db_finish_test_SOURCES = tests/db/finish_test.c $(db_rows)
tests_db_finish_test_LDADD = $(db_libs)
tests_db_gc_test_SOURCES = tests/db/gc_test.c $(db_rows)
tests_db_gc_test_LDADD = $(db_libs)
tests_db_grant_test_SOURCES = tests/db/grant_test.c $(db_env)
tests_db_grant_test_LDADD = $(db_libs)
tests_db_key_test_SOURCES = tests/db/key_test.c $(db_rows)
tests_db_key_test_LDADD = $(db_libs)
tests_db_login_test_SOURCES = tests/db/login_test.c $(db_rows)
tests_db_login_test_LDADD = $(db_libs)
tests_db_lookup_test_SOURCES = tests/db/lookup_test.c tests/db/own.c \
	tests/db/own.h $(db_rows)
tests_db_lookup_test_LDADD = $(db_libs)
tests_db_manifest_delete_test_SOURCES = tests/db/manifest_delete_test.c \
	$(db_rows)
tests_db_manifest_delete_test_LDADD = $(db_libs)
tests_db_manifest_race_test_SOURCES = tests/db/manifest_race_test.c $(db_rows)
tests_db_manifest_race_test_LDADD = $(db_libs)
tests_db_manifest_test_SOURCES = tests/db/manifest_test.c $(db_rows)
tests_db_manifest_test_LDADD = $(db_libs)
tests_db_plan_test_SOURCES = tests/db/plan_test.c $(db_env)
tests_db_plan_test_LDADD = $(db_libs)
tests_db_repo_test_SOURCES = tests/db/repo_test.c $(db_rows)
tests_db_repo_test_LDADD = $(db_libs)
tests_db_schema_test_SOURCES = tests/db/schema_test.c $(db_rows)
tests_db_schema_test_LDADD = $(db_libs)
tests_db_tag_history_test_SOURCES = tests/db/tag_history_test.c $(db_rows)
tests_db_tag_history_test_LDADD = $(db_libs)
tests_db_txn_test_SOURCES = tests/db/txn_test.c $(db_own)
tests_db_txn_test_LDADD = $(db_libs)
tests_db_upload_test_SOURCES = tests/db/upload_test.c $(db_rows)
tests_db_upload_test_LDADD = $(db_libs)
endif
