#include "common/base/base.h"
#include "common/model/tag_history.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/event.h"
#include "common/model/manifest_link.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/repository.h"
#include "common/oci/manifest.h"

static struct tag_past
from_row(const struct db_rows *rows, size_t row)
{
	return (struct tag_past){
		.id = db_cell_id(rows, row, 0),
		.tag = db_cell(rows, row, 1)->p,
		.digest = model_digest(rows, row, 2, 3),
		.is_deletion = db_cell(rows, row, 4)->i == TAG_DELETED,
		.account = db_cell(rows, row, 5)->p,
		.at = db_cell(rows, row, 6)->p,
		.happened = db_cell(rows, row, 7)->p,
		.expires = db_cell(rows, row, 8)->p,
		.is_live = db_cell(rows, row, 9)->i == 1,
	};
}

int
tag_history_list(struct db *db, struct pool *pool,
    const struct rand_id *repository_id, const char *tag,
    const struct tag_past *after, size_t limit, struct tag_past **out,
    size_t *count_out, struct err *err)
{
	/* later than all */
	static const struct tag_past first = { .at = "9999-12-31" };
	const struct tag_past *past = after != NULL ? after : &first;
	struct db_rows rows;
	int rc = tag != NULL
	    ? db_select(db, pool, Q_TAG_HISTORY_LIST, &rows, err,
		  db_id(repository_id), db_text(tag), db_text(past->at),
		  db_text(past->at), db_id(&past->id), db_uint(limit))
	    : db_select(db, pool, Q_TAG_HISTORY_LIST_ALL, &rows, err,
		  db_id(repository_id), db_text(past->at), db_text(past->at),
		  db_id(&past->id), db_uint(limit));

	if (rc < 0)
		return rc;
	*out = pool_array(pool, rows.count, sizeof(**out));
	*count_out = rows.count;
	for (size_t i = 0; i < rows.count; i++)
		(*out)[i] = from_row(&rows, i);
	return 0;
}

/* These ids are made before the first run: a later one meets them. */
struct restore {
	struct tag_restore *in;
	struct rand_id event_id;
	unsigned char shard;
	struct pool *pool;

	unsigned runs;
	bool is_hidden; /* the manifest, as it was found */
};

/* 1 if an earlier run of ours was committed */
static int
is_done(struct db_tx *tx, struct restore *r, struct err *err)
{
	struct db_rows rows;
	int rc;

	if (r->runs++ == 0)
		return 0;
	rc = tx_select(
	    tx, r->pool, Q_EVENT_FIND, &rows, err, db_id(&r->event_id));
	return rc < 0 ? rc : rows.count > 0;
}

static int
refuse_gone(const struct restore *r, bool is_manifest_there, struct err *err)
{
	const struct tag_restore *in = r->in;
	char text[OCI_DIGEST_TEXT_SIZE];

	if (in->digest == NULL) {
		err_set(err, E_NOTFOUND,
		    "tag \"%s\" has no history that can be brought back",
		    in->tag);
		return err_reason(err, "MANIFEST_UNKNOWN");
	}
	oci_digest_put(text, in->digest);
	err_set(err, E_NOTFOUND,
	    is_manifest_there
		? "that tag \"%s\" pointed to %s is not in its history, or "
		  "has expired"
		: "tag \"%s\" cannot be brought back: manifest %s is gone",
	    in->tag, text);
	return err_reason(err, "MANIFEST_UNKNOWN");
}

/* what the tag is to point to */
static int
find_past(struct db_tx *tx, struct restore *r, struct err *err)
{
	struct tag_restore *in = r->in;
	const struct rand_id *repository_id = &in->repository->id;
	struct db_rows rows;
	int rc = in->digest == NULL
	    ? tx_select(tx, r->pool, Q_TAG_HISTORY_LAST, &rows, err,
		  db_id(repository_id), db_text(in->tag))
	    : tx_select(tx, r->pool, Q_TAG_HISTORY_DIGEST, &rows, err,
		  db_text(in->tag), db_id(repository_id),
		  db_bytes(
		      in->digest->bytes, digest_size(in->digest->algorithm)));

	if (rc < 0)
		return rc;
	if (rows.count == 0 || db_cell(&rows, 0, 6)->i == 0)
		return refuse_gone(r, rows.count > 0, err);
	in->now = tag_of_row(&rows, 0, 0);
	r->is_hidden = db_cell(&rows, 0, 5)->i != 0;
	return 0;
}

/* of one that only an earlier version took, nothing is known */
static int
get_document(struct db_tx *tx, const struct restore *r,
    struct oci_manifest *out, struct err *err)
{
	const struct tag *now = &r->in->now;
	const struct db_cell *payload;
	struct db_rows rows;
	int rc = tx_select(tx, r->pool, Q_MANIFEST_PAYLOAD, &rows, err,
	    db_id(&now->manifest_id));

	if (rc < 0)
		return rc;
	if (rows.count == 0)
		return model_again(err);
	payload = db_cell(&rows, 0, 0);
	if (oci_manifest_parse(out, r->pool, now->media_type, payload->p,
		payload->n, err) < 0) {
		*out = (struct oci_manifest){ 0 };
		err_clear(err);
	}
	return 0;
}

