/* The reader: values by type, places in errors, walks. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "tests/unit/aborts.h"

static const struct jscheck_limits limits = {
	.bytes = 100000,
	.depth = 32,
	.values = 20000,
	.objects = 20000,
};

static struct jsr root;

static void
parse(const char *text)
{
	if (jsr_parse(pool, text, strlen(text), &limits, &root, &err) < 0)
		fail_msg("%s: %s", text, err.text);
}

static void
assert_error(int rc, const char *text)
{
	assert_int_equal(rc, E_INVALID);
	assert_int_equal(err.code, E_INVALID);
	assert_string_equal(err.text, text);
}

static void
test_types(void **state UNUSED)
{
	static const struct {
		const char *text;
		enum jsr_type type;
	} cases[] = {
		{ "null", JSR_ABSENT },
		{ "true", JSR_BOOL },
		{ "false", JSR_BOOL },
		{ "0", JSR_INT },
		{ "-0", JSR_INT },
		{ " 7 ", JSR_INT },
		{ "9223372036854775807", JSR_INT },
		{ "1.0", JSR_REAL },
		{ "1e2", JSR_REAL },
		{ "-0.5", JSR_REAL },
		{ "\"\"", JSR_STRING },
		{ "[]", JSR_ARRAY },
		{ "{}", JSR_OBJECT },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		parse(cases[i].text);
		assert_int_equal(jsr_type(&root), cases[i].type);
		assert_string_equal(jsr_path(&root), "");
	}
}

static void
test_refused(void **state UNUSED)
{
	struct jscheck_limits small = limits;

	assert_error(jsr_parse(pool, "{'a':1}", 7, &limits, &root, &err),
	    "JSON: key expected at byte 1");
	small.bytes = 3;
	assert_int_equal(
	    jsr_parse(pool, "[1,2]", 5, &small, &root, &err), E_TOOBIG);
}

static void
test_strings(void **state UNUSED)
{
	const char *text = "kept";

	parse("{\"a\":\"\\u00e9\\n\\/\\\"\",\"e\":\"\",\"n\":null,\"i\":1}");
	assert_int_equal(jsr_str(&root, "a", true, &text, &err), 0);
	assert_string_equal(text, "\xc3\xa9\n/\"");
	assert_int_equal(jsr_str(&root, "e", true, &text, &err), 0);
	assert_string_equal(text, "");
	text = "kept";
	assert_int_equal(jsr_str(&root, "none", false, &text, &err), 0);
	assert_string_equal(text, "kept");
	assert_int_equal(jsr_str(&root, "n", false, &text, &err), 0);
	assert_string_equal(text, "kept");
	assert_error(
	    jsr_str(&root, "none", true, &text, &err), "/none is missing");
	assert_error(jsr_str(&root, "n", true, &text, &err), "/n is missing");
	assert_error(
	    jsr_str(&root, "i", false, &text, &err), "/i must be a string");
	assert_string_equal(text, "kept");
}

static void
test_numbers(void **state UNUSED)
{
	int64_t number = 42;

	parse("{\"max\":9223372036854775807,\"min\":-9223372036854775808,"
	      "\"n\":7,\"r\":7.0,\"e\":1e2,\"s\":\"7\",\"b\":true}");
	assert_int_equal(
	    jsr_int(&root, "max", true, INT64_MIN, INT64_MAX, &number, &err),
	    0);
	assert_true(number == INT64_MAX);
	assert_int_equal(
	    jsr_int(&root, "min", true, INT64_MIN, INT64_MAX, &number, &err),
	    0);
	assert_true(number == INT64_MIN);
	assert_int_equal(jsr_int(&root, "n", true, 7, 7, &number, &err), 0);
	number = 42;
	assert_error(jsr_int(&root, "n", false, 8, 100, &number, &err),
	    "/n must be from 8 to 100");
	assert_error(jsr_int(&root, "n", false, -3, 6, &number, &err),
	    "/n must be from -3 to 6");
	assert_error(jsr_int(&root, "r", false, 0, 100, &number, &err),
	    "/r must be an integer");
	assert_error(jsr_int(&root, "e", false, 0, 100, &number, &err),
	    "/e must be an integer");
	assert_error(jsr_int(&root, "s", false, 0, 100, &number, &err),
	    "/s must be an integer");
	assert_error(jsr_int(&root, "b", false, 0, 100, &number, &err),
	    "/b must be an integer");
	assert_error(
	    jsr_int(&root, "x", true, 0, 100, &number, &err), "/x is missing");
	assert_int_equal(jsr_int(&root, "x", false, 0, 100, &number, &err), 0);
	assert_true(number == 42);
}

static void
test_bools(void **state UNUSED)
{
	bool is = false;

	parse("{\"t\":true,\"f\":false,\"n\":0,\"s\":\"true\"}");
	assert_int_equal(jsr_bool(&root, "t", true, &is, &err), 0);
	assert_true(is);
	assert_int_equal(jsr_bool(&root, "f", true, &is, &err), 0);
	assert_false(is);
	is = true;
	assert_int_equal(jsr_bool(&root, "x", false, &is, &err), 0);
	assert_true(is);
	assert_error(
	    jsr_bool(&root, "n", false, &is, &err), "/n must be true or false");
	assert_error(
	    jsr_bool(&root, "s", false, &is, &err), "/s must be true or false");
	assert_error(jsr_bool(&root, "x", true, &is, &err), "/x is missing");
}

static void
test_containers(void **state UNUSED)
{
	struct jsr object = { .node = NULL }, list = { .node = NULL };

	parse("{\"o\":{\"x\":1},\"a\":[1,2,3],\"s\":\"\",\"n\":null}");
	assert_int_equal(jsr_count(&root), 4);
	assert_int_equal(jsr_object(&root, "o", true, &object, &err), 0);
	assert_int_equal(jsr_count(&object), 1);
	assert_string_equal(jsr_path(&object), "/o");
	assert_int_equal(jsr_array(&root, "a", true, 3, &list, &err), 0);
	assert_int_equal(jsr_count(&list), 3);
	assert_error(jsr_array(&root, "a", false, 2, &list, &err),
	    "/a has more than 2 items");
	assert_error(
	    jsr_array(&root, "o", false, 9, &list, &err), "/o must be a list");
	assert_error(jsr_object(&root, "a", false, &object, &err),
	    "/a must be an object");
	assert_error(
	    jsr_object(&root, "n", true, &object, &err), "/n is missing");
	list.node = NULL;
	assert_int_equal(jsr_array(&root, "n", false, 9, &list, &err), 0);
	assert_null(list.node);
	assert_int_equal(jsr_count(&list), 0);
}

/* the root is not an object */
static void
test_not_object(void **state UNUSED)
{
	static const char *const texts[] = { "null", "[]", "1", "\"a\"" };
	const char *text;

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		parse(texts[i]);
		assert_error(jsr_str(&root, "a", false, &text, &err),
		    "the document must be an object");
		assert_error(jsr_as_object(&root, &err),
		    "the document must be an object");
		assert_false(jsr_has(&root, "a"));
	}
	parse("1");
	assert_error(
	    jsr_as_str(&root, &text, &err), "the document must be a string");
}

