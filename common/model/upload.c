#include "common/base/base.h"
#include "common/model/upload.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/event.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/review.h"

#define STORE "filesystem"

enum object_state {
	OBJECT_UP = 1,
};

/* a writer that stalled may make its object yet when it goes on */
#define STALLED_S 86400

static int
doom(struct db_tx *tx, const struct rand_id *object_id, int64_t after_s,
    struct err *err)
{
	return tx_exec(
	    tx, Q_OBJECT_DOOM, NULL, err, db_int(after_s), db_id(object_id));
}

static int
taken_over(struct err *err)
{
	err_set(err, E_CONFLICT, "another request took over the upload");
	return err_reason(err, "BLOB_UPLOAD_INVALID");
}

static int
unknown(const char *id, struct err *err)
{
	err_set(err, E_NOTFOUND, "no upload \"%.64s\" in this repository", id);
	return err_reason(err, "BLOB_UPLOAD_UNKNOWN");
}

struct change {
	const struct upload *upload;
	const struct rand_id *account_id;
	const struct upload_spare *spare;
	int64_t lease_s;
	int64_t epoch; /* the new one */
};

static int
start_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	const struct upload *u = c->upload;
	int rc = tx_exec(tx, Q_OBJECT_INSERT, NULL, err, db_id(&u->object_id),
	    db_text(STORE), db_text(u->key), db_int(OBJECT_UP), db_null());

	if (rc == E_EXISTS && db_tx_is_rerun(tx))
		return 0;
	if (rc < 0)
		return rc;
	return tx_exec(tx, Q_UPLOAD_INSERT, NULL, err, db_id(&u->id),
	    db_id(&u->repository_id), db_id(&u->object_id),
	    db_id(c->account_id));
}

int
upload_start(struct db *db, const struct rand_id *repository_id,
    const struct rand_id *account_id, struct upload *out, struct err *err)
{
	struct change c = { .upload = out, .account_id = account_id };

	*out = (struct upload){ .id = rand_id_new(),
		.repository_id = *repository_id, .object_id = rand_id_new() };
	blob_key_new(out->key);
	return db_txn(db, start_tx, &c, err);
}

int
upload_count(struct db *db, struct pool *pool,
    const struct rand_id *account_id, int64_t *out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(
	    db, pool, Q_UPLOAD_COUNT, &rows, err, db_id(account_id));

	if (rc == 0)
		*out = db_cell(&rows, 0, 0)->i;
	return rc;
}

int
upload_find(struct db *db, struct pool *pool, const char *path, const char *id,
    struct upload *out, struct err *err)
{
	struct rand_id upload_id;
	const struct db_cell *state;
	struct db_rows rows;
	int rc;

	if (!rand_id_parse(&upload_id, id))
		return unknown(id, err);
	rc = db_select(db, pool, Q_UPLOAD_BY_ID, &rows, err,
	    db_id(&upload_id), db_text(path));
	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return unknown(id, err);
	*out = (struct upload){
		.id = upload_id,
		.repository_id = db_cell_id(&rows, 0, 1),
		.object_id = db_cell_id(&rows, 0, 2),
		.epoch = db_cell(&rows, 0, 4)->i,
		.received = (uint64_t)db_cell(&rows, 0, 5)->i,
		.lease = (enum upload_lease)db_cell(&rows, 0, 7)->i,
	};
	snprintf(out->key, sizeof(out->key), "%s", db_cell(&rows, 0, 3)->p);
	state = db_cell(&rows, 0, 6);
	if (state->p != NULL && state->n <= sizeof(out->hash_state)) {
		memcpy(out->hash_state, state->p, state->n);
		out->hash_state_size = state->n;
	}
	return 0;
}

static int
renew(struct db_tx *tx, const struct change *c, int64_t epoch,
    uint64_t *affected_out, struct err *err)
{
	const struct upload *u = c->upload;

	return tx_exec(tx, Q_UPLOAD_RENEW, affected_out, err,
	    db_uint(u->received), db_bytes(u->hash_state, u->hash_state_size),
	    db_int(c->lease_s), db_id(&u->id), db_int(epoch));
}

static int
claim_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	uint64_t affected;
	int rc = tx_exec(tx, Q_UPLOAD_CLAIM, &affected, err, db_int(c->epoch),
	    db_int(c->lease_s), db_id(&c->upload->id), db_int(c->upload->epoch),
	    db_uint(c->upload->received), db_id(&c->upload->object_id),
	    db_int(c->upload->lease == UPLOAD_FREE));

	/* claimed by an earlier run: nobody else has our epoch */
	if (rc == 0 && affected == 0 && db_tx_is_rerun(tx))
		rc = renew(tx, c, c->epoch, &affected, err);
	if (rc < 0)
		return rc;
	if (affected == 0) {
		err_set(err, E_BUSY,
		    "another request is writing to this upload");
		return err_reason(err, "BLOB_UPLOAD_INVALID");
	}
	return 0;
}

