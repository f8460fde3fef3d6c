if HAVE_CMOCKA
check_PROGRAMS += tests/unit/cli/pure_test
TESTS += tests/unit/cli/pure_test
tests_unit_cli_pure_test_SOURCES = tests/unit/cli/pure_test.c \
	cli/hosts.c cli/mask.c cli/secret.c
tests_unit_cli_pure_test_LDADD = common/libcommon.a $(CMOCKA_LIBS) \
	$(CRYPT_LIBS)
endif
