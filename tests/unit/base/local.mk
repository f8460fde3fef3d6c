# unit tests of base
if HAVE_CMOCKA
base_tests = \
	tests/unit/base/address_test \
	tests/unit/base/base_test \
	tests/unit/base/enc_test \
	tests/unit/base/err_test \
	tests/unit/base/etag_test \
	tests/unit/base/io_test \
	tests/unit/base/log_test \
	tests/unit/base/mem_test \
	tests/unit/base/num_test \
	tests/unit/base/pool_test \
	tests/unit/base/proxy_test \
	tests/unit/base/rand_test \
	tests/unit/base/str_test \
	tests/unit/base/time_test \
	tests/unit/base/uri_test \
	tests/unit/base/vec_test
base_test_libs = common/libcommon.a $(CMOCKA_LIBS) $(JSONC_LIBS)
check_PROGRAMS += $(base_tests)
TESTS += $(base_tests)
tests_unit_base_address_test_SOURCES = tests/unit/base/address_test.c
tests_unit_base_address_test_LDADD = $(base_test_libs)
tests_unit_base_base_test_SOURCES = tests/unit/base/base_test.c
tests_unit_base_base_test_LDADD = $(base_test_libs)
tests_unit_base_enc_test_SOURCES = tests/unit/base/enc_test.c
tests_unit_base_enc_test_LDADD = $(base_test_libs)
tests_unit_base_etag_test_SOURCES = tests/unit/base/etag_test.c
tests_unit_base_etag_test_LDADD = $(base_test_libs)
tests_unit_base_err_test_SOURCES = tests/unit/base/err_test.c
tests_unit_base_err_test_LDADD = $(base_test_libs)
tests_unit_base_io_test_SOURCES = tests/unit/base/io_test.c
tests_unit_base_io_test_LDADD = $(base_test_libs)
tests_unit_base_log_test_SOURCES = tests/unit/base/log_test.c
tests_unit_base_log_test_LDADD = $(base_test_libs)
tests_unit_base_mem_test_SOURCES = tests/unit/base/mem_test.c \
	tests/unit/aborts.h
tests_unit_base_mem_test_LDADD = $(base_test_libs)
tests_unit_base_num_test_SOURCES = tests/unit/base/num_test.c
tests_unit_base_num_test_LDADD = $(base_test_libs)
tests_unit_base_pool_test_SOURCES = tests/unit/base/pool_test.c \
	tests/unit/aborts.h
tests_unit_base_pool_test_LDADD = $(base_test_libs)
# it looks into memory that is given back
tests_unit_base_pool_test_LDFLAGS = $(AM_LDFLAGS) -Wl,--wrap=free
tests_unit_base_proxy_test_SOURCES = tests/unit/base/proxy_test.c
tests_unit_base_proxy_test_LDADD = $(base_test_libs)
tests_unit_base_rand_test_SOURCES = tests/unit/base/rand_test.c
tests_unit_base_rand_test_LDADD = $(base_test_libs)
tests_unit_base_str_test_SOURCES = tests/unit/base/str_test.c \
	tests/unit/aborts.h
tests_unit_base_str_test_LDADD = $(base_test_libs)
tests_unit_base_time_test_SOURCES = tests/unit/base/time_test.c
tests_unit_base_time_test_LDADD = $(base_test_libs)
tests_unit_base_uri_test_SOURCES = tests/unit/base/uri_test.c
tests_unit_base_uri_test_LDADD = $(base_test_libs)
tests_unit_base_vec_test_SOURCES = tests/unit/base/vec_test.c
tests_unit_base_vec_test_LDADD = $(base_test_libs)
endif
