/* Lists of entity tags: what is in them, and what only looks so. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/etag.h"

static void
test_lists(void **state UNUSED)
{
	static const struct {
		const char *list;
		bool strong;
		bool weak;
	} cases[] = {
		{ "\"a:1\"", true, true },
		{ "a:1", true, true },
		{ "*", true, true },
		{ " *\t", true, true },
		{ "\"x\", *", false, false },
		{ "*, \"x\"", false, false },
		{ "*, \"a:1\"", true, true },
		{ "*,", false, false },
		{ ", *", false, false },
		{ "**", false, false },
		{ "W/*", false, false },
		{ " \"x\" , \"a:1\"", true, true },
		{ "\"x\",,\"a:1\"", true, true },
		{ "W/\"a:1\"", false, true },
		{ "W/\"x\", \"a:1\"", true, true },
		{ "x, a:1\t, y", true, true },
		{ "", false, false },
		{ ",", false, false },
		{ "\"xa:1\"", false, false },
		{ "\"a:1x\"", false, false },
		{ "\"xa:1x\"", false, false },
		{ "xa:1", false, false },
		{ "\"a:1", false, false },
		{ "\"*\"", false, false },
		{ "w/\"a:1\"", false, false },
		{ "\"x\"\"a:1\"", false, false },
		{ "\"x\" \"a:1\"", false, false },
		{ "\"a,a:1\"", false, false },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
		    etag_list_has(cases[i].list, "a:1", ETAG_STRONG),
		    cases[i].strong);
		assert_int_equal(
		    etag_list_has(cases[i].list, "a:1", ETAG_WEAK),
		    cases[i].weak);
	}
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_lists),
};

UNIT_MAIN(tests)