int
upload_claim(
    struct db *db, struct upload *upload, int64_t lease_s, struct err *err)
{
	struct change c = { .upload = upload, .lease_s = lease_s };
	int rc;

	do
		c.epoch = rand_below(INT32_MAX);
	while (c.epoch == upload->epoch);
	rc = db_txn(db, claim_tx, &c, err);
	if (rc == 0)
		upload->epoch = c.epoch;
	return rc;
}

static int
renew_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	uint64_t affected;
	int rc = renew(tx, c, c->upload->epoch, &affected, err);

	return rc < 0 ? rc : affected == 0 ? taken_over(err) : 0;
}

int
upload_renew(struct db *db, const struct upload *upload, int64_t lease_s,
    struct err *err)
{
	struct change c = { .upload = upload, .lease_s = lease_s };

	return db_txn(db, renew_tx, &c, err);
}

static int
leave_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;

	return tx_exec(tx, Q_UPLOAD_LEAVE, NULL, err, db_id(&c->upload->id),
	    db_int(c->upload->epoch));
}

int
upload_leave(struct db *db, const struct upload *upload, struct err *err)
{
	struct change c = { .upload = upload };

	return db_txn(db, leave_tx, &c, err);
}

static int
spare_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct upload_spare *spare = context;
	int rc = tx_exec(tx, Q_OBJECT_INSERT_SPARE, NULL, err,
	    db_id(&spare->object_id), db_text(STORE), db_text(spare->key));

	return rc == E_EXISTS && db_tx_is_rerun(tx) ? 0 : rc;
}

int
upload_spare(struct db *db, struct upload_spare *out, struct err *err)
{
	out->object_id = rand_id_new();
	blob_key_new(out->key);
	return db_txn(db, spare_tx, out, err);
}

static int
move_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	uint64_t affected;
	int rc = tx_exec(tx, Q_UPLOAD_MOVE, &affected, err,
	    db_id(&c->spare->object_id), db_id(&c->upload->id),
	    db_int(c->upload->epoch));

	if (rc < 0)
		return rc;
	if (affected == 0)
		return taken_over(err);
	rc = tx_exec(tx, Q_OBJECT_REVIVE, NULL, err,
	    db_id(&c->spare->object_id));
	if (rc < 0)
		return rc;
	return doom(tx, &c->upload->object_id, STALLED_S, err);
}

int
upload_move(struct db *db, struct upload *upload,
    const struct upload_spare *spare, struct err *err)
{
	struct change c = { .upload = upload, .spare = spare };
	int rc = db_txn(db, move_tx, &c, err);

	if (rc < 0)
		return rc;
	upload->object_id = spare->object_id;
	upload->lease = UPLOAD_FREE; /* no other writer knows this object */
	memcpy(upload->key, spare->key, sizeof(upload->key));
	return 0;
}

static int
record_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	const struct upload *u = c->upload;
	uint64_t affected;
	int rc = tx_exec(tx, Q_UPLOAD_RECORD, &affected, err,
	    db_uint(u->received), db_bytes(u->hash_state, u->hash_state_size),
	    db_id(&u->id), db_int(u->epoch));

	return rc < 0 ? rc : affected == 0 ? taken_over(err) : 0;
}

int
upload_record(struct db *db, const struct upload *upload, struct err *err)
{
	struct change c = { .upload = upload };

	return db_txn(db, record_tx, &c, err);
}

struct finish {
	const struct upload *upload;
	const struct upload_content *content;
	struct rand_id blob_id; /* if the content is new */
	int64_t promise_s;
	struct pool *pool;
};

static bool
has_sha512(const struct db_cell *stored, const unsigned char *wanted)
{
	return wanted == NULL ||
	    (stored->n == DIGEST_SHA512_SIZE &&
		memcmp(stored->p, wanted, DIGEST_SHA512_SIZE) == 0);
}

/* our upload row is gone: did an earlier try commit, of whichever request? */
static int
finished_before(struct db_tx *tx, const struct finish *f, struct err *err)
{
	const struct rand_id *repository_id = &f->upload->repository_id;
	struct rand_id blob_id;
	struct db_rows rows;
	int rc = tx_select(tx, f->pool, Q_REPO_BLOB_EXISTS, &rows, err,
	    db_id(repository_id),
	    db_bytes(f->content->sha256, DIGEST_SHA256_SIZE));

	if (rc < 0)
		return rc;
	if (rows.count == 0 ||
	    !has_sha512(db_cell(&rows, 0, 1), f->content->sha512))
		return taken_over(err);
	blob_id = db_cell_id(&rows, 0, 0);
	rc = tx_exec(tx, Q_REPO_BLOB_TOUCH, NULL, err, db_id(repository_id),
	    db_id(&blob_id));
	return rc < 0 ? rc
		      : review_queue(tx, REVIEW_REPO_BLOB, repository_id,
			    &blob_id, f->promise_s, err);
}

