#include "common/base/base.h"
#include "common/model/manifest.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/event.h"
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

static void
from_row(struct manifest *out, const struct db_rows *rows)
{
	*out = (struct manifest){
		.id = db_cell_id(rows, 0, 0),
		.digest = model_digest(rows, 0, 1, 2),
		.media_type = db_cell(rows, 0, 3)->p,
		.size = (size_t)db_cell(rows, 0, 4)->i,
		.repository_id = db_cell_id(rows, 0, 5),
		.age_s = db_cell(rows, 0, 6)->i,
	};
}

static const struct db_lookup by_tag = { Q_MANIFEST_BY_TAG,
	Q_MANIFEST_BY_TAGS };
static const struct db_lookup by_digest = { Q_MANIFEST_BY_DIGEST,
	Q_MANIFEST_BY_DIGESTS };

int
manifest_find_tag(struct db *db, struct pool *pool, const char *path,
    const char *tag, struct manifest *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_lookup(
	    db, pool, &by_tag, &rows, err, db_text(tag), db_text(path));

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
	int rc = db_lookup(db, pool, &by_digest, &rows, err,
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

struct delete {
	const struct manifest_deletion *in;
	struct pool *pool;
};

static int
refuse_child(struct db_tx *tx, const struct delete *d, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];
	struct oci_digest parent;
	struct db_rows rows;
	int rc = tx_select(tx, d->pool, Q_MANIFEST_PARENT, &rows, err,
	    db_id(&d->in->manifest->id));

	if (rc < 0 || rows.count == 0)
		return rc;
	parent = model_digest(&rows, 0, 0, 1);
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
	    db_id(&d->in->manifest->id), db_uint(UNTAG_MAX + 1));
}

static int
remove_tags(struct db_tx *tx, const struct delete *d,
    const struct db_rows *rows, struct err *err)
{
	const struct manifest *manifest = d->in->manifest;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < rows->count && i < UNTAG_MAX; i++) {
		struct tag_change change = {
			.repository_id = manifest->repository_id,
			.name = db_cell(rows, i, 0)->p,
			.account_id = d->in->account_id,
			.history_s = d->in->history_s,
		};

		rc = tag_remove(tx, &change, &manifest->id, err);
	}
	return rc;
}

static int
check_needed(struct db_tx *tx, const struct delete *d, struct err *err)
{
	return d->in->force ? 0 : refuse_child(tx, d, err);
}

/* with more tags than one transaction may change, some of them go before */
static int
untag_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct delete *d = context;
	struct db_rows rows;
	int rc = check_needed(tx, d, err);

	if (rc == 0)
		rc = list_tags(tx, d, &rows, err);
	return rc < 0 ? rc : remove_tags(tx, d, &rows, err);
}

/* hides first and looks then, as for blobs (repo_blob.c) */
static int
delete_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct delete *d = context;
	const struct rand_id *id = &d->in->manifest->id;
	struct db_rows rows;
	uint64_t affected;
	int rc = tx_exec(tx, Q_MANIFEST_HIDE, &affected, err, db_id(id));

	/* somebody else deleted it, or an earlier run of ours: tags that it has
	 * now came with a later push */
	if (rc < 0 || affected == 0)
		return rc;
	rc = check_needed(tx, d, err);
	if (rc == 0)
		rc = list_tags(tx, d, &rows, err);
	if (rc == 0 && rows.count > UNTAG_MAX)
		return err_set(err, E_LIMIT, "the manifest has many tags");
	if (rc == 0)
		rc = remove_tags(tx, d, &rows, err);
	if (rc == 0)
		rc = review_queue(tx, REVIEW_MANIFEST, id, NULL,
		    d->in->history_s, err);
	return rc < 0 ? rc : event_note_put(tx, d->in->note, err);
}

int
manifest_delete(struct db *db, struct pool *pool,
    const struct manifest_deletion *deletion, struct err *err)
{
	struct delete d = { deletion, pool };

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
