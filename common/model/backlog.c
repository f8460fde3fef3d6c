#include "common/base/base.h"
#include "common/model/backlog.h"

#include "common/model/model.h"
#include "common/model/q.h"

int
backlog_read(struct db *db, struct pool *pool, int64_t expiry_s,
    struct backlog *out, struct err *err)
{
	struct db_rows rows;
	int rc =
	    db_select(db, pool, Q_BACKLOG, &rows, err, db_int(expiry_s));

	if (rc < 0)
		return rc;
	/* NULL, of no rows, reads as 0 */
	*out = (struct backlog){
		.uploads = db_cell(&rows, 0, 0)->i,
		.uploads_expired = db_cell(&rows, 0, 1)->i,
		.objects = db_cell(&rows, 0, 2)->i,
		.objects_overdue_s = db_cell(&rows, 0, 3)->i,
		.reviews = db_cell(&rows, 0, 4)->i,
		.reviews_overdue_s = db_cell(&rows, 0, 5)->i,
	};
	return 0;
}
