/* Registry tokens: what of their claims is believed. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/enc.h"
#include "common/base/time.h"
#include "common/crypt/jws.h"
#include "common/crypt/key.h"
#include "common/model/registry_token.h"
#include "common/model/setting.h"
#include "tests/unit/pool_fixture.h"

#define NOW_S      INT64_C(1000000)
#define GENERATION 7

/* the linker puts them in the place of the real ones: see local.mk */
int64_t __wrap_time_now_s(void);
int __wrap_settings_current(
    struct db *db, struct settings *out, struct err *error);

int64_t
__wrap_time_now_s(void)
{
	return NOW_S;
}

int
__wrap_settings_current(
    struct db *db UNUSED, struct settings *out, struct err *error UNUSED)
{
	*out = (struct settings){ .token_generation = GENERATION };
	return 0;
}

static int
parse(const char *exp, const char *nbf, struct registry_token *out)
{
	const char *payload = pool_printf(pool,
	    "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\",\"gen\":0,"
	    "\"exp\":%s,\"nbf\":%s}",
	    exp, nbf);
	struct jws jws = { .payload = payload,
		.payload_size = strlen(payload) };
	int rc = registry_token_parse(out, pool, &jws, &err);

	assert_true(rc == 0 || err.code == E_UNAUTH);
	return rc;
}

/* the last second of the year 9999 */
#define LAST       "253402300799"
#define ONE_BEHIND "253402300800"
/* INT64_MAX / 2 */
#define HUGE_TIME "4611686018427387903"

static void
test_times_end_with_the_year_9999(void **state UNUSED)
{
	struct registry_token token;
	char text[TIME_TEXT_SIZE];

	assert_int_equal(parse(LAST, LAST, &token), 0);
	/* as the cache counts: no overflow */
	time_put_rfc3339(text,
	    (token.expires_s + REGISTRY_TOKEN_LEEWAY_S) * TIME_SECOND -
		REGISTRY_TOKEN_LEEWAY_S * TIME_SECOND);
	assert_string_equal(text, "9999-12-31T23:59:59.000000Z");
	assert_int_equal(parse(ONE_BEHIND, "0", &token), E_UNAUTH);
	assert_int_equal(parse("0", ONE_BEHIND, &token), E_UNAUTH);
	assert_int_equal(parse(HUGE_TIME, "0", &token), E_UNAUTH);
	assert_int_equal(parse("0", HUGE_TIME, &token), E_UNAUTH);
	assert_int_equal(parse("-1", "0", &token), E_UNAUTH);
}

static int
check(int64_t expires_s, int64_t generation)
{
	return registry_token_check_now(NULL, expires_s, generation, &err);
}

/* clocks of nodes differ: each end of a token's life has the same leeway */
static void
test_end_of_life(void **state UNUSED)
{
	assert_int_equal(check(NOW_S + 1, GENERATION), 0);
	assert_int_equal(
	    check(NOW_S - REGISTRY_TOKEN_LEEWAY_S + 1, GENERATION), 0);
	assert_int_equal(
	    check(NOW_S - REGISTRY_TOKEN_LEEWAY_S, GENERATION), E_UNAUTH);
	assert_int_equal(check(NOW_S + 1, GENERATION + 1), 0);
	assert_int_equal(check(NOW_S + 1, GENERATION - 1), E_UNAUTH);
}

static int
is_signed(struct pool *unused UNUSED, const struct jws *jws UNUSED,
    struct err *error UNUSED)
{
	return 1;
}

static int
verify_from(int64_t not_before_s)
{
	static const struct registry_token_wanted wanted = {
		.issuer = "i", .service = "a", .is_signed = is_signed
	};
	static const char header[] =
	    "{\"typ\":\"JWT\",\"alg\":\"ES256\",\"kid\":\"k\"}";
	static const unsigned char signature[KEY_SIGNATURE_SIZE];
	const char *claims = pool_printf(pool,
	    "{\"iss\":\"i\",\"aud\":\"a\",\"sub\":\"s\",\"gen\":7,"
	    "\"exp\":" LAST ",\"nbf\":%" PRId64 "}",
	    not_before_s);
	const char *text = pool_printf(pool, "%s.%s.%s",
	    enc_base64url(pool, header, strlen(header)),
	    enc_base64url(pool, claims, strlen(claims)),
	    enc_base64url(pool, signature, sizeof(signature)));
	struct registry_token token;

	return registry_token_verify(&token, NULL, pool, text, &wanted, &err);
}

static void
test_begin_of_life(void **state UNUSED)
{
	assert_int_equal(verify_from(NOW_S), 0);
	assert_int_equal(verify_from(NOW_S + REGISTRY_TOKEN_LEEWAY_S), 0);
	assert_int_equal(
	    verify_from(NOW_S + REGISTRY_TOKEN_LEEWAY_S + 1), E_UNAUTH);
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_times_end_with_the_year_9999),
	POOL_TEST(test_end_of_life),
	POOL_TEST(test_begin_of_life),
};

UNIT_MAIN(tests)
