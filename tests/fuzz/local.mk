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

fuzz_targets += tests/fuzz/claims_fuzz
tests_fuzz_claims_fuzz_SOURCES = tests/fuzz/claims_fuzz.c \
	fcgi/registry/identity.c $(fuzz_main)
tests_fuzz_claims_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_claims_fuzz_LDADD = common/libcommon.a $(CRYPTO_LIBS) \
	$(JSONC_LIBS) $(MYSQL_LIBS)

fuzz_targets += tests/fuzz/conf_fuzz
tests_fuzz_conf_fuzz_SOURCES = tests/fuzz/conf_fuzz.c $(fuzz_main)
tests_fuzz_conf_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_conf_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/enc_fuzz
tests_fuzz_enc_fuzz_SOURCES = tests/fuzz/enc_fuzz.c $(fuzz_main)
tests_fuzz_enc_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_enc_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/etag_fuzz
tests_fuzz_etag_fuzz_SOURCES = tests/fuzz/etag_fuzz.c $(fuzz_main)
tests_fuzz_etag_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_etag_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/image_config_fuzz
tests_fuzz_image_config_fuzz_SOURCES = tests/fuzz/image_config_fuzz.c \
	$(fuzz_main)
tests_fuzz_image_config_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_image_config_fuzz_LDADD = common/libcommon.a $(CRYPTO_LIBS) \
	$(JSONC_LIBS)

fuzz_targets += tests/fuzz/json_fuzz
tests_fuzz_json_fuzz_SOURCES = tests/fuzz/json_fuzz.c $(fuzz_main)
tests_fuzz_json_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_json_fuzz_LDADD = common/libcommon.a $(JSONC_LIBS)

fuzz_targets += tests/fuzz/jws_fuzz
tests_fuzz_jws_fuzz_SOURCES = tests/fuzz/jws_fuzz.c $(fuzz_main)
tests_fuzz_jws_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_jws_fuzz_LDADD = common/libcommon.a $(CRYPTO_LIBS) $(JSONC_LIBS)

fuzz_targets += tests/fuzz/manifest_fuzz
tests_fuzz_manifest_fuzz_SOURCES = tests/fuzz/manifest_fuzz.c $(fuzz_main)
tests_fuzz_manifest_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_manifest_fuzz_LDADD = common/libcommon.a $(CRYPTO_LIBS) \
	$(JSONC_LIBS)

fuzz_targets += tests/fuzz/name_fuzz
tests_fuzz_name_fuzz_SOURCES = tests/fuzz/name_fuzz.c $(fuzz_main)
tests_fuzz_name_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_name_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/oci_digest_fuzz
tests_fuzz_oci_digest_fuzz_SOURCES = tests/fuzz/oci_digest_fuzz.c \
	$(fuzz_main)
tests_fuzz_oci_digest_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_oci_digest_fuzz_LDADD = common/libcommon.a $(CRYPTO_LIBS)

fuzz_targets += tests/fuzz/proxy_fuzz
tests_fuzz_proxy_fuzz_SOURCES = tests/fuzz/proxy_fuzz.c $(fuzz_main)
tests_fuzz_proxy_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_proxy_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/range_fuzz
tests_fuzz_range_fuzz_SOURCES = tests/fuzz/range_fuzz.c $(fuzz_main)
tests_fuzz_range_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_range_fuzz_LDADD = fcgi/core/libcore.a common/libcommon.a

fuzz_targets += tests/fuzz/referrer_index_fuzz
tests_fuzz_referrer_index_fuzz_SOURCES = tests/fuzz/referrer_index_fuzz.c \
	$(fuzz_main)
tests_fuzz_referrer_index_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_referrer_index_fuzz_LDADD = common/libcommon.a $(CRYPTO_LIBS) \
	$(JSONC_LIBS)

fuzz_targets += tests/fuzz/scope_fuzz
tests_fuzz_scope_fuzz_SOURCES = tests/fuzz/scope_fuzz.c fcgi/garant/scope.c \
	$(fuzz_main)
tests_fuzz_scope_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_scope_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/search_words_fuzz
tests_fuzz_search_words_fuzz_SOURCES = tests/fuzz/search_words_fuzz.c \
	$(fuzz_main)
tests_fuzz_search_words_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_search_words_fuzz_LDADD = common/libcommon.a

fuzz_targets += tests/fuzz/uri_fuzz
tests_fuzz_uri_fuzz_SOURCES = tests/fuzz/uri_fuzz.c $(fuzz_main)
tests_fuzz_uri_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_uri_fuzz_LDADD = common/libcommon.a

# nothing but these, e.g. with clang
.PHONY: fuzz-targets
fuzz-targets: $(BUILT_SOURCES)
	$(MAKE) $(AM_MAKEFLAGS) $(fuzz_targets)
