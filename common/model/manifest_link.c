#include "common/base/base.h"
#include "common/model/manifest_link.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/base/vec.h"
#include "common/model/manifest_push.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/repository.h"

/* as many as the IN lists of schema/query/manifest.sql have places */
#define BATCH 16

typedef VEC(struct oci_digest) digest_list;

/* how one kind of reference is linked, and which are, by their digests */
struct link_kind {
	unsigned link;
	unsigned link_rest; /* what link left out */
	unsigned linked; /* NONE: they need not be there */
	bool is_child;
};

#define NONE UINT_MAX

/* by digest algorithm */
static const struct link_kind blobs[] = {
	[DIGEST_SHA256] = {
		.link = Q_MANIFEST_BLOB_LINK_SHA256,
		.link_rest = Q_MANIFEST_BLOB_LINK_REST_SHA256,
		.linked = Q_MANIFEST_BLOB_LINKED_SHA256,
	},
	[DIGEST_SHA512] = {
		.link = NONE,
		.link_rest = Q_MANIFEST_BLOB_LINK_REST_SHA512,
		.linked = Q_MANIFEST_BLOB_LINKED_SHA512,
	},
};
/* after the others, which may name the same ones */
static const struct link_kind foreign[] = {
	[DIGEST_SHA256] = {
		.link = NONE,
		.link_rest = Q_MANIFEST_BLOB_LINK_REST_SHA256,
		.linked = NONE,
	},
	[DIGEST_SHA512] = {
		.link = NONE,
		.link_rest = Q_MANIFEST_BLOB_LINK_REST_SHA512,
		.linked = NONE,
	},
};
static const struct link_kind child = {
	.link = Q_MANIFEST_CHILD_LINK,
	.link_rest = NONE,
	.linked = Q_MANIFEST_CHILD_LINKED,
	.is_child = true,
};

static int
compare(const void *a, const void *b)
{
	const struct oci_digest *x = a, *y = b;

	return memcmp(x->bytes, y->bytes, sizeof(x->bytes));
}

/* sorted: two pushes take the rows' locks in one order */
static void
sort_unique(digest_list *list)
{
	size_t kept = 0;

	if (list->count == 0)
		return;
	qsort(list->items, list->count, sizeof(*list->items), compare);
	for (size_t i = 1; i < list->count; i++)
		if (compare(&list->items[kept], &list->items[i]) != 0)
			list->items[++kept] = list->items[i];
	list->count = kept + 1;
}

/* fills all places; those left over repeat the last digest */
static void
fill_batch(struct db_value values[BATCH], const struct oci_digest *digests,
    size_t count)
{
	for (size_t i = 0; i < BATCH; i++) {
		const struct oci_digest *d =
		    &digests[i < count ? i : count - 1];

		values[i] = db_bytes(d->bytes, digest_size(d->algorithm));
	}
}

static bool
is_among(const struct oci_digest *digest, const struct db_rows *rows)
{
	size_t n = digest_size(digest->algorithm);

	for (size_t i = 0; i < rows->count; i++)
		if (db_cell(rows, i, 0)->n == n &&
		    memcmp(db_cell(rows, i, 0)->p, digest->bytes, n) == 0)
			return true;
	return false;
}

/* What is missing is what was not linked, not what is not there now: it may
 * have come meanwhile. */
static int
find_missing(struct db_tx *tx, struct pool *pool, const struct link_kind *kind,
    const struct rand_id *manifest_id, const struct oci_digest *digests,
    size_t count, digest_list *missing, struct err *err)
{
	struct db_value values[1 + BATCH];
	struct db_rows rows;
	int rc;

	values[0] = db_id(manifest_id);
	fill_batch(values + 1, digests, count);
	rc = tx_select_(
	    tx, pool, kind->linked, &rows, err, values, COUNT_OF(values));
	if (rc < 0)
		return rc;
	for (size_t i = 0; i < count; i++)
		if (!is_among(&digests[i], &rows))
			VEC_PUSH(missing, pool, digests[i]);
	return 0;
}

