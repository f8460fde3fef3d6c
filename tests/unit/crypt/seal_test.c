/* Sealed secrets: they open only whole, in their place and with their key. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/crypt/seal.h"

#define PURPOSE "token key"
#define CONTEXT "kid-1"

static unsigned char key[SEAL_KEY_SIZE];
static struct pool *pool;
static struct err err;

static int
setup(void **state UNUSED)
{
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (unsigned char)i;
	err_clear(&err);
	pool = pool_new((size_t)64 << 20);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

static unsigned char *
make(const char *secret, size_t *len_out)
{
	unsigned char *sealed;

	assert_int_equal(seal(pool, key, PURPOSE, CONTEXT, secret,
			     strlen(secret), &sealed, len_out, &err),
	    0);
	return sealed;
}

static void
assert_refused(const unsigned char *with, const char *purpose,
    const char *context, const unsigned char *sealed, size_t n,
    const char *text)
{
	unsigned char *secret = NULL;
	size_t len;

	err_clear(&err);
	assert_int_equal(seal_open(pool, with, purpose, context, sealed, n,
			     &secret, &len, &err),
	    E_INVALID);
	assert_string_equal(err.text, text);
	assert_null(secret);
}

static const char wrong[] =
    "the sealed secret does not open with this cluster key";
static const char unknown[] = "not a sealed secret";

static void
test_round_trip(void **state UNUSED)
{
	static const size_t sizes[] = { 0, 1, 15, 16, 17, 138, 70000,
		SEAL_SECRET_MAX };
	char *text = pool_alloc(pool, SEAL_SECRET_MAX);

	for (size_t i = 0; i < SEAL_SECRET_MAX; i++)
		text[i] = (char)(i % 251);
	for (size_t i = 0; i < COUNT_OF(sizes); i++) {
		unsigned char *sealed, *secret;
		size_t n, len;

		assert_int_equal(seal(pool, key, PURPOSE, CONTEXT, text,
				     sizes[i], &sealed, &n, &err),
		    0);
		assert_true(n > sizes[i]);
		assert_int_equal(seal_open(pool, key, PURPOSE, CONTEXT, sealed,
				     n, &secret, &len, &err),
		    0);
		assert_int_equal(len, sizes[i]);
		assert_memory_equal(secret, text, len);
	}
}

/* larger than any that was made: no memory is taken for it */
static void
test_too_large(void **state UNUSED)
{
	char *text = pool_alloc(pool, SEAL_SECRET_MAX);
	unsigned char *sealed, *longer;
	size_t n;

	assert_int_equal(seal(pool, key, PURPOSE, CONTEXT, text,
			     SEAL_SECRET_MAX, &sealed, &n, &err),
	    0);
	longer = pool_alloc(pool, n + 1);
	memcpy(longer, sealed, n);
	assert_refused(key, PURPOSE, CONTEXT, longer, n + 1, unknown);
}

/* rows that were sealed once must open for ever (made by another program) */
static void
test_known(void **state UNUSED)
{
	static const char hex[] = "01a0a1a2a3a4a5a6a7a8a9aaab75cc92d0a9c7eb"
				  "49fc499b9508f0b27bdcc5d117656bfd7e";
	unsigned char sealed[sizeof(hex) / 2], *secret;
	size_t len;

	assert_true(enc_parse_hex(sealed, sizeof(sealed), hex));
	assert_int_equal(seal_open(pool, key, PURPOSE, CONTEXT, sealed,
			     sizeof(sealed), &secret, &len, &err),
	    0);
	assert_int_equal(len, 8);
	assert_memory_equal(secret, "a secret", 8);
}

static void
test_every_bit(void **state UNUSED)
{
	size_t n;
	unsigned char *sealed = make("a secret", &n);

	for (size_t i = 0; i < n; i++)
		for (unsigned bit = 0; bit < 8; bit++) {
			sealed[i] ^= (unsigned char)(1 << bit);
			assert_refused(key, PURPOSE, CONTEXT, sealed, n,
			    i == 0 ? unknown : wrong);
			sealed[i] ^= (unsigned char)(1 << bit);
		}
}

static void
test_every_length(void **state UNUSED)
{
	size_t n;
	unsigned char *sealed = make("a secret", &n);
	unsigned char *longer = pool_memdup(pool, sealed, n);

	for (size_t i = 0; i < n; i++)
		assert_refused(key, PURPOSE, CONTEXT, sealed, i,
		    i < n - strlen("a secret") ? unknown : wrong);
	assert_refused(key, PURPOSE, CONTEXT, longer, n + 1, wrong);
}

static void
test_place(void **state UNUSED)
{
	size_t n;
	unsigned char *sealed = make("a secret", &n);
	unsigned char other[SEAL_KEY_SIZE];

	for (size_t i = 0; i < sizeof(key); i++) {
		memcpy(other, key, sizeof(key));
		other[i] ^= 0x80;
		assert_refused(other, PURPOSE, CONTEXT, sealed, n, wrong);
	}
	assert_refused(key, PURPOSE, "kid-2", sealed, n, wrong);
	assert_refused(key, PURPOSE, "", sealed, n, wrong);
	assert_refused(key, "webhook", CONTEXT, sealed, n, wrong);
	/* what is bound must not run together */
	assert_refused(key, "token keyk", "id-1", sealed, n, wrong);
	assert_refused(key, "token ke", "ykid-1", sealed, n, wrong);
}

static void
test_nonce_is_fresh(void **state UNUSED)
{
	size_t n, m;
	unsigned char *one = make("a secret", &n), *two = make("a secret", &m);

	assert_int_equal(n, m);
	assert_memory_not_equal(one + 1, two + 1, 12);
	assert_null(memmem(one, n, "a secret", 8));
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	TEST(test_round_trip),
	TEST(test_too_large),
	TEST(test_known),
	TEST(test_every_bit),
	TEST(test_every_length),
	TEST(test_place),
	TEST(test_nonce_is_fresh),
};

UNIT_MAIN(tests)
