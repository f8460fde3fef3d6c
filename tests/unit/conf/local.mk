# unit tests of conf
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/conf/conf_test
TESTS += tests/unit/conf/conf_test
tests_unit_conf_conf_test_SOURCES = tests/unit/conf/conf_test.c
tests_unit_conf_conf_test_LDADD = common/libcommon.a $(CMOCKA_LIBS)
endif
