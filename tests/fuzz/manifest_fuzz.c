/*
 * Manifests and indexes: what is accepted keeps its bounds, is the same
 * however its type is told, is never both a manifest and an index, and no
 * less so to readers that take its names in any case.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include <strings.h>

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/oci/manifest.h"

static const char *const types[] = { OCI_TYPE_MANIFEST, OCI_TYPE_INDEX,
	OCI_TYPE_DOCKER_MANIFEST, OCI_TYPE_DOCKER_LIST };

static bool
parse(struct oci_manifest *m, struct pool *pool, const char *type,
    const char *text, size_t n)
{
	struct err err;
	int rc = oci_manifest_parse(m, pool, type, text, n, &err);

	if (rc == 0)
		return true;
	ASSERT(
	    rc == E_INVALID || (rc == E_TOOBIG && n > oci_json_limits.bytes));
	ASSERT(err.code == (enum err_code)rc && err.text[0] != '\0');
	ASSERT(strcmp(err.reason, "MANIFEST_INVALID") == 0 ||
	    strcmp(err.reason, "DIGEST_INVALID") == 0);
	return false;
}

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static void
check_same_descriptor(
    const struct oci_descriptor *a, const struct oci_descriptor *b)
{
	ASSERT(oci_digest_equal(&a->digest, &b->digest));
	ASSERT(a->size == b->size);
	ASSERT(is_same_text(a->media_type, b->media_type));
	ASSERT(is_same_text(a->os, b->os));
	ASSERT(is_same_text(a->architecture, b->architecture));
	ASSERT(a->is_foreign == b->is_foreign);
}

static void
check_same(const struct oci_manifest *a, const struct oci_manifest *b)
{
	ASSERT(a->kind == b->kind);
	ASSERT(strcmp(a->media_type, b->media_type) == 0);
	ASSERT(a->has_config == b->has_config);
	ASSERT(a->item_count == b->item_count);
	ASSERT(a->has_subject == b->has_subject);
	ASSERT(is_same_text(a->artifact_type, b->artifact_type));
	ASSERT(is_same_text(a->annotations, b->annotations));
	if (a->has_config)
		check_same_descriptor(&a->config, &b->config);
	if (a->has_subject)
		check_same_descriptor(&a->subject, &b->subject);
	for (size_t i = 0; i < a->item_count; i++)
		check_same_descriptor(&a->items[i], &b->items[i]);
}

/* to readers that ignore case, also that of U+017F */
static const char *
folded(struct pool *pool, const char *name)
{
	struct str s;

	str_init(&s, pool, strlen(name));
	for (; *name != '\0'; name++)
		if (strncmp(name, "\xc5\xbf", 2) == 0) {
			str_putc(&s, 's');
			name++;
		} else {
			str_putc(&s, *name);
		}
	return s.p;
}

static void
check_case(struct pool *pool, const struct jsr *object, const char *wanted)
{
	struct jsr_walk walk = jsr_walk(object);
	struct jsr value;
	const char *name;

	while (jsr_next(&walk, &name, &value))
		ASSERT(strcmp(name, wanted) == 0 ||
		    strcasecmp(folded(pool, name), wanted) != 0);
}

/* the digest and size that the document itself has there */
static void
check_descriptor(
    struct pool *pool, const struct oci_descriptor *d, const struct jsr *object)
{
	char text[OCI_DIGEST_TEXT_SIZE];
	const char *digest = "";
	int64_t size = -1;
	struct err err;

	oci_digest_put(text, &d->digest);
	ASSERT(jsr_str(object, "digest", true, &digest, &err) == 0);
	ASSERT(strcmp(digest, text) == 0);
	ASSERT(jsr_int(object, "size", true, 0, INT64_C(1) << 50, &size,
		   &err) == 0);
	ASSERT(size == d->size);
	check_case(pool, object, "digest");
	check_case(pool, object, "mediaType");
	check_case(pool, object, "size");
	check_case(pool, object, "urls");
}