static void
test_has(void **state UNUSED)
{
	parse("{\"a\":1,\"n\":null}");
	assert_true(jsr_has(&root, "a"));
	assert_true(jsr_has(&root, "n"));
	assert_false(jsr_has(&root, ""));
	assert_false(jsr_has(&root, "A"));
}

static void
test_places(void **state UNUSED)
{
	struct jsr layers = { .node = NULL }, item, platform;
	const char *text;
	int64_t n;

	parse("{\"layers\":[{},{\"digest\":1,\"platform\":{\"os\":[]},"
	      "\"size\":-1}]}");
	assert_int_equal(jsr_array(&root, "layers", true, 9, &layers, &err), 0);
	item = jsr_item(&layers, 1);
	assert_string_equal(jsr_path(&item), "/layers/1");
	assert_error(jsr_str(&item, "digest", true, &text, &err),
	    "/layers/1/digest must be a string");
	assert_error(jsr_int(&item, "size", true, 0, 9, &n, &err),
	    "/layers/1/size must be from 0 to 9");
	assert_error(
	    jsr_as_str(&item, &text, &err), "/layers/1 must be a string");
	assert_int_equal(
	    jsr_object(&item, "platform", true, &platform, &err), 0);
	assert_error(jsr_str(&platform, "os", true, &text, &err),
	    "/layers/1/platform/os must be a string");
	item = jsr_item(&layers, 0);
	assert_error(jsr_str(&item, "digest", true, &text, &err),
	    "/layers/0/digest is missing");
}

