# unit tests of json
if HAVE_CMOCKA
json_tests = \
	tests/unit/json/jscheck_test \
	tests/unit/json/jsr_test \
	tests/unit/json/jsw_test
json_test_libs = common/libcommon.a $(CMOCKA_LIBS) $(JSONC_LIBS)
check_PROGRAMS += $(json_tests)
TESTS += $(json_tests)
tests_unit_json_jscheck_test_SOURCES = tests/unit/json/jscheck_test.c
tests_unit_json_jscheck_test_LDADD = $(json_test_libs)
tests_unit_json_jsr_test_SOURCES = tests/unit/json/jsr_test.c \
	tests/unit/aborts.h
tests_unit_json_jsr_test_LDADD = $(json_test_libs)
tests_unit_json_jsw_test_SOURCES = tests/unit/json/jsw_test.c \
	tests/unit/aborts.h
tests_unit_json_jsw_test_LDADD = $(json_test_libs)
endif
