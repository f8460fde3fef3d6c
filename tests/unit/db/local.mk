# unit tests of db: what needs no server (tests/db has the rest)
if HAVE_CMOCKA
db_tests = \
	tests/unit/db/hosts_test \
	tests/unit/db/number_test
check_PROGRAMS += $(db_tests)
TESTS += $(db_tests)
tests_unit_db_hosts_test_SOURCES = tests/unit/db/hosts_test.c
tests_unit_db_hosts_test_LDADD = common/libcommon.a $(CMOCKA_LIBS)
tests_unit_db_number_test_SOURCES = tests/unit/db/number_test.c
tests_unit_db_number_test_LDADD = common/libcommon.a $(CMOCKA_LIBS)
endif
