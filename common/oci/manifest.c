#include "common/base/base.h"
#include "common/oci/manifest.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"

#define SIZE_MAX_LAYER (INT64_C(1) << 50)
#define SCHEMA_1       "application/vnd.docker.distribution.manifest.v1+json"
#define LONG_S         "\xc5\xbf" /* an "s" to who ignores case in Unicode */

const struct jscheck_limits oci_json_limits = {
	.bytes = (size_t)16 << 20,
	.depth = 64,
	.values = 400000,
	/* a descriptor has two within: its platform and its annotations */
	.objects = (size_t)4 * OCI_DESCRIPTORS_MAX,
};

static const struct {
	const char *media_type;
	enum oci_kind kind;
} types[] = {
	{ OCI_TYPE_DOCKER_MANIFEST, OCI_KIND_MANIFEST },
	{ OCI_TYPE_DOCKER_LIST, OCI_KIND_INDEX },
	{ OCI_TYPE_MANIFEST, OCI_KIND_MANIFEST },
	{ OCI_TYPE_INDEX, OCI_KIND_INDEX },
};

/* layers that may stay where their licence wants them */
static const char *const foreign_types[] = {
	"application/vnd.docker.image.rootfs.foreign.diff.tar",
	"application/vnd.oci.image.layer.nondistributable.v1.tar",
};

/* what is read of a document and of a descriptor, here or by clients */
static const char *const root_names[] = { "schemaVersion", "mediaType",
	"config", "layers", "manifests", "subject", "artifactType",
	"annotations", NULL };
static const char *const descriptor_names[] = { "mediaType", "digest", "size",
	"urls", "platform", NULL };
static const char *const platform_names[] = { "os", "architecture", "variant",
	"os.version", "os.features", NULL };
static const char *const other_names[] = { "mediaType", "subject",
	"artifactType", "annotations", NULL };

static int
invalid(struct err *err)
{
	return err_reason(err,
	    err->reason != NULL ? err->reason : "MANIFEST_INVALID");
}

/* the type without parameters and blanks, in pool memory */
static const char *
bare_type(struct pool *pool, const char *content_type)
{
	size_t n;

	content_type += strspn(content_type, " \t");
	n = strcspn(content_type, "; \t");
	return pool_memdup(pool, content_type, n);
}

static bool
is_foreign_type(const char *media_type)
{
	for (size_t i = 0; i < COUNT_OF(foreign_types); i++)
		if (strncmp(media_type, foreign_types[i],
			strlen(foreign_types[i])) == 0)
			return true;
	return false;
}

/* one of ours, or that of schema 1, which gets its own refusal */
static bool
is_known(const char *type, size_t n)
{
	if (strlen(SCHEMA_1) == n && memcmp(SCHEMA_1, type, n) == 0)
		return true;
	for (size_t i = 0; i < COUNT_OF(types); i++)
		if (strlen(types[i].media_type) == n &&
		    memcmp(types[i].media_type, type, n) == 0)
			return true;
	return false;
}

static bool
is_called_manifest(const char *media_type)
{
	return media_type[0] == '\0' ||
	    is_known(media_type, strlen(media_type));
}

/* expected has small letters, and maybe dots, alone */
static bool
differs_in_case(const char *name, const char *expected)
{
	bool differs = false;

	for (; *expected != '\0'; expected++) {
		char letter = *expected;

		if (strncmp(name, LONG_S, 2) == 0 && letter == 's') {
			differs = true;
			name += 2;
			continue;
		}
		if ((*name | 0x20) != (letter | 0x20))
			return false;
		differs = differs || *name != letter;
		name++;
	}
	return differs && *name == '\0';
}

/*
 * Readers written in Go (encoding/json) take a name in any case, and the last
 * one wins: what they see must not be another image than what is seen here.
 */
