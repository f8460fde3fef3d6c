#include "common/base/base.h"
#include "common/model/backlog.h"

#include "common/base/err.h"
#include "common/model/model.h"
#include "common/model/q.h"

int
backlog_read(struct db *db, struct pool *pool, int64_t expiry_s,
    struct backlog *out, struct err *err)
{
	struct db_rows rows;
	int64_t objects;
	int rc =
	    db_select(db, pool, Q_BACKLOG, &rows, err, db_int(expiry_s));

	/* counting a million of live ones would read them all */
	if (rc == 0)
		rc = db_estimate_rows(db, "object", &objects, err);
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
		.objects_uploading = db_cell(&rows, 0, 6)->i,
		.freed_bytes = db_cell(&rows, 0, 7)->i,
	};
	objects -= out->objects + out->objects_uploading;
	out->objects_live = objects > 0 ? objects : 0;
	return 0;
}
