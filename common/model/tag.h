/* Tags: names that point to one manifest of a repository each. */
#ifndef COMMON_MODEL_TAG_H
#define COMMON_MODEL_TAG_H

#include "common/base/rand.h"

struct db;
struct db_tx;
struct err;
struct manifest;
struct pool;

struct tag_change {
	struct rand_id repository_id;
	const char *name;
	const struct rand_id *account_id; /* who; NULL: not known */
	int64_t history_s; /* how long it can be brought back */
	struct rand_id history_id; /* made before the transaction */
};

/*
 * Points the tag to the manifest, within a transaction of model_txn(). What
 * it pointed to before goes to the history.
 */
int tag_set(struct db_tx *tx, struct pool *pool,
    const struct tag_change *change, const struct rand_id *manifest_id,
    struct err *err);

/* Removes a tag that points to this manifest; model_again() if it moved. */
int tag_remove(struct db_tx *tx, const struct tag_change *change,
    const struct rand_id *manifest_id, struct err *err);

/*
 * Deletes one tag, its manifest and other tags stay. E_NOTFOUND with reason
 * MANIFEST_UNKNOWN if there is none.
 */
int tag_delete(struct db *db, struct pool *pool,
    const struct tag_change *change, struct err *err);

/* Up to limit names behind after (exclusive) in byte order. */
int tag_list(struct db *db, struct pool *pool,
    const struct rand_id *repository_id, const char *after, size_t limit,
    const char ***names_out, size_t *count_out, struct err *err);

#endif
