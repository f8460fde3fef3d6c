/* The headers Range and Content-Range. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "fcgi/core/range.h"

#define LARGE UINT64_C(9223372036854775807)

static void
test_parts(void **state UNUSED)
{
	static const struct {
		const char *header;
		uint64_t size, first, last;
	} cases[] = {
		{ "bytes=0-0", 100, 0, 0 },
		{ "bytes=0-99", 100, 0, 99 },
		{ "bytes=5-", 100, 5, 99 },
		{ "bytes=99-", 100, 99, 99 },
		{ "bytes=99-99", 100, 99, 99 },
		{ "BYTES=1-2", 100, 1, 2 },
		{ "bytes=007-010", 100, 7, 10 },
		/* what is too long is cut */
		{ "bytes=0-100", 100, 0, 99 },
		{ "bytes=50-4711", 100, 50, 99 },
		{ "bytes=0-18446744073709551615", 100, 0, 99 },
		{ "bytes=0-18446744073709551616", 100, 0, 99 },
		{ "bytes=0-99999999999999999999999999", 100, 0, 99 },
		/* from the end */
		{ "bytes=-1", 100, 99, 99 },
		{ "bytes=-100", 100, 0, 99 },
		{ "bytes=-101", 100, 0, 99 },
		{ "bytes=-99999999999999999999999999", 100, 0, 99 },
		{ "bytes=-1", 1, 0, 0 },
		{ "bytes=9223372036854775806-", LARGE, LARGE - 1, LARGE - 1 },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct range range = { 7, 7 };

		if (range_parse(&range, cases[i].header, cases[i].size) !=
		    RANGE_ONE)
			fail_msg("\"%s\" is none", cases[i].header);
		assert_int_equal(range.first, cases[i].first);
		assert_int_equal(range.last, cases[i].last);
	}
}

static void
test_unsatisfiable(void **state UNUSED)
{
	static const struct {
		const char *header;
		uint64_t size;
	} cases[] = {
		{ "bytes=100-", 100 },
		{ "bytes=100-200", 100 },
		{ "bytes=5-3", 100 },
		{ "bytes=-0", 100 },
		{ "bytes=18446744073709551616-", 100 },
		{ "bytes=0-", 0 },
		{ "bytes=0-0", 0 },
	};
	struct range range;

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (range_parse(&range, cases[i].header, cases[i].size) !=
		    RANGE_UNSATISFIABLE)
			fail_msg("\"%s\" is taken", cases[i].header);
}

/* RFC 9110: a header that is not understood is as none */
static void
test_the_whole(void **state UNUSED)
{
	static const char *const headers[] = { "", "bytes", "bytes=", "bytes=-",
		"bytes=5", "bytes=a-b", "bytes=1-b", "bytes=a-1", "bytes=--1",
		"bytes=1--2", "bytes=+1-2", "bytes=1-2-3", "bytes= 1-2",
		"bytes=1-2 ", "bytes=0x1-2", "bytes=1 -2", "bytes=0-1,3-4",
		"bytes=0-1,", "lines=1-2", " bytes=1-2", "bytes 1-2",
		"bytes:1-2" };
	struct range range;

	assert_int_equal(range_parse(&range, NULL, 100), RANGE_NONE);
	for (size_t i = 0; i < COUNT_OF(headers); i++)
		if (range_parse(&range, headers[i], 100) != RANGE_NONE)
			fail_msg("\"%s\" is taken", headers[i]);
}

static void
test_content_range(void **state UNUSED)
{
	static const struct {
		const char *header;
		uint64_t first, last;
	} cases[] = {
		{ "0-0", 0, 0 },
		{ "0-99", 0, 99 },
		{ "5-5", 5, 5 },
		{ "bytes 5-9", 5, 9 },
		{ "Bytes 5-9/10", 5, 9 },
		{ "5-9/10", 5, 9 },
		{ "5-9/*", 5, 9 },
		{ "9223372036854775807-9223372036854775807", LARGE, LARGE },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct range range = { 7, 7 };

		if (!range_parse_content(&range, cases[i].header))
			fail_msg("\"%s\" is refused", cases[i].header);
		assert_int_equal(range.first, cases[i].first);
		assert_int_equal(range.last, cases[i].last);
	}
}

static void
test_content_range_is_strict(void **state UNUSED)
{
	static const char *const headers[] = { "", "-", "5", "5-", "-5", "5-4",
		"a-b", "0-b", " 0-9", "0-9 ", "0 -9", "0- 9", "+0-9", "0-+9",
		"0--9", "0-1-2", "bytes=0-9", "bytes  0-9", "bytes0-9",
		"lines 0-9", "0-9/", "0-9/a", "0-9/**", "0-9/10/10", "*/10",
		"0-9/9", "0-9,20-29", "0-9223372036854775808",
		"18446744073709551616-18446744073709551617" };
	struct range range;

	for (size_t i = 0; i < COUNT_OF(headers); i++)
		if (range_parse_content(&range, headers[i]))
			fail_msg("\"%s\" is taken", headers[i]);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_parts),
	cmocka_unit_test(test_unsatisfiable),
	cmocka_unit_test(test_the_whole),
	cmocka_unit_test(test_content_range),
	cmocka_unit_test(test_content_range_is_strict),
};

UNIT_MAIN(tests)
