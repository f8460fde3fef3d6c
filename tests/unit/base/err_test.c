/* Errors: what is set, kept, cut and named. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/err.h"

static void
test_set(void **state UNUSED)
{
	struct err err;

	memset(&err, 'x', sizeof(err));
	assert_int_equal(
	    err_set(&err, E_INVALID, "tag \"%s\" has %d faults", "a b", 2),
	    E_INVALID);
	assert_int_equal(err.code, E_INVALID);
	assert_null(err.reason);
	assert_string_equal(err.text, "tag \"a b\" has 2 faults");
	assert_string_equal(err.cause, "");
	assert_int_equal(err_reason(&err, "TAG_INVALID"), E_INVALID);
	assert_int_equal(err_cause(&err, "because of %d", 7), E_INVALID);
	assert_string_equal(err.reason, "TAG_INVALID");
	assert_string_equal(err.cause, "because of 7");
	/* the next error takes nothing over */
	assert_int_equal(err_set(&err, E_BUSY, "try later"), E_BUSY);
	assert_null(err.reason);
	assert_string_equal(err.text, "try later");
	assert_string_equal(err.cause, "");
	err_clear(&err);
	assert_int_equal(err.code, 0);
	assert_string_equal(err.text, "");
}

static void
test_errno(void **state UNUSED)
{
	struct err err;

	err_set(&err, E_INTERNAL, "cannot open \"x\"");
	assert_int_equal(err_errno(&err, ENOENT), E_INTERNAL);
	assert_string_equal(err.text, "cannot open \"x\"");
	assert_string_equal(err.cause, "No such file or directory");
	err_errno(&err, 99999);
	assert_non_null(strstr(err.cause, "99999"));
}

static void
test_prefix(void **state UNUSED)
{
	struct err err;

	err_set(&err, E_FULL, "write failed");
	err_cause(&err, "cause");
	err_reason(&err, "REASON");
	assert_int_equal(err_prefix(&err, "file \"%s\"", "/a"), E_FULL);
	assert_int_equal(err_prefix(&err, "upload %d", 3), E_FULL);
	assert_int_equal(err.code, E_FULL);
	assert_string_equal(err.text, "upload 3: file \"/a\": write failed");
	assert_string_equal(err.cause, "cause");
	assert_string_equal(err.reason, "REASON");
}

/* whatever its parts, an error fits and ends */
static void
test_cuts(void **state UNUSED)
{
	struct err err;

	err_set(&err, E_INVALID, "%0500d", 1);
	assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
	err_cause(&err, "%0500d", 1);
	assert_int_equal(strlen(err.cause), sizeof(err.cause) - 1);
	for (int i = 0; i < 5; i++) {
		const char *rest;

		err_prefix(&err, "%0400d", 2);
		assert_int_equal(strlen(err.text), sizeof(err.text) - 1);
		/* long words leave room for the text */
		rest = strstr(err.text, ": ");
		assert_non_null(rest);
		assert_int_equal(strspn(rest + 2, "0"), strlen(rest + 2));
		assert_true(strlen(rest) > 100);
	}
}

static void
test_names(void **state UNUSED)
{
	for (int code = E_NOTFOUND; code >= E_INTERNAL; code--) {
		const char *name = err_name((enum err_code)code);

		assert_int_equal(
		    strspn(name, "abcdefghijklmnopqrstuvwxyz_"), strlen(name));
		assert_string_not_equal(name, "none");
		for (int other = E_NOTFOUND; other > code; other--)
			assert_string_not_equal(
			    name, err_name((enum err_code)other));
	}
	assert_string_equal(err_name((enum err_code)0), "none");
	assert_string_equal(err_name(E_NOTFOUND), "not_found");
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_set),
	cmocka_unit_test(test_errno),
	cmocka_unit_test(test_prefix),
	cmocka_unit_test(test_cuts),
	cmocka_unit_test(test_names),
};

UNIT_MAIN(tests)
