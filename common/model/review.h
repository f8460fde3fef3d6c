/* The queue of what garbage collection looks at next (private to model). */
#ifndef COMMON_MODEL_REVIEW_H
#define COMMON_MODEL_REVIEW_H

#include "common/base/rand.h"

struct db_tx;
struct err;

enum review_kind {
	REVIEW_MANIFEST = 1,  /* id1: manifest */
	REVIEW_REPO_BLOB = 2, /* id1: repository, id2: blob */
	REVIEW_BLOB = 3,      /* id1: blob */
};

/* Looks at it after_s seconds from now, or later if that is queued. */
int review_queue(struct db_tx *tx, enum review_kind kind,
    const struct rand_id *id1, const struct rand_id *id2, int64_t after_s,
    struct err *err);

#endif
