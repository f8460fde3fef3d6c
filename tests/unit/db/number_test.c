/* What error numbers mean, and what of a server's message is passed on. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/err.h"
#include "common/db/db_private.h"

static void
test_faults(void **state UNUSED)
{
	static const struct {
		unsigned number;
		enum fault fault;
	} cases[] = {
		/* the whole transaction again, on the same connection */
		{ 1213, FAULT_AGAIN },
		{ 1205, FAULT_WAITED },
		{ 1020, FAULT_AGAIN },
		{ 1412, FAULT_AGAIN },
		/* again on another connection */
		{ 0, FAULT_LOST },
		{ 2000, FAULT_LOST },
		{ 2006, FAULT_LOST },
		{ 2013, FAULT_LOST },
		{ 2999, FAULT_LOST },
		{ 1927, FAULT_LOST },
		{ 1053, FAULT_LOST },
		{ 1243, FAULT_LOST },
		{ 1615, FAULT_LOST },
		{ 4031, FAULT_LOST },
		/* again on another server */
		{ 1047, FAULT_NOT_READY },
		{ 1180, FAULT_NOT_READY },
		{ 1040, FAULT_NOT_READY },
		{ 1203, FAULT_NOT_READY },
		{ 1290, FAULT_NOT_READY },
		{ 1836, FAULT_NOT_READY },
		/* answers */
		{ 1062, FAULT_EXISTS },
		{ 1451, FAULT_REFERENCE },
		{ 1452, FAULT_REFERENCE },
		/* faults of ours, or of the set-up */
		{ 1142, FAULT_OTHER },
		{ 1064, FAULT_OTHER },
		{ 1146, FAULT_OTHER },
		{ 1406, FAULT_OTHER },
		{ 1999, FAULT_OTHER },
		{ 3000, FAULT_OTHER },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		if (fault_of(cases[i].number) != cases[i].fault)
			fail_msg("%u is fault %d, not %d", cases[i].number,
			    (int)fault_of(cases[i].number),
			    (int)cases[i].fault);
}

static void
test_which_faults_mean_again(void **state UNUSED)
{
	assert_true(fault_is_again(FAULT_AGAIN));
	assert_true(fault_is_again(FAULT_WAITED));
	assert_true(fault_is_again(FAULT_LOST));
	assert_true(fault_is_again(FAULT_NOT_READY));
	assert_false(fault_is_again(FAULT_NONE));
	assert_false(fault_is_again(FAULT_OTHER));
	assert_false(fault_is_again(FAULT_EXISTS));
	assert_false(fault_is_again(FAULT_REFERENCE));
}

static void
test_codes(void **state UNUSED)
{
	static const struct {
		unsigned number;
		enum err_code code;
	} cases[] = {
		{ 1062, E_EXISTS },
		{ 1451, E_CONFLICT },
		{ 1452, E_CONFLICT },
		{ 1213, E_BUSY },
		{ 1205, E_BUSY },
		{ 2013, E_BUSY },
		{ 1047, E_BUSY },
		{ 1142, E_INTERNAL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		struct err err = { .reason = "old" };

		assert_int_equal(
		    fault_to_err(cases[i].number, "what", "message", &err),
		    cases[i].code);
		assert_int_equal(err.code, cases[i].code);
		assert_null(err.reason);
		assert_null(strstr(err.text, "message"));
	}
}

static void
test_cause_has_number_and_message(void **state UNUSED)
{
	struct err err = ERR_INIT;

	fault_to_err(1146, "tag_get", "Table 'dtr.tag' doesn't exist", &err);
	assert_string_equal(
	    err.cause, "tag_get: 1146: Table 'dtr.tag' doesn't exist");
}

static void
test_values_are_not_passed_on(void **state UNUSED)
{
	static const unsigned numbers[] = { 1062, 1264, 1292, 1300, 1366, 1411,
		1525 };

	for (size_t i = 0; i < COUNT_OF(numbers); i++) {
		struct err err = ERR_INIT;

		fault_to_err(numbers[i], "account_insert",
		    "Duplicate entry 'hunter2' for key 'x'", &err);
		assert_null(strstr(err.cause, "hunter2"));
		assert_null(strstr(err.text, "hunter2"));
		assert_non_null(strstr(err.cause, "account_insert: "));
	}
}

static void
test_long_messages_are_cut(void **state UNUSED)
{
	struct err err = ERR_INIT;
	char message[1000];

	memset(message, 'm', sizeof(message) - 1);
	message[sizeof(message) - 1] = '\0';
	fault_to_err(1064, "x", message, &err);
	assert_int_equal(strlen(err.cause), strlen("x: 1064: ") + 300);
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_faults),
	cmocka_unit_test(test_which_faults_mean_again),
	cmocka_unit_test(test_codes),
	cmocka_unit_test(test_cause_has_number_and_message),
	cmocka_unit_test(test_values_are_not_passed_on),
	cmocka_unit_test(test_long_messages_are_cut),
};

UNIT_MAIN(tests)
