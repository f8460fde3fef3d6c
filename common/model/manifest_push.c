#include "common/base/base.h"
#include "common/model/manifest_push.h"

#include "common/base/err.h"
#include "common/base/etag.h"
#include "common/base/pool.h"
#include "common/model/event.h"
#include "common/model/manifest_link.h"
#include "common/model/model.h"
#include "common/model/q.h"
#include "common/model/review.h"
#include "common/model/tag.h"
#include "common/oci/name.h"

/* These ids are made before the first run: a later one meets them. */
struct push {
	struct manifest_push *in;
	struct rand_id manifest_id; /* if it is new */
	struct rand_id event_ids[MANIFEST_TAGS_MAX];
	unsigned char shard;
	struct pool *pool;

	unsigned runs;
	bool maybe_done; /* an earlier run may have been committed */

	/* what it met when it looked */
	bool is_listed; /* the repository has got a manifest before */
	bool is_there, is_visible;
	struct rand_id own_id; /* if it is there */
	const char *own_type;
	bool has_tag;
	struct tag tag; /* the first one, before */
};

/* 1, or 0: no such repository. Outside of a transaction tx is NULL. */
static int
look(struct db *db, struct db_tx *tx, struct push *p, struct err *err)
{
	struct manifest_push *in = p->in;
	const struct db_value values[] = {
		db_bytes(in->digest.bytes, digest_size(in->digest.algorithm)),
		db_text(in->tag_count > 0 ? in->tags[0] : NULL),
		db_text(in->path),
	};
	struct db_rows rows;
	int rc = tx != NULL
	    ? tx_select_(tx, p->pool, Q_MANIFEST_PUSH_STATE, &rows, err,
		  values, COUNT_OF(values))
	    : db_select_(db, p->pool, Q_MANIFEST_PUSH_STATE, &rows, err,
		  values, COUNT_OF(values));

	if (rc < 0 || rows.count == 0)
		return rc;
	in->repository = repository_of_row(&rows, 0, 0);
	p->is_there = db_cell(&rows, 0, 5)->p != NULL;
	p->is_visible = p->is_there && db_cell(&rows, 0, 6)->i == 0;
	if (p->is_there)
		p->own_id = db_cell_id(&rows, 0, 5);
	p->own_type = db_cell(&rows, 0, 7)->p;
	p->has_tag = db_cell(&rows, 0, 8)->p != NULL;
	if (p->has_tag)
		p->tag = tag_of_row(&rows, 0, 8);
	p->is_listed = db_cell(&rows, 0, 13)->i == 1;
	return 1;
}

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

/* the last columns of the row: what is read out of the document, which depends
 * on the type it is taken for */
#define DESCRIPTION 6

static void
describe(struct db_value values[DESCRIPTION], const struct oci_manifest *doc)
{
	const struct oci_digest *subject = &doc->subject.digest;
	bool refers = doc->has_subject;

	values[0] = db_text(doc->media_type);
	values[1] = db_text(doc->artifact_type);
	values[2] = refers ? db_int(subject->algorithm) : db_null();
	values[3] = refers
	    ? db_bytes(subject->bytes, digest_size(subject->algorithm))
	    : db_null();
	values[4] = refers ? db_text(doc->annotations) : db_null();
	values[5] = db_int(image_size(doc));
}

static int
insert(struct db_tx *tx, const struct push *p, struct err *err)
{
	struct manifest_push *in = p->in;
	struct db_value values[6 + DESCRIPTION] = {
		db_id(&p->manifest_id),
		db_id(&in->repository.id),
		db_int(in->digest.algorithm),
		db_bytes(in->digest.bytes, digest_size(in->digest.algorithm)),
		db_uint(in->size),
		db_id(in->actor->account_id),
	};
	int rc;

	describe(values + 6, in->document);
	rc = tx_exec_(
	    tx, Q_MANIFEST_INSERT, NULL, err, values, COUNT_OF(values));
	if (rc < 0)
		return rc;
	rc = tx_exec(tx, Q_MANIFEST_PAYLOAD_INSERT, NULL, err,
	    db_id(&p->manifest_id), db_bytes(in->payload, in->size));
	if (rc < 0)
		return rc;
	return manifest_link(tx, p->pool, &p->manifest_id, in, err);
}

static int
precondition_failed(const char *header, const char *state, struct err *err)
{
	err_set(err, E_CONFLICT, "%s does not hold: %s", header, state);
	return err_reason(err, "PRECONDITION_FAILED");
}

