/* Request targets, queries and forms. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/base/uri.h"

static struct uri uri;

/* "seg|seg" with a slash at the end, then "?name=value" for each parameter */
static const char *
shown(void)
{
	struct str s;

	str_init(&s, pool, 65536);
	for (size_t i = 0; i < uri.segment_count; i++)
		str_printf(&s, "%s%s", i > 0 ? "|" : "", uri.segments[i]);
	if (uri.trailing_slash)
		str_putc(&s, '/');
	for (size_t i = 0; i < uri.param_count; i++)
		str_printf(
		    &s, "?%s=%s", uri.params[i].name, uri.params[i].value);
	return s.p;
}

static void
test_targets(void **state UNUSED)
{
	static const struct {
		const char *target;
		const char *path;
		const char *shown;
	} cases[] = {
		{ "/", "/", "" },
		{ "/v2", "/v2", "v2" },
		{ "/v2/", "/v2/", "v2/" },
		{ "/v2/a/b/manifests/1.0", "/v2/a/b/manifests/1.0",
		    "v2|a|b|manifests|1.0" },
		{ "/a%3Ab%3a", "/a%3Ab%3a", "a:b:" },
		{ "/a+b%2B", "/a+b%2B", "a+b+" },
		{ "/a%20b?x%20=%20", "/a%20b", "a b?x = " },
		{ "/%25%32%35", "/%25%32%35", "%25" },
		{ "/r%C3%A9", "/r%C3%A9", "r\xc3\xa9" },
		{ "/r\xc3\xa9", "/r\xc3\xa9", "r\xc3\xa9" },
		{ "/...", "/...", "..." },
		{ "/.a/b.", "/.a/b.", ".a|b." },
		{ "/a?", "/a", "a" },
		{ "/a?&&", "/a", "a" },
		{ "/a?x", "/a", "a?x=" },
		{ "/a?x=", "/a", "a?x=" },
		{ "/a?=y", "/a", "a?=y" },
		{ "/a?x=1&y=2&x=3", "/a", "a?x=1?y=2?x=3" },
		{ "/a?x=b+c%2Bd%26e%3Df", "/a", "a?x=b c+d&e=f" },
		{ "/a?x=1=2", "/a", "a?x=1=2" },
		{ "/a?x=a/../b//c?d", "/a", "a?x=a/../b//c?d" },
		{ "http://host:5000/a?x", "/a", "a?x=" },
		{ "HTTPS://host/a?http://b", "/a", "a?http://b=" },
		{ "/a?%78+%3d=%2f", "/a", "a?x ==/" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		/* what was there before does not matter */
		memset(&uri, 0x55, sizeof(uri));
		assert_int_equal(
		    uri_parse(&uri, pool, cases[i].target, &err), 0);
		assert_string_equal(uri.path, cases[i].path);
		assert_string_equal(shown(), cases[i].shown);
	}
}

static void
test_refused(void **state UNUSED)
{
	static const struct {
		const char *target;
		const char *text;
	} cases[] = {
		{ "", "the path must begin with /" },
		{ "a", "the path must begin with /" },
		{ "?x", "the path must begin with /" },
		{ "*", "the path must begin with /" },
		{ "http://host", "the path must begin with /" },
		{ "https://host?x", "the path must begin with /" },
		{ "http:///a//b", "empty segment in the path" },
		{ "ftp://host/", "the path must begin with /" },
		{ "http:/a", "the path must begin with /" },
		{ "//", "empty segment in the path" },
		{ "/a//b", "empty segment in the path" },
		{ "//a", "empty segment in the path" },
		{ "/a//", "empty segment in the path" },
		{ "/.", "segment \".\" in the path" },
		{ "/a/..", "segment \"..\" in the path" },
		{ "/a/../b", "segment \"..\" in the path" },
		{ "/%2e%2E", "segment \"..\" in the path" },
		{ "/.%2e/", "segment \"..\" in the path" },
		{ "/a%2fb", "encoded slash in the path" },
		{ "/a%2F", "encoded slash in the path" },
		{ "/a%00", "control character in the path" },
		{ "/a%7f", "control character in the path" },
		{ "/a%0d%0aHost:", "control character in the path" },
		{ "/a\tb", "control character in the path" },
		{ "/a?x=\n", "control character in a parameter" },
		{ "/a?%00=1", "control character in a parameter" },
		{ "/%",
		    "bad percent-encoding in the path; a percent sign is "
		    "written %25" },
		{ "/%2",
		    "bad percent-encoding in the path; a percent sign is "
		    "written %25" },
		{ "/a%2/bc",
		    "bad percent-encoding in the path; a percent "
		    "sign is written %25" },
		{ "/%gg",
		    "bad percent-encoding in the path; a percent sign "
		    "is written %25" },
		{ "/%2g",
		    "bad percent-encoding in the path; a percent sign "
		    "is written %25" },
		{ "/%%41",
		    "bad percent-encoding in the path; a percent sign "
		    "is written %25" },
		{ "/a?x=100%",
		    "bad percent-encoding in a parameter; a "
		    "percent sign is written %25" },
		{ "/a?x%4&1",
		    "bad percent-encoding in a parameter; a "
		    "percent sign is written %25" },
		{ "/%ff", "the path is not UTF-8" },
		{ "/%c3/%a9", "the path is not UTF-8" },
		{ "/%c0%ae", "the path is not UTF-8" },
		{ "/a?x=%ed%a0%80", "a parameter is not UTF-8" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		assert_int_equal(
		    uri_parse(&uri, pool, cases[i].target, &err), E_INVALID);
		assert_string_equal(err.text, cases[i].text);
	}
}

static char *
repeated(const char *start, const char *piece, size_t count)
{
	struct str s;

	str_init(&s, pool, 65536);
	str_puts(&s, start);
	for (size_t i = 0; i < count; i++)
		str_puts(&s, piece);
	return s.p;
}

static void
test_limits(void **state UNUSED)
{
	const char *target = repeated("", "/a", URI_SEGMENTS_MAX);

	assert_int_equal(uri_parse(&uri, pool, target, &err), 0);
	assert_int_equal(uri.segment_count, URI_SEGMENTS_MAX);
	target = repeated("", "/a", URI_SEGMENTS_MAX + 1);
	assert_int_equal(uri_parse(&uri, pool, target, &err), E_INVALID);
	assert_string_equal(err.text, "more than 64 segments in the path");
	target = repeated("/?", "&&x=1", URI_PARAMS_MAX);
	assert_int_equal(uri_parse(&uri, pool, target, &err), 0);
	assert_int_equal(uri.param_count, URI_PARAMS_MAX);
	target = repeated("/?", "&&x=1", URI_PARAMS_MAX + 1);
	assert_int_equal(uri_parse(&uri, pool, target, &err), E_TOOBIG);
	assert_string_equal(err.text, "more than 64 parameters");
	/* as long as it likes: others bound the whole */
	target = repeated("/", "a", 60000);
	assert_int_equal(uri_parse(&uri, pool, target, &err), 0);
	assert_int_equal(strlen(uri.segments[0]), 60000);
}

static void
test_param(void **state UNUSED)
{
	assert_int_equal(uri_parse(&uri, pool, "/?n=1&last=&n=2&N=3", &err), 0);
	assert_string_equal(uri_param(&uri, "n"), "1");
	assert_string_equal(uri_param(&uri, "last"), "");
	assert_string_equal(uri_param(&uri, "N"), "3");
	assert_null(uri_param(&uri, "las"));
	assert_null(uri_param(&uri, ""));
}

static void
test_form(void **state UNUSED)
{
	static const char text[] = "a=1&b=x+y%21&c&a=2&NOT THIS";
	struct uri_param params[4];
	size_t count = 99;

	assert_int_equal(
	    uri_parse_form(pool, text, 18, params, 4, &count, &err), 0);
	assert_int_equal(count, 4);
	assert_string_equal(params[0].name, "a");
	assert_string_equal(params[0].value, "1");
	assert_string_equal(params[1].value, "x y!");
	assert_string_equal(params[2].name, "c");
	assert_string_equal(params[2].value, "");
	assert_string_equal(params[3].value, "2");
	assert_int_equal(
	    uri_parse_form(pool, text, 18, params, 3, &count, &err), E_TOOBIG);
	assert_string_equal(err.text, "more than 3 parameters");
	assert_int_equal(
	    uri_parse_form(pool, text, 0, params, 4, &count, &err), 0);
	assert_int_equal(count, 0);
	assert_int_equal(
	    uri_parse_form(pool, "a=\0", 3, params, 4, &count, &err),
	    E_INVALID);
}

static void
test_encode(void **state UNUSED)
{
	static const char text[] = "AZaz09-._~ /?#%&=+:@\"\x7f\xc3\xa9\n";

	assert_string_equal(uri_encode(pool, ""), "");
	assert_string_equal(uri_encode(pool, text),
	    "AZaz09-._~%20%2F%3F%23%25%26%3D%2B%3A%40%22%7F%C3%A9%0A");
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_targets),
	POOL_TEST(test_refused),
	POOL_TEST(test_limits),
	POOL_TEST(test_param),
	POOL_TEST(test_form),
	POOL_TEST(test_encode),
};

UNIT_MAIN(tests)
