/* Signed tokens: what is made, and all that must be refused. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/crypt/digest.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"

#define HEADER  "{\"alg\":\"ES256\",\"kid\":\"k\"}"
#define PAYLOAD "{\"sub\":\"jane\"}"

static struct pool *pool;
static struct key *key;
static struct err err;

static int
setup(void **state UNUSED)
{
	err_clear(&err);
	pool = pool_new((size_t)64 << 20);
	return key_new(&key, &err);
}

static int
teardown(void **state UNUSED)
{
	key_free(&key);
	pool_free(&pool);
	return 0;
}

static char *
encode(const char *text)
{
	return enc_base64url(pool, text, strlen(text));
}

/* a token with any header, rightly signed */
static char *
make(const char *header, const char *payload)
{
	unsigned char signature[KEY_SIGNATURE_SIZE];
	char *text =
	    pool_printf(pool, "%s.%s", encode(header), encode(payload));

	assert_int_equal(key_sign(key, text, strlen(text), signature, &err), 0);
	return pool_printf(pool, "%s.%s", text,
	    enc_base64url(pool, signature, sizeof(signature)));
}

static void
assert_malformed(const char *text)
{
	struct jws jws;

	err_clear(&err);
	assert_int_equal(jws_parse(&jws, pool, text, &err), E_UNAUTH);
	assert_string_equal(err.text, "malformed signed token");
	assert_string_equal(err.cause, "");
}

static void
test_round_trip(void **state UNUSED)
{
	static const char *const payloads[] = { PAYLOAD, "{}", "",
		"\xff not JSON" };

	for (size_t i = 0; i < COUNT_OF(payloads); i++) {
		size_t n = strlen(payloads[i]);
		struct jws jws;
		char *text;

		assert_int_equal(jws_sign(pool, key, "kid-1", NULL, payloads[i],
				     n, &text, &err),
		    0);
		assert_int_equal(jws_parse(&jws, pool, text, &err), 0);
		assert_string_equal(jws.kid, "kid-1");
		assert_int_equal(jws.payload_size, n);
		assert_memory_equal(jws.payload, payloads[i], n + 1);
		assert_ptr_equal(jws.signed_text, text);
		assert_int_equal(jws_verify(&jws, key, &err), 1);
	}
}

static void
assert_header(const char *x5c, const char *expected)
{
	char *text, *dot;
	size_t n;

	assert_int_equal(
	    jws_sign(pool, key, "k \"1\"", x5c, "{}", 2, &text, &err), 0);
	dot = strchr(text, '.');
	assert_non_null(dot);
	assert_string_equal(
	    (char *)enc_parse_base64url(pool, text, (size_t)(dot - text), &n),
	    expected);
}

static void
test_header(void **state UNUSED)
{
	assert_header(NULL,
	    "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"k \\\"1\\\"\"}");
	assert_header("QUJD+/==",
	    "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"k \\\"1\\\"\","
	    "\"x5c\":[\"QUJD+/==\"]}");
}

static void
test_header_too_large(void **state UNUSED)
{
	char *x5c = pool_alloc(pool, JWS_SIZE_MAX + 1);
	char *text;

	memset(x5c, 'A', JWS_SIZE_MAX);
	assert_int_equal(
	    jws_sign(pool, key, "k", x5c, "{}", 2, &text, &err), E_TOOBIG);
	assert_string_equal(
	    err.text, "header of a signed token over 8192 bytes");
}

static void
test_headers_accepted(void **state UNUSED)
{
	static const char *const headers[] = {
		HEADER,
		" { \"kid\" : \"k\" , \"alg\" : \"ES256\" } ",
		"{\"alg\":\"ES256\",\"kid\":\"\\u006b\",\"typ\":\"other\"}",
		"{\"alg\":\"ES256\",\"kid\":\"k\",\"x5c\":[\"QUJD\"],\"a\":{}}",
	};

	for (size_t i = 0; i < COUNT_OF(headers); i++) {
		struct jws jws;

		assert_int_equal(
		    jws_parse(&jws, pool, make(headers[i], PAYLOAD), &err), 0);
		assert_string_equal(jws.kid, "k");
		assert_int_equal(jws_verify(&jws, key, &err), 1);
	}
}

