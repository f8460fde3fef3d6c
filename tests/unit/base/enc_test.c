/* Hex, base64 and UTF-8: published examples, strictness, round trips. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/enc.h"
#include "common/base/pool.h"

static void
test_hex(void **state UNUSED)
{
	unsigned char all[256], back[256];
	char text[ENC_HEX_SIZE(256)];

	for (size_t i = 0; i < sizeof(all); i++)
		all[i] = (unsigned char)i;
	enc_put_hex(text, all, sizeof(all));
	assert_int_equal(strlen(text), 512);
	assert_int_equal(strspn(text, "0123456789abcdef"), 512);
	assert_memory_equal(text, "000102", 6);
	assert_memory_equal(text + 508, "feff", 4);
	assert_true(enc_parse_hex(back, sizeof(back), text));
	assert_memory_equal(all, back, sizeof(all));
	enc_put_hex(text, all, 0);
	assert_string_equal(text, "");
	assert_true(enc_parse_hex(back, 0, ""));
}

static void
test_hex_refused(void **state UNUSED)
{
	/* one and a half bytes, and a text that ends is not read on */
	static const char *const bad[] = { "", "0", "000", "00F0", "g000",
		"000g", "0x00", " 000", "000 ", "-000", "\xff" };
	unsigned char out[2];

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(
		    enc_parse_hex(out, sizeof(out), pool_strdup(pool, bad[i])));
}

/* RFC 4648, section 10 */
static const struct {
	const char *bytes;
	const char *base64;
} vectors[] = {
	{ "", "" },
	{ "f", "Zg==" },
	{ "fo", "Zm8=" },
	{ "foo", "Zm9v" },
	{ "foob", "Zm9vYg==" },
	{ "fooba", "Zm9vYmE=" },
	{ "foobar", "Zm9vYmFy" },
	{ "\xfb\xff\xfe", "+//+" },
};

static void
test_base64(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(vectors); i++) {
		const char *bytes = vectors[i].bytes;
		unsigned char *back;
		size_t n;

		assert_string_equal(
		    enc_base64(pool, bytes, strlen(bytes)), vectors[i].base64);
		back = enc_parse_base64(
		    pool, vectors[i].base64, strlen(vectors[i].base64), &n);
		assert_non_null(back);
		assert_int_equal(n, strlen(bytes));
		/* the NUL behind */
		assert_memory_equal(back, bytes, n + 1);
	}
}

static void
test_base64_refused(void **state UNUSED)
{
	static const char *const bad[] = { "Z", "Zg", "Zg=", "Zm8",
		"Zg===", "Zm9v=", "====", "=", "==", "Z===", "=Zg=", "Zg=g",
		"Zh==", "Zm9=", "Zm9v\n", "Zm 9v", "Zm9v ", "-__-", "Zm9\xff",
		"Zg==Zg==", "Zm8=\n" };
	size_t n;

	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_null(enc_parse_base64(pool, bad[i], strlen(bad[i]), &n));
	assert_null(enc_parse_base64(pool, "Zg\0=", 4, &n));
}

static void
test_base64url(void **state UNUSED)
{
	static const char *const bad[] = { "Z", "Zg==", "Zm8=", "Zh", "Zm9",
		"+//+", "Zm9vY", "Zm9v\n", " Zm9v" };
	unsigned char *back;
	size_t n;

	assert_string_equal(enc_base64url(pool, "\xfb\xff\xfe", 3), "-__-");
	assert_string_equal(enc_base64url(pool, "f", 1), "Zg");
	assert_string_equal(enc_base64url(pool, "fo", 2), "Zm8");
	back = enc_parse_base64url(pool, "-__-", 4, &n);
	assert_non_null(back);
	assert_int_equal(n, 3);
	assert_memory_equal(back, "\xfb\xff\xfe", 4);
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_null(
		    enc_parse_base64url(pool, bad[i], strlen(bad[i]), &n));
}

