#include "common/base/base.h"
#include "common/model/tag.h"

#include "common/base/err.h"
#include "common/base/etag.h"
#include "common/base/pool.h"
#include "common/model/event.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/review.h"
#include "common/oci/name.h"

/* each finds what others did while the one before waited for them */
#define TRIM_TRIES 4

static int
put_history(struct db_tx *tx, const struct tag_change *c,
    enum tag_action action, const struct rand_id *old, struct err *err)
{
	/* no run of a transaction meets the row of another one: what it would
	 * remember is then done */
	struct rand_id id = rand_id_new();
	int rc = tx_exec(tx, Q_TAG_HISTORY_INSERT, NULL, err, db_id(&id),
	    db_id(&c->repository_id), db_text(c->name), db_id(old),
	    db_int(action), db_id(c->account_id), db_int(c->history_s));

	if (rc < 0)
		return rc;
	return review_queue(
	    tx, REVIEW_MANIFEST, old, NULL, c->history_s, err);
}

static int
move(struct db_tx *tx, const struct tag_change *c, const struct rand_id *old,
    const struct rand_id *manifest_id, struct err *err)
{
	uint64_t affected;
	int rc = tx_exec(tx, Q_TAG_MOVE, &affected, err, db_id(manifest_id),
	    db_id(c->account_id), db_int(oci_tag_is_attached(c->name)),
	    db_id(&c->repository_id), db_text(c->name), db_id(old));

	if (rc < 0)
		return rc;
	if (affected == 0)
		return model_again(err);
	if (rand_id_equal(old, manifest_id))
		return 0;
	return put_history(tx, c, TAG_MOVED, old, err);
}

struct tag
tag_of_row(const struct db_rows *rows, size_t row, size_t column)
{
	return (struct tag){
		.manifest_id = db_cell_id(rows, row, column),
		.digest = model_digest(rows, row, column + 1, column + 2),
		.media_type = db_cell(rows, row, column + 3)->p,
		.size = (uint64_t)db_cell(rows, row, column + 4)->i,
	};
}

int
tag_lock(struct db_tx *tx, struct pool *pool,
    const struct rand_id *repository_id, const char *name, struct err *err)
{
	struct db_rows rows;

	return tx_select(tx, pool, Q_TAG_LOCK, &rows, err, db_id(repository_id),
	    db_text(name));
}

int
tag_get(struct db_tx *tx, struct pool *pool,
    const struct rand_id *repository_id, const char *name, struct tag *out,
    struct err *err)
{
	struct db_rows rows;
	int rc = tx_select(tx, pool, Q_TAG_GET, &rows, err,
	    db_id(repository_id), db_text(name));

	if (rc < 0 || rows.count == 0)
		return rc;
	*out = tag_of_row(&rows, 0, 0);
	return 1;
}

static int
refuse_move(const struct tag_change *change, struct err *err)
{
	err_set(err, E_DENIED,
	    "tag \"%s\" is immutable in this repository and points to "
	    "another manifest; push another tag, or ask who administers the "
	    "repository",
	    change->name);
	return err_reason(err, "DENIED");
}

int
tag_set(struct db_tx *tx, const struct tag_change *change,
    const struct tag *old, const struct rand_id *manifest_id, struct err *err)
{
	if (old == NULL)
		return tx_exec(tx, Q_TAG_INSERT, NULL, err,
		    db_id(&change->repository_id), db_text(change->name),
		    db_id(manifest_id), db_id(change->account_id),
		    db_int(oci_tag_is_attached(change->name)));
	if (change->immutable && !oci_tag_is_attached(change->name) &&
	    !rand_id_equal(&old->manifest_id, manifest_id))
		return refuse_move(change, err);
	return move(tx, change, &old->manifest_id, manifest_id, err);
}

/* its pulls were not those of a tag that gets its name later */
static int
record_deletion(struct db_tx *tx, const struct tag_change *change,
    const struct rand_id *manifest_id, struct err *err)
{
	int rc = tx_exec(tx, Q_TAG_PULL_DELETE, NULL, err,
	    db_id(&change->repository_id), db_text(change->name));

	return rc < 0 ? rc
		      : put_history(tx, change, TAG_DELETED, manifest_id, err);
}

static int
note_deletion(struct db_tx *tx, struct event_note *note, const char *name,
    const struct tag *tag, struct err *err)
{
	if (note == NULL)
		return 0;
	note->event.tag = name;
	note->event.digest = tag->digest;
	note->event.media_type = tag->media_type;
	note->event.size = tag->size;
	return event_note_put(tx, note, err);
}

/* *raced_out: it went or was pushed anew since it was found */
static int
trim_one(struct db_tx *tx, const struct tag_change *change,
    const struct db_rows *rows, size_t row, bool *raced_out, struct err *err)
{
	struct tag tag = tag_of_row(rows, row, 2);
	struct tag_change oldest = *change;
	uint64_t affected;
	int rc;

	oldest.name = db_cell(rows, row, 0)->p;
	rc = tx_exec(tx, Q_TAG_DELETE_OLDEST, &affected, err,
	    db_id(&change->repository_id), db_text(oldest.name),
	    db_id(&tag.manifest_id), db_text(db_cell(rows, row, 1)->p));
	*raced_out = rc == 0 && affected == 0;
	if (rc < 0 || *raced_out)
		return rc;
	/* an earlier run that was committed left no tag too many */
	if (oldest.note != NULL)
		oldest.note->event.id = rand_id_new();
	rc = record_deletion(tx, &oldest, &tag.manifest_id, err);
	return rc < 0 ? rc
		      : note_deletion(tx, oldest.note, oldest.name, &tag, err);
}

