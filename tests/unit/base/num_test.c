/* Strict numbers. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/num.h"

static void
test_u64(void **state UNUSED)
{
	static const struct {
		const char *text;
		uint64_t max;
		uint64_t number;
	} good[] = {
		{ "0", 0, 0 },
		{ "7", 7, 7 },
		{ "10", 10, 10 },
		{ "18446744073709551615", UINT64_MAX, UINT64_MAX },
		{ "18446744073709551614", UINT64_MAX, UINT64_MAX - 1 },
		{ "9223372036854775807", INT64_MAX, INT64_MAX },
	};

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		size_t n = strlen(good[i].text);
		uint64_t number = 1;

		assert_true(
		    num_parse_u64(good[i].text, n, good[i].max, &number));
		assert_true(number == good[i].number);
		if (good[i].max == 0)
			continue;
		number = 1;
		assert_false(num_parse_u64(
		    good[i].text, n, good[i].number - 1, &number));
		assert_true(number == 1);
	}
}

static void
test_u64_refused(void **state UNUSED)
{
	static const char *const bad[] = { "", " ", "-", "-0", "-1", "+1", " 1",
		"1 ", "1\n", "00", "01", "007", "0x10", "1e3", "1.0", "1,000",
		"1a", "a1", "\xd9\xa1", "18446744073709551616",
		"18446744073709551620", "99999999999999999999",
		"100000000000000000000", "184467440737095516150" };

	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		uint64_t number = 42;

		assert_false(
		    num_parse_u64(bad[i], strlen(bad[i]), UINT64_MAX, &number));
		assert_true(number == 42);
	}
}

static void
test_u64_length(void **state UNUSED)
{
	uint64_t number;

	/* exactly n bytes are looked at */
	assert_true(num_parse_u64("123", 2, UINT64_MAX, &number));
	assert_int_equal(number, 12);
	assert_true(num_parse_u64("12x", 2, UINT64_MAX, &number));
	assert_false(num_parse_u64("12\0", 3, UINT64_MAX, &number));
	assert_false(num_parse_u64("1", 0, UINT64_MAX, &number));
}

static void
test_range(void **state UNUSED)
{
	static const struct {
		const char *text;
		int64_t min;
		int64_t max;
		int64_t number;
	} good[] = {
		{ "0", 0, 0, 0 },
		{ "-1", -1, 1, -1 },
		{ "1", -1, 1, 1 },
		{ "-9223372036854775808", INT64_MIN, INT64_MAX, INT64_MIN },
		{ "-9223372036854775807", INT64_MIN, 0, -INT64_MAX },
		{ "9223372036854775807", 0, INT64_MAX, INT64_MAX },
	};
	static const char *const bad[] = { "", "-", "--1", "-0", "-01", "+1",
		"- 1", "1-", "9223372036854775808", "-9223372036854775809",
		"18446744073709551615", "-18446744073709551615" };
	int64_t number;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		number = 42;
		assert_true(num_parse_range(
		    good[i].text, good[i].min, good[i].max, &number));
		assert_true(number == good[i].number);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++) {
		number = 42;
		assert_false(
		    num_parse_range(bad[i], INT64_MIN, INT64_MAX, &number));
		assert_true(number == 42);
	}
	assert_false(num_parse_range("-1", 0, 10, &number));
	assert_false(num_parse_range("11", 0, 10, &number));
	assert_false(num_parse_range("3", -10, 2, &number));
	assert_false(num_parse_range("-11", -10, 2, &number));
}

static void
test_put(void **state UNUSED)
{
	static const struct {
		uint64_t number;
		const char *text;
	} cases[] = {
		{ 0, "0" },
		{ 9, "9" },
		{ 10, "10" },
		{ 1000000, "1000000" },
		{ UINT64_MAX, "18446744073709551615" },
	};
	char text[NUM_TEXT_SIZE];

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
		    num_put_u64(text, cases[i].number), strlen(cases[i].text));
		assert_string_equal(text, cases[i].text);
	}
	assert_int_equal(num_put_i64(text, INT64_MIN), 20);
	assert_string_equal(text, "-9223372036854775808");
	assert_int_equal(num_put_i64(text, INT64_MAX), 19);
	assert_string_equal(text, "9223372036854775807");
	assert_int_equal(num_put_i64(text, -1), 2);
	assert_string_equal(text, "-1");
	assert_int_equal(num_put_i64(text, 0), 1);
	assert_string_equal(text, "0");
}

/* what was written is read again */
static void
test_round_trip(void **state UNUSED)
{
	for (int shift = 0; shift < 64; shift++) {
		for (int64_t d = -1; d <= 1; d++) {
			uint64_t bits = ((uint64_t)1 << shift) + (uint64_t)d;
			char text[NUM_TEXT_SIZE];
			uint64_t u;
			int64_t i;

			assert_true(num_parse_u64(
			    text, num_put_u64(text, bits), UINT64_MAX, &u));
			assert_true(u == bits);
			num_put_i64(text, (int64_t)bits);
			assert_true(
			    num_parse_range(text, INT64_MIN, INT64_MAX, &i));
			assert_true(i == (int64_t)bits);
		}
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_u64),
	cmocka_unit_test(test_u64_refused),
	cmocka_unit_test(test_u64_length),
	cmocka_unit_test(test_range),
	cmocka_unit_test(test_put),
	cmocka_unit_test(test_round_trip),
};

UNIT_MAIN(tests)
