#include "common/base/base.h"
#include "common/model/manifest.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/manifest_link.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/repository.h"
#include "common/model/review.h"
#include "common/model/tag.h"

/* tags that go in one transaction, and how often that is done */
#define UNTAG_MAX    500
#define UNTAG_ROUNDS 200

static int
unknown(struct db *db, struct pool *pool, const char *path,
    const char *reference, struct err *err)
{
	struct repository repository;
	int rc = repository_find(db, pool, path, &repository, err);

	if (rc < 0)
		return rc;
	err_set(err, E_NOTFOUND, "no manifest \"%s\" in repository \"%s\"",
	    reference, path);
	return err_reason(err, "MANIFEST_UNKNOWN");
}

static struct oci_digest
digest_cell(const struct db_rows *rows, size_t algorithm, size_t bytes)
{
	struct oci_digest digest = { .algorithm = DIGEST_SHA256 };
	const struct db_cell *cell = db_cell(rows, 0, bytes);

	if (db_cell(rows, 0, algorithm)->i == DIGEST_SHA512)
		digest.algorithm = DIGEST_SHA512;
	ASSERT(cell->n == digest_size(digest.algorithm));
	memcpy(digest.bytes, cell->p, cell->n);
	return digest;
}

static void
from_row(struct manifest *out, const struct db_rows *rows)
{
	*out = (struct manifest){
		.id = db_cell_id(rows, 0, 0),
		.digest = digest_cell(rows, 1, 2),
		.media_type = db_cell(rows, 0, 3)->p,
		.size = (size_t)db_cell(rows, 0, 4)->i,
		.repository_id = db_cell_id(rows, 0, 5),
		.age_s = db_cell(rows, 0, 6)->i,
	};
}

int
manifest_find_tag(struct db *db, struct pool *pool, const char *path,
    const char *tag, struct manifest *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_MANIFEST_BY_TAG, &rows, err,
	    db_text(tag), db_text(path));

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return unknown(db, pool, path, tag, err);
	from_row(out, &rows);
	return 0;
}

int
manifest_find_digest(struct db *db, struct pool *pool, const char *path,
    const struct oci_digest *digest, struct manifest *out, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];
	struct db_rows rows;
	int rc = db_select(db, pool, Q_MANIFEST_BY_DIGEST, &rows, err,
	    db_bytes(digest->bytes, digest_size(digest->algorithm)),
	    db_text(path));

	if (rc < 0)
		return rc;
	if (rows.count == 0) {
		oci_digest_put(text, digest);
		return unknown(db, pool, path, text, err);
	}
	from_row(out, &rows);
	return 0;
}

int
manifest_payload(struct db *db, struct pool *pool,
    const struct manifest *manifest, const char **payload_out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_MANIFEST_PAYLOAD, &rows, err,
	    db_id(&manifest->id));

	if (rc < 0)
		return rc;
	if (rows.count == 0 || db_cell(&rows, 0, 0)->n != manifest->size) {
		err_set(err, E_NOTFOUND, "the manifest was just removed");
		return err_reason(err, "MANIFEST_UNKNOWN");
	}
	*payload_out = db_cell(&rows, 0, 0)->p;
	return 0;
}

struct promise {
	const struct manifest *manifest;
	int64_t promise_s;
};

static int
touch_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct promise *p = context;
	uint64_t affected;
	int rc = tx_exec(
	    tx, Q_MANIFEST_KEEP, &affected, err, db_id(&p->manifest->id));

	if (rc < 0)
		return rc;
	if (affected == 0) {
		err_set(err, E_NOTFOUND, "the manifest was just removed");
		return err_reason(err, "MANIFEST_UNKNOWN");
	}
	return review_queue(tx, REVIEW_MANIFEST, &p->manifest->id, NULL,
	    p->promise_s, err);
}

