# unit tests of model: what needs no server (tests/db has the rest)
if HAVE_CMOCKA
check_PROGRAMS += tests/unit/model/access_test
TESTS += tests/unit/model/access_test
tests_unit_model_access_test_SOURCES = tests/unit/model/access_test.c
tests_unit_model_access_test_LDADD = common/libcommon.a $(CMOCKA_LIBS) \
	$(MYSQL_LIBS) $(CRYPTO_LIBS)
endif
