/* Certificates: their content in DER, and what must be refused. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/enc.h"
#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/time.h"
#include "common/crypt/key.h"
#include "common/crypt/x509.h"
#include "tests/unit/crypt/keys.h"

static struct pool *pool;
static struct key *key, *authority_key;
static char *authority;
static struct err err;

static const struct x509_request authority_request = {
	.use = X509_AUTHORITY,
	.common_name = "an authority",
	.days = 3650,
};

static int
setup(void **state UNUSED)
{
	err_clear(&err);
	pool = pool_new((size_t)1 << 20);
	assert_int_equal(key_new(&key, &err), 0);
	assert_int_equal(key_new(&authority_key, &err), 0);
	assert_int_equal(x509_make(pool, &authority_request, authority_key,
			     NULL, NULL, &authority, &err),
	    0);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	key_free(&key);
	key_free(&authority_key);
	pool_free(&pool);
	return 0;
}

static char *
make_server(const char *const *names, size_t count)
{
	struct x509_request request = { .use = X509_SERVER,
		.common_name = "registry",
		.names = names,
		.name_count = count,
		.days = 397 };
	char *pem;

	assert_int_equal(x509_make(pool, &request, key, authority_key,
			     authority, &pem, &err),
	    0);
	return pem;
}

static void
test_names(void **state UNUSED)
{
	static const char *const in[] = { "a.example.com", "*.wild.org",
		"10.1.2.3", "::1" };
	static const char *const out[] = { "example.com", "b.example.com",
		"*.example.com", "x.y.wild.org", "10.1.2.4", "::2" };
	const char *pem = make_server(in, COUNT_OF(in));

	for (size_t i = 0; i < COUNT_OF(in); i++)
		assert_int_equal(x509_has_name(pem, in[i], &err), 1);
	assert_int_equal(x509_has_name(pem, "x.wild.org", &err), 1);
	for (size_t i = 0; i < COUNT_OF(out); i++)
		assert_int_equal(x509_has_name(pem, out[i], &err), 0);
	assert_int_equal(
	    x509_has_name("no certificate", "a.example.com", &err), E_INVALID);
}

/* how often the bytes stand in the certificate's DER */
static int
count(const char *pem, const char *bytes, size_t n)
{
	unsigned char *der, *p;
	size_t size;
	char *text;
	int found = 0;

	assert_int_equal(x509_base64(pool, pem, &text, &err), 0);
	der = enc_parse_base64(pool, text, strlen(text), &size);
	assert_non_null(der);
	p = der;
	while ((p = memmem(p, size - (size_t)(p - der), bytes, n)) != NULL) {
		p++;
		found++;
	}
	return found;
}

#define COUNT(pem, bytes) count((pem), (bytes), sizeof(bytes) - 1)

/* extensions as they stand in DER: identifier, criticality, value */
#define IS_CA                       \
 "\x06\x03\x55\x1d\x13\x01\x01\xff" \
 "\x04\x05\x30\x03\x01\x01\xff"
#define NOT_CA        "\x06\x03\x55\x1d\x13\x01\x01\xff\x04\x02\x30\x00"
#define SIGNS_CERTS   "\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x01\x06"
#define SIGNS_DATA    "\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x07\x80"
#define SIGNS_BOTH    "\x06\x03\x55\x1d\x0f\x01\x01\xff\x04\x04\x03\x02\x02\x84"
#define SERVER_AUTH   "\x06\x08\x2b\x06\x01\x05\x05\x07\x03\x01"
#define SUBJECT_KEY   "\x06\x03\x55\x1d\x0e"
#define AUTHORITY_KEY "\x06\x03\x55\x1d\x23"
#define ALT_NAMES     "\x06\x03\x55\x1d\x11"

