#include "common/base/base.h"
#include "common/oci/referrer_index.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/json/jsw.h"
#include "common/oci/manifest.h"

static bool
is_type(const char *type)
{
	return type == NULL || strlen(type) <= OCI_MEDIA_TYPE_MAX;
}

/* clients read them as a table of texts, or else nothing of the answer */
static bool
are_annotations(const struct jsr *object)
{
	struct jsr_walk walk = jsr_walk(object);
	const char *name, *text;
	struct err ignored;
	struct jsr value;

	while (jsr_next(&walk, &name, &value))
		if (jsr_as_str(&value, &text, &ignored) < 0)
			return false;
	return true;
}

/* false: not a descriptor */
static bool
parse_item(struct oci_referrer *out, const struct jsr *item)
{
	struct jsr annotations = { .node = NULL };
	const char *digest;
	struct err ignored;

	*out = (struct oci_referrer){ .media_type = "" };
	if (jsr_as_object(item, &ignored) < 0 ||
	    jsr_str(item, "digest", true, &digest, &ignored) < 0 ||
	    oci_digest_parse(&out->digest, digest, &ignored) < 0 ||
	    jsr_str(item, "mediaType", true, &out->media_type, &ignored) < 0 ||
	    jsr_int(item, "size", true, 0, INT64_MAX, &out->size, &ignored) <
		0 ||
	    jsr_str(item, "artifactType", false, &out->artifact_type,
		&ignored) < 0 ||
	    jsr_object(item, "annotations", false, &annotations, &ignored) < 0)
		return false;
	if (out->artifact_type != NULL && out->artifact_type[0] == '\0')
		out->artifact_type = NULL;
	if (!is_type(out->media_type) || !is_type(out->artifact_type))
		return false;
	if (annotations.node == NULL)
		return true;
	out->annotations = jsr_text(&annotations);
	return are_annotations(&annotations);
}

static bool
is_wanted(const struct oci_referrer *referrer, const char *artifact_type)
{
	return artifact_type == NULL ||
	    (referrer->artifact_type != NULL &&
		strcmp(referrer->artifact_type, artifact_type) == 0);
}

size_t
oci_referrer_index_parse(struct pool *pool, const char *artifact_type,
    const char *text, size_t n, struct oci_referrer **out)
{
	struct jsr root, list = { .node = NULL };
	struct err ignored;
	size_t count = 0;

	*out = NULL;
	if (jsr_parse(pool, text, n, &oci_json_limits, &root, &ignored) < 0 ||
	    jsr_array(&root, "manifests", false, OCI_DESCRIPTORS_MAX, &list,
		&ignored) < 0)
		return 0;
	*out = pool_array(pool, jsr_count(&list), sizeof(**out));
	for (size_t i = 0; i < jsr_count(&list); i++) {
		struct jsr item = jsr_item(&list, i);
		struct oci_referrer *referrer = &(*out)[count];

		if (parse_item(referrer, &item) &&
		    is_wanted(referrer, artifact_type))
			count++;
	}
	return count;
}

void
oci_referrer_put(struct jsw *w, const struct oci_referrer *referrer)
{
	char digest[OCI_DIGEST_TEXT_SIZE];

	oci_digest_put(digest, &referrer->digest);
	jsw_object(w, NULL);
	jsw_str(w, "mediaType", referrer->media_type);
	jsw_str(w, "digest", digest);
	jsw_int(w, "size", referrer->size);
	if (referrer->artifact_type != NULL)
		jsw_str(w, "artifactType", referrer->artifact_type);
	if (referrer->annotations != NULL)
		jsw_raw(w, "annotations", referrer->annotations,
		    strlen(referrer->annotations));
	jsw_end(w);
}
