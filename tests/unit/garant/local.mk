# unit tests of garant: what needs neither a server nor a database
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/garant/scope_test
TESTS += tests/unit/garant/scope_test
tests_unit_garant_scope_test_SOURCES = tests/unit/garant/scope_test.c \
	fcgi/garant/scope.c
tests_unit_garant_scope_test_LDADD = common/libcommon.a $(CMOCKA_LIBS)
endif
