/* P-256 keys: known ones, foreign ones, and many threads on one. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <pthread.h>

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/crypt/key.h"
#include "tests/unit/crypt/keys.h"

#define SIGNED_TEXT                                                     \
 "eyJhbGciOiJFUzI1NiJ9.eyJpc3MiOiJqb2UiLA0KICJleHAiOjEzMDA4MTkzODAsDQo" \
 "gImh0dHA6Ly9leGFtcGxlLmNvbS9pc19yb290Ijp0cnVlfQ"
#define SIGNATURE                                                       \
 "DtEhU3ljbEg8L38VWAfUAqOyKAM6-Xx-F4GawxaepmXFCgfTjDxw5djxLa8ISlSApmWQ" \
 "xfKTUJqPP3-Kg6NU1Q"

static struct pool *pool;
static struct key *key; /* of the RFC */
static struct err err;

static unsigned char *
from_hex(const char *hex, size_t *len_out)
{
	unsigned char *bytes;

	*len_out = strlen(hex) / 2;
	bytes = pool_alloc(pool, *len_out);
	assert_true(enc_parse_hex(bytes, *len_out, hex));
	return bytes;
}

static int
setup(void **state UNUSED)
{
	unsigned char *der;
	size_t n;

	err_clear(&err);
	pool = pool_new((size_t)1 << 20);
	der = from_hex(KEYS_RFC_DER, &n);
	assert_int_equal(key_parse_private(&key, der, n, &err), 0);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	key_free(&key);
	assert_null(key);
	key_free(&key);
	pool_free(&pool);
	return 0;
}

static void
test_rfc_signature(void **state UNUSED)
{
	size_t n;
	unsigned char *signature =
	    enc_parse_base64url(pool, SIGNATURE, strlen(SIGNATURE), &n);

	assert_int_equal(n, KEY_SIGNATURE_SIZE);
	assert_int_equal(
	    key_verify(key, SIGNED_TEXT, strlen(SIGNED_TEXT), signature, &err),
	    1);
	assert_int_equal(key_verify(key, SIGNED_TEXT, strlen(SIGNED_TEXT) - 1,
			     signature, &err),
	    0);
}

static void
test_jwk(void **state UNUSED)
{
	const char *x, *y, *thumbprint;

	assert_int_equal(key_jwk(key, pool, &x, &y, &thumbprint, &err), 0);
	assert_string_equal(x, KEYS_RFC_X);
	assert_string_equal(y, KEYS_RFC_Y);
	assert_string_equal(
	    thumbprint, "oKIywvGUpTVTyxMQ3bwIIeQUudfr_CkLMjCE19ECD-U");
}

/* coordinates that begin with a zero byte keep their 32 bytes */
static void
test_jwk_width(void **state UNUSED)
{
	for (int i = 0; i < 300; i++) {
		struct key *any;
		const char *x, *y, *thumbprint;

		assert_int_equal(key_new(&any, &err), 0);
		assert_int_equal(
		    key_jwk(any, pool, &x, &y, &thumbprint, &err), 0);
		assert_int_equal(strlen(x), 43);
		assert_int_equal(strlen(y), 43);
		assert_int_equal(strlen(thumbprint), 43);
		key_free(&any);
	}
}

static void
test_der(void **state UNUSED)
{
	unsigned char *der, *expected;
	size_t n, expected_size;
	unsigned char signature[KEY_SIGNATURE_SIZE];
	struct key *made, *again;

	expected = from_hex(KEYS_RFC_DER, &expected_size);
	assert_int_equal(key_put_private(key, pool, &der, &n, &err), 0);
	assert_int_equal(n, expected_size);
	assert_memory_equal(der, expected, n);

	assert_int_equal(key_new(&made, &err), 0);
	assert_int_equal(key_put_private(made, pool, &der, &n, &err), 0);
	assert_int_equal(key_parse_private(&again, der, n, &err), 0);
	assert_int_equal(key_sign(made, "text", 4, signature, &err), 0);
	assert_int_equal(key_verify(again, "text", 4, signature, &err), 1);
	assert_int_equal(key_verify(key, "text", 4, signature, &err), 0);
	key_free(&made);
	key_free(&again);
}

