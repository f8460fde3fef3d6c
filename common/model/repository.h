/* Repositories: "namespace/name". */
#ifndef COMMON_MODEL_REPOSITORY_H
#define COMMON_MODEL_REPOSITORY_H

#include "common/base/rand.h"

struct db;
struct err;
struct pool;

struct repository {
	struct rand_id id;
	struct rand_id namespace_id;
	bool is_public;
};

/* E_NOTFOUND with reason NAME_UNKNOWN if there is none. */
int repository_find(struct db *db, struct pool *pool, const char *path,
    struct repository *out, struct err *err);

/*
 * Finds it or makes it, private; the caller has checked the right to. When
 * two make it at once both get the one that won. E_NOTFOUND, reason
 * NAME_UNKNOWN, if the namespace does not exist.
 */
int repository_find_or_create(struct db *db, struct pool *pool,
    const char *path, struct repository *out, struct err *err);

/*
 * Up to limit names behind after (exclusive), in byte order, of repositories
 * with a tag that the account named reader may read (NULL: what is public).
 */
int repository_catalog(struct db *db, struct pool *pool, const char *reader,
    const char *after, size_t limit, const char ***names_out,
    size_t *count_out, struct err *err);

#endif
