/* The strict check: exactly RFC 8259, and the limits beyond it. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/json/jscheck.h"

static const struct jscheck_limits wide = {
	.bytes = (size_t)64 << 20,
	.depth = 100,
	.values = 1000000,
	.objects = 1000000,
};

/* of its exact size, so that reading too far is noticed */
static int
check_n(const char *text, size_t n, const struct jscheck_limits *limits)
{
	char *copy = malloc(n > 0 ? n : 1);
	int rc;

	assert_non_null(copy);
	memcpy(copy, text, n);
	rc = jscheck(copy, n, limits, &err);
	free(copy);
	return rc;
}

static void
assert_accepted(const char *text)
{
	if (check_n(text, strlen(text), &wide) != 0)
		fail_msg("%s: %s", text, err.text);
}

static void
assert_refused(const char *text, const char *expected)
{
	if (check_n(text, strlen(text), &wide) != E_INVALID)
		fail_msg("accepted: %s", text);
	assert_string_equal(err.text, expected);
}

static void
test_accepted(void **state UNUSED)
{
	static const char *const texts[] = {
		"{}", "[]", "\"\"", "null", "true", "false", "0", "-0", "12",
		"-7", "1.5", "-0.0", "1e5", "1E+5", "1.25e-3", "0e0",
		" \t\r\n{ \"a\" : [ 1 , 2 ] } \n", "[[],{},[[]],{\"a\":{}}]",
		"{\"\":1}", "{\"a\":1,\"A\":2,\"aa\":3,\"\\u0061b\":4}",
		"\"\\\"\\\\\\/\\b\\f\\n\\r\\t\"",
		"\"\\u0001\\u00e9\\uFFFF\\ud83d\\udc0b\"",
		"\"r\xc3\xa9gistre \xf0\x9f\x90\x8b \x7f\"",
		"9223372036854775807", "-9223372036854775808",
		"0.00000000000000000000000000001", "1e999",
		"[1,[2,[3,{\"x\":[4]}]],5]",
		"\"\xef\xbb\xbf\"", /* a mark within is a character */
	};

	for (size_t i = 0; i < COUNT_OF(texts); i++)
		assert_accepted(texts[i]);
}

static void
test_values(void **state UNUSED)
{
	assert_refused("", "JSON: value expected at byte 0");
	assert_refused("   ", "JSON: value expected at byte 3");
	assert_refused("nul", "JSON: value expected at byte 0");
	assert_refused("True", "JSON: value expected at byte 0");
	assert_refused("NaN", "JSON: value expected at byte 0");
	assert_refused("Infinity", "JSON: value expected at byte 0");
	assert_refused("'a'", "JSON: value expected at byte 0");
	assert_refused("[,1]", "JSON: value expected at byte 1");
	assert_refused("[1,]", "JSON: value expected at byte 3");
	assert_refused("[1,,2]", "JSON: value expected at byte 3");
	assert_refused("{\"a\":}", "JSON: value expected at byte 5");
	assert_refused("[/* no */1]", "JSON: value expected at byte 1");
	assert_refused("1 2", "JSON: text behind the value at byte 2");
	assert_refused("{}x", "JSON: text behind the value at byte 2");
	assert_refused("nulls", "JSON: text behind the value at byte 4");
	assert_refused("[]]", "JSON: text behind the value at byte 2");
	assert_refused("{} // end", "JSON: text behind the value at byte 3");
	assert_refused("\v1", "JSON: value expected at byte 0");
}

static void
test_structure(void **state UNUSED)
{
	assert_refused("{", "JSON: key expected at byte 1");
	assert_refused("{,}", "JSON: key expected at byte 1");
	assert_refused("{a:1}", "JSON: key expected at byte 1");
	assert_refused("{'a':1}", "JSON: key expected at byte 1");
	assert_refused("{1:1}", "JSON: key expected at byte 1");
	assert_refused("{\"a\":1,}", "JSON: key expected at byte 7");
	assert_refused("{\"a\"}", "JSON: colon expected at byte 4");
	assert_refused("{\"a\",1}", "JSON: colon expected at byte 4");
	assert_refused("{\"a\"", "JSON: colon expected at byte 4");
	assert_refused("{\"a\":1", "JSON: text ends too early at byte 6");
	assert_refused("[1", "JSON: text ends too early at byte 2");
	assert_refused("[", "JSON: value expected at byte 1");
	assert_refused("[1 2]", "JSON: comma or end expected at byte 3");
	assert_refused("[1}", "JSON: comma or end expected at byte 2");
	assert_refused("{\"a\":1]", "JSON: comma or end expected at byte 6");
	assert_refused(
	    "{\"a\":1 \"b\":2}", "JSON: comma or end expected at byte 7");
}