static void
assert_no_key(const unsigned char *der, size_t n)
{
	struct key *none = NULL;

	err_clear(&err);
	assert_int_equal(key_parse_private(&none, der, n, &err), E_INVALID);
	assert_string_equal(err.text, "not a P-256 private key");
	assert_null(none);
}

static void
test_foreign_keys(void **state UNUSED)
{
	size_t n;
	unsigned char *der = from_hex(KEYS_K1_DER, &n);

	assert_no_key(der, n);
	der = from_hex(KEYS_ED25519_DER, &n);
	assert_no_key(der, n);
	der = from_hex(KEYS_RFC_DER "00", &n);
	assert_no_key(der, n);
	for (size_t i = 0; i < n - 1; i++)
		assert_no_key(der, i);
	assert_no_key(
	    (const unsigned char *)KEYS_RFC_PEM, strlen(KEYS_RFC_PEM));
}

static void
test_tampering(void **state UNUSED)
{
	unsigned char signature[KEY_SIGNATURE_SIZE];
	char text[] = "what is signed";

	assert_int_equal(key_sign(key, text, sizeof(text), signature, &err), 0);
	for (size_t i = 0; i < sizeof(signature); i++) {
		signature[i] ^= 1;
		assert_int_equal(
		    key_verify(key, text, sizeof(text), signature, &err), 0);
		signature[i] ^= 1;
	}
	for (size_t i = 0; i < sizeof(text); i++) {
		text[i] ^= 1;
		assert_int_equal(
		    key_verify(key, text, sizeof(text), signature, &err), 0);
		text[i] ^= 1;
	}
	assert_int_equal(
	    key_verify(key, text, sizeof(text), signature, &err), 1);
}

/* r and s of 0, of the group's order and above are no fault of ours */
static void
test_numbers_out_of_range(void **state UNUSED)
{
	static const char *const halves[] = {
		("00000000000000000000000000000000"
		 "00000000000000000000000000000000"),
		("00000000000000000000000000000000"
		 "00000000000000000000000000000001"),
		("ffffffff00000000ffffffffffffffff"
		 "bce6faada7179e84f3b9cac2fc632551"),
		("ffffffffffffffffffffffffffffffff"
		 "ffffffffffffffffffffffffffffffff"),
	};
	unsigned char signature[KEY_SIGNATURE_SIZE];

	for (size_t r = 0; r < COUNT_OF(halves); r++)
		for (size_t s = 0; s < COUNT_OF(halves); s++) {
			assert_true(enc_parse_hex(signature, 32, halves[r]));
			assert_true(
			    enc_parse_hex(signature + 32, 32, halves[s]));
			assert_int_equal(
			    key_verify(key, "text", 4, signature, &err), 0);
		}
}

static void
test_empty(void **state UNUSED)
{
	unsigned char signature[KEY_SIGNATURE_SIZE];

	assert_int_equal(key_sign(key, "", 0, signature, &err), 0);
	assert_int_equal(key_verify(key, "", 0, signature, &err), 1);
	assert_int_equal(key_verify(key, "x", 1, signature, &err), 0);
}

#define THREADS 4
#define ROUNDS  50

static void *
sign_and_verify(void *arg)
{
	unsigned char signature[KEY_SIGNATURE_SIZE];
	size_t *good = arg;
	struct err e;

	for (uint32_t i = 0; i < ROUNDS; i++)
		if (key_sign(key, &i, sizeof(i), signature, &e) == 0 &&
		    key_verify(key, &i, sizeof(i), signature, &e) == 1)
			(*good)++;
	return NULL;
}

static void
test_threads(void **state UNUSED)
{
	pthread_t threads[THREADS];
	size_t good[THREADS] = { 0 };

	for (size_t i = 0; i < THREADS; i++)
		assert_int_equal(pthread_create(&threads[i], NULL,
				     sign_and_verify, &good[i]),
		    0);
	for (size_t i = 0; i < THREADS; i++) {
		assert_int_equal(pthread_join(threads[i], NULL), 0);
		assert_int_equal(good[i], ROUNDS);
	}
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	TEST(test_rfc_signature),
	TEST(test_jwk),
	TEST(test_jwk_width),
	TEST(test_der),
	TEST(test_foreign_keys),
	TEST(test_tampering),
	TEST(test_numbers_out_of_range),
	TEST(test_empty),
	TEST(test_threads),
};

UNIT_MAIN(tests)