static void
test_base64_lengths(void **state UNUSED)
{
	unsigned char bytes[300];

	for (size_t i = 0; i < sizeof(bytes); i++)
		bytes[i] = (unsigned char)(i * 151 + 7);
	for (size_t n = 0; n <= sizeof(bytes); n++) {
		char *plain = enc_base64(pool, bytes, n);
		char *url = enc_base64url(pool, bytes, n);
		unsigned char *back;
		size_t size;

		back = enc_parse_base64(pool, plain, strlen(plain), &size);
		assert_non_null(back);
		assert_int_equal(size, n);
		assert_memory_equal(back, bytes, n);
		back = enc_parse_base64url(pool, url, strlen(url), &size);
		assert_non_null(back);
		assert_int_equal(size, n);
		assert_memory_equal(back, bytes, n);
	}
}

static size_t
put_utf8(unsigned char *p, uint32_t code, size_t length)
{
	static const unsigned char first[] = { 0, 0, 0xc0, 0xe0, 0xf0 };

	if (length == 1) {
		p[0] = (unsigned char)code;
		return 1;
	}
	for (size_t i = length - 1; i > 0; i--) {
		p[i] = (unsigned char)(0x80 | (code & 0x3f));
		code >>= 6;
	}
	p[0] = (unsigned char)(first[length] | code);
	return length;
}

/* every code point in every form that has room for it */
static void
test_utf8_all(void **state UNUSED)
{
	static const uint32_t below[] = { 0, 0x80, 0x800, 0x10000, 0x200000 };

	for (uint32_t code = 0; code < 0x200000; code++) {
		size_t shortest = code < 0x80 ? 1
		    : code < 0x800            ? 2
		    : code < 0x10000          ? 3
					      : 4;
		bool is_char =
		    code <= 0x10ffff && (code < 0xd800 || code > 0xdfff);

		for (size_t length = 1; length <= 4; length++) {
			unsigned char p[4];
			uint32_t read = UINT32_MAX;
			size_t n;

			if (code >= below[length])
				continue;
			put_utf8(p, code, length);
			n = enc_utf8_next(p, length, &read);
			if (is_char && length == shortest) {
				if (n != length || read != code)
					fail_msg("U+%04X", code);
			} else if (n != 0) {
				fail_msg("U+%04X in %zu", code, length);
			}
		}
	}
}

static void
test_utf8_cut(void **state UNUSED)
{
	static const char *const whole[] = { "\xc3\xa9", "\xe6\x97\xa5",
		"\xf0\x9f\x90\x8b" };
	uint32_t code;

	assert_int_equal(enc_utf8_next("", 0, &code), 0);
	for (size_t i = 0; i < COUNT_OF(whole); i++) {
		size_t n = strlen(whole[i]);

		for (size_t k = 1; k < n; k++) {
			/* of its exact size: not a byte more is read */
			char *part = malloc(k);

			assert_non_null(part);
			memcpy(part, whole[i], k);
			assert_int_equal(enc_utf8_next(part, k, &code), 0);
			assert_false(enc_is_utf8(part, k));
			free(part);
		}
		assert_int_equal(enc_utf8_next(whole[i], n + 1, &code), n);
	}
}

static void
test_is_utf8(void **state UNUSED)
{
	static const char *const good[] = { "", "ascii", "\x7f",
		"a\xc3\xa9z\xe6\x97\xa5\xf0\x9f\x90\x8b." };
	static const char *const bad[] = { "\x80", "\xbf", "\xc0\x80",
		"\xc1\xbf", "a\xff", "\xfe", "\xc3(", "\xe6\x97(",
		"\xf0\x9f\x90(", "ok\xc3", "\xf5\x80\x80\x80",
		"\xf8\x88\x80\x80\x80", "\xed\xa0\x80", "\xf4\x90\x80\x80" };

	for (size_t i = 0; i < COUNT_OF(good); i++)
		assert_true(enc_is_utf8(good[i], strlen(good[i])));
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(enc_is_utf8(bad[i], strlen(bad[i])));
	assert_true(enc_is_utf8("a\0b", 3));
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_hex),
	POOL_TEST(test_hex_refused),
	POOL_TEST(test_base64),
	POOL_TEST(test_base64_refused),
	POOL_TEST(test_base64url),
	POOL_TEST(test_base64_lengths),
	POOL_TEST(test_utf8_all),
	POOL_TEST(test_utf8_cut),
	POOL_TEST(test_is_utf8),
};

UNIT_MAIN(tests)
