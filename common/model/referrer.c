#include "common/base/base.h"
#include "common/model/referrer.h"

#include "common/base/err.h"
#include "common/base/pool.h"
#include "common/model/model.h"
#include "common/model/q.h"

static int
ask(struct db *db, struct pool *pool, const struct referrer_query *q,
    unsigned all, unsigned of_type, size_t limit, struct db_rows *rows,
    struct err *err)
{
	struct db_value subject =
	    db_bytes(q->subject.bytes, digest_size(q->subject.algorithm));

	if (q->artifact_type == NULL)
		return db_select(db, pool, all, rows, err, db_text(q->path),
		    subject, db_id(&q->after), db_uint(limit));
	return db_select(db, pool, of_type, rows, err, db_text(q->path),
	    subject, db_text(q->artifact_type), db_id(&q->after),
	    db_uint(limit));
}

/* how many rows of a page fit; at least one if there is any */
static size_t
count_fitting(const struct db_rows *sizes, size_t max)
{
	size_t sum = 0;

	for (size_t i = 0; i < sizes->count && i < REFERRER_PAGE_MAX; i++) {
		sum += (size_t)db_cell(sizes, i, 1)->i;
		if (i > 0 && sum > max)
			return i;
	}
	return sizes->count < REFERRER_PAGE_MAX ? sizes->count
						: REFERRER_PAGE_MAX;
}

static void
from_row(struct referrer *out, const struct db_rows *rows, size_t i)
{
	*out = (struct referrer){
		.digest = model_digest(rows, i, 1, 2),
		.media_type = db_cell(rows, i, 3)->p,
		.size = (uint64_t)db_cell(rows, i, 4)->i,
		.artifact_type = db_cell(rows, i, 5)->p,
		.annotations = db_cell(rows, i, 6)->p,
	};
}

int
referrer_list(struct db *db, struct pool *pool,
    const struct referrer_query *query, struct referrer **out,
    size_t *count_out, bool *more_out, struct rand_id *last_out,
    struct err *err)
{
	struct db_rows rows;
	size_t fitting;
	int rc = ask(db, pool, query, Q_REFERRER_SIZES,
	    Q_REFERRER_SIZES_OF_TYPE, REFERRER_PAGE_MAX + 1, &rows, err);

	*count_out = 0;
	*more_out = false;
	if (rc < 0 || rows.count == 0)
		return rc;
	fitting = count_fitting(&rows, query->annotations_max);
	*more_out = fitting < rows.count;
	*last_out = db_cell_id(&rows, fitting - 1, 0);
	rc = ask(db, pool, query, Q_REFERRER_LIST, Q_REFERRER_LIST_OF_TYPE,
	    fitting, &rows, err);
	if (rc < 0)
		return rc;
	*out = pool_array(pool, rows.count, sizeof(**out));
	*count_out = rows.count;
	/* all of them may have gone since their sizes were asked */
	if (rows.count > 0)
		*last_out = db_cell_id(&rows, rows.count - 1, 0);
	for (size_t i = 0; i < rows.count; i++)
		from_row(&(*out)[i], &rows, i);
	return 0;
}

int
referrer_is_more(struct db *db, struct pool *pool,
    const struct referrer_query *query, bool *more_out, struct err *err)
{
	struct db_rows rows;
	int rc = ask(db, pool, query, Q_REFERRER_SIZES,
	    Q_REFERRER_SIZES_OF_TYPE, 1, &rows, err);

	*more_out = rc == 0 && rows.count > 0;
	return rc;
}

/* as many as the IN list has places */
#define BATCH 16

static void
mark(const struct db_rows *rows, const struct oci_digest *digests,
    size_t count, bool *keep)
{
	for (size_t i = 0; i < rows->count; i++) {
		const struct db_cell *found = db_cell(rows, i, 0);

		for (size_t j = 0; j < count; j++)
			if (found->n == digest_size(digests[j].algorithm) &&
			    memcmp(found->p, digests[j].bytes, found->n) == 0)
				keep[j] = db_cell(rows, i, 1)->i == 0;
	}
}

int
referrer_keep_fallback(struct db *db, struct pool *pool,
    const struct referrer_query *query, const struct oci_digest *digests,
    size_t count, bool *keep, struct err *err)
{
	struct db_value values[2 + BATCH];
	struct db_rows rows;

	values[0] = db_bytes(
	    query->subject.bytes, digest_size(query->subject.algorithm));
	values[1] = db_text(query->path);
	for (size_t i = 0; i < count; i += BATCH) {
		size_t n = count - i < BATCH ? count - i : BATCH;
		int rc;

		for (size_t j = 0; j < BATCH; j++) {
			const struct oci_digest *d =
			    &digests[i + (j < n ? j : n - 1)];

			values[2 + j] =
			    db_bytes(d->bytes, digest_size(d->algorithm));
		}
		rc = db_select_(db, pool, Q_REFERRER_KNOWN, &rows, err, values,
		    COUNT_OF(values));
		if (rc < 0)
			return rc;
		mark(&rows, digests + i, n, keep + i);
	}
	return 0;
}