static int
check_case(const struct jsr *object, const char *const *names, struct err *err)
{
	struct jsr_walk walk = jsr_walk(object);
	const char *name;
	struct jsr value;

	while (jsr_next(&walk, &name, &value))
		for (size_t i = 0; names[i] != NULL; i++)
			if (differs_in_case(name, names[i]))
				return err_set(err, E_INVALID,
				    "%s/%s differs from \"%s\" only in case; "
				    "some readers would take it for that",
				    jsr_path(object), name, names[i]);
	return 0;
}

/* whether there are URLs, of any number, where the content may be had */
static int
parse_urls(bool *any_out, const struct jsr *object, struct err *err)
{
	struct jsr urls = { .node = NULL };
	int rc = jsr_array(object, "urls", false, SIZE_MAX, &urls, err);

	for (size_t i = 0; rc == 0 && i < jsr_count(&urls); i++) {
		struct jsr url = jsr_item(&urls, i);
		const char *text;

		rc = jsr_as_str(&url, &text, err);
	}
	*any_out = rc == 0 && jsr_count(&urls) > 0;
	return rc;
}

/* errors of a digest say which one of the document it is */
static int
parse_digest(struct oci_digest *out, const struct jsr *object, struct err *err)
{
	const char *text;
	int rc = jsr_str(object, "digest", true, &text, err);

	if (rc < 0)
		return rc;
	rc = oci_digest_parse(out, text, err);
	return rc < 0 ? err_prefix(err, "%s/digest", jsr_path(object)) : 0;
}

static int
parse_platform(
    struct oci_descriptor *out, const struct jsr *object, struct err *err)
{
	struct jsr platform = { .node = NULL };
	int rc = jsr_object(object, "platform", false, &platform, err);

	if (rc < 0 || platform.node == NULL)
		return rc;
	rc = check_case(&platform, platform_names, err);
	if (rc == 0)
		rc = jsr_str(&platform, "os", false, &out->os, err);
	if (rc == 0)
		rc = jsr_str(&platform, "architecture", false,
		    &out->architecture, err);
	return rc;
}

static int
parse_descriptor(struct oci_descriptor *out, const struct jsr *object,
    bool is_layer, struct err *err)
{
	int rc = jsr_as_object(object, err);
	bool has_urls;

	*out = (struct oci_descriptor){ .media_type = "" };
	if (rc == 0)
		rc = check_case(object, descriptor_names, err);
	if (rc == 0)
		rc = jsr_str(object, "mediaType", false, &out->media_type, err);
	if (rc == 0)
		rc = parse_digest(&out->digest, object, err);
	if (rc == 0)
		rc = jsr_int(
		    object, "size", true, 0, SIZE_MAX_LAYER, &out->size, err);
	if (rc == 0)
		rc = parse_platform(out, object, err);
	if (rc == 0)
		rc = parse_urls(&has_urls, object, err);
	if (rc == 0)
		out->is_foreign =
		    is_layer && has_urls && is_foreign_type(out->media_type);
	return rc;
}

static int
parse_list(struct oci_manifest *out, struct pool *pool, const struct jsr *root,
    const char *name, struct err *err)
{
	struct jsr list = { .node = NULL };
	int rc = jsr_array(root, name, false, OCI_DESCRIPTORS_MAX, &list, err);

	if (rc < 0)
		return rc;
	out->item_count = jsr_count(&list);
	out->items = pool_array(pool, out->item_count, sizeof(*out->items));
	for (size_t i = 0; rc == 0 && i < out->item_count; i++) {
		struct jsr item = jsr_item(&list, i);
		struct oci_descriptor *found = &out->items[i];

		rc = parse_descriptor(
		    found, &item, out->kind == OCI_KIND_MANIFEST, err);
		found->may_be_blob = rc == 0 && out->kind == OCI_KIND_INDEX &&
		    !is_called_manifest(found->media_type);
	}
	return rc;
}

static int
parse_member(struct oci_descriptor *out, bool *has, const struct jsr *root,
    const char *name, bool must, struct err *err)
{
	struct jsr object = { .node = NULL };
	int rc = jsr_object(root, name, must, &object, err);

	*has = object.node != NULL;
	return rc < 0 || !*has ? rc
			       : parse_descriptor(out, &object, false, err);
}

