# unit tests of crypt
if HAVE_CMOCKA
crypt_tests = \
	tests/unit/crypt/digest_test \
	tests/unit/crypt/jws_test \
	tests/unit/crypt/key_test \
	tests/unit/crypt/passwd_test \
	tests/unit/crypt/seal_test \
	tests/unit/crypt/x509_test
crypt_test_libs = common/libcommon.a $(CMOCKA_LIBS) $(CRYPTO_LIBS) \
	$(CRYPT_LIBS) $(JSONC_LIBS)
check_PROGRAMS += $(crypt_tests)
TESTS += $(crypt_tests)
tests_unit_crypt_digest_test_SOURCES = tests/unit/crypt/digest_test.c
tests_unit_crypt_digest_test_LDADD = $(crypt_test_libs)
tests_unit_crypt_jws_test_SOURCES = tests/unit/crypt/jws_test.c
tests_unit_crypt_jws_test_LDADD = $(crypt_test_libs)
tests_unit_crypt_key_test_SOURCES = tests/unit/crypt/key_test.c \
	tests/unit/crypt/keys.h
tests_unit_crypt_key_test_LDADD = $(crypt_test_libs)
tests_unit_crypt_passwd_test_SOURCES = tests/unit/crypt/passwd_test.c
tests_unit_crypt_passwd_test_LDADD = $(crypt_test_libs)
tests_unit_crypt_seal_test_SOURCES = tests/unit/crypt/seal_test.c
tests_unit_crypt_seal_test_LDADD = $(crypt_test_libs)
tests_unit_crypt_x509_test_SOURCES = tests/unit/crypt/x509_test.c \
	tests/unit/crypt/keys.h
tests_unit_crypt_x509_test_LDADD = $(crypt_test_libs)
endif
