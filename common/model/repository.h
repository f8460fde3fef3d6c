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

/* E_NOTFOUND with reason NAME_UNKNOWN. */
int repository_unknown(const char *path, struct err *err);

/* repository_unknown() if there is none. */
int repository_find(struct db *db, struct pool *pool, const char *path,
    struct repository *out, struct err *err);

/*
 * Finds it, or makes it if it may: private; the caller has checked the right
 * to. When two make it at once both get the one that won. E_NOTFOUND, reason
 * NAME_UNKNOWN, if the namespace does not exist.
 */
int repository_find_or_create(struct db *db, struct pool *pool,
    const char *path, bool may_create, struct repository *out,
    struct err *err);

/* E_INVALID for immutable tags with a limit. */
int repository_check(const struct repository *repository, struct err *err);

/* Writes visibility, immutable_tags and tag_limit of a repository that
 * repository_check() lets pass. */
int repository_set(
    struct db *db, const struct repository *repository, struct err *err);

#define REPOSITORY_TAG_LIMIT_MAX 100000

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
