/* The names of repositories that somebody may read, in pages. */
#ifndef COMMON_MODEL_CATALOG_H
#define COMMON_MODEL_CATALOG_H

struct db;
struct err;
struct pool;
struct rand_id;

/*
 * Up to limit names behind after (exclusive), in byte order, of repositories
 * that have got a manifest and that the account reader may read (NULL: what is
 * public). The rules are those of access.h. Reads about as many rows as it
 * returns, and all rights of the reader.
 */
int catalog_list(struct db *db, struct pool *pool, const struct rand_id *reader,
    const char *after, size_t limit, const char ***names_out, size_t *count_out,
    struct err *err);

#endif
