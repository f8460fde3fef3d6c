/* Words that somebody searches for, and those that a name is found by. */
#include "common/base/base.h"
#include "common/model/search_words.h"

#include "tests/unit/pool_fixture.h"

#include "common/base/err.h"
#include "common/base/pool.h"

static const struct {
	const char *path;
	const char *words; /* each followed by a blank */
} cases[] = {
	{ "alice/nginx", "alice/nginx nginx " },
	{ "a/b", "a/b b " },
	{ "a", "a " },
	{ "web/my-nginx.v2_beta/x",
	    "web/my-nginx.v2_beta/x my-nginx.v2_beta/x nginx.v2_beta/x "
	    "v2_beta/x beta/x x " },
	/* several separators are one border */
	{ "a/b__c", "a/b__c b__c c " },
	{ "a/b---c", "a/b---c b---c c " },
	/* no such names, but no harm either */
	{ "", "" },
	{ "/", "" },
	{ "-a-", "a- " },
	{ "a--", "a-- " },
};

static void
test_words(void **state UNUSED)
{
	for (size_t i = 0; i < COUNT_OF(cases); i++) {
		const char *expected = cases[i].words, *word;
		size_t at = 0;

		while ((word = search_next_word(cases[i].path, &at)) != NULL) {
			size_t n = strlen(word);

			if (strncmp(expected, word, n) != 0 ||
			    expected[n] != ' ')
				fail_msg("\"%s\": \"%s\", not \"%s\"",
				    cases[i].path, word, expected);
			expected += n + 1;
		}
		assert_string_equal(expected, "");
	}
}

/* the longest name there is, with as many words as fit */
static void
test_many_words(void **state UNUSED)
{
	char path[201];
	size_t at = 0, count = 0;

	for (size_t i = 0; i < 199; i++)
		path[i] = i % 2 == 0 ? 'a' : '-';
	path[199] = '\0';
	while (search_next_word(path, &at) != NULL)
		count++;
	assert_int_equal(count, 100);
}

static struct search_terms terms;

static void
parse(const char *text)
{
	if (search_terms_parse(&terms, pool, text, &err) < 0)
		fail_msg("\"%s\": %s", text, err.text);
}

static void
test_terms(void **state UNUSED)
{
	parse(" nginx\tWEB/My  a ");
	assert_int_equal(terms.count, 3);
	assert_string_equal(terms.items[0], "nginx");
	assert_string_equal(terms.items[1], "web/my");
	assert_string_equal(terms.items[2], "a");
	assert_string_equal(terms.key, "web/my");
	/* of equally long ones the first */
	parse("ab cd");
	assert_string_equal(terms.key, "ab");
	parse(" \t ");
	assert_int_equal(terms.count, 0);
	assert_string_equal(terms.key, "");
}

static void
test_too_many_terms(void **state UNUSED)
{
	parse("a b c d e f g h ");
	assert_int_equal(terms.count, SEARCH_TERMS_MAX);
	assert_int_equal(
	    search_terms_parse(&terms, pool, "a b c d e f g h i", &err),
	    E_INVALID);
	assert_non_null(strstr(err.text, "8"));
}

static void
test_match(void **state UNUSED)
{
	static const struct {
		const char *text;
		bool may, does; /* match any name, match this one */
	} matches[] = {
		{ "", true, true },
		{ "nginx", true, true },
		{ "NGINX alice", true, true },
		{ "e/my-ng", true, true },
		{ "nginx apache", true, false },
		{ "my_nginx", true, false },
		{ "nginx:latest", false, false },
		{ "nginx*", false, false },
		{ "nginx \xc3\xa9", false, false },
	};

	for (size_t i = 0; i < COUNT_OF(matches); i++) {
		parse(matches[i].text);
		assert_int_equal(
		    search_terms_may_match(&terms), matches[i].may);
		assert_int_equal(search_terms_match(&terms, "alice/my-nginx"),
		    matches[i].does);
	}
}

static void
test_long_terms(void **state UNUSED)
{
	parse(pool_printf(pool, "%0200d", 0));
	assert_true(search_terms_may_match(&terms));
	parse(pool_printf(pool, "a %0201d", 0));
	assert_false(search_terms_may_match(&terms));
}

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_words),
	cmocka_unit_test(test_many_words),
	POOL_TEST(test_terms),
	POOL_TEST(test_too_many_terms),
	POOL_TEST(test_match),
	POOL_TEST(test_long_terms),
};

UNIT_MAIN(tests)