static void
test_authority(void **state UNUSED)
{
	assert_int_equal(COUNT(authority, IS_CA), 1);
	assert_int_equal(COUNT(authority, SIGNS_CERTS), 1);
	assert_int_equal(COUNT(authority, SUBJECT_KEY), 1);
	assert_int_equal(COUNT(authority, SERVER_AUTH), 0);
	assert_int_equal(COUNT(authority, ALT_NAMES), 0);
	/* issuer and subject */
	assert_int_equal(COUNT(authority, "an authority"), 2);
}

static void
test_server(void **state UNUSED)
{
	static const char *const names[] = { "registry.example.com",
		"*.example.com", "192.0.2.7", "2001:db8::7", "localhost" };
	const char *pem = make_server(names, COUNT_OF(names));

	assert_int_equal(COUNT(pem, NOT_CA), 1);
	assert_int_equal(COUNT(pem, SIGNS_DATA), 1);
	assert_int_equal(COUNT(pem, SERVER_AUTH), 1);
	assert_int_equal(COUNT(pem, SUBJECT_KEY), 1);
	assert_int_equal(COUNT(pem, AUTHORITY_KEY), 1);
	assert_int_equal(COUNT(pem, "an authority"), 1);
	assert_int_equal(COUNT(pem, "\x82\x14registry.example.com"), 1);
	assert_int_equal(COUNT(pem, "\x82\x0d*.example.com"), 1);
	assert_int_equal(COUNT(pem, "\x82\x09localhost"), 1);
	assert_int_equal(COUNT(pem, "\x87\x04\xc0\x00\x02\x07"), 1);
	assert_int_equal(
	    COUNT(pem, "\x87\x10\x20\x01\x0d\xb8\0\0\0\0\0\0\0\0\0\0\0\x07"),
	    1);
}

static void
test_signing(void **state UNUSED)
{
	struct x509_request request = {
		.use = X509_SIGNING, .common_name = "tokens", .days = 3650
	};
	char *pem;

	assert_int_equal(
	    x509_make(pool, &request, key, NULL, NULL, &pem, &err), 0);
	assert_int_equal(COUNT(pem, IS_CA), 1);
	assert_int_equal(COUNT(pem, SIGNS_BOTH), 1);
	assert_int_equal(COUNT(pem, "tokens"), 2);
}

static void
assert_same_key(const struct key *a, const struct key *b)
{
	const char *x, *y, *one, *two;

	assert_int_equal(key_jwk(a, pool, &x, &y, &one, &err), 0);
	assert_int_equal(key_jwk(b, pool, &x, &y, &two, &err), 0);
	assert_string_equal(one, two);
}

static void
test_key_of_certificate(void **state UNUSED)
{
	unsigned char signature[KEY_SIGNATURE_SIZE];
	struct key *public;

	assert_int_equal(x509_key(make_server(NULL, 0), &public, &err), 0);
	assert_same_key(public, key);
	assert_int_equal(key_sign(key, "text", 4, signature, &err), 0);
	assert_int_equal(key_verify(public, "text", 4, signature, &err), 1);
	/* it is no private key */
	assert_int_equal(
	    key_sign(public, "text", 4, signature, &err), E_INTERNAL);
	assert_string_equal(err.text, "signing failed");
	key_free(&public);
}

static void
test_validity(void **state UNUSED)
{
	int64_t end, now = time_now_s() - 3600;

	assert_int_equal(x509_not_after(make_server(NULL, 0), &end, &err), 0);
	assert_in_range(end, now + 397 * 86400 - 60, now + 397 * 86400 + 60);
}

/* seconds since 1970 of "YYMMDDhhmmssZ" */
static int64_t
seconds_of(const unsigned char *time)
{
	struct tm tm = { .tm_isdst = 0 };
	char text[14] = { 0 };

	memcpy(text, time, 13);
	assert_non_null(strptime(text, "%y%m%d%H%M%SZ", &tm));
	return timegm(&tm);
}