/* an earlier run of ours that was committed meets its own work: let it pass */
static int
check_conditions(
    const struct push *p, const struct oci_digest *current, struct err *err)
{
	const struct manifest_push *in = p->in;
	char text[OCI_DIGEST_TEXT_SIZE];

	if (p->maybe_done && current != NULL &&
	    oci_digest_equal(current, &in->digest))
		return 0;
	if (current == NULL)
		return in->if_match == NULL
		    ? 0
		    : precondition_failed(
			  "If-Match", "there is no such manifest", err);
	oci_digest_put(text, current);
	if (in->if_match != NULL &&
	    !etag_list_has(in->if_match, text, ETAG_STRONG))
		return precondition_failed("If-Match", text, err);
	if (in->if_none_match != NULL &&
	    etag_list_has(in->if_none_match, text, ETAG_WEAK))
		return precondition_failed("If-None-Match", text, err);
	return 0;
}

static bool
is_retyped(const struct push *p)
{
	return p->is_visible &&
	    strcmp(p->own_type, p->in->document->media_type) != 0;
}

static bool
has_foreign(const struct oci_manifest *document)
{
	for (size_t i = 0; i < document->item_count; i++)
		if (document->items[i].is_foreign)
			return true;
	return false;
}

/*
 * What it refers to may have been deleted after it or by force, what need not
 * be here may have come, and as another type it may refer to something else: to
 * link it anew finds that out. 1 if that is needed.
 */
static int
is_to_renew(struct db_tx *tx, const struct push *p, const struct rand_id *id,
    struct err *err)
{
	bool is_index = p->in->document->kind == OCI_KIND_INDEX;
	struct db_rows rows;
	int rc;

	if (!p->is_visible || is_retyped(p) || has_foreign(p->in->document))
		return 1;
	rc = tx_select(tx, p->pool, Q_MANIFEST_BLOB_CUT, &rows, err, db_id(id),
	    db_uint(1));
	if (rc == 0 && rows.count == 0 && is_index)
		rc = tx_select(tx, p->pool, Q_MANIFEST_CHILD_CUT, &rows, err,
		    db_id(id), db_uint(1));
	return rc < 0 ? rc : rows.count > 0;
}

/* what an immutable tag points to stays what it is */
static int
check_type(struct db_tx *tx, const struct push *p, const struct rand_id *id,
    struct err *err)
{
	struct db_rows rows;
	int rc;

	if (!p->in->repository.immutable_tags || !is_retyped(p))
		return 0;
	rc = tx_select(tx, p->pool, Q_MANIFEST_HELD, &rows, err, db_id(id));
	if (rc < 0 || rows.count == 0)
		return rc;
	err_set(err, E_DENIED,
	    "an immutable tag points to this manifest, which is of type "
	    "\"%.200s\"; push it as that",
	    p->own_type);
	return err_reason(err, "DENIED");
}

/* as if it were pushed for the first time */
static int
renew(struct db_tx *tx, const struct push *p, const struct rand_id *id,
    struct err *err)
{
	struct db_value values[DESCRIPTION + 1];
	int rc;

	describe(values, p->in->document);
	values[DESCRIPTION] = db_id(id);
	rc = tx_exec_(
	    tx, Q_MANIFEST_DESCRIBE, NULL, err, values, COUNT_OF(values));
	if (rc == 0 && p->is_visible)
		rc = manifest_show_blobs(tx, id, err);
	if (rc == 0)
		rc = manifest_unlink(tx, id, p->in->promise_s, err);
	return rc < 0 ? rc : manifest_link(tx, p->pool, id, p->in, err);
}

static int
insert_or_touch(struct db_tx *tx, const struct push *p, struct rand_id *id,
    struct err *err)
{
	const struct oci_digest *digest = &p->in->digest;
	uint64_t affected;
	int rc = 0;

	if (p->in->tag_count == 0)
		rc = check_conditions(p, p->is_visible ? digest : NULL, err);
	if (rc < 0)
		return rc;
	if (!p->is_there) {
		*id = p->manifest_id;
		return insert(tx, p, err);
	}
	*id = p->own_id;
	/* for a new tag as well: a foreign key to the row does not stop its
	 * change on another node, only another change does */
	rc = tx_exec(tx, Q_MANIFEST_TOUCH, &affected, err, db_id(id),
	    db_int(!p->is_visible));
	if (rc == 0 && affected == 0)
		return model_again(err);
	if (rc == 0)
		rc = check_type(tx, p, id, err);
	if (rc == 0)
		rc = is_to_renew(tx, p, id, err);
	return rc > 0 ? renew(tx, p, id, err) : rc;
}

static int
put_event(struct db_tx *tx, const struct push *p, const char *tag, size_t i,
    struct err *err)
{
	const struct manifest_push *in = p->in;
	struct event event = { .id = p->event_ids[i], .kind = EVENT_PUSH,
		.object = EVENT_MANIFEST, .repository_id = in->repository.id,
		.repository = in->path, .tag = tag, .digest = in->digest,
		.media_type = in->document->media_type, .size = in->size,
		.shard = p->shard };

