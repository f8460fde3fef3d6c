#include "common/base/base.h"
#include "common/model/review.h"

#include "common/model/model.h"
#include "common/model/q.h"

int
review_queue(struct db_tx *tx, enum review_kind kind,
    const struct rand_id *id1, const struct rand_id *id2, int64_t after_s,
    struct err *err)
{
	static const struct rand_id none;

	return tx_exec(tx, Q_GC_REVIEW_QUEUE, NULL, err, db_int(kind),
	    db_id(id1), db_id(id2 != NULL ? id2 : &none), db_int(after_s));
}
