/* Which ends of a repository's name a search can find it by. */
#include "common/base/base.h"
#include "common/model/search.h"

#include "tests/unit/unit.h"

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

static const struct CMUnitTest tests[] = {
	cmocka_unit_test(test_words),
	cmocka_unit_test(test_many_words),
};

UNIT_MAIN(tests)