static void
test_numbers(void **state UNUSED)
{
	assert_refused("01", "JSON: text behind the value at byte 1");
	assert_refused("-01", "JSON: text behind the value at byte 2");
	assert_refused("0x10", "JSON: text behind the value at byte 1");
	assert_refused("+1", "JSON: value expected at byte 0");
	assert_refused(".5", "JSON: value expected at byte 0");
	assert_refused("-", "JSON: digit expected at byte 1");
	assert_refused("-a", "JSON: digit expected at byte 1");
	assert_refused("--1", "JSON: digit expected at byte 1");
	assert_refused("-Infinity", "JSON: digit expected at byte 1");
	assert_refused("1.", "JSON: digit expected at byte 2");
	assert_refused("1.e5", "JSON: digit expected at byte 2");
	assert_refused("1e", "JSON: digit expected at byte 2");
	assert_refused("1e+", "JSON: digit expected at byte 3");
	assert_refused("1e5.0", "JSON: text behind the value at byte 3");
	assert_refused("[1_000]", "JSON: comma or end expected at byte 2");
	/* beyond int64, and over 32 bytes long */
	assert_refused(
	    "9223372036854775808", "JSON: number out of range at byte 19");
	assert_refused(
	    "-9223372036854775809", "JSON: number out of range at byte 20");
	assert_refused(
	    "100000000000000000000", "JSON: number out of range at byte 21");
	assert_refused("0.0000000000000000000000000000001",
	    "JSON: number out of range at byte 33");
}

static void
test_strings(void **state UNUSED)
{
	assert_refused("\"", "JSON: string without end at byte 1");
	assert_refused("\"abc", "JSON: string without end at byte 4");
	assert_refused("\"abc\\\"", "JSON: string without end at byte 6");
	assert_refused("\"abc\\", "JSON: string without end at byte 5");
	assert_refused(
	    "\"a\tb\"", "JSON: control character in a string at byte 2");
	assert_refused(
	    "\"a\nb\"", "JSON: control character in a string at byte 2");
	assert_refused("\"\\x41\"", "JSON: bad escape at byte 2");
	assert_refused("\"\\'\"", "JSON: bad escape at byte 2");
	assert_refused("\"\\u12\"", "JSON: cut escape at byte 3");
	assert_refused("\"\\u12g4\"", "JSON: bad escape at byte 5");
	assert_refused("\"\\u\"", "JSON: cut escape at byte 3");
	assert_refused("\"\\u0000\"", "JSON: NUL in a string at byte 7");
	assert_refused("\"\\ud83d\"", "JSON: lone surrogate at byte 7");
	assert_refused("\"\\ud83dx\"", "JSON: lone surrogate at byte 7");
	assert_refused("\"\\ud83d\\n\"", "JSON: lone surrogate at byte 7");
	assert_refused("\"\\udc0b\"", "JSON: lone surrogate at byte 7");
	assert_refused("\"\\ud83d\\ud83d\"", "JSON: lone surrogate at byte 13");
	assert_refused("\"\\ud83d\\u0041\"", "JSON: lone surrogate at byte 13");
	assert_refused("\"\\ud83d\\udbff\"", "JSON: lone surrogate at byte 13");
	assert_refused("\"\\ud83d\\ue000\"", "JSON: lone surrogate at byte 13");
	assert_refused("\"\\ud83d\\u\"", "JSON: cut escape at byte 9");
	assert_refused("\"\\ud83d\\u00\"", "JSON: cut escape at byte 9");
	assert_refused("\"\\ud83d\\", "JSON: string without end at byte 8");
	assert_refused("[\"\\ud83d\\udc\",1]", "JSON: bad escape at byte 12");
	/* an escape that would reach over the end of its string */
	assert_refused("[\"\\u00\",\"41\"]", "JSON: bad escape at byte 6");
	assert_refused(
	    "[\"\\ud83d\",\"\\udc0b\"]", "JSON: lone surrogate at byte 8");
}

