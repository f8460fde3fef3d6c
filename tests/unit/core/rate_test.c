/* The limit on the rate of requests, by a clock of its own. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/err.h"
#include "common/base/time.h"
#include "fcgi/core/rate.h"
#include "fcgi/core/req.h"

static int64_t now_us;

/* the linker puts it in the place of the real one: see local.mk */
int64_t __wrap_time_monotonic_us(void);

int64_t
__wrap_time_monotonic_us(void)
{
	return now_us;
}

static int
setup(void **state UNUSED)
{
	now_us = 1000 * TIME_SECOND;
	rate_init();
	return 0;
}

#define TEST(name) cmocka_unit_test_setup(name, setup)

/* how many of so many requests pass at this moment; the wait is the last's */
static unsigned
passed(const char *key, unsigned requests, int64_t per_second, int64_t burst,
    int64_t *wait_s_out)
{
	unsigned count = 0;

	while (requests-- > 0)
		count +=
		    rate_allow(key, strlen(key), per_second, burst, wait_s_out);
	return count;
}

static void
test_a_burst_passes_and_no_more(void **state UNUSED)
{
	int64_t wait_s = 0;

	assert_int_equal(passed("a", 20, 2, 7, &wait_s), 7);
	assert_int_equal(wait_s, 1);
	/* those that were refused cost nothing */
	now_us += TIME_SECOND / 2;
	assert_int_equal(passed("a", 20, 2, 7, &wait_s), 1);
	now_us += 3600 * TIME_SECOND;
	assert_int_equal(passed("a", 20, 2, 7, &wait_s), 7);
}

static void
test_the_rate_is_kept(void **state UNUSED)
{
	int64_t wait_s;
	unsigned count = 0;

	for (unsigned i = 0; i < 1000; i++) {
		count += passed("a", 1, 10, 5, &wait_s);
		now_us += TIME_SECOND / 50; /* five times too fast */
	}
	/* 20 seconds, and the burst */
	assert_in_range(count, 200, 205);
}

static void
test_after_the_wait_one_passes(void **state UNUSED)
{
	static const int64_t rates[] = { 1, 3, 1000, 1000000 };

	for (size_t i = 0; i < COUNT_OF(rates); i++) {
		int64_t wait_s = 0;

		setup(NULL);
		assert_int_equal(passed("a", 10, rates[i], 1, &wait_s), 1);
		assert_true(wait_s >= 1);
		now_us += wait_s * TIME_SECOND;
		assert_int_equal(passed("a", 1, rates[i], 1, &wait_s), 1);
	}
}

/* a limit that was just lowered */
static void
test_the_wait_is_as_long_as_it_takes(void **state UNUSED)
{
	int64_t wait_s = 0;

	assert_int_equal(passed("a", 100, 1, 60, &wait_s), 60);
	assert_int_equal(passed("a", 1, 1, 10, &wait_s), 0);
	assert_in_range(wait_s, 51, 52);
	now_us += (wait_s - 2) * TIME_SECOND;
	assert_int_equal(passed("a", 1, 1, 10, &wait_s), 0);
	now_us += 2 * TIME_SECOND;
	assert_int_equal(passed("a", 1, 1, 10, &wait_s), 1);
}

static void
test_keys_are_apart(void **state UNUSED)
{
	int64_t wait_s;

	assert_int_equal(passed("192.0.2.1", 9, 1, 3, &wait_s), 3);
	assert_int_equal(passed("192.0.2.2", 9, 1, 3, &wait_s), 3);
	assert_int_equal(passed("192.0.2.1", 9, 1, 3, &wait_s), 0);
}

/* a database that is away is no excuse to send people away */
static void
test_faults_of_ours_are_not_counted(void **state UNUSED)
{
	struct req req = { .remote = "192.0.2.9" };
	struct err err = ERR_INIT;
	int64_t wait_s;

	for (int i = 0; i < 10; i++) {
		assert_int_equal(
		    rate_check(&req, E_BUSY, NULL, 1, 2, &err), E_BUSY);
		assert_int_equal(
		    rate_check(&req, E_INTERNAL, NULL, 1, 2, &err), E_INTERNAL);
	}
	assert_int_equal(passed("192.0.2.9", 9, 1, 2, &wait_s), 2);
}

static const struct CMUnitTest tests[] = {
	TEST(test_a_burst_passes_and_no_more),
	TEST(test_the_rate_is_kept),
	TEST(test_after_the_wait_one_passes),
	TEST(test_the_wait_is_as_long_as_it_takes),
	TEST(test_keys_are_apart),
	TEST(test_faults_of_ours_are_not_counted),
};

UNIT_MAIN(tests)