static void
test_headers_refused(void **state UNUSED)
{
	static const char *const headers[] = {
		/* algorithms */
		"{\"alg\":\"none\",\"kid\":\"k\"}",
		"{\"alg\":\"None\",\"kid\":\"k\"}",
		"{\"alg\":\"\",\"kid\":\"k\"}",
		"{\"alg\":\"HS256\",\"kid\":\"k\"}",
		"{\"alg\":\"RS256\",\"kid\":\"k\"}",
		"{\"alg\":\"ES384\",\"kid\":\"k\"}",
		"{\"alg\":\"es256\",\"kid\":\"k\"}",
		"{\"alg\":\"ES256 \",\"kid\":\"k\"}",
		"{\"alg\":\"ES256\\u0000\",\"kid\":\"k\"}",
		"{\"alg\":null,\"kid\":\"k\"}",
		"{\"alg\":256,\"kid\":\"k\"}",
		"{\"alg\":[\"ES256\"],\"kid\":\"k\"}",
		"{\"kid\":\"k\"}",
		"{\"Alg\":\"ES256\",\"kid\":\"k\"}",
		"{\"alg\":\"ES256\",\"alg\":\"ES256\",\"kid\":\"k\"}",
		"{\"alg\":\"none\",\"\\u0061lg\":\"ES256\",\"kid\":\"k\"}",
		/* keys */
		"{\"alg\":\"ES256\"}",
		"{\"alg\":\"ES256\",\"kid\":null}",
		"{\"alg\":\"ES256\",\"kid\":\"\"}",
		"{\"alg\":\"ES256\",\"kid\":1}",
		"{\"alg\":\"ES256\",\"kid\":{}}",
		/* extensions that one must understand */
		"{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[\"exp\"]}",
		"{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":[]}",
		"{\"alg\":\"ES256\",\"kid\":\"k\",\"crit\":null}",
		"{\"crit\":\"b64\",\"alg\":\"ES256\",\"kid\":\"k\"}",
		/* not one JSON object */
		"",
		"{}",
		"[]",
		"null",
		"\"ES256\"",
		"{\"alg\":\"ES256\",\"kid\":\"k\"",
		(HEADER "x"),
		(HEADER HEADER),
		("\xef\xbb\xbf" HEADER),
		"{'alg':'ES256','kid':'k'}",
		"{\"alg\":\"ES256\",\"kid\":\"\xff\"}",
		"{\"alg\":\"ES256\",\"kid\":\"k\",\"a\":[[[[[[]]]]]]}",
	};

	for (size_t i = 0; i < COUNT_OF(headers); i++)
		assert_malformed(make(headers[i], PAYLOAD));
}

/* a public key used as the secret of an HMAC, an old attack */
static void
test_hmac(void **state UNUSED)
{
	unsigned char mac[DIGEST_SHA256_SIZE];
	const char *x, *y, *thumbprint;
	char *text = pool_printf(pool, "%s.%s",
	    encode("{\"alg\":\"HS256\",\"kid\":\"k\"}"), encode(PAYLOAD));

	assert_int_equal(key_jwk(key, pool, &x, &y, &thumbprint, &err), 0);
	digest_hmac(x, strlen(x), text, strlen(text), mac);
	assert_malformed(pool_printf(
	    pool, "%s.%s", text, enc_base64url(pool, mac, sizeof(mac))));
}

