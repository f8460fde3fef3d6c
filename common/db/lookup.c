/* Lookups of several threads in one query. */
#include "common/base/base.h"
#include "common/db/db_private.h"

#include <semaphore.h>

#include "common/base/err.h"
#include "common/base/mem.h"
#include "common/base/pool.h"

enum lookup_state {
	WAITS,
	LEADS,
	SERVED,
	REFUSED,
	ALONE
};

/* Lies on the stack of its thread. It sleeps while others touch it, and is
 * woken without the lock, which it would only wait for. */
struct waiter {
	const struct db_value *args;
	size_t arg_count;
	struct pool *pool;
	struct db_rows *row;
	struct err *err;
	/* others': before told; one's own: after. Atomic for who checks
	 * threads and does not know sem_clockwait() */
	_Atomic(enum lookup_state) state;
	sem_t told;
	bool queued; /* under the lock */
	struct waiter *next;
};

/* Where lookups wait while a query of their kind runs; else it is empty. */
struct lookup_queue {
	struct waiter *first;
	struct waiter **end;
	bool runs;
};

void
lookups_init(struct db *db)
{
	pthread_mutex_init(&db->lookup_lock, NULL);
	db->lookups = mem_array(db->options.stmt_count, sizeof(*db->lookups));
	for (size_t i = 0; i < db->options.stmt_count; i++)
		db->lookups[i].end = &db->lookups[i].first;
}

void
lookups_free(struct db *db)
{
	for (size_t i = 0; i < db->options.stmt_count; i++)
		ASSERT(!db->lookups[i].runs);
	mem_free(&db->lookups);
	pthread_mutex_destroy(&db->lookup_lock);
}

/* --- under the lock */

static void
enter(struct lookup_queue *queue, struct waiter *waiter)
{
	*queue->end = waiter;
	queue->end = &waiter->next;
	waiter->queued = true;
}

static void
leave(struct lookup_queue *queue, struct waiter *waiter)
{
	struct waiter **at = &queue->first;

	while (*at != waiter)
		at = &(*at)->next;
	*at = waiter->next;
	if (*at == NULL)
		queue->end = at;
	waiter->next = NULL;
	waiter->queued = false;
}

/* Up to DB_LOOKUP_WIDTH of those that wait, as a list of their own. */
static struct waiter *
take_batch(struct lookup_queue *queue)
{
	struct waiter *batch = NULL;
	struct waiter **end = &batch;

	for (size_t i = 0; i < DB_LOOKUP_WIDTH && queue->first != NULL; i++) {
		struct waiter *waiter = queue->first;

		leave(queue, waiter);
		*end = waiter;
		end = &waiter->next;
	}
	return batch;
}

/* --- the query; those it is for sleep */

static size_t
collect(struct db_value *args, const struct waiter *batch)
{
	size_t width = batch->arg_count;
	size_t n = 0;

	for (const struct waiter *w = batch; w != NULL; w = w->next) {
		ASSERT(w->arg_count == width);
		memcpy(&args[n], w->args, width * sizeof(*args));
		n += width;
	}
	while (n < width * DB_LOOKUP_WIDTH)
		args[n++] = db_null();
	return n;
}

/* row i is for this waiter: all but its first cell, in his own memory */
static void
hand_row(struct waiter *waiter, const struct db_rows *rows, size_t i)
{
	const struct db_cell *from = db_cell(rows, i, 0) + 1;
	struct db_rows *row = waiter->row;

	ASSERT(row->count == 0);
	row->count = 1;
	row->cells = pool_array(waiter->pool, row->columns, sizeof(*from));
	for (size_t c = 0; c < row->columns; c++) {
		row->cells[c] = from[c];
		if (from[c].p != NULL)
			row->cells[c].p =
			    pool_memdup(waiter->pool, from[c].p, from[c].n);
	}
}

static void
hand_out(struct waiter *batch, const struct db_rows *rows)
{
	int64_t number = 0;

	for (struct waiter *w = batch; w != NULL; w = w->next, number++) {
		*w->row = (struct db_rows){ .columns = rows->columns - 1 };
		for (size_t i = 0; i < rows->count; i++)
			if (db_cell(rows, i, 0)->i == number)
				hand_row(w, rows, i);
	}
}

