/*
 * Descriptors of manifests that refer to another one, in the index that
 * answers who refers to it, and in the one that clients kept themselves under
 * a tag (OCI distribution spec 1.1, "Referrers tag schema"). Pure.
 */
#ifndef COMMON_OCI_REFERRER_INDEX_H
#define COMMON_OCI_REFERRER_INDEX_H

#include "common/oci/oci_digest.h"

struct jsw;
struct pool;

struct oci_referrer {
	struct oci_digest digest;
	const char *media_type;
	int64_t size;
	const char *artifact_type; /* NULL: none */
	const char *annotations; /* a JSON object, or NULL */
};

/*
 * The descriptors of an index that anybody may have pushed, with this
 * artifact type alone (NULL: all). What is no descriptor, has annotations that
 * are no texts or a type over OCI_MEDIA_TYPE_MAX is left out, and a text that
 * is no index of at most OCI_DESCRIPTORS_MAX has none. Returns their number;
 * *out and all texts belong to the pool.
 */
size_t oci_referrer_index_parse(struct pool *pool, const char *artifact_type,
    const char *text, size_t n, struct oci_referrer **out);

/* Writes it as an item of "manifests". */
void oci_referrer_put(struct jsw *w, const struct oci_referrer *referrer);

#endif
