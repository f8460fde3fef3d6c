# unit tests of core
if HAVE_CMOCKA
core_tests = \
	tests/unit/core/cache_test \
	tests/unit/core/fcgi_client_test \
	tests/unit/core/handover_test \
	tests/unit/core/metrics_test \
	tests/unit/core/range_test \
	tests/unit/core/rate_test \
	tests/unit/core/resp_test \
	tests/unit/core/route_test
core_test_libs = fcgi/core/libcore.a common/libcommon.a $(CMOCKA_LIBS)
check_PROGRAMS += $(core_tests)
TESTS += $(core_tests)
# it looks into memory that is given back, and sets the clock
tests_unit_core_cache_test_SOURCES = tests/unit/core/cache_test.c
tests_unit_core_cache_test_LDADD = $(core_test_libs)
tests_unit_core_cache_test_LDFLAGS = $(AM_LDFLAGS) \
	-Wl,--wrap=free,--wrap=time_monotonic_us
tests_unit_core_fcgi_client_test_SOURCES = tests/unit/core/fcgi_client_test.c
tests_unit_core_fcgi_client_test_LDADD = $(core_test_libs)
tests_unit_core_handover_test_SOURCES = tests/unit/core/handover_test.c
tests_unit_core_handover_test_LDADD = $(core_test_libs)
tests_unit_core_metrics_test_SOURCES = tests/unit/core/metrics_test.c
tests_unit_core_metrics_test_LDADD = $(core_test_libs)
tests_unit_core_range_test_SOURCES = tests/unit/core/range_test.c
tests_unit_core_range_test_LDADD = $(core_test_libs)
# it sets the clock
tests_unit_core_rate_test_SOURCES = tests/unit/core/rate_test.c
tests_unit_core_rate_test_LDADD = $(core_test_libs) $(FCGI_LIBS)
tests_unit_core_rate_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=time_monotonic_us
tests_unit_core_resp_test_SOURCES = tests/unit/core/resp_test.c
tests_unit_core_resp_test_LDADD = $(core_test_libs)
tests_unit_core_route_test_SOURCES = tests/unit/core/route_test.c
tests_unit_core_route_test_LDADD = $(core_test_libs)
endif
