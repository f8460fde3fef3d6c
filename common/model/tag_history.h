/*
 * What tags pointed to before they were moved or deleted, and their way back
 * (tag.h sets, moves and deletes).
 */
#ifndef COMMON_MODEL_TAG_HISTORY_H
#define COMMON_MODEL_TAG_HISTORY_H

#include "common/model/tag.h"

struct actor;
struct repository;

/* A change of a tag; texts belong to the pool of the list. */
struct tag_past {
	struct rand_id id;
	const char *tag;
	struct oci_digest digest; /* what it pointed to before */
	bool is_deletion; /* else it was moved */
	const char *account; /* who; NULL: not known */
	const char *at; /* as the database has it, for the next page */
	/* as in "2026-01-31T23:59:59Z" */
	const char *happened;
	const char *expires;
	bool is_live; /* it can be brought back: it has not expired */
};

/*
 * Up to limit changes of a tag (NULL: of all tags) of the repository behind
 * after (NULL: from the first), the newest first.
 */
int tag_history_list(struct db *db, struct pool *pool,
    const struct rand_id *repository_id, const char *tag,
    const struct tag_past *after, size_t limit, struct tag_past **out,
    size_t *count_out, struct err *err);

struct tag_restore {
	const char *path; /* of the repository */
	const struct repository *repository; /* as it was just found */
	const char *tag;
	const struct oci_digest *digest; /* NULL: what it pointed to last */
	const struct actor *actor;
	int64_t history_s;

	/* out */
	bool is_changed; /* it did not point there already */
	struct tag now;
	bool was_there; /* the tag, and if so where it pointed */
	struct tag before;
	size_t removed_tags; /* beyond the repository's limit */
};

/*
 * Points a tag to what it pointed to before, in one transaction with its
 * event, which is that of a push, and by the rules of one: what it points to
 * now goes to the history, a limit of tags holds, and a tag that is immutable
 * is not moved (E_DENIED). A manifest that was deleted is there again, and so
 * are blobs that were deleted after it. E_NOTFOUND, reason MANIFEST_UNKNOWN,
 * when the history has nothing that is live; E_CONFLICT, reason
 * MANIFEST_BLOB_UNKNOWN, with a text that names it, when something that the
 * manifest needs is gone: a blob that was deleted by force, a manifest of an
 * index.
 */
int tag_restore(struct db *db, struct pool *pool, struct tag_restore *restore,
    struct err *err);

#endif
