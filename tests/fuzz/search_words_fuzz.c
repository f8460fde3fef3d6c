/*
 * Words of searches: an input is a name, a newline and what is searched for.
 * Every word that the name has is found in it, and what has all the words
 * asked for is never given up as impossible.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/model/search_words.h"
#include "common/oci/name.h"

#define TEXT_MAX   ((size_t)1 << 20)
#define SEPARATORS "/._-"

static bool
is_separator(char c)
{
	return c != '\0' && strchr(SEPARATORS, c) != NULL;
}

/* all ends of the path that begin behind a border are words, and no other */
static void
check_words(const char *path)
{
	size_t at = 0;

	for (const char *p = path; *p != '\0'; p++)
		if (!is_separator(*p) && (p == path || is_separator(p[-1])))
			ASSERT(search_next_word(path, &at) == p);
	ASSERT(search_next_word(path, &at) == NULL);
}

/* the index's range has the words that begin with the key, and no other */
static bool
has_word(struct pool *pool, const char *path, const char *key)
{
	const char *end = pool_printf(pool, "%s" SEARCH_END, key);
	const char *word;
	bool found = false;
	size_t at = 0;

	while ((word = search_next_word(path, &at)) != NULL) {
		bool is_in = strcmp(word, key) >= 0 && strcmp(word, end) < 0;

		ASSERT(is_in == (strncmp(word, key, strlen(key)) == 0));
		found |= is_in;
	}
	return found;
}

static size_t
count_terms(const char *text)
{
	size_t count = 0;

	for (text += strspn(text, " \t"); *text != '\0';
	     text += strspn(text, " \t")) {
		text += strcspn(text, " \t");
		count++;
	}
	return count;
}

/* joined, they are the same words */
static void
check_terms(struct pool *pool, const struct search_terms *terms)
{
	struct search_terms again;
	struct str text;
	struct err err;
	bool has_key = terms->count == 0;

	str_init(&text, pool, TEXT_MAX);
	for (size_t i = 0; i < terms->count; i++) {
		const char *term = terms->items[i];

		for (const char *p = term; *p != '\0'; p++)
			ASSERT(*p < 'A' || *p > 'Z');
		ASSERT(strlen(term) <= strlen(terms->key));
		has_key |= strcmp(term, terms->key) == 0;
		str_printf(&text, "%s ", term);
	}
	ASSERT(has_key && !str_is_full(&text));
	ASSERT(search_terms_parse(&again, pool, text.p, &err) == 0);
	ASSERT(again.count == terms->count);
	for (size_t i = 0; i < terms->count; i++)
		ASSERT(strcmp(again.items[i], terms->items[i]) == 0);
	ASSERT(strcmp(again.key, terms->key) == 0);
}

static void
check_match(
    struct pool *pool, const struct search_terms *terms, const char *path)
{
	struct search_terms own;
	struct err err;

	if (search_terms_may_match(terms))
		ASSERT(strlen(terms->key) <= OCI_NAME_MAX);
	if (!oci_name_is_valid(path))
		return;
	if (search_terms_match(terms, path))
		ASSERT(search_terms_may_match(terms));
	if (search_terms_may_match(terms))
		has_word(pool, path, terms->key);
	/* a name is found by itself */
	ASSERT(search_terms_parse(&own, pool, path, &err) == 0);
	ASSERT(own.count == 1 && strcmp(own.key, path) == 0);
	ASSERT(search_terms_may_match(&own) && search_terms_match(&own, path));
	ASSERT(has_word(pool, path, own.key));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	struct search_terms terms;
	struct pool *pool;
	char *path, *text;
	struct err err;
	int rc;

	if (n > TEXT_MAX / 2)
		return 0;
	pool = pool_new((size_t)64 << 20);
	path = pool_memdup(pool, data, n);
	text = strchrnul(path, '\n');
	if (*text != '\0')
		*text++ = '\0';
	check_words(path);
	rc = search_terms_parse(&terms, pool, text, &err);
	ASSERT((rc == 0) == (count_terms(text) <= SEARCH_TERMS_MAX));
	if (rc == 0) {
		ASSERT(terms.count == count_terms(text));
		check_terms(pool, &terms);
		check_match(pool, &terms, path);
	} else {
		ASSERT(rc == E_INVALID && err.text[0] != '\0');
	}
	pool_free(&pool);
	return 0;
}
