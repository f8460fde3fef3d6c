/* Clocks and the texts of dates. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include <signal.h>
#include <sys/time.h>

#include "common/base/time.h"

#define SECONDS(s) (INT64_C(s) * TIME_SECOND)

static const struct {
	int64_t us;
	const char *text;
} cases[] = {
	{ 0, "1970-01-01T00:00:00.000000Z" },
	{ 1, "1970-01-01T00:00:00.000001Z" },
	{ 999999, "1970-01-01T00:00:00.999999Z" },
	{ 1000000, "1970-01-01T00:00:01.000000Z" },
	{ SECONDS(784111777), "1994-11-06T08:49:37.000000Z" },
	{ SECONDS(951825600), "2000-02-29T12:00:00.000000Z" },
	{ SECONDS(2147483648), "2038-01-19T03:14:08.000000Z" },
	{ SECONDS(250399296000), "9904-11-03T00:00:00.000000Z" },
	{ SECONDS(253402300799) + 999999, "9999-12-31T23:59:59.999999Z" },
	/* beyond: the nearest that can be written */
	{ SECONDS(253402300800), "9999-12-31T23:59:59.999999Z" },
	{ INT64_MAX, "9999-12-31T23:59:59.999999Z" },
	{ -1, "1970-01-01T00:00:00.000000Z" },
	{ INT64_MIN, "1970-01-01T00:00:00.000000Z" },
};

static void
test_texts(void **state UNUSED)
{
	char text[TIME_TEXT_SIZE];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		time_put_rfc3339(text, cases[i].us);
		assert_string_equal(text, cases[i].text);
	}
}

/* UTC, wherever the machine is */
static void
test_zone(void **state UNUSED)
{
	char text[TIME_TEXT_SIZE];

	setenv("TZ", "Asia/Tokyo", 1);
	tzset();
	time_put_rfc3339(text, SECONDS(784111777));
	assert_string_equal(text, "1994-11-06T08:49:37.000000Z");
	unsetenv("TZ");
	tzset();
}

static void
test_clocks(void **state UNUSED)
{
	int64_t wall = (int64_t)time(NULL);
	int64_t first = time_monotonic_us(), last = first;

	/* the machine's clock may be set meanwhile: a wide margin */
	assert_true(time_now_s() >= wall - 60);
	assert_true(time_now_s() <= wall + 3600);
	assert_true(time_now_us() / TIME_SECOND >= wall - 60);
	for (int i = 0; i < 1000; i++) {
		int64_t now = time_monotonic_us();

		assert_true(now >= last);
		last = now;
	}
}

static void
test_sleep(void **state UNUSED)
{
	int64_t start = time_monotonic_us();

	time_sleep_us(20000);
	assert_true(time_monotonic_us() - start >= 20000);
	/* not at all, and not for ever */
	time_sleep_us(0);
	time_sleep_us(-1);
	time_sleep_us(INT64_MIN);
}

static void
nothing(int number UNUSED)
{
}

static void
test_sleep_ends_by_signal(void **state UNUSED)
{
	struct sigaction action = { .sa_handler = nothing };
	struct itimerval timer = { .it_value.tv_usec = 20000 };
	int64_t start = time_monotonic_us();

	assert_int_equal(sigaction(SIGALRM, &action, NULL), 0);
	assert_int_equal(setitimer(ITIMER_REAL, &timer, NULL), 0);
	time_sleep_us(SECONDS(600));
	assert_true(time_monotonic_us() - start < SECONDS(600));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_texts),
	cmocka_unit_test(test_zone),
	cmocka_unit_test(test_clocks),
	cmocka_unit_test(test_sleep),
	cmocka_unit_test(test_sleep_ends_by_signal),
};

UNIT_MAIN(tests)
