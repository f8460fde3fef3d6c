/*
 * Blobs as a repository sees them. A blob's content is stored once for all;
 * a link (repo_blob) makes it part of a repository. ARCHITECTURE.md, "Blobs
 * and garbage collection", says why these rows stay cold.
 */
#ifndef COMMON_MODEL_REPO_BLOB_H
#define COMMON_MODEL_REPO_BLOB_H

#include "common/base/rand.h"
#include "common/blob/blob.h"

struct db;
struct err;
struct event_note;
struct oci_digest;
struct pool;
struct repository;

struct repo_blob {
	struct rand_id repository_id;
	struct rand_id blob_id;
	uint64_t size;
	const char *key; /* in the store */
	int64_t age_s;	 /* since it was last touched */
};

/* By either digest; E_NOTFOUND with reason BLOB_UNKNOWN. One query. */
int repo_blob_find(struct db *db, struct pool *pool, const char *path,
    const struct oci_digest *digest, struct repo_blob *out, struct err *err);

/*
 * The same in the repository "from", for a mount into the one at path: 1, and
 * that one is in *repository_out; 0 when it is still to be found or made.
 */
int repo_blob_find_to_mount(struct db *db, struct pool *pool, const char *from,
    const struct oci_digest *digest, const char *path, struct repo_blob *out,
    struct repository *repository_out, struct err *err);

/*
 * Keeps the promise to a caller who may push: after this returns 0 the blob
 * is not collected for at least promise_s / 2. Writes only when the link is
 * old and no manifest holds it. E_NOTFOUND if it went meanwhile.
 */
int repo_blob_promise(struct db *db, struct pool *pool,
    const struct repo_blob *blob, int64_t promise_s, struct err *err);

/*
 * Links the blob of another repository into this one (a mount).
 * E_NOTFOUND when it went meanwhile.
 */
int repo_blob_mount(struct db *db, const struct repo_blob *from,
    const struct rand_id *repository_id, int64_t promise_s,
    const struct event_note *note, struct err *err);

/*
 * Takes the blob out of the repository. E_CONFLICT, reason UNSUPPORTED, with
 * a text that names the manifest, while a manifest of it uses the blob; with
 * force it goes all the same.
 */
int repo_blob_delete(struct db *db, struct pool *pool,
    const struct repo_blob *blob, bool force, const struct event_note *note,
    struct err *err);

#endif
