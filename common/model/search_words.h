/*
 * The words of a search: those that somebody types, and those of names that
 * they are looked for in. Pure.
 */
#ifndef COMMON_MODEL_SEARCH_WORDS_H
#define COMMON_MODEL_SEARCH_WORDS_H

struct err;
struct pool;

/* Words that one search may have. */
#define SEARCH_TERMS_MAX 8

/* Behind every byte that a name may have: words that begin with "x" are those
 * from "x" to "x" SEARCH_END. */
#define SEARCH_END "~"

struct search_terms {
	const char *items[SEARCH_TERMS_MAX]; /* lower case */
	size_t count;
	const char *key; /* the longest one, "" if there is none */
};

/*
 * The words of a text, apart from each other by blanks, in pool memory.
 * E_INVALID for more than SEARCH_TERMS_MAX.
 */
int search_terms_parse(struct search_terms *out, struct pool *pool,
    const char *text, struct err *err);

/*
 * May some name have these words? What no name has is not found, and not
 * asked for: the index is in ASCII, and of no use to compare with other text.
 * With true, the key is no longer than a name.
 */
bool search_terms_may_match(const struct search_terms *terms);

/* Has this name all of the words, wherever in it? */
bool search_terms_match(const struct search_terms *terms, const char *path);

/*
 * The ends of a path that begin a word, longest first: *at_io is 0 for the
 * first call. NULL behind the last one, after which there is no more call.
 */
const char *search_next_word(const char *path, size_t *at_io);

#endif