	return event_put(tx, in->actor, &event, err);
}

static struct tag_change
change_of(const struct push *p, size_t i)
{
	return (struct tag_change){
		.repository_id = p->in->repository.id,
		.name = p->in->tags[i],
		.account_id = p->in->actor->account_id,
		.history_s = p->in->history_s,
		.immutable = p->in->repository.immutable_tags,
	};
}

static int
set_tag(struct db_tx *tx, const struct push *p, size_t i,
    const struct rand_id *id, struct err *err)
{
	struct tag_change change = change_of(p, i);
	struct tag old = p->tag;
	bool found = p->has_tag;
	int rc = 0;

	/* a run that follows a lost race loses no other, and has waited since it
	 * looked */
	if (p->runs > 1)
		rc = tag_lock(
		    tx, p->pool, &change.repository_id, change.name, err);
	if (rc == 0 && (i > 0 || p->runs > 1)) {
		rc = tag_get(tx, p->pool, &change.repository_id, change.name,
		    &old, err);
		found = rc == 1;
	}
	if (rc >= 0)
		rc = check_conditions(p, found ? &old.digest : NULL, err);
	if (rc >= 0)
		rc = tag_set(tx, &change, found ? &old : NULL, id, err);
	return rc < 0 ? rc : put_event(tx, p, change.name, i, err);
}

static int
check_tag_count(const struct manifest_push *in, struct err *err)
{
	int64_t limit = repository_tag_limit(&in->repository);
	int64_t count = 0;

	for (size_t i = 0; i < in->tag_count; i++)
		count += !oci_tag_is_attached(in->tags[i]);
	if (limit == 0 || count <= limit)
		return 0;
	err_set(err, E_INVALID,
	    "%" PRId64 " tags at once, and this repository keeps %" PRId64,
	    count, limit);
	return err_reason(err, "TAG_INVALID");
}

static int
set_tags(struct db_tx *tx, struct push *p, const struct rand_id *id,
    struct err *err)
{
	int64_t limit = repository_tag_limit(&p->in->repository);
	struct event_note trimmed = { .actor = p->in->actor,
		.event = { .kind = EVENT_DELETE, .object = EVENT_MANIFEST,
		    .repository_id = p->in->repository.id,
		    .repository = p->in->path } };
	struct tag_change change = change_of(p, 0);
	int rc = check_tag_count(p->in, err);

	change.note = &trimmed;
	for (size_t i = 0; rc == 0 && i < p->in->tag_count; i++)
		rc = set_tag(tx, p, i, id, err);
	if (rc == 0 && limit > 0)
		rc = tag_trim(tx, p->pool, &change, limit, p->in->tags,
		    p->in->tag_count, &p->in->removed_tags, err);
	return rc;
}

static int
keep_untagged(struct db_tx *tx, const struct push *p, const struct rand_id *id,
    struct err *err)
{
	int rc =
	    review_queue(tx, REVIEW_MANIFEST, id, NULL, p->in->promise_s, err);

	return rc < 0 ? rc : put_event(tx, p, NULL, 0, err);
}

static int
push_tx(struct db_tx *tx, void *context, struct err *err)
{
	struct push *p = context;
	struct rand_id id;
	int rc = 1;

	p->in->removed_tags = 0;
	p->maybe_done = p->maybe_done || db_tx_is_rerun(tx);
	if (++p->runs > 1)
		rc = look(NULL, tx, p, err);
	if (rc == 0)
		return repository_unknown(p->in->path, err);
	/* first of all: rows made in it share a lock on the repository's, and
	 * two first pushes would both wait for the other to let go of it */
	if (rc > 0 && !p->is_listed)
		rc = tx_exec(tx, Q_REPOSITORY_MARK_LISTED, NULL, err,
		    db_id(&p->in->repository.id));
	if (rc >= 0)
		rc = insert_or_touch(tx, p, &id, err);
	if (rc < 0)
		return rc;
	return p->in->tag_count > 0 ? set_tags(tx, p, &id, err)
				    : keep_untagged(tx, p, &id, err);
}

int
manifest_push(struct db *db, struct pool *pool, struct manifest_push *push,
    struct err *err)
{
	struct push *p = pool_alloc(pool, sizeof(*p));
	int rc;

	*p = (struct push){ .in = push, .pool = pool };
	p->manifest_id = rand_id_new();
	p->shard = (unsigned char)rand_below(EVENT_SHARDS);
	for (size_t i = 0; i == 0 || i < push->tag_count; i++)
		p->event_ids[i] = rand_id_new();
	rc = look(db, NULL, p, err);
	if (rc == 0)
		rc = repository_find_or_create(
		    db, pool, push->path, push->may_create,
		    &push->repository, err);
	return rc < 0 ? rc : model_txn(db, push_tx, p, err);
}