static void
test_shapes_refused(void **state UNUSED)
{
	const char *h = encode(HEADER), *p = encode(PAYLOAD);
	const char *good = make(HEADER, PAYLOAD);
	const char *s = strrchr(good, '.') + 1;
	unsigned char bytes[KEY_SIGNATURE_SIZE + 1] = { 0 };
	const char *shorter = enc_base64url(pool, bytes, sizeof(bytes) - 2);
	const char *longer = enc_base64url(pool, bytes, sizeof(bytes));
	const char *const texts[] = {
		"",
		".",
		"..",
		"...",
		h,
		s,
		pool_printf(pool, "%s.%s", h, p),
		pool_printf(pool, "%s.%s.", h, p),
		pool_printf(pool, "%s..", h),
		pool_printf(pool, ".%s.%s", p, s),
		pool_printf(pool, "%s.%s", good, s),
		pool_printf(pool, "%s.", good),
		pool_printf(pool, ".%s", good),
		pool_printf(pool, "%s..%s.%s", h, p, s),
		pool_printf(pool, "%s==", good),
		pool_printf(pool, "%s=.%s.%s", h, p, s),
		pool_printf(pool, "%s.%s=.%s", h, p, s),
		pool_printf(pool, "%s.%s=", h, p),
		pool_printf(pool, " %s", good),
		pool_printf(pool, "%s\n", good),
		pool_printf(pool, "%s. %s.%s", h, p, s),
		pool_printf(pool, "%s.%s.%s", h, "A", s),
		pool_printf(pool, "%s.%s.%s", h, "AB", s), /* unused bits */
		pool_printf(pool, "%s.%s.%s", h, "+/AA", s),
		pool_printf(pool, "%s.%s.%s", h, p, shorter),
		pool_printf(pool, "%s.%s.%s", h, p, longer),
		pool_printf(pool, "%s.%s.%s", h, p, ""),
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_malformed(texts[i]);
}

static void
test_truncated(void **state UNUSED)
{
	char *text = make(HEADER, PAYLOAD);

	for (size_t n = strlen(text); n > 0; n--) {
		text[n - 1] = '\0';
		assert_malformed(text);
	}
}

/* no character may change and the token still count */
static void
test_every_character(void **state UNUSED)
{
	char *text = make(HEADER, PAYLOAD);
	size_t n = strlen(text);

	for (size_t i = 0; i < n; i++) {
		static const char others[] = "AQ_.=";
		char was = text[i];

		for (const char *c = others; *c != '\0'; c++) {
			struct jws jws;

			if (*c == was)
				continue;
			text[i] = *c;
			if (jws_parse(&jws, pool, text, &err) == 0)
				assert_int_equal(
				    jws_verify(&jws, key, &err), 0);
		}
		text[i] = was;
	}
}

static void
test_wrong_key(void **state UNUSED)
{
	struct jws jws;
	struct key *other;

	assert_int_equal(key_new(&other, &err), 0);
	assert_int_equal(jws_parse(&jws, pool, make(HEADER, PAYLOAD), &err), 0);
	assert_int_equal(jws_verify(&jws, other, &err), 0);
	assert_int_equal(jws_verify(&jws, key, &err), 1);
	key_free(&other);
}

/* one part of another token, rightly signed by itself */
static void
test_mixed(void **state UNUSED)
{
	char *one = make(HEADER, PAYLOAD);
	char *two = make(HEADER, "{\"sub\":\"root\"}");
	struct jws jws;

	*strrchr(two, '.') = '\0';
	assert_int_equal(
	    jws_parse(&jws, pool,
		pool_printf(pool, "%s%s", two, strrchr(one, '.')), &err),
	    0);
	assert_int_equal(jws_verify(&jws, key, &err), 0);
}

static void
test_size(void **state UNUSED)
{
	size_t other = strlen(make(HEADER, ""));
	size_t first = (JWS_SIZE_MAX - other) / 4 * 3, longest = 0;
	char *payload = pool_alloc(pool, first + 8), *text;
	struct jws jws;

	/* base64url has no text of 4n + 1, so the maximum itself may miss */
	memset(payload, 'x', first);
	for (size_t i = first; i < first + 4; i++) {
		payload[i] = 'x';
		text = make(HEADER, payload);
		if (strlen(text) > JWS_SIZE_MAX) {
			assert_malformed(text);
			continue;
		}
		assert_int_equal(jws_parse(&jws, pool, text, &err), 0);
		longest = strlen(text);
	}
	assert_in_range(longest, JWS_SIZE_MAX - 1, JWS_SIZE_MAX);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	TEST(test_round_trip),
	TEST(test_header),
	TEST(test_header_too_large),
	TEST(test_headers_accepted),
	TEST(test_headers_refused),
	TEST(test_hmac),
	TEST(test_shapes_refused),
	TEST(test_truncated),
	TEST(test_every_character),
	TEST(test_wrong_key),
	TEST(test_mixed),
	TEST(test_size),
};

UNIT_MAIN(tests)