static int
touch_children(struct db_tx *tx, const struct rand_id *repository_id,
    const struct oci_digest *digests, size_t count, struct err *err)
{
	struct db_value values[1 + BATCH];

	values[0] = db_id(repository_id);
	fill_batch(values + 1, digests, count);
	return tx_exec_(
	    tx, Q_MANIFEST_CHILD_TOUCH, NULL, err, values, COUNT_OF(values));
}

static int
link_batch(struct db_tx *tx, const struct link_kind *kind,
    const struct rand_id *manifest_id, const struct rand_id *repository_id,
    const struct oci_digest *digests, size_t count, uint64_t *linked_out,
    struct err *err)
{
	struct db_value values[3 + BATCH];
	uint64_t rest = 0;
	int rc = 0;

	*linked_out = 0;
	if (kind->is_child)
		rc = touch_children(tx, repository_id, digests, count, err);
	if (rc < 0)
		return rc;
	values[0] = db_id(manifest_id);
	values[1] = db_id(repository_id);
	fill_batch(values + 2, digests, count);
	values[2 + BATCH] = db_id(manifest_id);
	if (kind->link != NONE)
		rc = tx_exec_(
		    tx, kind->link, linked_out, err, values, 2 + BATCH);
	if (rc == 0 && *linked_out < count && kind->link_rest != NONE)
		rc = tx_exec_(
		    tx, kind->link_rest, &rest, err, values, 3 + BATCH);
	*linked_out += rest;
	return rc;
}

