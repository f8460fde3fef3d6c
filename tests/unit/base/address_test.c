/* What one customer has of addresses. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/address.h"

static void
test_homes(void **state UNUSED)
{
	static const char *const pairs[][2] = {
		{ "192.0.2.7", "192.0.2.7" },
		{ "2001:db8:1:2:3:4:5:6", "2001:db8:1:2::" },
		{ "2001:db8:1:2:ffff:ffff:ffff:ffff", "2001:db8:1:2::" },
		{ "2001:db8:1:3::1", "2001:db8:1:3::" },
		{ "::1", "::" },
		{ "::ffff:192.0.2.7", "::ffff:192.0.2.7" },
		{ "", "" },
		{ "unix:", "unix:" },
	};
	char out[ADDRESS_SIZE], text[100];

	for (size_t i = 0; i < COUNT_OF(pairs); i++) {
		address_home(out, pairs[i][0]);
		assert_string_equal(out, pairs[i][1]);
	}
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = '\0';
	address_home(out, text);
	assert_int_equal(strlen(out), ADDRESS_SIZE - 1);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_homes),
};

UNIT_MAIN(tests)
