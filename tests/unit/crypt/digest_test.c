/* SHA-2 and HMAC against published vectors, and states that move. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/enc.h"
#include "common/crypt/digest.h"

static void
assert_hex(const unsigned char *bytes, size_t n, const char *hex)
{
	char text[ENC_HEX_SIZE(DIGEST_SIZE_MAX)];

	enc_put_hex(text, bytes, n);
	assert_string_equal(text, hex);
}

/* FIPS 180-4's examples */
static const struct {
	enum digest_algorithm algorithm;
	const char *text;
	const char *hex;
} vectors[] = {
	{ DIGEST_SHA256, "",
	    "e3b0c44298fc1c149afbf4c8996fb924"
	    "27ae41e4649b934ca495991b7852b855" },
	{ DIGEST_SHA256, "abc",
	    "ba7816bf8f01cfea414140de5dae2223"
	    "b00361a396177a9cb410ff61f20015ad" },
	{ DIGEST_SHA256,
	    "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq",
	    "248d6a61d20638b8e5c026930c3e6039"
	    "a33ce45964ff2167f6ecedd419db06c1" },
	{ DIGEST_SHA512, "",
	    "cf83e1357eefb8bdf1542850d66d8007"
	    "d620e4050b5715dc83f4a921d36ce9ce"
	    "47d0d13c5d85f2b0ff8318d2877eec2f"
	    "63b931bd47417a81a538327af927da3e" },
	{ DIGEST_SHA512, "abc",
	    "ddaf35a193617abacc417349ae204131"
	    "12e6fa4e89a97ea20a9eeee64b55d39a"
	    "2192992a274fc1a836ba3c23a3feebbd"
	    "454d4423643ce80e2a9ac94fa54ca49f" },
};

static void
test_vectors(void **state UNUSED)
{
	unsigned char out[DIGEST_SIZE_MAX];

	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		size_t size = digest_size(vectors[i].algorithm);
		struct digest *digest = digest_new(vectors[i].algorithm);

		assert_int_equal(size, strlen(vectors[i].hex) / 2);
		digest_of(vectors[i].algorithm, vectors[i].text,
		    strlen(vectors[i].text), out);
		assert_hex(out, size, vectors[i].hex);
		for (const char *p = vectors[i].text; *p != '\0'; p++)
			digest_add(digest, p, 1);
		digest_get(digest, out);
		assert_hex(out, size, vectors[i].hex);
		digest_free(&digest);
		assert_null(digest);
	}
}

static void
test_million(void **state UNUSED)
{
	static const char *const hex[] = {
		[DIGEST_SHA256] = "cdc76e5c9914fb9281a1c7e284d73e67"
				  "f1809a48a497200e046d39ccc7112cd0",
		[DIGEST_SHA512] = "e718483d0ce769644e2e42c7bc15b463"
				  "8e1f98b13b2044285632a803afa973eb"
				  "de0ff244877ea60a4cb0432ce577c31b"
				  "eb009c5c2c49aa2e4eadb217ad8cc09b",
	};
	unsigned char out[DIGEST_SIZE_MAX];
	char piece[1000];

	memset(piece, 'a', sizeof(piece));
	for (size_t i = 0; i < COUNT_OF(hex); i++) {
		struct digest *digest = digest_new((enum digest_algorithm)i);

		for (int k = 0; k < 1000; k++)
			digest_add(digest, piece, sizeof(piece));
		digest_get(digest, out);
		assert_hex(out, digest_size((enum digest_algorithm)i), hex[i]);
		digest_free(&digest);
	}
}

static void
test_get_goes_on(void **state UNUSED)
{
	unsigned char out[DIGEST_SIZE_MAX];

	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		size_t size = digest_size(vectors[i].algorithm);
		struct digest *digest = digest_new(vectors[i].algorithm);

		for (const char *p = vectors[i].text; *p != '\0'; p++) {
			digest_get(digest, out);
			digest_add(digest, p, 1);
		}
		digest_get(digest, out);
		digest_get(digest, out);
		assert_hex(out, size, vectors[i].hex);
		digest_free(&digest);
	}
}

static void
fill(unsigned char *data, size_t n)
{
	for (size_t i = 0; i < n; i++)
		data[i] = (unsigned char)(i * 7 + i / 64);
}

