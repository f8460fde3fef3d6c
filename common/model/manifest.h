/*
 * Manifests and indexes of a repository. Their bytes are kept as given; rows
 * beside them say what they refer to, with real foreign keys, so that the
 * database itself refuses to collect what a manifest needs.
 */
#ifndef COMMON_MODEL_MANIFEST_H
#define COMMON_MODEL_MANIFEST_H

#include "common/base/rand.h"
#include "common/oci/manifest.h"

struct actor;
struct db;
struct err;
struct event_note;
struct pool;
struct repository;

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

struct manifest_deletion {
	const struct manifest *manifest;
	const struct rand_id *account_id; /* NULL: not known */
	int64_t history_s;
	bool force; /* even from an index that needs it */
	const struct event_note *note;
};

/*
 * Deletes the manifest and all tags that point to it; they can be brought
 * back for history_s seconds. E_CONFLICT, reason UNSUPPORTED, with a text
 * that names it, while an index of the repository needs it.
 */
int manifest_delete(struct db *db, struct pool *pool,
    const struct manifest_deletion *deletion, struct err *err);

#endif
