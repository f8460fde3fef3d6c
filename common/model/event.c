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

#define EVENT_VALUES 17
/* as many rows as the statements ..._8 of schema/query/event.sql have */
#define ROWS 8

static void
fill(struct db_value v[EVENT_VALUES], const struct actor *actor,
    const struct event *event)
{
	const struct oci_digest *digest = &event->digest;
	const struct db_value values[EVENT_VALUES] = {
		db_id(&event->id),
		db_int(event->kind),
		db_int(event->object),
		db_id(&event->repository_id),
		db_text(event->repository),
		db_text(event->tag),
		db_int(digest->algorithm),
		db_bytes(digest->bytes, digest_size(digest->algorithm)),
		db_text(event->media_type),
		db_uint(event->size),
		db_text(event->from_repository),
		db_uint(event->times > 0 ? event->times : 1),
		db_id(actor->account_id),
		db_text(actor->account),
		outside(actor->remote, REMOTE_MAX),
		outside(actor->request_id, REQUEST_ID_MAX),
		outside(actor->user_agent, USER_AGENT_MAX),
	};

	memcpy(v, values, sizeof(values));
}

static int
count_repository(struct db_tx *tx, const struct event *event, uint64_t times,
    struct err *err)
{
	return tx_exec(tx, Q_REPOSITORY_COUNTER_ADD, NULL, err,
	    db_id(&event->repository_id), db_int(event->kind),
	    db_int(event->shard), db_uint(times));
}

int
event_put(struct db_tx *tx, const struct actor *actor,
    const struct event *event, struct err *err)
{
	bool counts = event->object == EVENT_MANIFEST &&
	    (event->kind == EVENT_PUSH || event->kind == EVENT_PULL);
	struct db_value values[EVENT_VALUES];
	uint64_t fresh;
	int rc;

	fill(values, actor, event);
	rc = tx_exec_(
	    tx, Q_EVENT_INSERT, &fresh, err, values, COUNT_OF(values));
	if (rc < 0 || fresh == 0 || !counts)
		return rc;
	return count_repository(
	    tx, event, event->times > 0 ? event->times : 1, err);
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
insert_rows(struct db_tx *tx, const struct event_pull *pulls, size_t rows,
    uint64_t *fresh_out, struct err *err)
{
	struct db_value values[ROWS * EVENT_VALUES];

	for (size_t i = 0; i < rows; i++)
		fill(values + i * EVENT_VALUES, pulls[i].note.actor,
		    &pulls[i].note.event);
	return tx_exec_(tx, rows == ROWS ? Q_EVENT_INSERT_8 : Q_EVENT_INSERT,
	    fresh_out, err, values, rows * EVENT_VALUES);
}

/* as many at once as a statement takes, the rest one by one */
static size_t
step(size_t left)
{
	return left >= ROWS ? ROWS : 1;
}

/* *fresh_out: 0 when an earlier run was committed */
static int
put_events(struct db_tx *tx, const struct batch *batch, uint64_t *fresh_out,
    struct err *err)
{
	size_t i = 0;

	*fresh_out = 0;
	while (i < batch->count) {
		size_t rows = step(batch->count - i);
		uint64_t fresh;
		int rc =
		    insert_rows(tx, batch->pulls + i, rows, &fresh, err);

		if (rc < 0)
			return rc;
		*fresh_out += fresh;
		i += rows;
	}
	return 0;
}

/* the batch is sorted: one row of the counter for each repository */
static int
count_repositories(
    struct db_tx *tx, const struct batch *batch, struct err *err)
{
	size_t i = 0;

	while (i < batch->count) {
		const struct event *first = &batch->pulls[i].note.event;
		uint64_t times = 0;
		int rc;

		for (; i < batch->count &&
		     rand_id_equal(&first->repository_id,
			 &batch->pulls[i].note.event.repository_id);
		     i++)
			times += batch->pulls[i].note.event.times;
		rc = count_repository(tx, first, times, err);
		if (rc < 0)
			return rc;
	}
	return 0;
}

#define TAG_VALUES 4

static int
count_tags(struct db_tx *tx, const struct event *const *events, size_t rows,
    struct err *err)
{
	struct db_value values[ROWS * TAG_VALUES];

	for (size_t i = 0; i < COUNT_OF(values); i++)
		values[i] = db_null();
	for (size_t i = 0; i < rows; i++) {
		struct db_value *v = values + i * TAG_VALUES;

		v[0] = db_id(&events[i]->repository_id);
		v[1] = db_text(events[i]->tag);
		v[2] = db_int(events[i]->shard);
		v[3] = db_uint(events[i]->times);
	}
	return tx_exec_(
	    tx, Q_TAG_PULL_ADD, NULL, err, values, COUNT_OF(values));
}

/* pulls by tag together, pulls by digest one by one */
static int
count_pulls(struct db_tx *tx, const struct batch *batch, struct err *err)
{
	const struct event *by_tag[EVENT_BATCH_MAX];
	size_t n = 0, i = 0;
	int rc = 0;

	for (size_t j = 0; rc == 0 && j < batch->count; j++) {
		const struct event *event = &batch->pulls[j].note.event;

		if (event->tag != NULL)
			by_tag[n++] = event;
		else
			rc = tx_exec(tx, Q_TAG_PULL_ADD_MANIFEST, NULL, err,
			    db_int(event->shard), db_uint(event->times),
			    db_id(&batch->pulls[j].manifest_id));
	}
	while (rc == 0 && i < n) {
		size_t rows = n - i < ROWS ? n - i : ROWS;

		rc = count_tags(tx, by_tag + i, rows, err);
		i += rows;
	}
	return rc;
}

static int
pulls_tx(struct db_tx *tx, void *context, struct err *err)
{
	const struct batch *batch = context;
	uint64_t fresh;
	int rc = put_events(tx, batch, &fresh, err);

	if (rc < 0 || fresh == 0)
		return rc;
	rc = count_repositories(tx, batch, err);
	return rc < 0 ? rc : count_pulls(tx, batch, err);
}

static int
compare(const void *a, const void *b)
{
	const struct event_pull *x = a, *y = b;

	return memcmp(x->note.event.repository_id.bytes,
	    y->note.event.repository_id.bytes, RAND_ID_SIZE);
}

int
event_put_pulls(struct db *db, struct event_pull *pulls, size_t count,
    struct err *err)
{
	struct batch batch = { pulls, count };

	ASSERT(count <= EVENT_BATCH_MAX);
	qsort(pulls, count, sizeof(*pulls), compare);
	return db_txn(db, pulls_tx, &batch, err);
}