/* saved and loaded at every place around the 64 bytes of a block */
static void
test_state_moves(void **state UNUSED)
{
	unsigned char data[200], saved[DIGEST_STATE_SIZE_MAX];
	unsigned char whole[DIGEST_SHA256_SIZE], out[DIGEST_SHA256_SIZE];

	fill(data, sizeof(data));
	digest_of(DIGEST_SHA256, data, sizeof(data), whole);
	for (size_t split = 0; split <= sizeof(data); split++) {
		struct digest *first = digest_new(DIGEST_SHA256);
		struct digest *second;
		size_t n;

		digest_add(first, data, split);
		n = digest_save(first, saved);
		assert_in_range(n, 1, DIGEST_STATE_SIZE_MAX);
		second = digest_load(saved, n);
		assert_non_null(second);
		digest_add(second, data + split, sizeof(data) - split);
		digest_get(second, out);
		assert_memory_equal(out, whole, sizeof(whole));
		/* saving does not disturb */
		digest_add(first, data + split, sizeof(data) - split);
		digest_get(first, out);
		assert_memory_equal(out, whole, sizeof(whole));
		digest_free(&first);
		digest_free(&second);
	}
}

static size_t
save_some(unsigned char saved[DIGEST_STATE_SIZE_MAX])
{
	struct digest *digest = digest_new(DIGEST_SHA256);
	size_t n;

	digest_add(digest, "some bytes", 10);
	n = digest_save(digest, saved);
	digest_free(&digest);
	return n;
}

static void
test_state_unknown(void **state UNUSED)
{
	unsigned char saved[DIGEST_STATE_SIZE_MAX] = { 0 };
	size_t n = save_some(saved);

	for (size_t i = 0; i < 4; i++) {
		saved[i] ^= 1;
		assert_null(digest_load(saved, n));
		saved[i] ^= 1;
	}
	for (size_t i = 0; i <= sizeof(saved); i++)
		if (i != n)
			assert_null(digest_load(saved, i));
}

/* the last members are sizes, which must not lead outside the structure */
static void
test_state_sizes(void **state UNUSED)
{
	unsigned char saved[DIGEST_STATE_SIZE_MAX];
	size_t n = save_some(saved);

	for (size_t i = n - 8; i < n; i++) {
		saved[i] ^= 0x41;
		assert_null(digest_load(saved, n));
		saved[i] ^= 0x41;
	}
}

static void
test_hmac(void **state UNUSED)
{
	unsigned char key[131], data[50], out[DIGEST_SHA256_SIZE];

	/* RFC 4231, cases 1, 2, 3 and 6 */
	memset(key, 0x0b, 20);
	digest_hmac(key, 20, "Hi There", 8, out);
	assert_hex(out, sizeof(out),
	    "b0344c61d8db38535ca8afceaf0bf12b"
	    "881dc200c9833da726e9376c2e32cff7");
	digest_hmac("Jefe", 4, "what do ya want for nothing?", 28, out);
	assert_hex(out, sizeof(out),
	    "5bdcc146bf60754e6a042426089575c7"
	    "5a003f089d2739839dec58b964ec3843");
	memset(key, 0xaa, sizeof(key));
	memset(data, 0xdd, sizeof(data));
	digest_hmac(key, 20, data, sizeof(data), out);
	assert_hex(out, sizeof(out),
	    "773ea91e36800e46854db8ebd09181a7"
	    "2959098b3ef8c122d9635514ced565fe");
	digest_hmac(key, sizeof(key),
	    "Test Using Larger Than Block-Size Key - Hash Key First", 54, out);
	assert_hex(out, sizeof(out),
	    "60e431591ee0b67f0d8a26aacbf5b77f"
	    "8e0bc6213728c5140546040f0ee37f54");
	/* both empty */
	digest_hmac("", 0, "", 0, out);
	assert_hex(out, sizeof(out),
	    "b613679a0814d9ec772f95d778c35fc5"
	    "ff1697c493715653c6c712144292c5ad");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_vectors),
	cmocka_unit_test(test_million),
	cmocka_unit_test(test_get_goes_on),
	cmocka_unit_test(test_state_moves),
	cmocka_unit_test(test_state_unknown),
	cmocka_unit_test(test_state_sizes),
	cmocka_unit_test(test_hmac),
};

UNIT_MAIN(tests)
