#include "common/base/base.h"
#include "common/model/repo_blob.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/event.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/repository.h"
#include "common/model/review.h"
#include "common/oci/oci_digest.h"

static int
unknown(const struct oci_digest *digest, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	oci_digest_put(text, digest);
	err_set(err, E_NOTFOUND, "no blob \"%s\" in this repository", text);
	return err_reason(err, "BLOB_UNKNOWN");
}

static const struct db_lookup by_sha256 = { Q_REPO_BLOB_SHA256,
	Q_REPO_BLOBS_SHA256 };

/* hardly anybody asks by sha512: no need to do that together with others */
static int
find(struct db *db, struct pool *pool, const char *path,
    const struct oci_digest *digest, struct db_rows *row_out, struct err *err)
{
	struct db_value name =
	    db_bytes(digest->bytes, digest_size(digest->algorithm));

	return digest->algorithm == DIGEST_SHA256
	    ? db_lookup(db, pool, &by_sha256, row_out, err, name, db_text(path))
	    : db_select(db, pool, Q_REPO_BLOB_SHA512, row_out, err, name,
		  db_text(path));
}

/* 1 if a visible manifest of the repository uses it */
static int
is_used(struct db *db, struct pool *pool, const struct repo_blob *blob,
    struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_REPO_BLOB_USED, &rows, err,
	    db_id(&blob->repository_id), db_id(&blob->blob_id));

	return rc < 0 ? rc : rows.count > 0;
}

/* one that was deleted counts as there while a manifest uses it */
static int
take(struct db *db, struct pool *pool, const struct db_rows *rows,
    const struct oci_digest *digest, struct repo_blob *out, struct err *err)
{
	int rc;

	if (rows->count == 0)
		return unknown(digest, err);
	*out = (struct repo_blob){
		.repository_id = db_cell_id(rows, 0, 0),
		.blob_id = db_cell_id(rows, 0, 1),
		.size = (uint64_t)db_cell(rows, 0, 2)->i,
		.key = db_cell(rows, 0, 3)->p,
		.age_s = db_cell(rows, 0, 4)->i,
	};
	if (db_cell(rows, 0, 5)->i == 0)
		return 0;
	rc = is_used(db, pool, out, err);
	return rc == 0 ? unknown(digest, err) : rc < 0 ? rc : 0;
}

int
repo_blob_find(struct db *db, struct pool *pool, const char *path,
    const struct oci_digest *digest, struct repo_blob *out, struct err *err)
{
	struct db_rows rows;
	int rc = find(db, pool, path, digest, &rows, err);

	return rc < 0 ? rc : take(db, pool, &rows, digest, out, err);
}

int
repo_blob_find_to_mount(struct db *db, struct pool *pool, const char *from,
    const struct oci_digest *digest, const char *path, struct repo_blob *out,
    struct repository *repository_out, struct err *err)
{
	struct db_rows rows;
	int rc;

	/* hardly anybody mounts by sha512 */
	if (digest->algorithm != DIGEST_SHA256)
		return repo_blob_find(db, pool, from, digest, out, err);
	rc = db_select(db, pool, Q_REPO_BLOB_MOUNT_SHA256, &rows, err,
	    db_bytes(digest->bytes, digest_size(digest->algorithm)),
	    db_text(path), db_text(from));
	if (rc == 0)
		rc = take(db, pool, &rows, digest, out, err);
	if (rc < 0 || db_cell(&rows, 0, 6)->p == NULL)
		return rc;
	*repository_out = repository_of_row(&rows, 0, 6);
	return 1;
}

struct change {
	const struct repo_blob *blob;
	const struct rand_id *repository_id;
	int64_t promise_s;
	bool force;
	const struct event_note *note;
	struct pool *pool;
};

static int
touch_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	uint64_t affected;
	int rc = tx_exec(tx, Q_REPO_BLOB_TOUCH, &affected, err,
	    db_id(&c->blob->repository_id), db_id(&c->blob->blob_id));

	if (rc < 0)
		return rc;
	if (affected == 0) {
		err_set(err, E_NOTFOUND, "the blob was just removed");
		return err_reason(err, "BLOB_UNKNOWN");
	}
	return review_queue(tx, REVIEW_REPO_BLOB, &c->blob->repository_id,
	    &c->blob->blob_id, c->promise_s, err);
}

int
repo_blob_promise(struct db *db, struct pool *pool,
    const struct repo_blob *blob, int64_t promise_s, struct err *err)
{
	struct change c = { .blob = blob, .promise_s = promise_s };
	int rc;

	if (blob->age_s <= promise_s / 2)
		return 0;
	rc = is_used(db, pool, blob, err);
	if (rc != 0)
		return rc < 0 ? rc : 0;
	return db_txn(db, touch_tx, &c, err);
}

static int
mount_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	int rc = tx_exec(tx, Q_REPO_BLOB_LINK, NULL, err,
	    db_id(c->repository_id), db_id(&c->blob->blob_id));

	if (rc == 0)
		rc = review_queue(tx, REVIEW_REPO_BLOB, c->repository_id,
		    &c->blob->blob_id, c->promise_s, err);
	return rc < 0 ? rc : event_note_put(tx, c->note, err);
}

int
repo_blob_mount(struct db *db, const struct repo_blob *from,
    const struct rand_id *repository_id, int64_t promise_s,
    const struct event_note *note, struct err *err)
{
	struct change c = { .blob = from, .repository_id = repository_id,
		.promise_s = promise_s, .note = note };
	int rc = db_txn(db, mount_tx, &c, err);

	/* the foreign key refused: the content was collected just now */
	if (rc == E_CONFLICT) {
		err_set(err, E_NOTFOUND, "the blob was just removed");
		return err_reason(err, "BLOB_UNKNOWN");
	}
	return rc;
}

/* hides first and looks then: a manifest that links it at this moment
 * either waits for our row or is seen */
static int
refuse_used(struct db_tx *tx, const struct change *c, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];
	struct oci_digest user;
	struct db_rows rows;
	int rc = tx_select(tx, c->pool, Q_REPO_BLOB_USED, &rows, err,
	    db_id(&c->blob->repository_id), db_id(&c->blob->blob_id));

	if (rc < 0 || rows.count == 0)
		return rc;
	user = model_digest(&rows, 0, 0, 1);
	oci_digest_put(text, &user);
	err_set(err, E_CONFLICT,
	    "manifest %s of this repository uses the blob; delete it first",
	    text);
	return err_reason(err, "UNSUPPORTED");
}

static int
delete_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	uint64_t affected;
	int rc = tx_exec(tx,
	    c->force ? Q_REPO_BLOB_HIDE_USED : Q_REPO_BLOB_HIDE, &affected, err,
	    db_id(&c->blob->repository_id), db_id(&c->blob->blob_id));

	if (rc == 0 && !c->force)
		rc = refuse_used(tx, c, err);
	/* somebody else deleted it, or an earlier run of ours */
	if (rc < 0 || affected == 0)
		return rc;
	rc = review_queue(tx, REVIEW_REPO_BLOB, &c->blob->repository_id,
	    &c->blob->blob_id, 0, err);
	return rc < 0 ? rc : event_note_put(tx, c->note, err);
}

int
repo_blob_delete(struct db *db, struct pool *pool,
    const struct repo_blob *blob, bool force, const struct event_note *note,
    struct err *err)
{
	struct change c = { .blob = blob, .pool = pool, .force = force,
		.note = note };

	return db_txn(db, delete_tx, &c, err);
}
