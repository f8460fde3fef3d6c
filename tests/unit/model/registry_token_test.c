/* Registry tokens: what of their claims is believed. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/time.h"
#include "common/crypt/jws.h"
#include "common/model/registry_token.h"
#include "tests/unit/pool_fixture.h"

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

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_times_end_with_the_year_9999),
};

UNIT_MAIN(tests)