static void
test_bytes(void **state UNUSED)
{
	assert_refused("\xef\xbb\xbf{}", "JSON: byte order mark");
	assert_refused("\"\xff\"", "JSON: text is not UTF-8");
	assert_refused("\"\xc3\"", "JSON: text is not UTF-8");
	assert_refused("\"\xed\xa0\x80\"", "JSON: text is not UTF-8");
	assert_refused("\"\xc0\x80\"", "JSON: text is not UTF-8");
	assert_refused("\xc2\xa0{}", "JSON: value expected at byte 0");
	assert_int_equal(check_n("{}\0", 3, &wide), E_INVALID);
	assert_string_equal(err.text, "JSON: text behind the value at byte 2");
	assert_int_equal(check_n("\"a\0b\"", 5, &wide), E_INVALID);
	assert_string_equal(
	    err.text, "JSON: control character in a string at byte 2");
	assert_int_equal(check_n("\"\\\0\"", 4, &wide), E_INVALID);
	assert_string_equal(err.text, "JSON: bad escape at byte 2");
}

static void
test_equal_keys(void **state UNUSED)
{
	assert_refused("{\"a\":1,\"a\":2}",
	    "JSON: key \"a\" twice in the object that ends at byte 12");
	assert_refused("{\"b\":0,\"a\":1,\"c\":0,\"\\u0061\":2}",
	    "JSON: key \"a\" twice in the object that ends at byte 29");
	assert_refused("[{\"a\":{\"x\":1,\"y\":{},\"x\":[]},\"x\":1}]",
	    "JSON: key \"x\" twice in the object that ends at byte 26");
	assert_refused("{\"\":1,\"\":2}",
	    "JSON: key \"\" twice in the object that ends at byte 10");
	assert_refused("{\"\\ud83d\\udc0b\":1,\"\xf0\x9f\x90\x8b\":2}",
	    "JSON: key \"\xf0\x9f\x90\x8b\" twice in the object that ends at "
	    "byte 26");
	assert_refused("{\"\\n\":1,\"\\u000a\":2}",
	    "JSON: key \"\n\" twice in the object that ends at byte 18");
	/* equal only in part, or in different objects */
	assert_accepted("{\"a\":1,\"ab\":2,\"abc\":3,\"b\":4,\"\":5}");
	assert_accepted(
	    "{\"a\":{\"a\":{\"a\":1}},\"b\":[{\"a\":1},{\"a\":2}]}");
}

/* an object of count members with keys of its own, the last maybe the first */
static char *
wide_object(size_t count, bool equal, size_t *n)
{
	char *text = pool_alloc(pool, count * 20 + 3), *p = text;

	*p++ = '{';
	for (size_t i = 0; i < count; i++)
		p += snprintf(p, 20, "%s\"k%zu\":0", i > 0 ? "," : "",
		    equal && i + 1 == count ? 0 : i);
	*p++ = '}';
	*n = (size_t)(p - text);
	return text;
}

static void
test_many_keys(void **state UNUSED)
{
	size_t n;
	char *text = wide_object(100000, false, &n);

	assert_int_equal(check_n(text, n, &wide), 0);
	text = wide_object(100000, true, &n);
	assert_int_equal(check_n(text, n, &wide), E_INVALID);
	assert_non_null(strstr(err.text, "key \"k0\" twice"));
}

static void
test_limit_bytes(void **state UNUSED)
{
	struct jscheck_limits limits = { .bytes = 4, .depth = 1, .values = 1 };

	assert_int_equal(check_n("   1", 4, &limits), 0);
	assert_int_equal(check_n("    1", 5, &limits), E_TOOBIG);
	assert_string_equal(err.text, "JSON: more than 4 bytes");
	/* a limit for what no caller may want */
	limits.bytes = SIZE_MAX;
	assert_int_equal(jscheck("", SIZE_MAX, &limits, &err), E_TOOBIG);
	assert_string_equal(err.text, "JSON: more than 67108864 bytes");
}

static char *
nested(size_t depth, const char *open, const char *close, size_t *n)
{
	size_t a = strlen(open), b = strlen(close);
	char *text = pool_alloc(pool, depth * (a + b) + 1), *p = text;

	for (size_t i = 0; i < depth; i++, p += a)
		memcpy(p, open, a);
	*p++ = '0';
	for (size_t i = 0; i < depth; i++, p += b)
		memcpy(p, close, b);
	*n = (size_t)(p - text);
	return text;
}

