/* Repositories: "namespace/name". */
#ifndef COMMON_MODEL_REPOSITORY_H
#define COMMON_MODEL_REPOSITORY_H

#include "common/base/rand.h"

struct db;
struct db_rows;
struct err;
struct pool;

struct repository {
	struct rand_id id;
	struct rand_id namespace_id;
	bool is_public;
	bool immutable_tags; /* a tag is never moved */
	/* the oldest tags beyond it go; 0: none. Not of immutable tags. */
	int64_t tag_limit;
};

/* From five columns of a row, as repository_by_path has them. */
struct repository repository_of_row(
    const struct db_rows *rows, size_t row, size_t column);

/* How many tags a push leaves; 0: all. */
int64_t repository_tag_limit(const struct repository *repository);

/* E_NOTFOUND with reason NAME_UNKNOWN. */
int repository_unknown(const char *path, struct err *err);

/* repository_unknown() if there is none. */
int repository_find(struct db *db, struct pool *pool, const char *path,
    struct repository *out, struct err *err);

/*
 * Finds it, or makes it if it may: private; the caller has checked the right
 * to. When two make it at once both get the one that won. E_NOTFOUND, reason
 * NAME_UNKNOWN, if the namespace does not exist; E_INVALID, reason
 * NAME_INVALID, for a path without one.
 */
int repository_find_or_create(struct db *db, struct pool *pool,
    const char *path, bool may_create, struct repository *out,
    struct err *err);

/* What is to be other than it is; NULL: as it is. */
struct repository_change {
	const bool *is_public;
	const bool *immutable_tags;
	const int64_t *tag_limit;
};

/*
 * Makes a repository that has all of this from its beginning. E_INVALID for
 * immutable tags with a limit, E_EXISTS, and as above.
 */
int repository_create(struct db *db, struct pool *pool, const char *path,
    const struct repository_change *change, struct repository *out,
    struct err *err);

/*
 * Changes a repository; others may change the rest at the same time. When it
 * turns private, registry tokens made until now are refused. E_INVALID for
 * immutable tags with a limit.
 */
int repository_set(struct db *db, const struct rand_id *id,
    const struct repository_change *change, struct repository *after_out,
    struct err *err);

/* each push reads as many index entries: a page */
#define REPOSITORY_TAG_LIMIT_MAX 1000

struct repository_summary {
	const char *path;
	struct repository repository; /* without ids */
	int64_t pushes;
	int64_t pulls;
};

/* Up to limit repositories behind after (exclusive), by name. */
int repository_list(struct db *db, struct pool *pool, const char *after,
    size_t limit, struct repository_summary **out, size_t *count_out,
    struct err *err);

#endif