static void
check_annotations(struct pool *pool, const char *annotations)
{
	struct jsr_walk walk;
	struct jsr root, value;
	const char *name, *text;
	struct err err;

	ASSERT(jsr_parse(pool, annotations, strlen(annotations),
		   &oci_json_limits, &root, &err) == 0);
	walk = jsr_walk(&root);
	while (jsr_next(&walk, &name, &value))
		ASSERT(jsr_as_str(&value, &text, &err) == 0);
}

static void
check_document(
    struct pool *pool, const struct oci_manifest *m, const char *text, size_t n)
{
	bool is_index = m->kind == OCI_KIND_INDEX;
	struct jsr root, object, list = { .node = NULL };
	const char *own = m->media_type;
	struct err err;

	ASSERT(jsr_parse(pool, text, n, &oci_json_limits, &root, &err) == 0);
	ASSERT(jsr_str(&root, "mediaType", false, &own, &err) == 0);
	ASSERT(strcmp(own, m->media_type) == 0);
	check_case(pool, &root, "config");
	check_case(pool, &root, "layers");
	check_case(pool, &root, "manifests");
	check_case(pool, &root, "mediaType");
	ASSERT(m->has_config == !is_index);
	if (m->has_config) {
		ASSERT(jsr_object(&root, "config", true, &object, &err) == 0);
		check_descriptor(pool, &m->config, &object);
		ASSERT(!m->config.is_foreign);
	}
	if (m->has_subject) {
		ASSERT(jsr_object(&root, "subject", true, &object, &err) == 0);
		check_descriptor(pool, &m->subject, &object);
	}
	ASSERT(jsr_array(&root, is_index ? "manifests" : "layers", false,
		   OCI_DESCRIPTORS_MAX, &list, &err) == 0);
	ASSERT(jsr_count(&list) == m->item_count);
	for (size_t i = 0; i < m->item_count; i++) {
		object = jsr_item(&list, i);
		check_descriptor(pool, &m->items[i], &object);
		ASSERT(!is_index || !m->items[i].is_foreign);
	}
	ASSERT(m->artifact_type == NULL ||
	    strlen(m->artifact_type) <= OCI_MEDIA_TYPE_MAX);
	if (m->annotations != NULL)
		check_annotations(pool, m->annotations);
}

/* parameters of the type and blanks behind the document change nothing */
static void
check_again(
    struct pool *pool, const struct oci_manifest *m, const char *text, size_t n)
{
	struct oci_manifest again;
	char *longer = pool_alloc(pool, n + 2);

	memcpy(longer, text, n);
	memcpy(longer + n, " \n", 2);
	ASSERT(parse(&again, pool,
	    pool_printf(pool, " %s; charset=utf-8", m->media_type), longer,
	    n + 2));
	check_same(m, &again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct oci_manifest untold, m, first = { .media_type = NULL };
	struct pool *pool;
	bool is_untold;

	if (n > oci_json_limits.bytes - 2)
		return 0;
	pool = pool_new((size_t)1 << 30);
	is_untold = parse(&untold, pool, NULL, text, n);
	for (size_t i = 0; i < COUNT_OF(types); i++) {
		if (!parse(&m, pool, types[i], text, n)) {
			ASSERT(!is_untold ||
			    strcmp(untold.media_type, types[i]) != 0);
			continue;
		}
		ASSERT(strcmp(m.media_type, types[i]) == 0);
		check_document(pool, &m, text, n);
		check_again(pool, &m, text, n);
		if (is_untold && strcmp(untold.media_type, types[i]) == 0)
			check_same(&m, &untold);
		if (first.media_type == NULL)
			first = m;
		ASSERT(m.kind == first.kind);
	}
	ASSERT(!is_untold || first.media_type != NULL);
	pool_free(&pool);
	return 0;
}
