# Fuzz targets: with --enable-fuzz they are libFuzzer programs, otherwise
# programs that replay their corpus in `make check`. One is run by
#	tests/fuzz/jws_fuzz -max_total_time=60 NEW-INPUTS tests/fuzz/corpus/jws
# A new target needs tests/fuzz/NAME_fuzz.c, inputs in tests/fuzz/corpus/NAME
# and lines as below.
EXTRA_DIST += tests/fuzz/corpus tests/fuzz/fuzz.h tests/fuzz/replay_main.c
fuzz_targets =
check_PROGRAMS += $(fuzz_targets)
if FUZZ
AM_CFLAGS += -fsanitize=fuzzer-no-link
fuzz_main = tests/fuzz/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS) -fsanitize=fuzzer
else
TESTS += $(fuzz_targets)
fuzz_main = tests/fuzz/replay_main.c tests/fuzz/fuzz.h
fuzz_ldflags = $(AM_LDFLAGS)
endif

fuzz_targets += tests/fuzz/conf_fuzz
tests_fuzz_conf_fuzz_SOURCES = tests/fuzz/conf_fuzz.c $(fuzz_main)
tests_fuzz_conf_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_conf_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/jws_fuzz
tests_fuzz_jws_fuzz_SOURCES = tests/fuzz/jws_fuzz.c $(fuzz_main)
tests_fuzz_jws_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_jws_fuzz_LDADD = common/libcommon.a $(CRYPTO_LIBS) $(JSONC_LIBS)
