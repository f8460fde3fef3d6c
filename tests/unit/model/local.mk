# unit tests of model: what needs no server (tests/db has the rest)
if HAVE_CMOCKA
model_tests = \
	tests/unit/model/access_test \
	tests/unit/model/registry_token_test \
	tests/unit/model/search_words_test
model_test_libs = common/libcommon.a $(CMOCKA_LIBS) $(MYSQL_LIBS) \
	$(CRYPTO_LIBS)
check_PROGRAMS += $(model_tests)
TESTS += $(model_tests)
tests_unit_model_access_test_SOURCES = tests/unit/model/access_test.c
tests_unit_model_access_test_LDADD = $(model_test_libs)
# it sets the clock and the settings
tests_unit_model_registry_token_test_SOURCES = \
	tests/unit/model/registry_token_test.c
tests_unit_model_registry_token_test_LDADD = $(model_test_libs) $(JSONC_LIBS)
tests_unit_model_registry_token_test_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=time_now_s,--wrap=settings_current
tests_unit_model_search_words_test_SOURCES = \
	tests/unit/model/search_words_test.c
tests_unit_model_search_words_test_LDADD = $(model_test_libs)
endif
