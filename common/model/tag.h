/* Tags: names that point to one manifest of a repository each. */
#ifndef COMMON_MODEL_TAG_H
#define COMMON_MODEL_TAG_H

#include "common/base/rand.h"
#include "common/oci/oci_digest.h"

struct db;
struct db_rows;
struct db_tx;
struct err;
struct event_note;
struct manifest;
struct pool;

/* in tag_history */
enum tag_action {
	TAG_MOVED = 1,
	TAG_DELETED = 2,
};

struct tag_change {
	struct rand_id repository_id;
	const char *name;
	const struct rand_id *account_id; /* who; NULL: not known */
	int64_t history_s; /* how long it can be brought back */
	/* what it points to must not change, but for oci_tag_is_attached() */
	bool immutable;
	const char *if_match; /* of tag_delete(): If-Match, or NULL */
	/* of tag_delete() and tag_trim(), which fill in what was deleted */
	struct event_note *note;
};

/* Where a tag points. */
struct tag {
	struct rand_id manifest_id;
	struct oci_digest digest;
	const char *media_type;
	uint64_t size;
};

/* From a manifest's id, algorithm, digest, type and size in a row, from this
 * column on; the row's pool owns the text. */
struct tag tag_of_row(const struct db_rows *rows, size_t row, size_t column);

/* Waits for others who change it, if it is there. */
int tag_lock(struct db_tx *tx, struct pool *pool,
    const struct rand_id *repository_id, const char *name, struct err *err);

/* 1 found, 0 no such tag, or an error code. */
int tag_get(struct db_tx *tx, struct pool *pool,
    const struct rand_id *repository_id, const char *name, struct tag *out,
    struct err *err);

/*
 * Points the tag, which was found to be old (NULL: not there), to the
 * manifest, within a transaction of model_txn(). What it pointed to before
 * goes to the history. E_DENIED when it is immutable.
 */
int tag_set(struct db_tx *tx, const struct tag_change *change,
    const struct tag *old, const struct rand_id *manifest_id,
    struct err *err);

/* as many as tag_oldest of schema/query/tag.sql has places for, and finds */
#define TAG_PUSHED_MAX 32
#define TAG_TRIM_MAX   50

/*
 * Removes the tags of a repository that were not pushed for longest, so that
 * at most limit stay, TAG_TRIM_MAX at a time; *removed_out counts them. The pushed ones,
 * which are 1 to TAG_PUSHED_MAX and no more than the limit, stay also when
 * another node's clock made the others look newer. Pushes at the same moment
 * may leave a few more, which the next one takes. Those of
 * oci_tag_is_attached() neither count nor go. Of change all but name is used.
 */
int tag_trim(struct db_tx *tx, struct pool *pool,
    const struct tag_change *change, int64_t limit, const char *const *pushed,
    size_t pushed_count, size_t *removed_out, struct err *err);

/* Removes a tag that points to this manifest; model_again() if it moved. */
int tag_remove(struct db_tx *tx, const struct tag_change *change,
    const struct rand_id *manifest_id, struct err *err);

/*
 * Deletes one tag, its manifest and other tags stay. E_NOTFOUND with reason
 * MANIFEST_UNKNOWN if there is none, E_CONFLICT with PRECONDITION_FAILED if
 * it points to what if_match does not name.
 */
int tag_delete(struct db *db, struct pool *pool,
    const struct tag_change *change, struct err *err);

/* Up to limit names behind after (exclusive) in byte order. */
int tag_list(struct db *db, struct pool *pool,
    const struct rand_id *repository_id, const char *after, size_t limit,
    const char ***names_out, size_t *count_out, struct err *err);

#endif