/* both ends are valid (RFC 5280, 4.1.2.5), and verifiers count them */
static void
test_span(void **state UNUSED)
{
	unsigned char *der, *times;
	int64_t first, last;
	char *text;
	size_t n;

	assert_int_equal(
	    x509_base64(pool, make_server(NULL, 0), &text, &err), 0);
	der = enc_parse_base64(pool, text, strlen(text), &n);
	times = memmem(der, n, "\x30\x1e\x17\x0d", 4);
	assert_non_null(times);
	first = seconds_of(times + 4);
	last = seconds_of(times + 4 + 13 + 2);
	assert_int_equal(last - first + 1, 397 * 86400);
	assert_in_range(first, time_now_s() - 3660, time_now_s() - 3600);
}

static void
test_serials_differ(void **state UNUSED)
{
	assert_string_not_equal(make_server(NULL, 0), make_server(NULL, 0));
	for (int i = 0; i < 100; i++) {
		/* 02 len, behind the version: positive, at most 20 bytes */
		char *text;
		unsigned char *der;
		size_t n;

		assert_int_equal(
		    x509_base64(pool, make_server(NULL, 0), &text, &err), 0);
		der = enc_parse_base64(pool, text, strlen(text), &n);
		der = memmem(der, n, "\xa0\x03\x02\x01\x02\x02", 6);
		assert_non_null(der);
		assert_in_range(der[6], 1, 20);
		assert_true(der[7] < 0x80);
	}
}

static void
test_key_pem(void **state UNUSED)
{
	struct key *again;
	char *pem;

	assert_int_equal(x509_key_pem(pool, key, &pem, &err), 0);
	assert_memory_equal(pem, "-----BEGIN PRIVATE KEY-----\n", 28);
	assert_int_equal(x509_parse_key_pem(pem, &again, &err), 0);
	assert_same_key(again, key);
	key_free(&again);
	assert_int_equal(x509_parse_key_pem(KEYS_RFC_PEM, &again, &err), 0);
	assert_int_equal(x509_key_pem(pool, again, &pem, &err), 0);
	assert_string_equal(pem, KEYS_RFC_PEM);
	key_free(&again);
}

/* two of them would make OpenSSL ask on the terminal for a passphrase */
static void
test_key_pem_refused(void **state UNUSED)
{
	static const char *const pems[] = { "", "hello", KEYS_K1_PEM,
		KEYS_ED25519_PEM, KEYS_RFC_ENCRYPTED, KEYS_RFC_ENCRYPTED_OLD,
		("-----BEGIN PRIVATE KEY-----\nAAAA\n"
		 "-----END PRIVATE KEY-----\n") };

	for (size_t i = 0; i <= COUNT_OF(pems); i++) {
		const char *pem = i < COUNT_OF(pems) ? pems[i] : authority;
		struct key *none = NULL;

		assert_int_equal(
		    x509_parse_key_pem(pem, &none, &err), E_INVALID);
		assert_string_equal(err.text,
		    "not a P-256 private key in PEM form without a "
		    "passphrase");
		assert_null(none);
	}
}

static void
test_no_certificate(void **state UNUSED)
{
	static const char *const pems[] = { "", "hello", KEYS_RFC_PEM,
		("-----BEGIN CERTIFICATE-----\nAAAA\n"
		 "-----END CERTIFICATE-----\n") };
	static const char text[] = "not a certificate in PEM form";

	for (size_t i = 0; i < COUNT_OF(pems); i++) {
		struct key *none;
		int64_t seconds;
		char *base64, *pem;

		assert_int_equal(x509_key(pems[i], &none, &err), E_INVALID);
		assert_string_equal(err.text, text);
		assert_int_equal(
		    x509_not_after(pems[i], &seconds, &err), E_INVALID);
		assert_string_equal(err.text, text);
		assert_int_equal(
		    x509_base64(pool, pems[i], &base64, &err), E_INVALID);
		assert_string_equal(err.text, text);
		assert_int_equal(x509_make(pool, &authority_request, key,
				     authority_key, pems[i], &pem, &err),
		    E_INVALID);
		assert_string_equal(err.text, text);
	}
}