static int
link_list(struct db_tx *tx, struct pool *pool, const struct link_kind *kind,
    const struct rand_id *manifest_id, const struct rand_id *repository_id,
    digest_list *list, digest_list *missing, struct err *err)
{
	sort_unique(list);
	for (size_t i = 0; i < list->count; i += BATCH) {
		size_t left = list->count - i;
		size_t count = left < BATCH ? left : BATCH;
		uint64_t linked;
		int rc = link_batch(tx, kind, manifest_id, repository_id,
		    list->items + i, count, &linked, err);

		if (rc == 0 && linked != count && kind->linked != NONE)
			rc = find_missing(tx, pool, kind, manifest_id,
			    list->items + i, count, missing, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

static int
tell_missing(struct manifest_push *push, const digest_list *missing,
    struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	push->missing = missing->items;
	push->missing_count = missing->count;
	oci_digest_put(text, &missing->items[0]);
	err_set(err, E_INVALID, "%s is not in this repository; push it first",
	    text);
	return err_reason(err, "MANIFEST_BLOB_UNKNOWN");
}

/* by one digest algorithm */
struct references {
	digest_list needed;
	/* what need not be there; of an index, what may be a blob as well as a
	 * child */
	digest_list other;
	digest_list children; /* of those needed: what is called a manifest */
};

static void
collect(struct pool *pool, const struct oci_manifest *document,
    struct references out[2])
{
	if (document->has_config)
		VEC_PUSH(&out[document->config.digest.algorithm].needed, pool,
		    document->config.digest);
	for (size_t i = 0; i < document->item_count; i++) {
		const struct oci_descriptor *item = &document->items[i];
		struct references *to = &out[item->digest.algorithm];

		if (!item->is_foreign)
			VEC_PUSH(&to->needed, pool, item->digest);
		if (item->is_foreign || item->may_be_blob)
			VEC_PUSH(&to->other, pool, item->digest);
		else if (document->kind == OCI_KIND_INDEX)
			VEC_PUSH(&to->children, pool, item->digest);
	}
}

static bool
has(const digest_list *sorted, const struct oci_digest *digest)
{
	return sorted->count > 0 &&
	    bsearch(digest, sorted->items, sorted->count,
		sizeof(*sorted->items), compare) != NULL;
}

/* what may be a blob is linked as what it is, or as both; what anything calls a
 * manifest is one */
static int
link_children(struct db_tx *tx, struct pool *pool,
    const struct rand_id *manifest_id, const struct rand_id *repository_id,
    enum digest_algorithm algorithm, struct references *to,
    digest_list *missing, struct err *err)
{
	digest_list no_child = VEC_INIT(OCI_DESCRIPTORS_MAX);
	digest_list no_blob = VEC_INIT(OCI_DESCRIPTORS_MAX);
	int rc = link_list(tx, pool, &child, manifest_id, repository_id,
	    &to->needed, &no_child, err);

	if (rc == 0)
		rc = link_list(tx, pool, &blobs[algorithm], manifest_id,
		    repository_id, &to->other, &no_blob, err);
	sort_unique(&to->children);
	for (size_t i = 0; rc == 0 && i < no_child.count; i++)
		if (has(&to->children, &no_child.items[i]) ||
		    has(&no_blob, &no_child.items[i]))
			VEC_PUSH(missing, pool, no_child.items[i]);
	return rc;
}

static int
link_blobs(struct db_tx *tx, struct pool *pool,
    const struct rand_id *manifest_id, const struct rand_id *repository_id,
    enum digest_algorithm algorithm, struct references *to,
    digest_list *missing, struct err *err)
{
	int rc = link_list(tx, pool, &blobs[algorithm], manifest_id,
	    repository_id, &to->needed, missing, err);

	return rc < 0 ? rc
		      : link_list(tx, pool, &foreign[algorithm], manifest_id,
			    repository_id, &to->other, missing, err);
}

int
manifest_show_blobs(
    struct db_tx *tx, const struct rand_id *manifest_id, struct err *err)
{
	return tx_exec(tx, Q_MANIFEST_BLOB_SHOW, NULL, err, db_id(manifest_id));
}

int
manifest_unlink(struct db_tx *tx, const struct rand_id *manifest_id,
    int64_t review_s, struct err *err)
{
	int rc = tx_exec(tx, Q_GC_REVIEW_QUEUE_BLOBS, NULL, err,
	    db_int(review_s), db_id(manifest_id));

	if (rc == 0)
		rc = tx_exec(tx, Q_GC_REVIEW_QUEUE_CHILDREN, NULL, err,
		    db_int(review_s), db_id(manifest_id));
	if (rc == 0)
		rc = tx_exec(
		    tx, Q_MANIFEST_BLOB_UNLINK, NULL, err, db_id(manifest_id));
	if (rc < 0)
		return rc;
	return tx_exec(
	    tx, Q_MANIFEST_CHILD_UNLINK, NULL, err, db_id(manifest_id));
}

int
manifest_link(struct db_tx *tx, struct pool *pool,
    const struct rand_id *manifest_id, struct manifest_push *push,
    struct err *err)
{
	bool is_index = push->document->kind == OCI_KIND_INDEX;
	struct references to[2];
	digest_list missing = VEC_INIT(2 * OCI_DESCRIPTORS_MAX + 2);
	int rc = 0;

	for (size_t i = 0; i < COUNT_OF(to); i++)
		to[i] = (struct references){
			.needed = VEC_INIT(OCI_DESCRIPTORS_MAX + 1),
			.other = VEC_INIT(OCI_DESCRIPTORS_MAX),
			.children = VEC_INIT(OCI_DESCRIPTORS_MAX),
		};
	collect(pool, push->document, to);
	for (size_t i = 0; rc == 0 && i < COUNT_OF(to); i++)
		rc = (is_index ? link_children : link_blobs)(tx, pool,
		    manifest_id, &push->repository.id, (enum digest_algorithm)i,
		    &to[i], &missing, err);
	if (rc == 0 && missing.count > 0)
		rc = tell_missing(push, &missing, err);
	return rc;
}
