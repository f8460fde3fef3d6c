/* Digests in text form. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/err.h"
#include "common/oci/oci_digest.h"

#define HEX64 "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
#define HEX128                                                      \
 "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce" \
 "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"

static void
test_round_trip(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum digest_algorithm algorithm;
	} cases[] = {
		{ "sha256:" HEX64, DIGEST_SHA256 },
		{ "sha512:" HEX128, DIGEST_SHA512 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		char text[OCI_DIGEST_TEXT_SIZE];
		struct oci_digest digest, of;
		struct err err;

		memset(&digest, 0xff, sizeof(digest));
		assert_int_equal(
		    oci_digest_parse(&digest, cases[i].text, &err), 0);
		assert_int_equal(digest.algorithm, cases[i].algorithm);
		for (size_t k = digest_size(digest.algorithm);
		     k < DIGEST_SIZE_MAX; k++)
			assert_int_equal(digest.bytes[k], 0);
		oci_digest_put(text, &digest);
		assert_string_equal(text, cases[i].text);
		/* they are those of nothing */
		oci_digest_of(&of, cases[i].algorithm, "", 0);
		assert_true(oci_digest_equal(&of, &digest));
	}
}

static void
test_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", ":", "sha256",
		"sha256:", "sha256:zz", "sha256:" HEX64 "0", "sha256:" HEX128,
		"sha512:" HEX64, "sha512:" HEX128 "00", "SHA256:" HEX64,
		"sha256-" HEX64,
		"sha256:"
		"E3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855",
		"sha256: " HEX64, " sha256:" HEX64, "sha256:" HEX64 "\n",
		"sha256:sha256:" HEX64, "md5:d41d8cd98f00b204e9800998ecf8427e",
		"sha384:" HEX64, "sha256+b64:" HEX64, HEX64,
		"sha256:"
		"g3b0c44298fc1c149afbf4c8996fb924"
		"27ae41e4649b934ca495991b7852b855" };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		struct oci_digest digest;
		struct err err;

		if (oci_digest_parse(&digest, bad[i], &err) != E_INVALID)
			fail_msg("accepted: %s", bad[i]);
		assert_string_equal(err.reason, "DIGEST_INVALID");
	}
}

static void
test_error(void **state UNUSED)
{
	char large[1000];
	struct oci_digest digest;
	struct err err;

	oci_digest_parse(&digest, "sha256:xyz", &err);
	assert_string_equal(err.text,
	    "digest \"sha256:xyz\" is not valid: it must be sha256: and 64 or "
	    "sha512: and 128 lower-case hexadecimal digits");
	memset(large, 'x', sizeof(large) - 1);
	large[sizeof(large) - 1] = '\0';
	assert_int_equal(oci_digest_parse(&digest, large, &err), E_INVALID);
	/* the long subject leaves room for what to do */
	assert_non_null(strstr(err.text, "lower-case hexadecimal digits"));
}

static void
test_equal(void **state UNUSED)
{
	struct oci_digest a, b;

	oci_digest_of(&a, DIGEST_SHA256, "abc", 3);
	oci_digest_of(&b, DIGEST_SHA256, "abc", 3);
	assert_true(oci_digest_equal(&a, &b));
	for (size_t i = 0; i < DIGEST_SHA256_SIZE; i++) {
		b.bytes[i] ^= 1;
		assert_false(oci_digest_equal(&a, &b));
		b.bytes[i] ^= 1;
	}
	/* the same bytes of another algorithm */
	b.algorithm = DIGEST_SHA512;
	assert_false(oci_digest_equal(&a, &b));
	oci_digest_of(&b, DIGEST_SHA512, "abc", 3);
	assert_false(oci_digest_equal(&a, &b));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_round_trip),
	cmocka_unit_test(test_refused),
	cmocka_unit_test(test_error),
	cmocka_unit_test(test_equal),
};

UNIT_MAIN(tests)
