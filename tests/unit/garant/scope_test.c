/* Scopes of tokens: what a client asks for, and what is no scope. */
#include "common/base/base.h"
#include "tests/unit/unit.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "fcgi/garant/scope.h"

#define PUSH_PULL (TOKEN_PULL | TOKEN_PUSH)

static struct pool *pool;
static struct scope_list list;
static struct err err;

static int
setup(void **state UNUSED)
{
	err_clear(&err);
	list.count = 0;
	pool = pool_new((size_t)16 << 20);
	return 0;
}

static int
teardown(void **state UNUSED)
{
	pool_free(&pool);
	return 0;
}

static void
parse(const char *text)
{
	if (scope_parse(&list, pool, text, &err) < 0)
		fail_msg("\"%s\": %s", text, err.text);
}

static void
assert_scope(size_t i, const char *type, const char *name, unsigned actions)
{
	assert_true(i < list.count);
	assert_string_equal(list.items[i].type, type);
	assert_string_equal(list.items[i].name, name);
	assert_int_equal(list.items[i].actions, actions);
}

static void
test_one(void **state UNUSED)
{
	static const struct {
		const char *text, *type, *name;
		unsigned actions;
	} cases[] = {
		{ "repository:a/b:pull", "repository", "a/b", TOKEN_PULL },
		{ "repository:a/b:push,pull", "repository", "a/b", PUSH_PULL },
		{ "repository:a/b:delete", "repository", "a/b", TOKEN_DELETE },
		{ "repository:a/b:*", "repository", "a/b", TOKEN_ALL },
		{ "registry:catalog:*", "registry", "catalog", TOKEN_ALL },
		{ "registry:catalog:search", "registry", "catalog",
		    TOKEN_SEARCH },
		{ "repository(plugin):a:pull", "repository", "a", TOKEN_PULL },
		/* the host of a name may have a port */
		{ "repository:host:5000/a:pull", "repository", "host:5000/a",
		    TOKEN_PULL },
		/* nothing, or nothing that is known, is asked for */
		{ "repository:a:", "repository", "a", 0 },
		{ "repository:a:,", "repository", "a", 0 },
		{ "repository:a:Pull,pulls,pul, ", "repository", "a", 0 },
		{ "repository:a:mount,,pull", "repository", "a", TOKEN_PULL },
		{ "repository::pull", "repository", "", TOKEN_PULL },
		{ "other:a:pull", "other", "a", TOKEN_PULL },
		{ "  repository:a:pull ", "repository", "a", TOKEN_PULL },
	};

	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		list.count = 0;
		parse(cases[i].text);
		assert_int_equal(list.count, 1);
		assert_scope(0, cases[i].type, cases[i].name, cases[i].actions);
	}
}

static void
test_several(void **state UNUSED)
{
	parse("");
	parse(" ");
	assert_int_equal(list.count, 0);
	parse("repository:a:pull repository:b:push");
	parse("registry:a:*");
	assert_int_equal(list.count, 3);
	assert_scope(0, "repository", "a", TOKEN_PULL);
	assert_scope(1, "repository", "b", TOKEN_PUSH);
	assert_scope(2, "registry", "a", TOKEN_ALL);
}

static void
test_joined(void **state UNUSED)
{
	parse("repository:a:pull repository:b:pull repository:a:delete");
	parse("repository(plugin):a:push");
	assert_int_equal(list.count, 2);
	assert_scope(0, "repository", "b", TOKEN_PULL);
	assert_scope(
	    1, "repository", "a", TOKEN_PULL | TOKEN_PUSH | TOKEN_DELETE);
}

static void
test_wrong(void **state UNUSED)
{
	static const char *const wrong[] = { "repository", "repository:a", ":",
		"::", ":a:pull", "(plugin):a:pull", "(:a:pull",
		"repository:a:pull b", "pull,push" };

	for (size_t i = 0; i < COUNT_OF(wrong); i++) {
		if (scope_parse(&list, pool, wrong[i], &err) != E_INVALID)
			fail_msg("\"%s\" is taken", wrong[i]);
		assert_non_null(strstr(err.text, "type:name:actions"));
	}
}

static void
test_too_many(void **state UNUSED)
{
	struct str text;

	str_init(&text, pool, 4096);
	for (int i = 0; i < SCOPES_MAX; i++)
		str_printf(&text, "repository:a%d:pull ", i);
	parse(text.p);
	assert_int_equal(list.count, SCOPES_MAX);
	/* one that is known already still finds room */
	parse("repository:a7:push");
	assert_int_equal(list.count, SCOPES_MAX);
	assert_scope(SCOPES_MAX - 1, "repository", "a7", PUSH_PULL);
	/* another one takes the place of the first */
	parse("repository:b:pull");
	assert_int_equal(list.count, SCOPES_MAX);
	assert_scope(0, "repository", "a1", TOKEN_PULL);
	assert_scope(SCOPES_MAX - 2, "repository", "a7", PUSH_PULL);
	assert_scope(SCOPES_MAX - 1, "repository", "b", TOKEN_PULL);
}

static void
test_drop(void **state UNUSED)
{
	parse("repository:a:pull repository:b:push repository:c:delete");
	scope_drop(&list, 2);
	assert_int_equal(list.count, 1);
	assert_scope(0, "repository", "c", TOKEN_DELETE);
	scope_drop(&list, 1);
	assert_int_equal(list.count, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static const struct CMUnitTest tests[] = {
	TEST(test_one),
	TEST(test_several),
	TEST(test_joined),
	TEST(test_wrong),
	TEST(test_too_many),
	TEST(test_drop),
};

UNIT_MAIN(tests)