int
manifest_promise(struct db *db, struct pool *pool,
    const struct manifest *manifest, int64_t promise_s, struct err *err)
{
	struct promise p = { manifest, promise_s };
	struct db_rows rows;
	int rc;

	if (manifest->age_s <= promise_s / 2)
		return 0;
	rc = db_select(
	    db, pool, Q_MANIFEST_HELD, &rows, err, db_id(&manifest->id));
	if (rc < 0 || rows.count > 0)
		return rc;
	return db_txn(db, touch_tx, &p, err);
}

struct push {
	struct manifest_push *in;
	struct rand_id manifest_id; /* if it is new */
	struct rand_id history_id;
	struct pool *pool;
};

static int64_t
image_size(const struct oci_manifest *document)
{
	int64_t sum = document->has_config ? document->config.size : 0;

	for (size_t i = 0; i < document->item_count; i++)
		if (__builtin_add_overflow(
			sum, document->items[i].size, &sum))
			return INT64_MAX;
	return sum;
}

static int
insert(struct db_tx *tx, const struct push *p, struct err *err)
{
	struct manifest_push *in = p->in;
	const struct oci_manifest *doc = in->document;
	const struct oci_digest *subject = &doc->subject.digest;
	bool refers = doc->has_subject;
	int rc = tx_exec(tx, Q_MANIFEST_INSERT, NULL, err,
	    db_id(&p->manifest_id), db_id(&in->repository_id),
	    db_int(in->digest.algorithm),
	    db_bytes(in->digest.bytes, digest_size(in->digest.algorithm)),
	    db_text(doc->media_type), db_text(doc->artifact_type),
	    refers ? db_int(subject->algorithm) : db_null(),
	    refers ? db_bytes(subject->bytes, digest_size(subject->algorithm))
		   : db_null(),
	    refers ? db_text(doc->annotations) : db_null(),
	    db_uint(in->size), db_int(image_size(doc)),
	    db_id(in->account_id));

	if (rc < 0)
		return rc;
	rc = tx_exec(tx, Q_MANIFEST_PAYLOAD_INSERT, NULL, err,
	    db_id(&p->manifest_id), db_bytes(in->payload, in->size));
	if (rc < 0)
		return rc;
	return manifest_link(tx, p->pool, &p->manifest_id, in, err);
}

/*
 * A deleted manifest comes back as if it were pushed: what it refers to may
 * have been deleted after it. Its links are made anew, since only the insert
 * of a link is in the way of a deletion on another node.
 */
static int
revive(struct db_tx *tx, const struct push *p, const struct rand_id *id,
    struct err *err)
{
	int rc = manifest_unlink(tx, id, err);

	return rc < 0 ? rc : manifest_link(tx, p->pool, id, p->in, err);
}

static int
find_or_insert(struct db_tx *tx, const struct push *p, struct rand_id *id,
    struct err *err)
{
	const struct oci_digest *digest = &p->in->digest;
	uint64_t affected;
	struct db_rows rows;
	bool hidden;
	int rc = tx_select(tx, p->pool, Q_MANIFEST_OWN, &rows, err,
	    db_id(&p->in->repository_id),
	    db_bytes(digest->bytes, digest_size(digest->algorithm)));

	if (rc < 0)
		return rc;
	if (rows.count == 0) {
		*id = p->manifest_id;
		return insert(tx, p, err);
	}
	*id = db_cell_id(&rows, 0, 0);
	hidden = db_cell(&rows, 0, 1)->i != 0;
	if (!hidden && p->in->tag != NULL)
		return 0;
	rc = tx_exec(tx, Q_MANIFEST_TOUCH, &affected, err, db_id(id));
	if (rc == 0 && affected == 0)
		return model_again(err);
	return rc == 0 && hidden ? revive(tx, p, id, err) : rc;
}

static int
push_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct push *p = context;
	struct tag_change change = { .repository_id = p->in->repository_id,
		.name = p->in->tag, .account_id = p->in->account_id,
		.history_s = p->in->history_s, .history_id = p->history_id };
	struct rand_id id;
	int rc = find_or_insert(tx, p, &id, err);

	if (rc < 0)
		return rc;
	if (p->in->tag != NULL)
		return tag_set(tx, p->pool, &change, &id, err);
	return review_queue(
	    tx, REVIEW_MANIFEST, &id, NULL, p->in->promise_s, err);
}

