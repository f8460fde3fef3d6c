/*
 * Image manifests and indexes of the Docker and OCI types: what a registry
 * must know of them. The bytes are never changed or written anew. Pure.
 */
#ifndef COMMON_OCI_MANIFEST_H
#define COMMON_OCI_MANIFEST_H

#include "common/oci/oci_digest.h"

struct err;
struct jscheck_limits;
struct pool;

#define OCI_TYPE_DOCKER_MANIFEST \
	"application/vnd.docker.distribution.manifest.v2+json"
#define OCI_TYPE_DOCKER_LIST \
	"application/vnd.docker.distribution.manifest.list.v2+json"
#define OCI_TYPE_MANIFEST "application/vnd.oci.image.manifest.v1+json"
#define OCI_TYPE_INDEX "application/vnd.oci.image.index.v1+json"
#define OCI_MEDIA_TYPE_MAX 255
#define OCI_DESCRIPTORS_MAX 4096

/* of any manifest or index */
extern const struct jscheck_limits oci_json_limits;

enum oci_kind {
	OCI_KIND_MANIFEST, /* config and layers */
	OCI_KIND_INDEX, /* other manifests, maybe blobs */
};

struct oci_descriptor {
	struct oci_digest digest;
	int64_t size;
	const char *media_type;
	/* a layer that need not be here: foreign or non-distributable type
	 * with at least one URL */
	bool is_foreign;
	/* a child of an index that is called none of the manifests above: it
	 * may be a blob, as in the caches of BuildKit */
	bool may_be_blob;
	/* of an index's children, NULL if not said */
	const char *os;
	const char *architecture;
};

struct oci_manifest {
	enum oci_kind kind;
	const char *media_type;
	bool has_config; /* all manifests, no index */
	struct oci_descriptor config;
	struct oci_descriptor *items; /* layers, or an index's children */
	size_t item_count;
	bool has_subject;
	struct oci_descriptor subject;
	/* artifactType, else a manifest's config.mediaType, else NULL */
	const char *artifact_type;
	/* the "annotations" object as JSON text of the same members, or NULL */
	const char *annotations;
};

/*
 * Parses n bytes that were sent with this Content-Type (parameters are cut;
 * NULL: the document's own mediaType, else told by its members). Errors are
 * E_INVALID with reason MANIFEST_INVALID, or DIGEST_INVALID for a malformed
 * digest within: not strict JSON, schemaVersion not 2 (schema 1 gets a text
 * of its own), mediaType differs from the header's, unknown type, a member
 * of the wrong JSON type, a manifest without config, a size below 0, more
 * than OCI_DESCRIPTORS_MAX descriptors, members of the other kind or whose
 * names differ only in case from one that is read, a type over
 * OCI_MEDIA_TYPE_MAX; E_TOOBIG for more than 16 MB. Sizes are at most 2^50, so
 * that the sum of all does not overflow.
 * All texts belong to the pool.
 */
int oci_manifest_parse(struct oci_manifest *out, struct pool *pool,
    const char *content_type, const char *text, size_t n, struct err *err);

/*
 * A document of another type "application/...+json", whose references nobody
 * knows: only subject, artifactType and annotations are read of it, as above.
 * E_INVALID, reason MANIFEST_INVALID, for one of the types above too.
 */
int oci_manifest_parse_other(struct oci_manifest *out, struct pool *pool,
    const char *content_type, const char *text, size_t n, struct err *err);

/*
 * Is this Content-Type of the form "application/...+json", and none of the
 * above or of Docker's schema 1?
 */
bool oci_manifest_is_other(const char *content_type);

#endif
