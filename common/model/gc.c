#include "common/base/base.h"
#include "common/model/gc.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/blob/blob.h"
#include "common/model/model.h"
#include "common/model/q.h"

#define BATCH 200
/* a page of rows */
#define POOL_SIZE ((size_t)1 << 20)
#define RETRY_S	  3600
/* so that nodes that run at once seldom change one row */
#define FREED_SHARDS 16

struct drop {
	struct rand_id upload_id;
	struct rand_id object_id;
	int64_t epoch;
	int64_t idle_s;
	int64_t delay_s;
	bool dropped;
};

struct removal {
	struct rand_id object_id;
	uint64_t size;
	unsigned shard; /* of gc_freed */
};

static int
drop_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct drop *d = context;
	uint64_t affected;
	int rc = tx_exec(tx, Q_GC_UPLOAD_DELETE, &affected, err,
	    db_id(&d->upload_id), db_int(d->epoch), db_id(&d->object_id),
	    db_int(d->idle_s));

	/* somebody went on with it, finished it, or dropped it as we do */
	d->dropped = rc == 0 && affected > 0;
	if (!d->dropped)
		return rc;
	return tx_exec(tx, Q_GC_OBJECT_DOOM, NULL, err, db_int(d->delay_s),
	    db_id(&d->object_id));
}

/* one page; *more_out says whether there may be another */
static int
drop_page(struct db *db, struct pool *pool, int64_t idle_s, int64_t delay_s,
    uint64_t max, uint64_t *dropped_out, bool *more_out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_GC_IDLE_UPLOADS, &rows, err,
	    db_int(idle_s), db_uint(max < BATCH ? max : BATCH));

	*dropped_out = 0;
	for (size_t i = 0; rc == 0 && i < rows.count; i++) {
		struct drop d = { .upload_id = db_cell_id(&rows, i, 0),
			.object_id = db_cell_id(&rows, i, 1),
			.epoch = db_cell(&rows, i, 2)->i,
			.idle_s = idle_s,
			.delay_s = delay_s };

		rc = db_txn(db, drop_tx, &d, err);
		*dropped_out += d.dropped ? 1 : 0;
	}
	*more_out = rc == 0 && rows.count == BATCH && *dropped_out > 0;
	return rc;
}

int
gc_uploads(struct db *db, int64_t idle_s, int64_t delay_s, uint64_t max,
    struct gc_result *out, struct err *err)
{
	struct pool *pool = pool_new(POOL_SIZE);
	bool more = true;
	int rc = 0;

	*out = (struct gc_result){ .removed = 0 };
	while (rc == 0 && more && out->removed < max) {
		uint64_t dropped;

		rc = drop_page(db, pool, idle_s, delay_s, max - out->removed,
		    &dropped, &more, err);
		out->removed += dropped;
		pool_clear(pool);
	}
	pool_free(&pool);
	return rc;
}

/* what is gone is counted once, whoever of two nodes deletes the row */
static int
forget_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct removal *r = context;
	uint64_t affected;
	int rc = tx_exec(
	    tx, Q_GC_OBJECT_DELETE, &affected, err, db_id(&r->object_id));

	if (rc < 0 || r->size == 0 || (affected == 0 && db_tx_is_rerun(tx)))
		return rc;
	return tx_exec(
	    tx, Q_GC_FREED_ADD, NULL, err, db_int(r->shard), db_uint(r->size));
}

static int
postpone_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct removal *r = context;

	return tx_exec(tx, Q_GC_OBJECT_POSTPONE, NULL, err, db_int(RETRY_S),
	    db_id(&r->object_id));
}

/* the object first: its row is what knows of it */
static int
remove_one(struct db *db, struct blob_store *store, struct removal *r,
    const char *key, struct gc_result *out, struct err *last, struct err *err)
{
	if (blob_remove(store, key, &r->size, last) < 0) {
		out->failed++;
		return db_txn(db, postpone_tx, r, err);
	}
	out->removed++;
	return db_txn(db, forget_tx, r, err);
}

int
gc_objects(struct db *db, struct blob_store *store, uint64_t max,
    struct gc_result *out, struct err *last, struct err *err)
{
	struct pool *pool = pool_new(POOL_SIZE);
	struct removal r = { .shard = rand_below(FREED_SHARDS) };
	struct db_rows rows;
	int rc;

	*out = (struct gc_result){ .removed = 0 };
	err_clear(last);
	do {
		uint64_t left = max - out->removed - out->failed;

		rc = db_select(db, pool, Q_GC_DOOMED_OBJECTS, &rows, err,
		    db_uint(left < BATCH ? left : BATCH));
		for (size_t i = 0; rc == 0 && i < rows.count; i++) {
			r.object_id = db_cell_id(&rows, i, 0);
			rc = remove_one(db, store, &r, db_cell(&rows, i, 1)->p,
			    out, last, err);
		}
		pool_clear(pool);
	} while (rc == 0 && rows.count == BATCH &&
	    out->removed + out->failed < max);
	pool_free(&pool);
	return rc;
}