static void
test_limit_depth(void **state UNUSED)
{
	static const size_t depths[] = { 0, 1, 10, 256 };

	for (size_t i = 0; i < COUNT_OF(depths); i++) {
		struct jscheck_limits limits = { .bytes = 1 << 20,
			.depth = depths[i],
			.values = 10000,
			.objects = 256 };
		size_t n;
		char *text = nested(depths[i], "[", "]", &n);

		assert_int_equal(check_n(text, n, &limits), 0);
		text = nested(depths[i], "{\"a\":", "}", &n);
		assert_int_equal(check_n(text, n, &limits), 0);
		text = nested(depths[i] + 1, "[", "]", &n);
		assert_int_equal(check_n(text, n, &limits), E_INVALID);
		assert_non_null(strstr(err.text, "nested too deeply"));
		/* whatever the limit says */
		limits.depth = SIZE_MAX;
		text = nested(257, "[", "]", &n);
		assert_int_equal(check_n(text, n, &limits), E_INVALID);
	}
}

static void
test_limit_values(void **state UNUSED)
{
	/* an object, two keys, an array and two scalars */
	static const char text[] = "{\"a\":[1],\"b\":2}";
	struct jscheck_limits limits = {
		.bytes = 100, .depth = 9, .values = 6, .objects = 1
	};

	assert_int_equal(check_n(text, strlen(text), &limits), 0);
	for (limits.values = 0; limits.values < 6; limits.values++) {
		assert_int_equal(
		    check_n(text, strlen(text), &limits), E_INVALID);
		assert_non_null(strstr(err.text, "too many values"));
	}
}

static void
test_limit_objects(void **state UNUSED)
{
	/* empty ones, ones in each other, and arrays, which do not count */
	static const char text[] = "[{},[],{\"a\":{\"b\":{}}},[[]],{}]";
	struct jscheck_limits limits = wide;

	limits.objects = 5;
	assert_int_equal(check_n(text, strlen(text), &limits), 0);
	limits.objects = 4;
	assert_int_equal(check_n(text, strlen(text), &limits), E_INVALID);
	assert_string_equal(err.text, "JSON: too many objects at byte 27");
	limits.objects = 0;
	assert_int_equal(check_n("[[],1]", 6, &limits), 0);
	assert_int_equal(check_n("{}", 2, &limits), E_INVALID);
	assert_string_equal(err.text, "JSON: too many objects at byte 0");
}

/* escapes in long strings and keys need memory, which is bounded */
static void
test_long_strings(void **state UNUSED)
{
	size_t n = (size_t)4 << 20;
	char *text = pool_alloc(pool, n + 3);

	for (size_t i = 1; i < n; i += 2)
		memcpy(text + i, "\\n", 2);
	text[0] = '"';
	text[n + 1] = '"';
	assert_int_equal(check_n(text, n + 2, &wide), 0);
	text[n] = 'x';
	assert_int_equal(check_n(text, n + 2, &wide), E_INVALID);
}

/* any single byte changed or left out is refused or accepted, never read
 * over; the sanitizer sees the rest */
static void
test_cut_anywhere(void **state UNUSED)
{
	static const char text[] =
	    "{\"a\\n\":[1.5e-3,true,null,\"\\ud83d\\udc0b\"],\"b\":{}}";
	size_t n = strlen(text);

	assert_int_equal(check_n(text, n, &wide), 0);
	for (size_t i = 0; i < n; i++)
		assert_int_equal(check_n(text, i, &wide), E_INVALID);
	for (size_t i = 0; i < n; i++) {
		char changed[sizeof(text)];

		for (int c = 0; c < 256; c++) {
			memcpy(changed, text, sizeof(text));
			changed[i] = (char)c;
			check_n(changed, n, &wide);
		}
	}
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_accepted),
	POOL_TEST(test_values),
	POOL_TEST(test_structure),
	POOL_TEST(test_numbers),
	POOL_TEST(test_strings),
	POOL_TEST(test_bytes),
	POOL_TEST(test_equal_keys),
	POOL_TEST(test_many_keys),
	POOL_TEST(test_limit_bytes),
	POOL_TEST(test_limit_depth),
	POOL_TEST(test_limit_values),
	POOL_TEST(test_limit_objects),
	POOL_TEST(test_long_strings),
	POOL_TEST(test_cut_anywhere),
};

UNIT_MAIN(tests)
