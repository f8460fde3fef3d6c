/*
 * Search for repositories by what a word of their name begins with:
 * "ngin" finds "alice/nginx" and "web/my-nginx", "web/my" the latter alone.
 *
 * The table repository_word has every end of a name that begins a word, so
 * that one range of its primary key holds all that a search can find. It is
 * preferred to full-text indexes, since MariaDB and MySQL have no common one
 * for parts of words, and to LIKE '%x%', which reads every name there is.
 * The range is read in steps and with a maximum, because who may see what is
 * known only of each repository: a caller who may read little must not cost
 * more than one who may read all.
 */
#ifndef COMMON_MODEL_SEARCH_H
#define COMMON_MODEL_SEARCH_H

#include "common/base/rand.h"

struct db;
struct db_tx;
struct err;
struct pool;

/* Words that one search looks at, and repositories that it finds, at most. */
#define SEARCH_LOOK_MAX  20000
#define SEARCH_FOUND_MAX 1000

struct search {
	const char *text; /* words apart from each other by blanks */
	const struct rand_id *reader; /* account; NULL: anonymous */
	bool reader_is_admin; /* reads everything */
};

struct search_item {
	struct rand_id id;
	const char *path; /* "namespace/name" */
	const char *description;
};

struct search_result {
	struct search_item *items;
	size_t count;
	bool is_cut; /* a maximum was reached: there may be more */
};

/*
 * What the reader may read and whose name has all the words of the text, the
 * longest as the beginning of a word. No text: everything. First those that
 * are called so, then those whose own name begins so, then the others, each
 * by path. In pool memory.
 */
int search_repositories(struct db *db, struct pool *pool,
    const struct search *search, struct search_result *out, struct err *err);

/* Of a new name with more words the first ones count: long names of one
 * account must not fill what a search of others looks at. */
#define SEARCH_WORDS_MAX 16

/*
 * Makes a new repository findable, in the transaction that makes it. Its
 * words go with its row.
 */
int search_add(struct db_tx *tx, const struct rand_id *repository,
    const char *path, struct err *err);

#endif
