/*
 * Indexes of referrers that clients kept: what is taken are descriptors of
 * the document, in its order, and is the same when written down and parsed
 * again. The filter takes those of one type, and all of them.
 */
#include "common/base/base.h"
#include "tests/fuzz/fuzz.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/str.h"
#include "common/json/jscheck.h"
#include "common/json/jsr.h"
#include "common/json/jsw.h"
#include "common/oci/manifest.h"
#include "common/oci/referrer_index.h"

#define TEXT_MAX ((size_t)1 << 20)

static bool
is_same_text(const char *a, const char *b)
{
	return a == NULL || b == NULL ? a == b : strcmp(a, b) == 0;
}

static bool
is_same(const struct oci_referrer *a, const struct oci_referrer *b)
{
	return oci_digest_equal(&a->digest, &b->digest) && a->size == b->size &&
	    strcmp(a->media_type, b->media_type) == 0 &&
	    is_same_text(a->artifact_type, b->artifact_type) &&
	    is_same_text(a->annotations, b->annotations);
}

/* clients read them as a table of texts */
static void
check_annotations(struct pool *pool, const char *annotations)
{
	struct jsr_walk walk;
	struct jsr root, value;
	const char *name, *text;
	struct err err;

	ASSERT(jsr_parse(pool, annotations, strlen(annotations),
		   &oci_json_limits, &root, &err) == 0);
	ASSERT(jsr_as_object(&root, &err) == 0);
	walk = jsr_walk(&root);
	while (jsr_next(&walk, &name, &value))
		ASSERT(jsr_as_str(&value, &text, &err) == 0);
}

static void
check_item(struct pool *pool, const struct oci_referrer *item)
{
	ASSERT(item->size >= 0);
	ASSERT(strlen(item->media_type) <= OCI_MEDIA_TYPE_MAX);
	if (item->artifact_type != NULL)
		ASSERT(strlen(item->artifact_type) <= OCI_MEDIA_TYPE_MAX);
	if (item->annotations != NULL)
		check_annotations(pool, item->annotations);
}

/* as the registry answers */
static void
write_items(struct str *out, const struct oci_referrer *items, size_t count)
{
	struct jsw w;

	jsw_init(&w, out);
	jsw_object(&w, NULL);
	jsw_int(&w, "schemaVersion", 2);
	jsw_array(&w, "manifests");
	for (size_t i = 0; i < count; i++)
		oci_referrer_put(&w, &items[i]);
	jsw_end(&w);
	jsw_end(&w);
	jsw_done(&w);
	ASSERT(!str_is_full(out));
}

/* is_index: what was parsed is an index, so that this is another one */
static void
check_again(struct pool *pool, const struct oci_referrer *items, size_t count,
    bool is_index)
{
	struct oci_referrer *again;
	struct oci_manifest index;
	struct str text;
	struct err err;

	str_init(&text, pool, TEXT_MAX * 16);
	write_items(&text, items, count);
	ASSERT(oci_referrer_index_parse(pool, NULL, text.p, text.len, &again) ==
	    count);
	for (size_t i = 0; i < count; i++)
		ASSERT(is_same(&items[i], &again[i]));
	if (!is_index)
		return;
	ASSERT(oci_manifest_parse(
		   &index, pool, OCI_TYPE_INDEX, text.p, text.len, &err) == 0);
	ASSERT(index.item_count == count);
	for (size_t i = 0; i < count; i++)
		ASSERT(
		    oci_digest_equal(&index.items[i].digest, &items[i].digest));
}

/* each is the next one of that digest and size in the document */
static void
check_order(const struct oci_manifest *index, const struct oci_referrer *items,
    size_t count)
{
	size_t at = 0;

	for (size_t i = 0; i < count; i++, at++) {
		while (at < index->item_count &&
		    (!oci_digest_equal(
			 &index->items[at].digest, &items[i].digest) ||
			index->items[at].size != items[i].size))
			at++;
		ASSERT(at < index->item_count);
	}
}

static void
check_filter(struct pool *pool, const char *type, const char *text, size_t n,
    const struct oci_referrer *items, size_t count)
{
	struct oci_referrer *found;
	size_t found_count =
	    oci_referrer_index_parse(pool, type, text, n, &found);
	size_t at = 0;

	for (size_t i = 0; i < count; i++) {
		if (items[i].artifact_type == NULL ||
		    strcmp(items[i].artifact_type, type) != 0)
			continue;
		ASSERT(at < found_count && is_same(&items[i], &found[at]));
		at++;
	}
	ASSERT(at == found_count);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t n)
{
	const char *text = (const char *)data;
	struct oci_referrer *items;
	struct oci_manifest index;
	struct pool *pool;
	struct err err;
	bool is_index;
	size_t count;

	if (n > TEXT_MAX)
		return 0;
	pool = pool_new((size_t)1 << 30);
	count = oci_referrer_index_parse(pool, NULL, text, n, &items);
	ASSERT(count <= OCI_DESCRIPTORS_MAX);
	is_index = oci_manifest_parse(
		       &index, pool, OCI_TYPE_INDEX, text, n, &err) == 0;
	for (size_t i = 0; i < count; i++)
		check_item(pool, &items[i]);
	if (is_index)
		check_order(&index, items, count);
	check_again(pool, items, count, is_index);
	check_filter(pool, "application/x", text, n, items, count);
	for (size_t i = 0; i < count && i < 4; i++)
		if (items[i].artifact_type != NULL)
			check_filter(pool, items[i].artifact_type, text, n,
			    items, count);
	pool_free(&pool);
	return 0;
}
