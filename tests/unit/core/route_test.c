/* Which route an address has, by the registry's own table of routes. */
#include "common/base/base.h"
#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "fcgi/core/route.h"

static const struct route registry[] = {
/* without the handlers, which are not here */
#undef ROUTE
#define ROUTE(id_, methods_, pattern_, permission_, body_, handler_, help_) \
 { .id = #id_, .methods = (methods_), .pattern = (pattern_) },
#include "fcgi/registry/routes.def"
};

static const struct route small[] = {
	{ .id = "first", .methods = METHOD_GET, .pattern = "/a/{x}" },
	{ .id = "fixed", .methods = METHOD_GET, .pattern = "/a/b" },
	{ .id = "put",
	    .methods = METHOD_PUT | METHOD_POST,
	    .pattern = "/a/{x}" },
	{ .id = "pair",
	    .methods = METHOD_GET,
	    .pattern = "/p/{x}/{y*}/q/{z}/" },
	{ .id = "end", .methods = METHOD_GET, .pattern = "/e/{x*}" },
	{ .id = "root", .methods = METHOD_GET, .pattern = "/" },
};

static struct req req;
static unsigned allowed;

static int
find_in(const struct route *routes, size_t count, enum method method,
    const char *target)
{
	int rc;

	err_clear(&err);
	req = (struct req){ .pool = pool, .method = method };
	rc = uri_parse(&req.uri, pool, target, &err);
	if (rc == 0)
		rc = route_find(&req, routes, count, &allowed, &err);
	assert_int_equal(rc, err.code);
	assert_true((rc == 0) == (req.route != NULL));
	return rc;
}

static int
find(enum method method, const char *target)
{
	return find_in(registry, COUNT_OF(registry), method, target);
}

/* id and arguments as "manifest(a/b, latest)" */
static const char *
found_text(void)
{
	struct str text;

	str_init(&text, pool, 4096);
	str_puts(&text, req.route->id);
	for (size_t i = 0; i < REQ_ARGS_MAX && req.args[i] != NULL; i++)
		str_printf(&text, "%s%s", i == 0 ? "(" : ", ", req.args[i]);
	if (req.args[0] != NULL)
		str_putc(&text, ')');
	return text.p;
}

static void
assert_found(enum method method, const char *target, const char *expected)
{
	if (find(method, target) != 0)
		fail_msg("%s: %s", target, err.text);
	assert_string_equal(found_text(), expected);
}

static void
test_each_route_of_the_registry(void **state UNUSED)
{
	static const struct {
		enum method method;
		const char *target;
		const char *found;
	} cases[] = {
		{ METHOD_GET, "/v2/", "base" },
		{ METHOD_GET, "/v2", "base" },
		{ METHOD_HEAD, "/v2/?x=/y", "base" },
		{ METHOD_GET, "/v2/_catalog?n=5&last=a%2Fb", "catalog" },
		{ METHOD_GET, "/v2/x/tags/list", "tags(x)" },
		{ METHOD_POST, "/v2/x/blobs/uploads/", "upload_start(x)" },
		{ METHOD_POST, "/v2/x/blobs/uploads", "upload_start(x)" },
		{ METHOD_GET, "/v2/x/blobs/uploads/u", "upload_status(x, u)" },
		{ METHOD_HEAD, "/v2/x/blobs/uploads/u", "upload_status(x, u)" },
		{ METHOD_PATCH, "/v2/x/blobs/uploads/u",
		    "upload_append(x, u)" },
		{ METHOD_PUT, "/v2/x/blobs/uploads/u?digest=d",
		    "upload_finish(x, u)" },
		{ METHOD_DELETE, "/v2/x/blobs/uploads/u",
		    "upload_cancel(x, u)" },
		{ METHOD_GET, "/v2/x/blobs/sha256:0", "blob(x, sha256:0)" },
		{ METHOD_HEAD, "/v2/x/blobs/sha256%3A0", "blob(x, sha256:0)" },
		{ METHOD_DELETE, "/v2/x/blobs/sha256:0",
		    "blob_delete(x, sha256:0)" },
		{ METHOD_GET, "/v2/x/manifests/1", "manifest(x, 1)" },
		{ METHOD_HEAD, "/v2/x/manifests/1", "manifest(x, 1)" },
		{ METHOD_PUT, "/v2/x/manifests/1", "manifest_put(x, 1)" },
		{ METHOD_DELETE, "/v2/x/manifests/1", "manifest_delete(x, 1)" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_found(cases[i].method, cases[i].target, cases[i].found);
}

/* names may hold the words of the protocol: the last ones count */
static void
test_names_like_the_protocols_words(void **state UNUSED)
{
	static const struct {
		const char *target;
		const char *found;
	} cases[] = {
		{ "/v2/a/b/c/manifests/t", "manifest(a/b/c, t)" },
		{ "/v2/a/manifests/b", "manifest(a, b)" },
		{ "/v2/a/manifests/b/manifests/t",
		    "manifest(a/manifests/b, t)" },
		{ "/v2/manifests/manifests/manifests",
		    "manifest(manifests, manifests)" },
		{ "/v2/a/manifests/manifests/manifests/t",
		    "manifest(a/manifests/manifests, t)" },
		{ "/v2/a/manifests/tags/list", "tags(a/manifests)" },
		{ "/v2/x/tags/list", "tags(x)" },
		{ "/v2/x/tags/list/tags/list", "tags(x/tags/list)" },
		{ "/v2/x/tags/tags/list", "tags(x/tags)" },
		{ "/v2/tags/tags/list", "tags(tags)" },
		{ "/v2/tags/list/tags/list", "tags(tags/list)" },
		{ "/v2/x/tags/list/manifests/t", "manifest(x/tags/list, t)" },
		{ "/v2/x/tags/list/blobs/d", "blob(x/tags/list, d)" },
		{ "/v2/y/blobs/uploads/manifests/t",
		    "manifest(y/blobs/uploads, t)" },
		{ "/v2/y/blobs/uploads/tags/list", "tags(y/blobs/uploads)" },
		{ "/v2/y/blobs/uploads/blobs/d", "blob(y/blobs/uploads, d)" },
		{ "/v2/y/blobs/uploads/blobs/uploads/u",
		    "upload_status(y/blobs/uploads, u)" },
		{ "/v2/blobs/blobs/uploads/u", "upload_status(blobs, u)" },
		{ "/v2/uploads/blobs/d", "blob(uploads, d)" },
		/* a digest is no "uploads", but that is the handler's */
		{ "/v2/x/blobs/uploads", "blob(x, uploads)" },
		{ "/v2/v2/v2/manifests/t", "manifest(v2/v2, t)" },
		{ "/v2/_catalog/manifests/t", "manifest(_catalog, t)" },
		{ "/v2/_catalog/tags/list", "tags(_catalog)" },
		{ "/v2/x/manifests/_catalog", "manifest(x, _catalog)" },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++)
		assert_found(METHOD_GET, cases[i].target, cases[i].found);
}

static void
test_no_address(void **state UNUSED)
{
	static const char *const targets[] = { "/", "/v", "/v1/", "/v2x",
		"/V2/", "/v2/x", "/v2/x/", "/v2/tags/list", "/v2/manifests/t",
		"/v2/blobs/d", "/v2/x/tags", "/v2/x/tags/", "/v2/x/tags/lists",
		"/v2/x/Tags/list", "/v2/x/manifests", "/v2/x/blobs",
		"/v2/x/manifests/a/b", "/v2/x/blobs/a/b",
		"/v2/x/blobs/uploads/a/b", "/v2/x/tags/list/y",
		"/v2/blobs/uploads/u", "/v2/_catalog/x", "/v2/_catalogs",
		/* a slash at the end is part of an address */
		"/v2/x/manifests/t/", "/v2/x/blobs/d/", "/v2/x/tags/list/",
		"/v2/_catalog/", "/v2/x/blobs/uploads/u/",
		/* a name for each {} */
		"/v2/x/manifests/", "/v2/x/blobs/" };

	for (size_t i = 0; i < COUNT_OF(targets); i++) {
		assert_int_equal(find(METHOD_GET, targets[i]), E_NOTFOUND);
		assert_int_equal(allowed, 0);
	}
}

static void
test_a_form_that_is_none(void **state UNUSED)
{
	static const char *const targets[] = { "", "v2/", "*",
		"http://host/v2//", "//", "//v2/", "/v2//", "/v2//x/tags/list",
		"/v2/x//tags/list", "/v2/x/tags//list", "/v2/x/manifests//t",
		"/v2/x/tags/list//", "/v2/./x/tags/list", "/v2/x/tags/./list",
		"/v2/../v2/", "/v2/x/../y/tags/list", "/v2/x/tags/list/..",
		"/v2/x/tags/list/.", "/v2/%2e/tags/list",
		"/v2/%2e%2E/tags/list", "/v2/.%2e/tags/list",
		"/v2/a%2fb/tags/list", "/v2/a%2Fb/manifests/t",
		"/v2/..%2f../tags/list", "/v2%2f", "/v2/x/manifests/%2f",
		"/v2/x%00/tags/list", "/v2/x%0a/tags/list",
		"/v2/x%7f/tags/list", "/v2/x%/tags/list", "/v2/x%2/tags/list",
		"/v2/x%zz/tags/list", "/v2/x%ff/tags/list",
		"/v2/x%c0%af/tags/list" };

	for (size_t i = 0; i < COUNT_OF(targets); i++)
		if (find(METHOD_GET, targets[i]) != E_INVALID)
			fail_msg("\"%s\" is taken", targets[i]);
}

/* decoded once, and only within a segment */
static void
test_coded_names(void **state UNUSED)
{
	assert_found(METHOD_GET, "/v2/%78/t%61gs/list", "tags(x)");
	assert_found(
	    METHOD_GET, "/v2/x/manifests/a%20b+c", "manifest(x, a b+c)");
	assert_found(METHOD_GET, "/v2/x/manifests/%252f", "manifest(x, %2f)");
	assert_found(METHOD_GET, "/v2/x/manifests/...", "manifest(x, ...)");
	assert_found(
	    METHOD_GET, "/v2/x/manifests/t?/v2/y/tags/list", "manifest(x, t)");
}

static void
assert_allowed(enum method method, const char *target, const char *expected)
{
	struct str text;

	str_init(&text, pool, 256);
	assert_int_equal(find(method, target), E_CONFLICT);
	route_put_methods(&text, allowed);
	assert_string_equal(text.p, expected);
}

static void
test_methods(void **state UNUSED)
{
	assert_allowed(METHOD_POST, "/v2/", "GET, HEAD");
	assert_allowed(METHOD_POST, "/v2/x/tags/list", "GET, HEAD");
	assert_allowed(METHOD_POST, "/v2/_catalog", "GET, HEAD");
	assert_allowed(
	    METHOD_POST, "/v2/x/manifests/t", "GET, HEAD, PUT, DELETE");
	assert_allowed(METHOD_PUT, "/v2/x/blobs/d", "GET, HEAD, DELETE");
	assert_allowed(METHOD_POST, "/v2/x/blobs/uploads/u",
	    "GET, HEAD, PUT, PATCH, DELETE");
	assert_allowed(METHOD_GET, "/v2/x/blobs/uploads/", "POST");
	assert_allowed(
	    METHOD_PUT, "/v2/x/blobs/uploads", "GET, HEAD, POST, DELETE");
	/* one that nobody knows */
	assert_allowed((enum method)0, "/v2/", "GET, HEAD");
	assert_int_equal(find((enum method)0, "/v2/x"), E_NOTFOUND);
}

static void
assert_small(enum method method, const char *target, const char *expected)
{
	assert_int_equal(find_in(small, COUNT_OF(small), method, target), 0);
	assert_string_equal(found_text(), expected);
}

static void
test_order_and_patterns(void **state UNUSED)
{
	/* the line before wins, unless its methods do not fit */
	assert_small(METHOD_GET, "/a/b", "first(b)");
	assert_small(METHOD_PUT, "/a/b", "put(b)");
	assert_int_equal(
	    find_in(small, COUNT_OF(small), METHOD_DELETE, "/a/b"), E_CONFLICT);
	assert_int_equal(allowed, METHOD_GET | METHOD_PUT | METHOD_POST);
	/* {} before and behind {*}, and a slash at the end or not */
	assert_small(METHOD_GET, "/p/1/2/q/3", "pair(1, 2, 3)");
	assert_small(METHOD_GET, "/p/1/2/3/4/q/5/", "pair(1, 2/3/4, 5)");
	assert_small(METHOD_GET, "/p/1/q/q/q/q", "pair(1, q/q, q)");
	assert_int_equal(
	    find_in(small, COUNT_OF(small), METHOD_GET, "/p/1/q/3"),
	    E_NOTFOUND);
	/* {*} at the end takes all */
	assert_small(METHOD_GET, "/e/1", "end(1)");
	assert_small(METHOD_GET, "/e/1/2/3", "end(1/2/3)");
	assert_int_equal(
	    find_in(small, COUNT_OF(small), METHOD_GET, "/e"), E_NOTFOUND);
	assert_int_equal(
	    find_in(small, COUNT_OF(small), METHOD_GET, "/e/"), E_NOTFOUND);
	assert_small(METHOD_GET, "/", "root");
	/* an empty table */
	assert_int_equal(find_in(small, 0, METHOD_GET, "/"), E_NOTFOUND);
}

/* as many segments as a target may have */
static void
test_long_names(void **state UNUSED)
{
	struct str target, name;

	str_init(&target, pool, 4096);
	str_init(&name, pool, 4096);
	for (size_t i = 0; i < URI_SEGMENTS_MAX - 3; i++)
		str_printf(&name, "%ss%zu", i > 0 ? "/" : "", i);
	str_printf(&target, "/v2/%s/manifests/t", name.p);
	assert_int_equal(find(METHOD_GET, target.p), 0);
	assert_string_equal(req.args[0], name.p);
	assert_string_equal(req.args[1], "t");
	str_clear(&target);
	str_printf(&target, "/v2/%s/more/manifests/t", name.p);
	assert_int_equal(find(METHOD_GET, target.p), E_INVALID);
}

static void
test_method_names(void **state UNUSED)
{
	static const char *const good[] = { "GET", "HEAD", "POST", "PUT",
		"PATCH", "DELETE" };
	static const char *const bad[] = { "", "get", "GE", "GETS", "GET ",
		"OPTIONS", "TRACE", "CONNECT", "BREW" };
	enum method method;

	for (size_t i = 0; i < COUNT_OF(good); i++) {
		assert_true(route_parse_method(good[i], &method));
		assert_int_equal(method, 1 << i);
		assert_string_equal(route_method_name(method), good[i]);
	}
	for (size_t i = 0; i < COUNT_OF(bad); i++)
		assert_false(route_parse_method(bad[i], &method));
	assert_string_equal(route_method_name((enum method)0), "other");
}

static const struct CMUnitTest tests[] = {
	POOL_TEST(test_each_route_of_the_registry),
	POOL_TEST(test_names_like_the_protocols_words),
	POOL_TEST(test_no_address),
	POOL_TEST(test_a_form_that_is_none),
	POOL_TEST(test_coded_names),
	POOL_TEST(test_methods),
	POOL_TEST(test_order_and_patterns),
	POOL_TEST(test_long_names),
	POOL_TEST(test_method_names),
};

UNIT_MAIN(tests)