/* those beyond the limit, of which the pushed ones take their part */
static int
find_oldest(struct db_tx *tx, struct pool *pool,
    const struct rand_id *repository_id, int64_t limit,
    const char *const *pushed, size_t pushed_count, struct db_rows *rows_out,
    struct err *err)
{
	struct db_value values[1 + TAG_PUSHED_MAX + 1];

	ASSERT(pushed_count >= 1 && pushed_count <= TAG_PUSHED_MAX);
	values[0] = db_id(repository_id);
	for (size_t i = 0; i < TAG_PUSHED_MAX; i++)
		values[1 + i] = db_text(pushed[i < pushed_count ? i : 0]);
	for (size_t i = 0; i < pushed_count; i++)
		limit -= !oci_tag_is_attached(pushed[i]);
	values[1 + TAG_PUSHED_MAX] = db_int(limit);
	return tx_select_(
	    tx, pool, Q_TAG_OLDEST, rows_out, err, values, COUNT_OF(values));
}

int
tag_trim(struct db_tx *tx, struct pool *pool, const struct tag_change *change,
    int64_t limit, const char *const *pushed, size_t pushed_count,
    size_t *removed_out, struct err *err)
{
	bool again = true;
	int rc = 0;

	*removed_out = 0;
	for (unsigned tries = 0; rc == 0 && again && tries < TRIM_TRIES;
	     tries++) {
		struct db_rows rows;

		again = false;
		rc = find_oldest(tx, pool, &change->repository_id, limit,
		    pushed, pushed_count, &rows, err);
		for (size_t i = 0; rc == 0 && i < rows.count; i++) {
			bool raced = false;

			/* a version before has not marked it */
			if (oci_tag_is_attached(db_cell(&rows, i, 0)->p))
				continue;
			rc = trim_one(tx, change, &rows, i, &raced, err);
			*removed_out += rc == 0 && !raced;
			again = again || raced;
		}
	}
	return rc;
}

int
tag_remove(struct db_tx *tx, const struct tag_change *change,
    const struct rand_id *manifest_id, struct err *err)
{
	uint64_t affected;
	int rc = tx_exec(tx, Q_TAG_DELETE, &affected, err,
	    db_id(&change->repository_id), db_text(change->name),
	    db_id(manifest_id));

	if (rc < 0)
		return rc;
	if (affected == 0)
		return model_again(err);
	return record_deletion(tx, change, manifest_id, err);
}

static int
check_match(
    const struct tag_change *change, const struct tag *tag, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	if (change->if_match == NULL)
		return 0;
	oci_digest_put(text, &tag->digest);
	if (etag_list_has(change->if_match, text, ETAG_STRONG))
		return 0;
	err_set(err, E_CONFLICT, "If-Match does not hold: tag \"%s\" is %s",
	    change->name, text);
	return err_reason(err, "PRECONDITION_FAILED");
}

struct delete {
	const struct tag_change *change;
	struct pool *pool;
};

static int
delete_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct delete *d = context;
	struct event_note *note = d->change->note;
	struct tag tag;
	int rc = tag_get(tx, d->pool, &d->change->repository_id,
	    d->change->name, &tag, err);

	if (rc < 0)
		return rc;
	if (rc == 0) {
		if (db_tx_is_rerun(tx))
			return 0;
		err_set(err, E_NOTFOUND, "no tag \"%s\"", d->change->name);
		return err_reason(err, "MANIFEST_UNKNOWN");
	}
	rc = check_match(d->change, &tag, err);
	if (rc < 0)
		return rc;
	rc = tag_remove(tx, d->change, &tag.manifest_id, err);
	return rc < 0
	    ? rc
	    : note_deletion(tx, note, d->change->name, &tag, err);
}

int
tag_delete(struct db *db, struct pool *pool, const struct tag_change *change,
    struct err *err)
{
	struct delete d = { change, pool };

	return model_txn(db, delete_tx, &d, err);
}

int
tag_list(struct db *db, struct pool *pool, const struct rand_id *repository_id,
    const char *after, size_t limit, const char ***names_out,
    size_t *count_out, struct err *err)
{
	struct db_rows rows;
	int rc = db_select(db, pool, Q_TAG_LIST, &rows, err,
	    db_id(repository_id), db_text(after), db_uint(limit));

	if (rc < 0)
		return rc;
	*names_out = pool_array(pool, rows.count, sizeof(**names_out));
	*count_out = rows.count;
	for (size_t i = 0; i < rows.count; i++)
		(*names_out)[i] = db_cell(&rows, i, 0)->p;
	return 0;
}