static bool
is_foreign(const struct oci_manifest *document, const struct oci_digest *digest)
{
	for (size_t i = 0; i < document->item_count; i++)
		if (oci_digest_equal(&document->items[i].digest, digest))
			return document->items[i].is_foreign;
	return false;
}

static int
refuse_missing(const struct oci_digest *missing, struct err *err)
{
	char text[OCI_DIGEST_TEXT_SIZE];

	oci_digest_put(text, missing);
	err_set(err, E_CONFLICT,
	    "%s was deleted, which the manifest needs; push it first", text);
	return err_reason(err, "MANIFEST_BLOB_UNKNOWN");
}

/* a layer that need not be here is not missed, as by a push */
static int
refuse_cut(
    struct db_tx *tx, const struct restore *r, unsigned cut, struct err *err)
{
	struct oci_manifest document;
	struct db_rows rows;
	int rc = tx_select(tx, r->pool, cut, &rows, err,
	    db_id(&r->in->now.manifest_id), db_uint(OCI_DESCRIPTORS_MAX + 1));

	if (rc < 0 || rows.count == 0)
		return rc;
	rc = get_document(tx, r, &document, err);
	for (size_t i = 0; rc == 0 && i < rows.count; i++) {
		struct oci_digest missing = model_digest(&rows, i, 0, 1);

		if (!is_foreign(&document, &missing))
			rc = refuse_missing(&missing, err);
	}
	return rc;
}

/*
 * The manifest and what it refers to, as a push of it would leave them. Its
 * links are there as long as its row is. The children are changed before they
 * are looked at: who deletes one at this moment waits for us or is seen.
 */
static int
show_manifest(struct db_tx *tx, const struct restore *r, struct err *err)
{
	const struct rand_id *id = &r->in->now.manifest_id;
	uint64_t affected;
	int rc = tx_exec(tx, Q_MANIFEST_TOUCH, &affected, err, db_id(id),
	    db_int(r->is_hidden));

	if (rc == 0 && affected == 0)
		return model_again(err);
	if (rc == 0 && r->is_hidden)
		rc = tx_exec(tx, Q_MANIFEST_CHILD_KEEP, NULL, err, db_id(id));
	if (rc == 0)
		rc = refuse_cut(tx, r, Q_MANIFEST_CHILD_CUT, err);
	if (rc == 0)
		rc = refuse_cut(tx, r, Q_MANIFEST_BLOB_CUT, err);
	if (rc == 0 && r->is_hidden)
		rc = manifest_show_blobs(tx, id, err);
	return rc;
}

static int
put_event(struct db_tx *tx, const struct restore *r, struct err *err)
{
	const struct tag_restore *in = r->in;
	struct event event = { .id = r->event_id,
		.kind = EVENT_PUSH,
		.object = EVENT_MANIFEST,
		.repository_id = in->repository->id,
		.repository = in->path,
		.tag = in->tag,
		.digest = in->now.digest,
		.media_type = in->now.media_type,
		.size = in->now.size,
		.shard = r->shard };

	return event_put(tx, in->actor, &event, err);
}

static int
set_tag(struct db_tx *tx, const struct restore *r, struct err *err)
{
	struct tag_restore *in = r->in;
	int64_t limit = repository_tag_limit(in->repository);
	struct event_note trimmed = { .actor = in->actor,
		.event = { .kind = EVENT_DELETE,
		    .object = EVENT_MANIFEST,
		    .repository_id = in->repository->id,
		    .repository = in->path } };
	struct tag_change change = { .repository_id = in->repository->id,
		.name = in->tag,
		.account_id = in->actor->account_id,
		.history_s = in->history_s,
		.immutable = in->repository->immutable_tags,
		.note = &trimmed };
	int rc = tag_set(tx, &change, in->was_there ? &in->before : NULL,
	    &in->now.manifest_id, err);

	if (rc == 0)
		rc = put_event(tx, r, err);
	if (rc == 0 && limit > 0)
		rc = tag_trim(tx, r->pool, &change, limit, &in->tag, 1,
		    &in->removed_tags, err);
	return rc;
}

static int
restore_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct restore *r = context;
	struct tag_restore *in = r->in;
	int rc = is_done(tx, r, err);

	if (rc != 0)
		return rc < 0 ? rc : 0;
	rc = find_past(tx, r, err);
	if (rc == 0)
		rc = tag_get(tx, r->pool, &in->repository->id, in->tag,
		    &in->before, err);
	if (rc < 0)
		return rc;
	in->was_there = rc == 1;
	in->is_changed = !in->was_there ||
	    !rand_id_equal(&in->before.manifest_id, &in->now.manifest_id);
	if (!in->is_changed)
		return 0;
	rc = show_manifest(tx, r, err);
	return rc < 0 ? rc : set_tag(tx, r, err);
}

int
tag_restore(struct db *db, struct pool *pool, struct tag_restore *restore,
    struct err *err)
{
	struct restore r = { .in = restore,
		.event_id = rand_id_new(),
		.shard = (unsigned char)rand_below(EVENT_SHARDS),
		.pool = pool };

	return model_txn(db, restore_tx, &r, err);
}