static void
test_other_curve(void **state UNUSED)
{
	struct key *none = NULL;

	assert_int_equal(x509_key(KEYS_K1_CERTIFICATE, &none, &err), E_INVALID);
	assert_string_equal(err.text, "the certificate's key is not P-256");
	assert_null(none);
}

static void
test_first_of_chain(void **state UNUSED)
{
	const char *server = make_server(NULL, 0);
	char *one, *two;

	assert_int_equal(x509_base64(pool, server, &one, &err), 0);
	assert_int_equal(
	    x509_base64(pool,
		pool_printf(pool, "a comment\n%s%s", server, authority), &two,
		&err),
	    0);
	assert_string_equal(one, two);
}

static void
assert_not_made(const struct x509_request *request, const char *text)
{
	char *pem;

	err_clear(&err);
	assert_int_equal(
	    x509_make(pool, request, key, NULL, NULL, &pem, &err), E_INVALID);
	assert_string_equal(err.text, text);
}

static void
test_names_refused(void **state UNUSED)
{
	static const char *const names[] = { "", "a b", "a,DNS:b", "a\nb",
		"a/b", "https://a", "a:443", "m\xc3\xbcller.example",
		"192.0.2.7/24", "[::1]", "DNS:a", "a@b", "1.2.3.4 x",
		"+1.2.3.4", "-0.2.3.4", " 1.2.3.4", "::1 ", "01.002.3.4",
		"1.2.3", "256.0.0.1", "1.2.3.4.5", "fe80::1%lo" };
	const char *many[200];
	struct x509_request request = { .use = X509_SERVER,
		.common_name = "registry",
		.name_count = 1,
		.days = 1 };
	char *longest = pool_alloc(pool, 255);

	for (size_t i = 0; i < COUNT_OF(names); i++) {
		request.names = &names[i];
		assert_not_made(&request,
		    pool_printf(pool,
			"\"%s\" is neither a DNS name nor an address",
			names[i]));
	}
	memset(longest, 'a', 254);
	many[0] = longest;
	request.names = many;
	assert_not_made(&request,
	    pool_printf(pool, "\"%.80s\" is neither a DNS name nor an address",
		longest));
	for (size_t i = 0; i < COUNT_OF(many); i++)
		many[i] = "registry.example.com";
	request.name_count = COUNT_OF(many);
	assert_not_made(&request, "too many names for one certificate");
}

static void
test_requests_refused(void **state UNUSED)
{
	char name[66] = { 0 };
	struct x509_request request = authority_request;

	memset(name, 'n', 65);
	request.common_name = name;
	assert_not_made(&request,
	    pool_printf(pool,
		"common name \"%s\" is not 1 to 64 bytes of UTF-8", name));
	request.common_name = "";
	assert_not_made(
	    &request, "common name \"\" is not 1 to 64 bytes of UTF-8");
	request = authority_request;
	request.days = 0;
	assert_not_made(
	    &request, "a certificate must be valid for 1 to 36500 days");
	request.days = UINT_MAX;
	assert_not_made(
	    &request, "a certificate must be valid for 1 to 36500 days");
}

static void
test_issuer_mismatch(void **state UNUSED)
{
	char *pem;

	assert_int_equal(x509_make(pool, &authority_request, key, key,
			     authority, &pem, &err),
	    E_INVALID);
	assert_string_equal(
	    err.text, "the authority's key is not that of its certificate");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
static const struct CMUnitTest tests[] = {
	TEST(test_authority),
	TEST(test_server),
	TEST(test_signing),
	TEST(test_key_of_certificate),
	TEST(test_names),
	TEST(test_validity),
	TEST(test_span),
	TEST(test_serials_differ),
	TEST(test_key_pem),
	TEST(test_key_pem_refused),
	TEST(test_no_certificate),
	TEST(test_other_curve),
	TEST(test_first_of_chain),
	TEST(test_names_refused),
	TEST(test_requests_refused),
	TEST(test_issuer_mismatch),
};

UNIT_MAIN(tests)