static int
parse_annotations(
    struct oci_manifest *out, const struct jsr *root, struct err *err)
{
	struct jsr value, object = { .node = NULL };
	int rc = jsr_object(root, "annotations", false, &object, err);
	const char *name, *text;
	struct jsr_walk walk;

	if (rc < 0 || object.node == NULL)
		return rc;
	walk = jsr_walk(&object);
	while (rc == 0 && jsr_next(&walk, &name, &value))
		rc = jsr_as_str(&value, &text, err);
	if (rc == 0)
		out->annotations = jsr_text(&object);
	return rc;
}

static bool
has_member(const struct jsr *root, const char *name)
{
	struct jsr list = { .node = NULL };
	struct err ignored;

	return jsr_array(root, name, false, SIZE_MAX, &list, &ignored) < 0 ||
	    list.node != NULL;
}

/* the document's own type, NULL if it says none; type: the header's, or NULL */
static int
own_type(const struct jsr *root, const char *type, const char **own_out,
    struct err *err)
{
	int rc;

	*own_out = NULL;
	rc = jsr_str(root, "mediaType", false, own_out, err);
	if (rc < 0 || type == NULL || *own_out == NULL ||
	    strcmp(type, *own_out) == 0)
		return rc;
	return err_set(err, E_INVALID,
	    "Content-Type \"%.100s\" differs from the document's mediaType "
	    "\"%.100s\"",
	    type, *own_out);
}

/* the header's type, else the document's own, else by its members */
static int
decide_type(struct oci_manifest *out, struct pool *pool,
    const char *content_type, const struct jsr *root, struct err *err)
{
	const char *own;
	const char *type =
	    content_type != NULL ? bare_type(pool, content_type) : NULL;
	int rc = own_type(root, type, &own, err);

	if (rc < 0)
		return rc;
	if (type == NULL)
		type = own;
	if (type == NULL)
		type = has_member(root, "manifests") ? OCI_TYPE_INDEX
						     : OCI_TYPE_MANIFEST;
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (strcmp(types[i].media_type, type) == 0) {
			out->media_type = types[i].media_type;
			out->kind = types[i].kind;
			return 0;
		}
	}
	return err_set(err, E_INVALID,
	    "media type \"%.150s\" is not that of an image manifest or index",
	    type);
}

static int
check_schema(const struct jsr *root, struct err *err)
{
	int64_t version;
	int rc = jsr_int(root, "schemaVersion", true, INT64_MIN, INT64_MAX,
	    &version, err);

	if (rc < 0)
		return rc;
	if (version == 1)
		return err_set(err, E_INVALID,
		    "image manifests of schema 1 are not supported; push "
		    "with a newer client");
	if (version != 2)
		return err_set(err, E_INVALID, "/schemaVersion must be 2");
	return 0;
}

/*
 * What belongs to the other kind is refused: two readers could take one
 * document for two images (CVE-2021-41190).
 */
static int
check_members(
    const struct oci_manifest *m, const struct jsr *root, struct err *err)
{
	static const char *const strange[][2] = {
		[OCI_KIND_MANIFEST] = { "manifests", "manifests" },
		[OCI_KIND_INDEX] = { "layers", "config" },
	};

	for (size_t i = 0; i < COUNT_OF(strange[0]); i++) {
		const char *name = strange[m->kind][i];

		if (has_member(root, name))
			return err_set(err, E_INVALID,
			    "a document of media type \"%s\" has no "
			    "member \"%s\"",
			    m->media_type, name);
	}
	return 0;
}

static int
parse_artifact_type(
    struct oci_manifest *out, const struct jsr *root, struct err *err)
{
	const char *from = "/artifactType";
	int rc = jsr_str(root, "artifactType", false, &out->artifact_type, err);

