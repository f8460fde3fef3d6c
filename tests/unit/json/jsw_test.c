/* The writer: commas, scopes, escapes, and texts that are read again. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/json/jsw.h"
#include "tests/unit/aborts.h"

static struct pool *pool;
static struct str text;
static struct jsw w;

static int
setup(void **state UNUSED)
{
	pool = pool_new((size_t)4 << 20);
	str_init(&text, pool, 65536);
	jsw_init(&w, &text);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

static void
again(void)
{
	str_clear(&text);
	jsw_init(&w, &text);
}

static void
test_document(void **state UNUSED)
{
	jsw_object(&w, NULL);
	jsw_str(&w, "name", "a");
	jsw_array(&w, "list");
	jsw_int(&w, NULL, 1);
	jsw_bool(&w, NULL, true);
	jsw_str(&w, NULL, NULL);
	jsw_object(&w, NULL);
	jsw_end(&w);
	jsw_array(&w, NULL);
	jsw_end(&w);
	jsw_end(&w);
	jsw_raw(&w, "raw", "{\"x\":[1]}--", 9);
	jsw_bool(&w, "no", false);
	jsw_str(&w, "nothing", NULL);
	jsw_int(&w, "", INT64_MIN);
	jsw_end(&w);
	jsw_done(&w);
	assert_string_equal(text.p,
	    "{\"name\":\"a\",\"list\":[1,true,null,{},[]],"
	    "\"raw\":{\"x\":[1]},\"no\":false,\"nothing\":null,"
	    "\"\":-9223372036854775808}");
}

static void
test_scalars(void **state UNUSED)
{
	jsw_int(&w, NULL, INT64_MAX);
	jsw_done(&w);
	assert_string_equal(text.p, "9223372036854775807");
	again();
	jsw_str(&w, NULL, "x");
	jsw_done(&w);
	assert_string_equal(text.p, "\"x\"");
	again();
	jsw_array(&w, NULL);
	jsw_end(&w);
	jsw_done(&w);
	assert_string_equal(text.p, "[]");
}

static void
test_escapes(void **state UNUSED)
{
	static const struct {
		const char *value;
		const char *json;
	} cases[] = {
		{ "", "\"\"" },
		{ "a/b", "\"a/b\"" },
		{ "\"\\", "\"\\\"\\\\\"" },
		{ "\x01\b\t\n\r\x1f",
		    "\"\\u0001\\u0008\\u0009\\u000a\\u000d\\u001f\"" },
		{ "\x7f", "\"\x7f\"" },
		{ "r\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\x8b",
		    "\"r\xc3\xa9 \xe6\x97\xa5 \xf0\x9f\x90\x8b\"" },
		/* only the bytes that are wrong are replaced */
		{ "\xc3\xa9\xff\xc3\xa9\xc3",
		    "\"\xc3\xa9\\ufffd\xc3\xa9\\ufffd\"" },
		{ "\xed\xa0\x80", "\"\\ufffd\\ufffd\\ufffd\"" },
		{ "\xf0\x9f\x90", "\"\\ufffd\\ufffd\\ufffd\"" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		again();
		jsw_str(&w, NULL, cases[i].value);
		jsw_done(&w);
		assert_string_equal(text.p, cases[i].json);
	}
	/* names alike */
	again();
	jsw_object(&w, NULL);
	jsw_bool(&w, "\"\n", true);
	jsw_end(&w);
	assert_string_equal(text.p, "{\"\\\"\\u000a\":true}");
}

/* every character comes back from the reader */
static void
test_read_again(void **state UNUSED)
{
	static const struct jscheck_limits limits = {
		.bytes = 65536, .depth = 1, .values = 10, .objects = 1
	};
	char all[128];
	const char *read = "";
	struct jsr root;
	struct err err;

	for (int i = 0; i < 127; i++)
		all[i] = (char)(i + 1);
	all[127] = '\0';
	jsw_object(&w, NULL);
	jsw_str(&w, "a", all);
	jsw_end(&w);
	assert_int_equal(
	    jsr_parse(pool, text.p, text.len, &limits, &root, &err), 0);
	assert_int_equal(jsr_str(&root, "a", true, &read, &err), 0);
	assert_string_equal(read, all);
}

/* the string tells that not all did fit */
static void
test_full(void **state UNUSED)
{
	str_init(&text, pool, 10);
	jsw_init(&w, &text);
	jsw_array(&w, NULL);
	for (int i = 0; i < 100; i++)
		jsw_int(&w, NULL, i);
	jsw_end(&w);
	jsw_done(&w);
	assert_true(str_is_full(&text));
	assert_string_equal(text.p, "[0,1,2,3,4");
}

static void
test_depth(void **state UNUSED)
{
	for (int i = 0; i < JSW_DEPTH - 1; i++)
		jsw_array(&w, NULL);
	for (int i = 0; i < JSW_DEPTH - 1; i++)
		jsw_end(&w);
	jsw_done(&w);
	assert_string_equal(text.p, "[[[[[[[[[[[[[[[]]]]]]]]]]]]]]]");
}

static void
too_deep(void)
{
	for (int i = 0; i < JSW_DEPTH; i++)
		jsw_array(&w, NULL);
}

static void
end_of_nothing(void)
{
	jsw_end(&w);
}

static void
name_in_array(void)
{
	jsw_array(&w, NULL);
	jsw_int(&w, "a", 1);
}

static void
no_name_in_object(void)
{
	jsw_object(&w, NULL);
	jsw_int(&w, NULL, 1);
}

static void
name_of_root(void)
{
	jsw_object(&w, "a");
}

static void
two_roots(void)
{
	jsw_int(&w, NULL, 1);
	jsw_int(&w, NULL, 2);
}

static void
not_closed(void)
{
	jsw_object(&w, NULL);
	jsw_done(&w);
}

static void
nothing_written(void)
{
	jsw_done(&w);
}

static void
test_bugs(void **state UNUSED)
{
	static void (*const bugs[])(void) = { too_deep, end_of_nothing,
		name_in_array, no_name_in_object, name_of_root, two_roots,
		not_closed, nothing_written };

	for (size_t i = 0; i < COUNT_OF(bugs); i++)
		assert_true(aborts(bugs[i]));
}

#define TEST(function) \
 cmocka_unit_test_setup_teardown(function, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_document),
	TEST(test_scalars),
	TEST(test_escapes),
	TEST(test_read_again),
	TEST(test_full),
	TEST(test_depth),
	TEST(test_bugs),
};

UNIT_MAIN(tests)