/* an object that somebody doomed may be gone */
static int
make_live(struct db_tx *tx, const struct finish *f,
    const struct rand_id *blob_id, struct err *err)
{
	uint64_t affected;
	int rc = tx_exec(tx, Q_OBJECT_LIVE, &affected, err, db_id(blob_id),
	    db_id(&f->upload->object_id));

	return rc < 0 ? rc : affected == 0 ? taken_over(err) : 0;
}

static int
insert_content(struct db_tx *tx, const struct finish *f, struct err *err)
{
	int rc = tx_exec(tx, Q_BLOB_INSERT, NULL, err, db_id(&f->blob_id),
	    db_bytes(f->content->sha256, DIGEST_SHA256_SIZE),
	    db_bytes(f->content->sha512, DIGEST_SHA512_SIZE),
	    db_uint(f->content->size), db_id(&f->upload->object_id));

	return rc < 0 ? rc : make_live(tx, f, &f->blob_id, err);
}

/* our object takes the place of the damaged one */
static int
mend_content(struct db_tx *tx, const struct finish *f,
    const struct rand_id *blob_id, const struct rand_id *damaged_id,
    struct err *err)
{
	uint64_t affected;
	int rc = tx_exec(tx, Q_BLOB_MEND, &affected, err,
	    db_id(&f->upload->object_id), db_id(blob_id));

	if (rc == 0 && affected == 0)
		rc = model_again(err);
	if (rc == 0)
		rc = make_live(tx, f, blob_id, err);
	return rc < 0 ? rc : doom(tx, damaged_id, 0, err);
}

/* the content is there: use it, unless its object was found damaged */
static int
use_content(struct db_tx *tx, const struct finish *f,
    const struct db_rows *found, struct rand_id *blob_id, struct err *err)
{
	struct rand_id object_id = db_cell_id(found, 0, 1);
	bool damaged = db_cell(found, 0, 2)->i == 1;
	int rc;

	*blob_id = db_cell_id(found, 0, 0);
	rc = damaged ? mend_content(tx, f, blob_id, &object_id, err)
		     : doom(tx, &f->upload->object_id, 0, err);
	if (rc < 0 || f->content->sha512 == NULL)
		return rc;
	return tx_exec(tx, Q_BLOB_SET_SHA512, NULL, err,
	    db_bytes(f->content->sha512, DIGEST_SHA512_SIZE), db_id(blob_id));
}

static int
finish_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct finish *f = context;
	struct rand_id blob_id = f->blob_id;
	struct db_rows found;
	uint64_t affected;
	int rc = tx_exec(tx, Q_UPLOAD_DELETE, &affected, err,
	    db_id(&f->upload->id), db_int(f->upload->epoch));

	if (rc < 0)
		return rc;
	if (affected == 0)
		return finished_before(tx, f, err);
	rc = tx_select(tx, f->pool, Q_BLOB_BY_SHA256, &found, err,
	    db_bytes(f->content->sha256, DIGEST_SHA256_SIZE));
	if (rc < 0)
		return rc;
	if (found.count == 0)
		rc = insert_content(tx, f, err);
	else
		rc = use_content(tx, f, &found, &blob_id, err);
	if (rc == 0)
		rc = tx_exec(tx, Q_REPO_BLOB_LINK, NULL, err,
		    db_id(&f->upload->repository_id), db_id(&blob_id));
	if (rc == 0)
		rc = review_queue(tx, REVIEW_REPO_BLOB,
		    &f->upload->repository_id, &blob_id, f->promise_s, err);
	return rc < 0 ? rc : event_note_put(tx, f->content->note, err);
}

int
upload_finish(struct db *db, struct pool *pool, const struct upload *upload,
    const struct upload_content *content, int64_t promise_s, struct err *err)
{
	struct finish f = { .upload = upload, .content = content,
		.blob_id = rand_id_new(), .promise_s = promise_s,
		.pool = pool };

	return model_txn(db, finish_tx, &f, err);
}

static int
cancel_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct change *c = context;
	uint64_t affected;
	int rc = tx_exec(tx, Q_UPLOAD_DELETE, &affected, err,
	    db_id(&c->upload->id), db_int(c->upload->epoch));

	if (rc < 0)
		return rc;
	if (affected == 0)
		return db_tx_is_rerun(tx) ? 0 : taken_over(err);
	return doom(tx, &c->upload->object_id,
	    c->upload->lease == UPLOAD_FREE ? 0 : STALLED_S, err);
}

int
upload_cancel(struct db *db, const struct upload *upload, struct err *err)
{
	struct change c = { .upload = upload };

	return db_txn(db, cancel_tx, &c, err);
}
