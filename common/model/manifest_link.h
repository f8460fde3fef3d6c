/* Links a manifest to what it refers to (private to model). */
#ifndef COMMON_MODEL_MANIFEST_LINK_H
#define COMMON_MODEL_MANIFEST_LINK_H

#include "common/base/rand.h"

struct db_tx;
struct err;
struct manifest_push;
struct pool;

/*
 * One row for each different blob or child, 16 a statement. When one is not
 * there: E_INVALID, reason MANIFEST_BLOB_UNKNOWN, push->missing filled; but for
 * layers that need not be here, which are linked if they are. What an index
 * holds and does not call a manifest may be a blob, or both: all is linked.
 */
int manifest_link(struct db_tx *tx, struct pool *pool,
    const struct rand_id *manifest_id, struct manifest_push *push,
    struct err *err);

/* Its blobs that were deleted while it was pushed are there, also without it. */
int manifest_show_blobs(
    struct db_tx *tx, const struct rand_id *manifest_id, struct err *err);

/* Takes all its links away; what they led to is reviewed after so long. */
int manifest_unlink(struct db_tx *tx, const struct rand_id *manifest_id,
    int64_t review_s, struct err *err);

#endif
