#include "common/base/base.h"
#include "common/model/event.h"

#include "common/base/err.h"
#include "common/model/model.h"
#include "common/model/q.h"

/* lengths of the columns */
#define REMOTE_MAX     45
#define REQUEST_ID_MAX 64
#define USER_AGENT_MAX 255

/* text that came from outside, cut to n bytes; ASCII alone, as the columns
 * are */
static struct db_value
outside(const char *text, size_t max)
{
	size_t n = 0;

	if (text == NULL)
		return db_null();
	while (n < max && text[n] >= ' ' && text[n] < 0x7f)
		n++;
	return db_bytes(text, n);
}

static int
insert(struct db_tx *tx, const struct actor *actor, const struct event *event,
    uint64_t *affected_out, struct err *err)
{
	const struct oci_digest *digest = &event->digest;

	return tx_exec(tx, Q_EVENT_INSERT, affected_out, err,
	    db_id(&event->id), db_int(event->kind), db_int(event->object),
	    db_id(&event->repository_id), db_text(event->repository),
	    db_text(event->tag), db_int(digest->algorithm),
	    db_bytes(digest->bytes, digest_size(digest->algorithm)),
	    db_text(event->media_type), db_uint(event->size),
	    db_text(event->from_repository),
	    db_uint(event->times > 0 ? event->times : 1),
	    db_id(actor->account_id), db_text(actor->account),
	    outside(actor->remote, REMOTE_MAX),
	    outside(actor->request_id, REQUEST_ID_MAX),
	    outside(actor->user_agent, USER_AGENT_MAX));
}

int
event_put(struct db_tx *tx, const struct actor *actor,
    const struct event *event, struct err *err)
{
	bool counts = event->object == EVENT_MANIFEST &&
	    (event->kind == EVENT_PUSH || event->kind == EVENT_PULL);
	uint64_t fresh;
	int rc = insert(tx, actor, event, &fresh, err);

	if (rc < 0 || fresh == 0 || !counts)
		return rc;
	return tx_exec(tx, Q_REPOSITORY_COUNTER_ADD, NULL, err,
	    db_id(&event->repository_id), db_int(event->kind),
	    db_int(event->shard),
	    db_uint(event->times > 0 ? event->times : 1));
}

int
event_note_put(
    struct db_tx *tx, const struct event_note *note, struct err *err)
{
	return note != NULL ? event_put(tx, note->actor, &note->event, err)
			    : 0;
}

struct batch {
	const struct event_pull *pulls;
	size_t count;
};

static int
count_tag(struct db_tx *tx, const struct event *event,
    const struct rand_id *manifest_id, struct err *err)
{
	if (event->tag != NULL)
		return tx_exec(tx, Q_TAG_PULL_ADD, NULL, err,
		    db_id(&event->repository_id), db_text(event->tag),
		    db_int(event->shard), db_uint(event->times));
	return tx_exec(tx, Q_TAG_PULL_ADD_MANIFEST, NULL, err,
	    db_int(event->shard), db_uint(event->times), db_id(manifest_id));
}

static int
pulls_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct batch *batch = context;
	int rc = 0;

	for (size_t i = 0; rc == 0 && i < batch->count; i++) {
		const struct event_pull *pull = &batch->pulls[i];

		rc = event_note_put(tx, &pull->note, err);
		if (rc == 0)
			rc = count_tag(tx, &pull->note.event,
			    &pull->manifest_id, err);
	}
	return rc;
}

int
event_put_pulls(struct db *db, const struct event_pull *pulls, size_t count,
    struct err *err)
{
	struct batch batch = { pulls, count };

	ASSERT(count <= EVENT_BATCH_MAX);
	return db_txn(db, pulls_tx, &batch, err);
}
