# unit tests of oci
if HAVE_CMOCKA
oci_tests = \
	tests/unit/oci/image_config_test \
	tests/unit/oci/manifest_test \
	tests/unit/oci/name_test \
	tests/unit/oci/oci_digest_test \
	tests/unit/oci/referrer_index_test
oci_test_libs = common/libcommon.a $(CMOCKA_LIBS) $(JSONC_LIBS) \
	$(CRYPTO_LIBS)
check_PROGRAMS += $(oci_tests)
TESTS += $(oci_tests)
tests_unit_oci_image_config_test_SOURCES = tests/unit/oci/image_config_test.c
tests_unit_oci_image_config_test_LDADD = $(oci_test_libs)
tests_unit_oci_manifest_test_SOURCES = tests/unit/oci/manifest_test.c
tests_unit_oci_manifest_test_LDADD = $(oci_test_libs)
tests_unit_oci_name_test_SOURCES = tests/unit/oci/name_test.c
tests_unit_oci_name_test_LDADD = $(oci_test_libs)
tests_unit_oci_oci_digest_test_SOURCES = tests/unit/oci/oci_digest_test.c
tests_unit_oci_oci_digest_test_LDADD = $(oci_test_libs)
tests_unit_oci_referrer_index_test_SOURCES = \
	tests/unit/oci/referrer_index_test.c
tests_unit_oci_referrer_index_test_LDADD = $(oci_test_libs)
endif
