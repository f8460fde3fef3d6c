#include "common/base/base.h"
#include "common/model/search_words.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/oci/name.h"

#define SEPARATORS "/._-"

/* names are lower case */
static char *
lower(struct pool *pool, const char *p, size_t n)
{
	char *text = pool_memdup(pool, p, n);

	for (size_t i = 0; i < n; i++)
		if (text[i] >= 'A' && text[i] <= 'Z')
			text[i] = (char)(text[i] - 'A' + 'a');
	return text;
}

int
search_terms_parse(struct search_terms *out, struct pool *pool,
    const char *text, struct err *err)
{
	const char *p = text;

	*out = (struct search_terms){ .key = "" };
	for (p += strspn(p, " \t"); *p != '\0'; p += strspn(p, " \t")) {
		size_t n = strcspn(p, " \t");
		const char *term = lower(pool, p, n);

		if (out->count == SEARCH_TERMS_MAX)
			return err_set(err, E_INVALID,
			    "a search has at most %d words", SEARCH_TERMS_MAX);
		out->items[out->count++] = term;
		if (n > strlen(out->key))
			out->key = term;
		p += n;
	}
	return 0;
}

bool
search_terms_may_match(const struct search_terms *terms)
{
	static const char letters[] =
	    "abcdefghijklmnopqrstuvwxyz0123456789" SEPARATORS;

	for (size_t i = 0; i < terms->count; i++)
		if (terms->items[i][strspn(terms->items[i], letters)] != '\0')
			return false;
	return strlen(terms->key) <= OCI_NAME_MAX;
}

bool
search_terms_match(const struct search_terms *terms, const char *path)
{
	for (size_t i = 0; i < terms->count; i++)
		if (strstr(path, terms->items[i]) == NULL)
			return false;
	return true;
}

const char *
search_next_word(const char *path, size_t *at_io)
{
	size_t at = *at_io;

	if (at > 0)
		at += strcspn(path + at, SEPARATORS);
	at += strspn(path + at, SEPARATORS);
	*at_io = at + 1;
	return path[at] != '\0' ? path + at : NULL;
}