static void
test_walk(void **state UNUSED)
{
	static const char *const names[] = { "z", "a/b~c", "", "n" };
	static const char *const paths[] = { "/o/z", "/o/a~1b~0c", "/o/",
		"/o/n" };
	struct jsr object = { .node = NULL }, value;
	struct jsr_walk walk;
	const char *name, *text;
	size_t count = 0;

	parse("{\"o\":{\"z\":1,\"a/b~c\":\"x\",\"\":[],\"n\":null}}");
	assert_int_equal(jsr_object(&root, "o", true, &object, &err), 0);
	walk = jsr_walk(&object);
	while (jsr_next(&walk, &name, &value)) {
		assert_string_equal(name, names[count]);
		assert_string_equal(jsr_path(&value), paths[count]);
		count++;
	}
	assert_int_equal(count, 4);
	assert_false(jsr_next(&walk, &name, &value));
	walk = jsr_walk(&object);
	assert_true(jsr_next(&walk, &name, &value));
	assert_error(jsr_as_str(&value, &text, &err), "/o/z must be a string");
	parse("{}");
	walk = jsr_walk(&root);
	assert_false(jsr_next(&walk, &name, &value));
	parse("[1]");
	walk = jsr_walk(&root);
	assert_false(jsr_next(&walk, &name, &value));
}

/* a place as long as one likes does not displace what is wrong there */
static void
test_long_place(void **state UNUSED)
{
	char *name = pool_alloc(pool, 1001);
	struct jsr_walk walk;
	struct jsr value;
	const char *text;

	memset(name, 'k', 1000);
	parse(pool_printf(pool, "{\"%s\":1}", name));
	walk = jsr_walk(&root);
	assert_true(jsr_next(&walk, &text, &value));
	assert_int_equal(jsr_as_str(&value, &text, &err), E_INVALID);
	assert_non_null(strstr(err.text, "k must be a string"));
	assert_int_equal(jsr_str(&root, name, true, &text, &err), E_INVALID);
	assert_non_null(strstr(err.text, "k must be a string"));
}

static void
test_text(void **state UNUSED)
{
	static const char *const texts[] = { "null", "true", "7", "1.50",
		"\"a/b\"", "[1,\"x\",null]",
		"{\"a\":{\"b\":\"\\\"\\n\xc3\xa9\"},\"c\":[]}" };

	for (size_t i = 0; i < COUNT_OF(texts); i++) {
		parse(texts[i]);
		assert_string_equal(jsr_text(&root), texts[i]);
	}
	parse(" { \"a\" : [ 1 , 2 ] } ");
	assert_string_equal(jsr_text(&root), "{\"a\":[1,2]}");
}

/* as deep as the check allows */
static void
test_depth(void **state UNUSED)
{
	char text[65];

	memset(text, '[', 32);
	memset(text + 32, ']', 32);
	text[64] = '\0';
	parse(text);
	assert_string_equal(jsr_text(&root), text);
}

/* values stay when the next document comes, until the pool goes */
static void
test_ownership(void **state UNUSED)
{
	char given[] = "{\"a\":\"first\"}";
	const char *first, *second;

	parse(given);
	assert_int_equal(jsr_str(&root, "a", true, &first, &err), 0);
	memset(given, 'x', sizeof(given) - 1);
	parse("{\"a\":\"second\"}");
	assert_int_equal(jsr_str(&root, "a", true, &second, &err), 0);
	assert_string_equal(first, "first");
	assert_string_equal(second, "second");
}

static void
item_beyond(void)
{
	parse("[1]");
	jsr_item(&root, 1);
}

static void
item_of_object(void)
{
	parse("{\"a\":1}");
	jsr_item(&root, 0);
}

static void
test_bugs(void **state UNUSED)
{
	assert_true(aborts(item_beyond));
	assert_true(aborts(item_of_object));
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_types),
	POOL_TEST(test_refused),
	POOL_TEST(test_strings),
	POOL_TEST(test_numbers),
	POOL_TEST(test_bools),
	POOL_TEST(test_containers),
	POOL_TEST(test_not_object),
	POOL_TEST(test_has),
	POOL_TEST(test_places),
	POOL_TEST(test_walk),
	POOL_TEST(test_long_place),
	POOL_TEST(test_text),
	POOL_TEST(test_depth),
	POOL_TEST(test_ownership),
	POOL_TEST(test_bugs),
};

UNIT_MAIN(tests)