static enum lookup_state
ask(struct db *db, const struct db_lookup *lookup, struct waiter *batch)
{
	struct db_value args[DB_LOOKUP_WIDTH * DB_LOOKUP_ARGS];
	struct db_rows rows;
	size_t n = collect(args, batch);
	int rc = db_select_(
	    db, batch->pool, lookup->many, &rows, batch->err, args, n);

	if (rc == 0)
		hand_out(batch, &rows);
	/* what is wrong with one must not fail the others */
	return rc == 0 ? SERVED : rc == E_BUSY ? REFUSED : ALONE;
}

/* --- all of it */

static void
wait_told(struct waiter *self)
{
	while (sem_wait(&self->told) < 0)
		ASSERT(errno == EINTR);
}

/* Until told; alone when that takes too long. Who is in a batch by then is
 * told, and must not go before. */
static void
wait_turn(struct db *db, struct lookup_queue *queue, struct waiter *self)
{
	struct timespec until = until_time(db->options.lookup_wait_ms);
	bool waits;
	int rc;

	do
		rc = sem_clockwait(&self->told, CLOCK_MONOTONIC, &until);
	while (rc < 0 && errno == EINTR);
	if (rc == 0)
		return;
	pthread_mutex_lock(&db->lookup_lock);
	waits = self->queued;
	if (waits)
		leave(queue, self);
	pthread_mutex_unlock(&db->lookup_lock);
	if (waits)
		self->state = ALONE;
	else
		wait_told(self);
}

static void
begin(struct db *db, struct lookup_queue *queue, struct waiter *self)
{
	bool waits;

	pthread_mutex_lock(&db->lookup_lock);
	waits = queue->runs;
	if (waits)
		enter(queue, self);
	queue->runs = true;
	pthread_mutex_unlock(&db->lookup_lock);
	if (waits)
		wait_turn(db, queue, self);
	else
		self->state = LEADS;
}

static void
tell(struct waiter *waiter, enum lookup_state state)
{
	waiter->state = state;
	sem_post(&waiter->told);
}

/* The first of those that came meanwhile leads them. */
static void
end(struct db *db, struct lookup_queue *queue)
{
	struct waiter *batch;

	pthread_mutex_lock(&db->lookup_lock);
	batch = take_batch(queue);
	queue->runs = batch != NULL;
	pthread_mutex_unlock(&db->lookup_lock);
	if (batch != NULL)
		tell(batch, LEADS);
}

static enum lookup_state
lead(struct db *db, const struct db_lookup *lookup, struct waiter *self)
{
	enum lookup_state state =
	    self->next != NULL ? ask(db, lookup, self) : ALONE;
	struct waiter *next;

	for (struct waiter *w = self->next; w != NULL; w = next) {
		next = w->next; /* once told it is gone */
		if (state == REFUSED)
			*w->err = *self->err;
		tell(w, state);
	}
	return state;
}

int
db_lookup_(struct db *db, struct pool *pool, const struct db_lookup *lookup,
    struct db_rows *row_out, struct err *err, const struct db_value *args,
    size_t arg_count)
{
	struct lookup_queue *queue = &db->lookups[lookup->one];
	struct waiter self = { .args = args,
		.arg_count = arg_count,
		.pool = pool,
		.row = row_out,
		.err = err };
	bool leads;
	int rc = 0;

	ASSERT(arg_count <= DB_LOOKUP_ARGS);
	sem_init(&self.told, 0, 0);
	begin(db, queue, &self);
	leads = self.state == LEADS;
	if (leads)
		self.state = lead(db, lookup, &self);
	if (self.state == ALONE)
		rc = db_select_(
		    db, pool, lookup->one, row_out, err, args, arg_count);
	else if (self.state == REFUSED)
		rc = E_BUSY;
	if (leads)
		end(db, queue);
	ASSERT(self.state != WAITS && self.state != LEADS);
	sem_destroy(&self.told);
	return rc;
}