int
manifest_push(struct db *db, struct pool *pool, struct manifest_push *push,
    struct err *err)
{
	struct push p = { .in = push, .manifest_id = rand_id_new(),
		.history_id = rand_id_new(), .pool = pool };

	return model_txn(db, push_tx, &p, err);
}

struct delete {
	const struct manifest *manifest;
	const struct rand_id *account_id;
	int64_t history_s;
	struct pool *pool;
};

static int
refuse_child(struct db_tx *tx, const struct delete *d, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];
	struct oci_digest parent;
	struct db_rows rows;
	int rc = tx_select(tx, d->pool, Q_MANIFEST_PARENT, &rows, err,
	    db_id(&d->manifest->id));

	if (rc < 0 || rows.count == 0)
		return rc;
	parent = digest_cell(&rows, 0, 1);
	oci_digest_put(text, &parent);
	err_set(err, E_CONFLICT,
	    "index %s of this repository needs the manifest; delete it first",
	    text);
	return err_reason(err, "UNSUPPORTED");
}

static int
list_tags(struct db_tx *tx, const struct delete *d, struct db_rows *rows_out,
    struct err *err)
{
	return tx_select(tx, d->pool, Q_TAG_OF_MANIFEST, rows_out, err,
	    db_id(&d->manifest->id), db_uint(UNTAG_MAX + 1));
}

static int
remove_tags(struct db_tx *tx, const struct delete *d,
    const struct db_rows *rows, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rows->count && i < UNTAG_MAX; i++) {
		/* history rows need an id of their own; a rerun's earlier
		 * ones were rolled back or belong to tags that are gone */
		struct tag_change change = {
			.repository_id = d->manifest->repository_id,
			.name = db_cell(rows, i, 0)->p,
			.account_id = d->account_id,
			.history_s = d->history_s,
			.history_id = rand_id_new(),
		};

		rc = tag_remove(tx, &change, &d->manifest->id, err);
	}
	return rc;
}

/* with more tags than one transaction may change, some of them go before */
static int
untag_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct delete *d = context;
	struct db_rows rows;
	int rc = refuse_child(tx, d, err);

	if (rc == 0)
		rc = list_tags(tx, d, &rows, err);
	return rc < 0 ? rc : remove_tags(tx, d, &rows, err);
}

/* hides first and looks then, as for blobs (repo_blob.c) */
static int
delete_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct delete *d = context;
	struct db_rows rows;
	int rc =
	    tx_exec(tx, Q_MANIFEST_HIDE, NULL, err, db_id(&d->manifest->id));

	if (rc == 0)
		rc = refuse_child(tx, d, err);
	if (rc == 0)
		rc = list_tags(tx, d, &rows, err);
	if (rc == 0 && rows.count > UNTAG_MAX)
		return err_set(err, E_LIMIT, "the manifest has many tags");
	if (rc == 0)
		rc = remove_tags(tx, d, &rows, err);
	if (rc == 0)
		rc = review_queue(tx, REVIEW_MANIFEST, &d->manifest->id, NULL,
		    d->history_s, err);
	return rc;
}

int
manifest_delete(struct db *db, struct pool *pool,
    const struct manifest *manifest, const struct rand_id *account_id,
    int64_t history_s, struct err *err)
{
	struct delete d = { .manifest = manifest,
		.account_id = account_id,
		.history_s = history_s,
		.pool = pool };

	for (int i = 0; i < UNTAG_ROUNDS; i++) {
		int rc = model_txn(db, delete_tx, &d, err);

		if (rc != E_LIMIT)
			return rc;
		rc = model_txn(db, untag_tx, &d, err);
		if (rc < 0)
			return rc;
	}
	return err_set(
	    err, E_BUSY, "the manifest has too many tags, try again");
}
