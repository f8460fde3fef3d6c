/*
 * Manifests and indexes of a repository. Their bytes are kept as given; rows
 * beside them say what they refer to, with real foreign keys, so that the
 * database itself refuses to collect what a manifest needs.
 */
#ifndef COMMON_MODEL_MANIFEST_H
#define COMMON_MODEL_MANIFEST_H

#include "common/base/rand.h"
#include "common/oci/manifest.h"

struct db;
struct err;
struct pool;
struct settings;

struct manifest {
	struct rand_id id;
	struct rand_id repository_id;
	struct oci_digest digest;
	const char *media_type;
	size_t size;
	int64_t age_s; /* since it was last touched */
};

/*
 * By tag or by digest, one query each. E_NOTFOUND with reason
 * MANIFEST_UNKNOWN, or NAME_UNKNOWN when there is no such repository.
 */
int manifest_find_tag(struct db *db, struct pool *pool, const char *path,
    const char *tag, struct manifest *out, struct err *err);
int manifest_find_digest(struct db *db, struct pool *pool, const char *path,
    const struct oci_digest *digest, struct manifest *out, struct err *err);

/* The bytes, size of them. */
int manifest_payload(struct db *db, struct pool *pool,
    const struct manifest *manifest, const char **payload_out,
    struct err *err);

/* The promise of repo_blob_promise(), for a manifest without a tag. */
int manifest_promise(struct db *db, struct pool *pool,
    const struct manifest *manifest, int64_t promise_s, struct err *err);

struct manifest_push {
	struct rand_id repository_id;
	struct oci_digest digest;
	const struct oci_manifest *document;
	const char *payload;
	size_t size;
	const char *tag; /* NULL: by digest only */
	const struct rand_id *account_id; /* NULL: not known */
	int64_t promise_s;
	int64_t history_s;

	/* out: what it refers to and the repository does not have */
	struct oci_digest *missing;
	size_t missing_count;
};

/*
 * Stores the manifest, links what it refers to and sets the tag, in one
 * transaction. A manifest that is there already is brought back if it was
 * deleted, and tagged. E_INVALID with reason MANIFEST_BLOB_UNKNOWN and
 * push->missing filled when something it needs is not there.
 */
int manifest_push(struct db *db, struct pool *pool,
    struct manifest_push *push, struct err *err);

/*
 * Deletes the manifest and all tags that point to it; they can be brought
 * back for history_s seconds. E_CONFLICT, reason UNSUPPORTED, with a text
 * that names it, while an index of the repository needs it.
 */
int manifest_delete(struct db *db, struct pool *pool,
    const struct manifest *manifest, const struct rand_id *account_id,
    int64_t history_s, struct err *err);

#endif
