/* Storing a manifest and setting its tags (manifest.h reads and deletes). */
#ifndef COMMON_MODEL_MANIFEST_PUSH_H
#define COMMON_MODEL_MANIFEST_PUSH_H

#include "common/model/repository.h"
#include "common/model/tag.h"
#include "common/oci/manifest.h"

struct actor;
struct db;
struct err;
struct pool;

#define MANIFEST_TAGS_MAX TAG_PUSHED_MAX

struct manifest_push {
	const char *path; /* of the repository */
	bool may_create; /* make it if there is none */
	struct oci_digest digest;
	const struct oci_manifest *document;
	const char *payload;
	size_t size;
	const char *tags[MANIFEST_TAGS_MAX];
	size_t tag_count;
	const struct actor *actor;
	int64_t promise_s;
	int64_t history_s;
	/*
	 * Entity tags of If-Match and If-None-Match (RFC 9110, 13.1), NULL: no
	 * condition. They are about each of the tags, or without one about
	 * this manifest.
	 */
	const char *if_match;
	const char *if_none_match;

	/* out: the repository, found or made */
	struct repository repository;
	/* out: what it refers to and the repository does not have */
	struct oci_digest *missing;
	size_t missing_count;
	/* out: tags beyond the repository's limit that went */
	size_t removed_tags;
};

/*
 * Stores the manifest, links what it refers to and sets the tags, in one
 * transaction with its events; a repository that is not there is that of
 * repository_find_or_create(). A manifest that is there already is brought
 * back if it was deleted, is of the document's type from now on, and is tagged.
 * E_INVALID with reason MANIFEST_BLOB_UNKNOWN and push->missing filled when
 * something it needs is not there, with TAG_INVALID for more tags than the
 * repository keeps; E_CONFLICT, reason PRECONDITION_FAILED; E_DENIED for a tag
 * that is immutable, and for another type of what such a tag points to.
 */
int manifest_push(struct db *db, struct pool *pool,
    struct manifest_push *push, struct err *err);

#endif