	if (rc < 0)
		return rc;
	/* an empty one is none (OCI distribution spec 1.1, "Listing
	 * Referrers") */
	if (out->artifact_type != NULL && out->artifact_type[0] == '\0')
		out->artifact_type = NULL;
	if (out->artifact_type == NULL && out->has_config &&
	    out->config.media_type[0] != '\0') {
		out->artifact_type = out->config.media_type;
		from = "/config/mediaType";
	}
	if (out->artifact_type != NULL &&
	    strlen(out->artifact_type) > OCI_MEDIA_TYPE_MAX)
		return err_set(err, E_INVALID, "%s is longer than %d bytes",
		    from, OCI_MEDIA_TYPE_MAX);
	return 0;
}

static int
parse_body(struct oci_manifest *out, struct pool *pool, const struct jsr *root,
    struct err *err)
{
	bool is_index = out->kind == OCI_KIND_INDEX;
	int rc = check_members(out, root, err);

	if (rc == 0)
		rc = parse_list(
		    out, pool, root, is_index ? "manifests" : "layers", err);
	if (rc == 0 && !is_index)
		rc = parse_member(
		    &out->config, &out->has_config, root, "config", true, err);
	if (rc == 0)
		rc = parse_member(&out->subject, &out->has_subject, root,
		    "subject", false, err);
	if (rc == 0)
		rc = parse_artifact_type(out, root, err);
	if (rc == 0)
		rc = parse_annotations(out, root, err);
	return rc;
}

int
oci_manifest_parse(struct oci_manifest *out, struct pool *pool,
    const char *content_type, const char *text, size_t n, struct err *err)
{
	struct jsr root;
	int rc = jsr_parse(pool, text, n, &oci_json_limits, &root, err);

	*out = (struct oci_manifest){ .kind = OCI_KIND_MANIFEST };
	if (rc == 0)
		rc = jsr_as_object(&root, err);
	if (rc == 0)
		rc = check_case(&root, root_names, err);
	if (rc == 0)
		rc = check_schema(&root, err);
	if (rc == 0)
		rc = decide_type(out, pool, content_type, &root, err);
	if (rc == 0)
		rc = parse_body(out, pool, &root, err);
	return rc < 0 ? invalid(err) : 0;
}

bool
oci_manifest_is_other(const char *content_type)
{
	static const char first[] = "application/", last[] = "+json";
	size_t first_size = sizeof(first) - 1, last_size = sizeof(last) - 1;
	size_t n;

	if (content_type == NULL)
		return false;
	content_type += strspn(content_type, " \t");
	n = strcspn(content_type, "; \t");
	/* names of RFC 6838, 4.2 */
	return n > first_size + last_size && n <= OCI_MEDIA_TYPE_MAX &&
	    strncmp(content_type, first, first_size) == 0 &&
	    strncmp(content_type + n - last_size, last, last_size) == 0 &&
	    strspn(content_type + first_size,
		"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
		"0123456789!#$&-^_.+") == n - first_size &&
	    !is_known(content_type, n);
}

static int
parse_other(struct oci_manifest *out, struct pool *pool,
    const char *content_type, const struct jsr *root, struct err *err)
{
	const char *own;
	int rc = check_case(root, other_names, err);

	out->media_type = bare_type(pool, content_type);
	if (rc == 0)
		rc = own_type(root, out->media_type, &own, err);
	if (rc == 0)
		rc = parse_member(&out->subject, &out->has_subject, root,
		    "subject", false, err);
	if (rc == 0)
		rc = parse_artifact_type(out, root, err);
	return rc < 0 ? rc : parse_annotations(out, root, err);
}

int
oci_manifest_parse_other(struct oci_manifest *out, struct pool *pool,
    const char *content_type, const char *text, size_t n, struct err *err)
{
	struct jsr root;
	int rc = 0;

	*out = (struct oci_manifest){ .kind = OCI_KIND_MANIFEST };
	if (!oci_manifest_is_other(content_type))
		rc = err_set(err, E_INVALID,
		    "the media type is not of the form application/...+json");
	if (rc == 0)
		rc = jsr_parse(pool, text, n, &oci_json_limits, &root, err);
	if (rc == 0)
		rc = jsr_as_object(&root, err);
	if (rc == 0)
		rc = parse_other(out, pool, content_type, &root, err);
	return rc < 0 ? invalid(err) : 0;
}
